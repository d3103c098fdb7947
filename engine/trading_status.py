"""The states of a symbol, the uncross that begins trading, and what the clock brings about.

Layer: engine.
"""

from __future__ import annotations

from engine import events as ev
from engine.auction import Clearing, clearing
from engine.book import OrderBook
from engine.commands import AdvanceTime, SetStatus
from engine.execution import leave_limit_state, note_exits, step_stops
from engine.ledger import FEE_ACCOUNT
from engine.matcher import carry_out_trades, replenish
from engine.order import Order
from engine.order_events import completed
from engine.outcome import uncross_fills
from engine.rejects import RejectReason
from engine.triggers import finish
from engine.types import TimeInForce, TradingStatus, entry_of
from engine.venue import Venue

_TRADING, _CLOSED = TradingStatus.TRADING, TradingStatus.CLOSED
_HALTED, _AUCTION = TradingStatus.HALTED, TradingStatus.AUCTION


def set_status(venue: Venue, command: SetStatus, events: list[ev.Event]) -> None:
    """Carry out a SetStatus."""
    book = venue.books.get(command.symbol)
    if book is None:
        events.append(ev.Rejected(FEE_ACCOUNT, command.symbol, RejectReason.UNKNOWN_SYMBOL, None, None))
        return
    _change_status(venue, book, command.status, events)
    if command.status is _AUCTION and command.until_ns is not None:
        venue.timers[command.symbol] = (command.until_ns, _TRADING)


def advance_time(venue: Venue, _command: AdvanceTime, events: list[ev.Event]) -> None:
    """Carry out an AdvanceTime: all that is due by the venue's time. O(what is due + symbols with a timer)."""
    now = venue.ts_ns
    expiries = venue.expiries
    while expiries and expiries.peekitem(0)[0][0] <= now:
        _expire(venue, expiries.peekitem(0)[1], events)
    while venue.timers:
        due, symbol = min((due, symbol) for symbol, (due, _) in venue.timers.items())
        if due > now:
            return
        book, status = venue.books[symbol], venue.timers[symbol][1]
        _change_status(venue, book, status, events)
        if status is _HALTED:
            venue.timers[symbol] = (now + book.instrument.halt_ns, _AUCTION)
        elif status is _AUCTION:
            venue.timers[symbol] = (now + book.instrument.auction_ns, _TRADING)


def _expire(venue: Venue, order: Order, events: list[ev.Event]) -> None:
    """End an order by the clock, and finish what that sets off."""
    venue.end(order, None, events)
    venue.end_sibling(order, events)
    note_exits(venue, order)
    finish(venue, events)


def _change_status(venue: Venue, book: OrderBook, status: TradingStatus, events: list[ev.Event]) -> None:
    """Give a symbol a status, and do what begins or ends with it."""
    symbol = book.instrument.symbol
    if book.band.limit_side is not None:
        leave_limit_state(venue, book, events)
    venue.timers.pop(symbol, None)
    book.status = status
    events.append(ev.StatusChanged(symbol, status))
    if status is _TRADING:
        book.band.refer_to(None, 0)
        found = clearing(book)
        if found is not None:
            _uncross(venue, book, found, events)
        else:
            book.renew_band(venue.ts_ns)
            _step_last(venue, book, events)
        finish(venue, events)
    elif status is _CLOSED:
        _close(venue, book, events)


def _step_last(venue: Venue, book: OrderBook, events: list[ev.Event]) -> None:
    """Trading begins, and no auction found a price: the last one, if there is any, is looked at."""
    if book.last_price is not None:
        step_stops(venue, book, book.last_price, events)


def _close(venue: Venue, book: OrderBook, events: list[ev.Event]) -> None:
    """Expire every day order of a symbol, oldest first. O(open orders of the symbol)."""
    days = [order for order in [*book.orders.values(), *book.stops] if order.time_in_force is TimeInForce.DAY]
    for order in sorted(days, key=lambda order: (entry_of(order.order_id), order.order_id)):
        if order.order_id in venue.orders:  # its sibling's end may have ended it
            _expire(venue, order, events)


def _uncross(venue: Venue, book: OrderBook, found: Clearing, events: list[ev.Event]) -> None:
    """Trade what the auction price brings together, all of it at that price, then what follows from it.

    Where nobody traded but with themselves, the price is none for others: then it is as without an uncross.
    """
    symbol, price = book.instrument.symbol, found.price
    events.append(ev.Uncrossed(symbol, price, found.quantity, found.imbalance))
    trades = uncross_fills(book, found, venue.rulebook)
    fees = venue.ledger.balance(FEE_ACCOUNT, book.instrument.quote)
    affected: list[Order] = []
    ended: list[Order] = []
    for taker, trade in trades:
        for order in carry_out_trades(book, taker, [trade], venue.next_trade_id, events, fees, auction=True):
            venue.forget(order)
            ended.append(order)
        venue.next_trade_id += 1
        if taker.leaves == 0:
            book.remove(taker)
            venue.forget(taker)
            events.append(completed(taker))
            ended.append(taker)
        elif taker.leaves == taker.hidden:
            replenish(taker, events)
        affected += [order for order in (trade.maker, taker) if order.sibling is not None]
    book.changed_seq = venue.seq
    if all(trade.self_trade for _, trade in trades):
        book.renew_band(venue.ts_ns)
    else:
        book.last_price = price
        book.band.refer_to(book.inside_bbo(price), venue.ts_ns)
    for order in affected:
        venue.end_sibling(order, events)
    _step_last(venue, book, events)
    for order in ended:
        note_exits(venue, order)
