"""The recorded journals: where they lie, and what a replay of one must give.

The measures survive a change of names: an event counts as a tag of its own and its field values in order, a command
as the tag that it has in the journal.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from engine import events as ev
from engine.commands import AdvanceTime, CancelAll, CancelOrder, EnterOrder, SetStatus
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.rejects import CancelReason, RejectReason
from engine.types import OrderType
from journal.sqlite import SqliteJournal
from replica.replay import replay

FOLDER = Path(__file__).parent / "recorded"
MEASURES = FOLDER / "digests.json"
KNOWN = FOLDER / "known.json"  # what there was to record, when it was
NAMES = [path.name.removesuffix(".sqlite.xz") for path in sorted(FOLDER.glob("*.sqlite.xz"))]
STRETCH = 250  # commands between two notes of the events' hash, so that a difference shows where it begins

# The tag of an event never changes; a class that is renamed or moved changes its key here.
EVENT_TAGS: dict[type[ev.Event], str] = {
    ev.InstrumentListed: "InstrumentListed",
    ev.StatusChanged: "StatusChanged",
    ev.LimitStateChanged: "LimitStateChanged",
    ev.Uncrossed: "Uncrossed",
    ev.Accepted: "Accepted",
    ev.Triggered: "Triggered",
    ev.StopPriceMoved: "Trailed",
    ev.Replenished: "Replenished",
    ev.DuplicateRequest: "Repeated",
    ev.Rejected: "Rejected",
    ev.Filled: "Filled",
    ev.Amended: "Amended",
    ev.Deposited: "Deposited",
    ev.Withdrawn: "Withdrawn",
    ev.AccountConfigured: "AccountConfigured",
    ev.AccountStopped: "AccountStopped",
    ev.Completed: "Completed",
    ev.Cancelled: "Cancelled",
    ev.Expired: "Expired",
}


class Measures(msgspec.Struct, frozen=True):
    """What is compared of one journal and its replay."""

    commands: int
    records: int
    chain: str  # of the last record
    state: str  # the digest of the state at the end
    events: str  # SHA-256 over all events
    events_on_the_way: list[str]  # its beginning after every STRETCH commands
    counts: dict[str, int]  # of commands, events, reasons, options and ends, each by its kind


class Known(msgspec.Struct, frozen=True):
    """The kinds that the recordings have an example of each; one that is newer waits for a journal of its own."""

    order_types: tuple[OrderType, ...] = tuple(OrderType)
    reject_reasons: tuple[RejectReason, ...] = tuple(RejectReason)
    cancel_reasons: tuple[CancelReason, ...] = tuple(CancelReason)


def known() -> Known:
    """The kinds that were known when the journals were recorded."""
    return msgspec.json.decode(KNOWN.read_bytes(), type=Known)


@contextmanager
def unpacked(name: str, folder: Path) -> Iterator[SqliteJournal]:
    """The recorded journal of this name, opened from a copy in `folder`."""
    path = folder / f"{name}.sqlite"
    path.write_bytes(lzma.decompress((FOLDER / f"{name}.sqlite.xz").read_bytes()))
    with closing(SqliteJournal(path)) as journal:
        yield journal


def measure(journal: SqliteJournal) -> Measures:
    """Replay `journal` into a new exchange, and measure what comes of it."""
    sha, on_the_way, counts = hashlib.sha256(), [], Counter[str]()

    def measure(batch: list[CommandResult]) -> None:
        for applied in batch:
            for event in applied.events:
                sha.update(encoded(event))
            counts.update(kinds(applied))
            if applied.seq % STRETCH == 0:
                on_the_way.append(sha.hexdigest()[:12])

    exchange = Exchange()
    result = replay(journal, exchange, measure)
    exchange.check_invariants()
    chain = journal.last.chain.hex() if journal.last else ""
    return Measures(
        result.commands,
        result.batches,
        chain,
        result.digest,
        sha.hexdigest(),
        on_the_way,
        dict(sorted(counts.items())),
    )


def encoded(event: ev.Event) -> bytes:
    """An event without the names of its class and fields."""
    return json.dumps([EVENT_TAGS[type(event)], *_values(event)]).encode() + b"\n"


def _values(struct: msgspec.Struct) -> list[Any]:
    values = (getattr(struct, name) for name in struct.__struct_fields__)
    return [_values(value) if isinstance(value, msgspec.Struct) else value for value in values]


def kinds(applied: CommandResult) -> Iterator[str]:
    """Everything that one command and its events are an example of."""
    command, ended = applied.command, any(isinstance(event, ev.Ended) for event in applied.events)
    yield f"command {type(command).__struct_config__.tag}"
    match command:
        case SetStatus():
            yield f"status set {command.status}"
        case EnterOrder():
            yield from (f"asked {kind}" for kind in _asked(command))
        case CancelOrder() if ended:
            yield "cancelled by order id" if command.order_id is not None else "cancelled by client order id"
        case CancelAll() if ended:
            yield "cancelled all of " + ("the account" if command.symbol is None else "a symbol")
        case AdvanceTime() if applied.events:
            yield "time set something off"
    for event in applied.events:
        yield f"event {EVENT_TAGS[type(event)]}"
        yield from _of_event(event)


def _asked(command: EnterOrder) -> Iterator[str]:
    yield f"{command.order_type} {command.time_in_force}"
    yield f"prevention {command.self_trade_prevention}"
    if command.quote_quantity is not None:
        yield "quote_quantity"
    if command.options is not None:
        options = command.options
        yield from (name for name in options.__struct_fields__ if getattr(options, name) is not None)


def _of_event(event: ev.Event) -> Iterator[str]:
    match event:
        case ev.Accepted():
            yield f"accepted {event.order_type} {event.time_in_force}"
            yield f"accepted prevention {event.prevention}"
            if event.terms is not None:
                terms = event.terms
                yield from (f"accepted {name}" for name in terms.__struct_fields__ if getattr(terms, name) is not None)
                if terms.post_only is not None:
                    yield f"accepted post_only {terms.post_only}"
        case ev.StatusChanged():
            yield f"status {event.status}"
        case ev.LimitStateChanged():
            yield f"limit state {event.side}"
        case ev.Rejected():
            yield f"rejected {event.reason}"
        case ev.Filled():
            yield "filled " + (
                "in an auction" if event.auction else "with itself" if event.self_trade else "in trading"
            )
        case ev.Amended():
            yield "amended " + ("in place" if event.kept_priority else "to the back")
        case ev.Cancelled() | ev.Expired():
            how = "expired" if isinstance(event, ev.Expired) else "cancelled"
            yield f"ended {event.order_type} {'partly filled' if event.cum else 'unfilled'} {how}"
            if isinstance(event, ev.Cancelled):
                yield f"cancelled {event.reason}"
        case ev.Completed():
            yield f"ended {event.order_type} filled"
