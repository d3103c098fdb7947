"""The checks before matching, in precedence order: the first that fails is the reject reason.

Layer: engine.
"""

from __future__ import annotations

from engine.accounts import Account
from engine.book import OrderBook
from engine.commands import EnterOrder
from engine.instrument import FEE_UNIT, Instrument
from engine.ledger import Ledger
from engine.rejects import RejectReason
from engine.types import Lots, OrderType, Side, Ticks, TimeInForce, TradingStatus

_BUY, _LIMIT, _MARKET = Side.BUY, OrderType.LIMIT, OrderType.MARKET
_TRADING, _GTC = TradingStatus.TRADING, TimeInForce.GTC


def refuse_entry(command: EnterOrder, book: OrderBook, owner: Account, ledger: Ledger) -> RejectReason | None:
    """The first rule that `command` breaks, or None. O(1).

    The symbol is known and trading, the owner may trade, the client order id is new: the
    exchange has looked. Whether the owner can pay is seen when the matches are planned.
    """
    instrument = book.instrument
    price, quantity = command.price, command.quantity
    if not _combines(command):
        return RejectReason.UNSUPPORTED_COMBINATION
    if isinstance(price, str) or (price is not None and price < 1):
        return RejectReason.BAD_TICK
    if isinstance(quantity, str) or isinstance(command.quote_quantity, str):
        return RejectReason.BAD_LOT
    valued_at = price if price is not None else reference_price(book, command.side)
    if quantity is None:
        reason = _refuse_notional(instrument, owner, ledger, command.quote_quantity or 0)
    else:
        reason = _refuse_size(instrument, owner, ledger, valued_at, quantity)
    if reason is not None:
        return reason
    if price is not None and beyond_collar(book, command.side, price):
        return RejectReason.PRICE_OUTSIDE_COLLAR
    most = owner.configuration.max_open_orders
    if owner.open_count.get(instrument.symbol, 0) >= instrument.max_open_orders or (
        most is not None and len(owner.open_orders) >= most
    ):
        return RejectReason.TOO_MANY_OPEN_ORDERS
    return None


def refuse_amend(
    book: OrderBook,
    owner: Account,
    ledger: Ledger,
    side: Side,
    price: Ticks | str,
    quantity: Lots | str,
    *,
    price_changed: bool,
) -> RejectReason | None:
    """The first rule that an open order of `book` with this price and whole quantity would break, or None."""
    if book.status is not _TRADING:
        return RejectReason.SYMBOL_NOT_TRADING
    if isinstance(price, str) or price < 1:
        return RejectReason.BAD_TICK
    if isinstance(quantity, str):
        return RejectReason.BAD_LOT
    reason = _refuse_size(book.instrument, owner, ledger, price, quantity)
    if reason is not None:
        return reason
    if price_changed and beyond_collar(book, side, price):
        return RejectReason.PRICE_OUTSIDE_COLLAR
    return None


def _refuse_size(
    instrument: Instrument, owner: Account, ledger: Ledger, price: Ticks | None, quantity: Lots
) -> RejectReason | None:
    """Whether quantity, or price times quantity where a price is known, is outside the limits."""
    if quantity < instrument.min_quantity:
        return RejectReason.QUANTITY_TOO_SMALL
    if quantity > instrument.max_quantity:
        return RejectReason.QUANTITY_TOO_LARGE
    if price is None:
        return None
    return _refuse_notional(instrument, owner, ledger, price * quantity * instrument.lot_tick_amount)


def reference_price(book: OrderBook, side: Side) -> Ticks | None:
    """What prices are measured against: the last trade, brought inside the best bid and offer.

    Before the first trade the instrument's reference price, and without one the best
    price an order of `side` could take. None when there is nothing to go by.
    """
    last = book.last_price
    if last is None:
        last = book.instrument.reference_price
    if last is None:
        return book.opposite(side).best_price
    bid, ask = book.bids.best, book.asks.best
    if bid is not None and last < bid.price:
        return bid.price
    if ask is not None and last > ask.price:
        return ask.price
    return last


def collar_limit(book: OrderBook, side: Side) -> Ticks | None:
    """The worst price an order of `side` may trade at: the highest for a buy, the lowest for a sell.

    None when the instrument has no collar or there is no reference price.
    """
    collar = book.instrument.collar
    if collar is None:
        return None
    reference = reference_price(book, side)
    if reference is None:
        return None
    room = reference * collar // FEE_UNIT
    return Ticks(reference + room) if side is _BUY else Ticks(max(reference - room, 1))


def beyond_collar(book: OrderBook, side: Side, price: Ticks) -> bool:
    """Whether a buy is priced above, or a sell below, what the collar allows."""
    limit = collar_limit(book, side)
    if limit is None:
        return False
    return price > limit if side is _BUY else price < limit


def _refuse_notional(instrument: Instrument, owner: Account, ledger: Ledger, notional: int) -> RejectReason | None:
    if notional < instrument.min_notional or notional < 1:
        return RejectReason.NOTIONAL_TOO_SMALL
    if notional > instrument.max_notional:
        return RejectReason.NOTIONAL_TOO_LARGE
    own = owner.configuration.max_notional
    if own is not None and notional > ledger.limit(instrument.quote, own):
        return RejectReason.NOTIONAL_TOO_LARGE
    return None


def _combines(command: EnterOrder) -> bool:
    """Whether type, time in force, price and the two ways to say a quantity go together."""
    if command.order_type is _LIMIT:
        return command.price is not None and command.quantity is not None and command.quote_quantity is None
    if command.price is not None or command.time_in_force is _GTC:
        return False
    if command.quote_quantity is not None:
        return command.quantity is None and command.time_in_force is TimeInForce.IOC
    return command.quantity is not None
