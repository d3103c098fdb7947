"""From commands to the chapters of one order, and from chapters to the whole explanation.

Layer: explain. Pure: the exchange is the caller's own copy, and is moved on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial

import msgspec

from engine.commands import AmendOrder, CancelOrder, Command, EnterOrder
from engine.events import CommandResult, Ended, Event, Filled
from engine.exchange import Exchange
from engine.types import AccountId, Amount, Lots, OrderId
from explain.answers import Chapter, Explanation
from explain.chapters import build_chapter
from explain.command_context import CommandContext
from explain.command_summary import CommandSummary
from journal.codec import BatchRecord, open_batch
from listings.grid import Grid
from replica.follower import Follower

CHAPTERS_MAX = 200  # of one order: the first half and the last half of them

Sequenced = tuple[int, int, Command]  # seq, ts_ns, command


class Totals(msgspec.Struct, frozen=True):
    """What an order had filled after a command."""

    filled: str = "0"
    notional: str = "0"
    fees: str = "0"
    average_price: str | None = None


class ChapterResult(msgspec.Struct, frozen=True):
    """One chapter, and how much of the order was filled after it."""

    chapter: Chapter
    totals: Totals | None  # None: the command leaves open how much is filled


class Subject(msgspec.Struct, frozen=True):
    """What is to be explained: an order of an account, or of its fills only that of one trade."""

    order_id: OrderId
    account: AccountId
    symbol: str
    trade_id: int | None = None


def chapters_of_records(
    follower: Follower, records: Iterable[BatchRecord], seqs: Collection[int], subject: Subject
) -> list[ChapterResult]:
    """Follow `records`; return a chapter for each command whose seq is in `seqs`. O(commands). Raises as `follow`."""
    wanted = set(seqs)
    results: list[ChapterResult] = []
    for record in records:
        commands = open_batch(record)
        steps = follower.steps(record, commands)
        for seq, command in enumerate(commands, record.first_seq):
            if seq in wanted:
                sequenced, apply = (seq, record.ts_ns, command), partial(_next_events, steps)
                results.append(chapter_of_command(follower.exchange, sequenced, subject, apply))
            else:
                next(steps)
        next(steps, None)  # the record is applied whole
    return results


def _next_events(steps: Iterator[CommandResult]) -> list[Event]:
    return next(steps).events


def chapter_of_command(
    exchange: Exchange, sequenced: Sequenced, subject: Subject, apply: Callable[[], list[Event]]
) -> ChapterResult:
    """The chapter of the next command of `exchange`, which `apply` applies."""
    seq, ts_ns, command = sequenced
    if subject.symbol not in exchange.books:
        summary = CommandSummary(exchange, command, seq, ts_ns)
        return ChapterResult(summary.chapter(apply()), None)
    order_id, account = subject.order_id, subject.account
    context = CommandContext(exchange, command, seq, ts_ns, subject.symbol, order_id, account)
    events = apply()
    chapter = build_chapter(context, events, subject.trade_id)
    return ChapterResult(chapter, _totals(exchange, events, subject, context.grid))


def _totals(exchange: Exchange, events: list[Event], subject: Subject, grid: Grid) -> Totals | None:
    """What is filled of the order, or what the one trade filled; None before it is entered and after its end."""
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
        return None
    return _totalled(order.cum, order.quote_cum, order.fees, grid)


def _totalled(cum: Lots, notional: Amount, fees: Amount, grid: Grid) -> Totals:
    return Totals(grid.quantity(cum), grid.amount(notional), grid.amount(fees), grid.average_price(notional, cum))


def subject_of_command(command: Command, seq: int) -> tuple[OrderId, str | None]:
    """The order that a command is about, and its symbol where the command says it."""
    if isinstance(command, EnterOrder):
        return OrderId(seq), command.symbol
    if isinstance(command, AmendOrder | CancelOrder) and command.order_id is not None:
        return command.order_id, None
    return OrderId(seq), None


def chosen_seqs(seqs: Sequence[int], end: int | None) -> tuple[list[int], int]:
    """The seqs of an order that get a chapter, and how many in the middle do not; `end`, its last, always does."""
    if len(seqs) <= CHAPTERS_MAX:
        return list(seqs), 0
    half = CHAPTERS_MAX // 2
    chosen = [*seqs[:half], *seqs[-half:]]
    if end is not None and end not in chosen:
        chosen.insert(half, end)
    return chosen, len(seqs) - len(chosen)


def last_totals(results: Sequence[ChapterResult]) -> Totals:
    """The latest totals that these chapters know; zeros when none does."""
    return next((one.totals for one in reversed(results) if one.totals is not None), Totals())


def assemble_explanation(
    results: Sequence[ChapterResult], subject: Subject, as_of_seq: int, left_out: int, totals: Totals | None = None
) -> Explanation:
    """Join chapters into one answer.

    `results` is not empty. `as_of_seq` and `left_out` go into the answer; without `totals` the chapters' own are taken.
    """
    last = results[-1]
    totals = totals or last_totals(results if subject.trade_id is None else results[:1])
    words: list[str] = []
    for one in results:
        words.extend(one.chapter.words)
    is_order = subject.symbol != "" and any("accepted" in one.chapter.happened for one in results)
    return Explanation(
        order_id=str(subject.order_id) if is_order or subject.trade_id is not None else None,
        trade_id=None if subject.trade_id is None else str(subject.trade_id),
        symbol=subject.symbol or None,
        seq=results[0].chapter.seq,
        as_of_seq=max(as_of_seq, last.chapter.seq),
        words=words,
        filled=totals.filled,
        notional=totals.notional,
        fees=totals.fees,
        average_price=totals.average_price,
        chapters=[one.chapter for one in results],
        chapters_left_out=left_out,
    )
