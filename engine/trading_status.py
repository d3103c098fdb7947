"""The states of a symbol, the uncross that begins trading, and what the clock brings about.

Layer: engine.
"""

from __future__ import annotations

from engine import events as ev
from engine.auction import clearing
from engine.book import OrderBook
from engine.commands import AdvanceTime, SetStatus
from engine.execution import leave_limit_state, note_exits, step_stops
from engine.ledger import FEE_ACCOUNT
from engine.matcher import carry_out_trades, replenish
from engine.order import Order
from engine.order_events import completed
from engine.outcome import AuctionOutcome, auction_outcome
from engine.rejects import RejectReason
from engine.state import ExchangeState
from engine.triggers import finish
from engine.types import TimeInForce, TradingStatus

_TRADING, _CLOSED = TradingStatus.TRADING, TradingStatus.CLOSED
_HALTED, _AUCTION = TradingStatus.HALTED, TradingStatus.AUCTION


def set_status(state: ExchangeState, command: SetStatus, events: list[ev.Event]) -> None:
    """Carry out a SetStatus."""
    book = state.books.get(command.symbol)
    if book is None:
        events.append(ev.Rejected(FEE_ACCOUNT, command.symbol, RejectReason.UNKNOWN_SYMBOL, None, None))
        return
    _change_status(state, book, command.status, events)
    if command.status is _AUCTION and command.until_ns is not None:
        state.timers[command.symbol] = (command.until_ns, _TRADING)


def advance_time(state: ExchangeState, command: AdvanceTime, events: list[ev.Event]) -> None:
    """Carry out an AdvanceTime: all that is due by the venue's time. O(what is due + symbols with a timer)."""
    now, left = state.ts_ns, command.limit
    expiries = state.expiries
    while expiries and expiries.peekitem(0)[0][0] <= now:
        if left is not None:
            if left <= 0:
                return
            left -= 1
        _expire(state, expiries.peekitem(0)[1], events)
    while state.timers:
        due, symbol = min((due, symbol) for symbol, (due, _) in state.timers.items())
        if due > now:
            return
        book, status = state.books[symbol], state.timers[symbol][1]
        _change_status(state, book, status, events)
        if status is _HALTED:
            state.timers[symbol] = (now + book.instrument.halt_ns, _AUCTION)
        elif status is _AUCTION:
            state.timers[symbol] = (now + book.instrument.auction_ns, _TRADING)


def _expire(state: ExchangeState, order: Order, events: list[ev.Event]) -> None:
    """End an order by the clock, and finish what that sets off."""
    state.end(order, None, events)
    state.end_sibling(order, events)
    note_exits(state, order)
    finish(state, events)


def _change_status(state: ExchangeState, book: OrderBook, status: TradingStatus, events: list[ev.Event]) -> None:
    """Give a symbol a status, and do what begins or ends with it."""
    symbol = book.instrument.symbol
    if book.band.limit_side is not None:
        leave_limit_state(state, book, events)
    state.timers.pop(symbol, None)
    book.status = status
    events.append(ev.StatusChanged(symbol, status))
    if status is _TRADING:
        book.band.refer_to(None, 0)
        found = clearing(book)
        if found is not None:
            _commit_uncross(state, book, auction_outcome(book, found, state.rulebook), events)
        else:
            book.renew_band(state.ts_ns)
            _step_last(state, book, events)
        finish(state, events)
    elif status is _CLOSED:
        _close(state, book, events)


def _step_last(state: ExchangeState, book: OrderBook, events: list[ev.Event]) -> None:
    """Trading begins: let stops and trailing stops meet the last price, if there is one."""
    if book.last_price is not None:
        step_stops(state, book, book.last_price, events)


def _close(state: ExchangeState, book: OrderBook, events: list[ev.Event]) -> None:
    """Expire every day order of a symbol, oldest first. O(open orders of the symbol)."""
    days = [order for order in [*book.orders.values(), *book.stops] if order.time_in_force is TimeInForce.DAY]
    for order in sorted(days, key=lambda order: order.age):
        if order.order_id in state.orders:  # when its linked order ended, it ended too
            _expire(state, order, events)


def _commit_uncross(state: ExchangeState, book: OrderBook, outcome: AuctionOutcome, events: list[ev.Event]) -> None:
    """Carry out what an auction brings together, all of it at its price, then what follows from it.

    Where nobody traded but with themselves, the price is none for others: then it is as without an uncross.
    """
    found = outcome.clearing
    events.append(ev.Uncrossed(book.instrument.symbol, found.price, found.quantity, found.imbalance))
    fees = state.ledger.balance(FEE_ACCOUNT, book.instrument.quote)
    affected: list[Order] = []
    ended: list[Order] = []
    for taker, trade in outcome.trades:
        for order in carry_out_trades(book, taker, [trade], state.next_trade_id, events, fees, auction=True):
            state.forget(order)
            ended.append(order)
        state.next_trade_id += 1
        if taker.leaves == 0:
            book.remove(taker)
            state.forget(taker)
            events.append(completed(taker))
            ended.append(taker)
        elif taker.leaves == taker.hidden:
            replenish(taker, events)
        affected += [order for order in (trade.maker, taker) if order.sibling is not None]
    book.changed_seq = state.seq
    if outcome.last_price is None:
        book.renew_band(state.ts_ns)
    else:
        book.last_price = outcome.last_price
        book.band.refer_to(book.inside_bbo(outcome.last_price), state.ts_ns)
    for order in affected:
        state.end_sibling(order, events)
    _step_last(state, book, events)
    for order in ended:
        note_exits(state, order)
