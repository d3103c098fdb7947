"""From commands to the chapters of one order, and from chapters to the whole explanation.

Layer: api. Pure: the exchange is the caller's own copy, and is moved on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from api.explanation.answers import Chapter, Explanation
from api.explanation.chapters import tell
from api.explanation.looking import Look
from api.explanation.words import refusal, utc
from api.grid import Grid
from engine.commands import AmendOrder, CancelOrder, Command, EnterOrder
from engine.events import Ended, Event, Filled, Rejected
from engine.exchange import Exchange
from engine.types import AccountId, Amount, Lots, OrderId, Seq

CHAPTERS_MAX = 200  # told of one order: the first half and the last half of them

Sequenced = tuple[int, int, Command]  # seq, ts_ns, command


class Totals(msgspec.Struct, frozen=True):
    """What an order had filled after a command."""

    filled: str = "0"
    notional: str = "0"
    fees: str = "0"
    average_price: str | None = None


class Told(msgspec.Struct, frozen=True):
    """One chapter, and how far the order was after it."""

    chapter: Chapter
    totals: Totals


class Subject(msgspec.Struct, frozen=True):
    """What is to be explained: an order of an account, or of its fills only that of one trade."""

    order_id: OrderId
    account: AccountId
    symbol: str
    trade_id: int | None = None


def tell_commands(
    exchange: Exchange, commands: Iterable[Sequenced], seqs: Collection[int], subject: Subject
) -> list[Told]:
    """Apply `commands` to `exchange`; return a chapter for each whose seq is in `seqs`. O(commands)."""
    wanted = set(seqs)
    told: list[Told] = []
    for seq, ts_ns, command in commands:
        if seq not in wanted:
            exchange.apply(command, Seq(seq), ts_ns)
        elif subject.symbol not in exchange.books:
            events = exchange.apply(command, Seq(seq), ts_ns)
            told.append(Told(plain_chapter(seq, ts_ns, events), Totals()))
        else:
            order_id, account = subject.order_id, subject.account
            before = Look(exchange, command, seq, ts_ns, subject.symbol, order_id, account)
            events = exchange.apply(command, Seq(seq), ts_ns)
            chapter = tell(before, events, subject.trade_id)
            told.append(Told(chapter, _totals(exchange, events, subject, before.grid)))
    return told


def _totals(exchange: Exchange, events: list[Event], subject: Subject, grid: Grid) -> Totals:
    """How far the order is, or for one trade what that came to."""
    if subject.trade_id is not None:
        for event in events:
            if isinstance(event, Filled) and event.trade_id == subject.trade_id:
                fee = event.maker_fee if event.maker_order_id == subject.order_id else event.taker_fee
                return _totalled(event.quantity, event.notional, fee, grid)
    for event in reversed(events):
        if isinstance(event, Ended) and event.order_id == subject.order_id:
            return _totalled(event.cum, event.quote_cum, event.fees, grid)
    order = exchange.order(subject.order_id)
    if order is None:
        return _totalled(Lots(0), Amount(0), Amount(0), grid)
    return _totalled(order.cum, order.quote_cum, order.fees, grid)


def _totalled(cum: Lots, notional: Amount, fees: Amount, grid: Grid) -> Totals:
    return Totals(grid.quantity(cum), grid.amount(notional), grid.amount(fees), grid.average_price(notional, cum))


def plain_chapter(seq: int, ts_ns: int, events: list[Event]) -> Chapter:
    """A command that met no book: a refused cancel, an order for an unknown symbol, a deposit."""
    rejected = [event for event in events if isinstance(event, Rejected)]
    words = [f"Command {seq}, {utc(ts_ns)}."]
    words += [refusal(event.reason) for event in rejected] or ["It was carried out."]
    return Chapter(
        order_id=None,
        side=None,
        seq=seq,
        ts_ns=ts_ns,
        timestamp=ts_ns / 1e9,
        happened=["rejected" if rejected else "done"],
        words=words,
        asked=None,
        book=None,
        checks=[],
        funds=None,
        levels=[],
        stopped_because=rejected[0].reason if rejected else None,
        protections=[],
        fills=[],
        place_before=None,
        place_after=None,
        auction=[],
    )


def subject_of_command(command: Command, seq: int) -> tuple[OrderId, str | None]:
    """The order that a command is about, and its symbol where the command says it."""
    if isinstance(command, EnterOrder):
        return OrderId(seq), command.symbol
    if isinstance(command, AmendOrder | CancelOrder) and command.order_id is not None:
        return command.order_id, None
    return OrderId(seq), None


def told_seqs(seqs: Sequence[int]) -> tuple[list[int], int]:
    """Those of an order's seqs that are told, and how many in the middle are left out."""
    if len(seqs) <= CHAPTERS_MAX:
        return list(seqs), 0
    half = CHAPTERS_MAX // 2
    return [*seqs[:half], *seqs[-half:]], len(seqs) - 2 * half


def explanation(told: Sequence[Told], subject: Subject, as_of_seq: int, left_out: int) -> Explanation:
    """The chapters as one answer. `told` is not empty."""
    last = told[-1]
    totals = last.totals if subject.trade_id is None else told[0].totals
    words: list[str] = []
    for one in told:
        words.extend(one.chapter.words)
    is_order = subject.symbol != "" and any("accepted" in one.chapter.happened for one in told)
    return Explanation(
        order_id=str(subject.order_id) if is_order or subject.trade_id is not None else None,
        trade_id=None if subject.trade_id is None else str(subject.trade_id),
        symbol=subject.symbol or None,
        seq=told[0].chapter.seq,
        as_of_seq=max(as_of_seq, last.chapter.seq),
        words=words,
        filled=totals.filled,
        notional=totals.notional,
        fees=totals.fees,
        average_price=totals.average_price,
        chapters=[one.chapter for one in told],
        chapters_left_out=left_out,
    )
