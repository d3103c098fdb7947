"""The checks before matching, in precedence order: the first that fails is the reject reason.

Layer: engine.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.accounts import Account
from engine.bands import collar_edge
from engine.book import OrderBook
from engine.commands import EnterOrder, OrderOptions
from engine.instrument import FEE_UNIT, Instrument
from engine.ledger import Ledger
from engine.rejects import RejectReason
from engine.rulebook import OWN_TRADES_NO_PRICE_SINCE
from engine.stops import trail_of
from engine.types import (
    SANDBOX_ACCOUNT,
    Lots,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)

MAX_SLICES = 100  # an iceberg shows at least a hundredth of itself
MAX_TRAIL = FEE_UNIT  # a trail in millionths is less than the whole price

_BUY, _SELL = Side.BUY, Side.SELL
_LIMIT, _MARKET, _OCO, _TRAILING = OrderType.LIMIT, OrderType.MARKET, OrderType.OCO, OrderType.TRAILING_STOP
_TRADING = TradingStatus.TRADING
_UNPREVENTED = SelfTradePrevention.NONE
_GTC, _IOC, _FOK, _GTD = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTD
_GATHERING = (TradingStatus.PRE_OPEN, TradingStatus.AUCTION)

_PRICES = ("stop_price", "stop_limit_price", "trail_amount", "take_profit", "stop_loss", "stop_loss_limit")
_EXITS = ("take_profit", "stop_loss", "stop_loss_limit")


class OrderTypeRules(NamedTuple):
    """What goes with an order type. That of a waiting type with a stop price among its options must be given."""

    priced: bool  # a price must be given; else it must not
    waits: bool  # for a trigger, with nothing to take at once
    options: tuple[str, ...]  # except expire_ns


ORDER_TYPES: Final[dict[OrderType, OrderTypeRules]] = {
    OrderType.LIMIT: OrderTypeRules(True, False, (*_EXITS, "post_only", "display_quantity")),
    OrderType.MARKET: OrderTypeRules(False, False, _EXITS),
    OrderType.STOP: OrderTypeRules(False, True, ("stop_price",)),
    OrderType.STOP_LIMIT: OrderTypeRules(True, True, ("stop_price", "display_quantity")),
    OrderType.TRAILING_STOP: OrderTypeRules(False, True, ("trail_amount", "trail_percent")),
    OrderType.TAKE_PROFIT: OrderTypeRules(False, True, ("stop_price",)),
    OrderType.TAKE_PROFIT_LIMIT: OrderTypeRules(True, True, ("stop_price", "display_quantity")),
    OrderType.OCO: OrderTypeRules(True, True, ("stop_price", "stop_limit_price")),
}
_NO_OPTIONS = OrderOptions()


def gathers(status: TradingStatus) -> bool:
    """Whether orders gather for an auction: they rest without matching, and the book may cross."""
    return status in _GATHERING


def takes(status: TradingStatus, command: EnterOrder) -> bool:
    """Whether a symbol of this status takes such an order at all. O(1)."""
    if status is _TRADING:
        return True
    if not gathers(status) or command.order_type is _MARKET or command.time_in_force in (_IOC, _FOK):
        return False
    return command.options is None or command.options.post_only is None


def is_ordinary(command: EnterOrder, book: OrderBook, owner: Account) -> bool:
    """Whether `command` is for a plain limit order, to rest or to take what it can now, that certainly breaks no rule.

    Most orders are, and are not walked through all rules; what this says no to may be allowed nevertheless. The price
    band must be renewed already. O(1).
    """
    instrument, price, quantity, time_in_force = book.instrument, command.price, command.quantity, command.time_in_force
    return (
        (time_in_force is _GTC or time_in_force is _IOC)
        and command.options is None
        and command.order_type is _LIMIT
        and price.__class__ is int
        and quantity.__class__ is int
        and command.quote_quantity is None
        and book.status is _TRADING
        and not owner.is_limited
        and price > 0
        and instrument.min_quantity <= quantity <= instrument.max_quantity
        and quantity > 0
        and instrument.min_notional <= price * quantity * instrument.lot_tick_amount <= instrument.max_notional
        and len(owner.open_orders) < instrument.max_open_orders
        and (command.self_trade_prevention is not _UNPREVENTED or command.account == SANDBOX_ACCOUNT)
        and (instrument.collar is None or not beyond_collar(book, command.side, price))
        and (instrument.band is None or within_band(book, command.side, price))
    )


def within_band(book: OrderBook, side: Side, price: Ticks) -> bool:
    """Whether the price band leaves the limit of an order as it was asked for. O(1)."""
    edges = book.band_limits
    return edges is None or (price <= edges[1] if side is _BUY else price >= edges[0])


def refuse_entry(
    command: EnterOrder, book: OrderBook, owner: Account, ledger: Ledger, ts_ns: int, rulebook: int
) -> RejectReason | None:
    """The first rule that `command` breaks, or None. O(1).

    The caller has checked that the symbol is known and takes such orders, that the owner may trade, and that the client
    order id is new. Whether the owner can pay, and what the order would meet, is seen when its matches are planned.
    """
    instrument = book.instrument
    price, quantity, options = command.price, command.quantity, command.options
    if not _combines(command):
        return RejectReason.UNSUPPORTED_COMBINATION
    if (
        command.self_trade_prevention is _UNPREVENTED
        and command.account != SANDBOX_ACCOUNT  # stands for many people
        and rulebook >= OWN_TRADES_NO_PRICE_SINCE
        and owner.configuration.self_trade_prevention is not _UNPREVENTED  # an operator may allow it
    ):
        return RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED
    if isinstance(price, str) or (price is not None and price < 1):
        return RejectReason.BAD_TICK
    if isinstance(quantity, str) or isinstance(command.quote_quantity, str):
        on_the_ticks = options is None or not _off_the_ticks(options)
        return RejectReason.BAD_LOT if on_the_ticks else RejectReason.BAD_TICK
    if options is not None:
        if _off_the_ticks(options):
            return RejectReason.BAD_TICK
        if isinstance(options.display_quantity, str):
            return RejectReason.BAD_LOT
    if quantity is None:
        reason = _refuse_notional(instrument, owner, ledger, command.quote_quantity or 0)
    else:
        valued_at = price if price is not None else _valued_at(command, book)
        reason = refuse_size(instrument, owner, ledger, valued_at, quantity)
    if reason is None and options is not None:
        reason = _refuse_options(command, options, book, ts_ns)
    if reason is not None:
        return reason
    order_type = command.order_type
    if price is not None and (order_type is _LIMIT or order_type is _OCO) and beyond_collar(book, command.side, price):
        return RejectReason.PRICE_OUTSIDE_COLLAR
    more = 2 if order_type is _OCO else 1
    # mostly all open orders together, whatever their symbol, are within the limit of one
    few = len(owner.open_orders) + more <= instrument.max_open_orders and owner.configuration.max_open_orders is None
    return None if few else _refuse_open_orders(instrument, owner, more)


def _refuse_open_orders(instrument: Instrument, owner: Account, more: int) -> RejectReason | None:
    """Whether there would be too many open orders of the symbol, or over all of them."""
    most = owner.configuration.max_open_orders
    too_many = owner.open_count.get(instrument.symbol, 0) + more > instrument.max_open_orders or (
        most is not None and len(owner.open_orders) + more > most
    )
    return RejectReason.TOO_MANY_OPEN_ORDERS if too_many else None


def _combines(command: EnterOrder) -> bool:
    """Whether type, time in force, price, the two ways to say a quantity and the options go together."""
    order_type, tif, options = command.order_type, command.time_in_force, command.options
    if order_type is _MARKET:
        if command.price is not None or (tif is not _IOC and tif is not _FOK):
            return False
        if command.quote_quantity is not None and (command.quantity is not None or tif is _FOK):
            return False
        if command.quote_quantity is None and command.quantity is None:
            return False
        if options is None:
            return True
    else:
        priced = ORDER_TYPES[order_type].priced
        if (command.price is not None) is not priced or command.quantity is None or command.quote_quantity is not None:
            return False
    return _options_combine(order_type, tif, options or _NO_OPTIONS)


def _options_combine(order_type: OrderType, tif: TimeInForce, options: OrderOptions) -> bool:
    allowed = ORDER_TYPES[order_type].options
    for name in ("post_only", "display_quantity", "trail_percent", *_PRICES):
        if getattr(options, name) is not None and name not in allowed:
            return False
    if (options.expire_ns is not None) is not (tif is _GTD):
        return False
    if options.stop_loss_limit is not None and options.stop_loss is None:
        return False
    if order_type is _MARKET:
        return True
    if order_type is _LIMIT:
        if options.post_only is None and options.display_quantity is None:
            return True
        both = options.post_only is not None and options.display_quantity is not None
        return not both and tif not in (_IOC, _FOK)
    if tif in (_IOC, _FOK):
        return False
    if order_type is _TRAILING:
        return (options.trail_amount is None) is not (options.trail_percent is None)
    return options.stop_price is not None


def _off_the_ticks(options: OrderOptions) -> bool:
    """Whether a price among the options is no whole number of ticks above zero."""
    if isinstance(options.trail_percent, str):
        return True
    for name in _PRICES:
        value = getattr(options, name)
        if value is not None and (isinstance(value, str) or value < 1):
            return True
    return False


def _valued_at(command: EnterOrder, book: OrderBook) -> Ticks | None:
    """The price at which the size of an order without a limit is judged; None: by its lots alone."""
    if command.order_type is _MARKET:
        return reference_price(book, command.side)
    stop_price = None if command.options is None else command.options.stop_price
    return None if stop_price is None else Ticks(int(stop_price))


def _refuse_options(command: EnterOrder, options: OrderOptions, book: OrderBook, ts_ns: int) -> RejectReason | None:
    display = options.display_quantity
    quantity = int(command.quantity or 0)
    if display is not None and not (1 <= int(display) <= quantity and int(display) * MAX_SLICES >= quantity):
        return RejectReason.BAD_DISPLAY_QUANTITY
    if options.expire_ns is not None and options.expire_ns <= ts_ns:
        return RejectReason.EXPIRE_TIME_PASSED
    if command.order_type is _TRAILING:
        trails = _trails(command.side, options, book)
        return None if trails else RejectReason.BAD_TRIGGER
    if command.order_type is _OCO:
        return None if _apart(command.side, command.price, options.stop_price) else RejectReason.BAD_TRIGGER
    profit, loss = options.take_profit, options.stop_loss
    exits_side = _SELL if command.side is _BUY else _BUY
    if not _apart(exits_side, profit, loss) or beyond_exits(command.side, command.price, profit, loss):
        return RejectReason.BAD_TRIGGER
    return None


def beyond_exits(side: Side, price: Ticks | str | None, profit: Ticks | str | None, loss: Ticks | str | None) -> bool:
    """Whether an entry of `side` at `price` would stand at or beyond its own take-profit or stop-loss."""
    exits_side = _SELL if side is _BUY else _BUY
    return not (_apart(exits_side, profit, price) and _apart(exits_side, price, loss))


def _apart(side: Side, better: Ticks | str | None, worse: Ticks | str | None) -> bool:
    """Whether one price is better for an order of `side` than the other; so when one is not given."""
    if better is None or worse is None:
        return True
    return int(better) > int(worse) if side is _SELL else int(better) < int(worse)


def _trails(side: Side, options: OrderOptions, book: OrderBook) -> bool:
    percent = options.trail_percent
    if percent is not None and not 1 <= int(percent) < MAX_TRAIL:
        return False
    high_water = trailing_start(book)
    if high_water is None:
        return False
    return side is _BUY or trail_of(options.trail_amount, percent, high_water) < high_water


def trailing_start(book: OrderBook) -> Ticks | None:
    """What a trailing stop that is entered now follows first; None when there is nothing yet."""
    return book.instrument.reference_price if book.last_price is None else book.last_price


def refuse_size(
    instrument: Instrument, owner: Account, ledger: Ledger, price: Ticks | None, quantity: Lots
) -> RejectReason | None:
    """Whether quantity, or price times quantity where a price is known, is outside the limits."""
    if quantity < instrument.min_quantity:
        return RejectReason.QUANTITY_TOO_SMALL
    if quantity > instrument.max_quantity:
        return RejectReason.QUANTITY_TOO_LARGE
    if price is None:
        return None
    notional = price * quantity * instrument.lot_tick_amount
    if instrument.min_notional <= notional <= instrument.max_notional and owner.configuration.max_notional is None:
        return None if notional else RejectReason.NOTIONAL_TOO_SMALL
    return _refuse_notional(instrument, owner, ledger, notional)


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
    return book.inside_bbo(last)


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
    return collar_edge(side, reference, collar)


def beyond_collar(book: OrderBook, side: Side, price: Ticks) -> bool:
    """Whether a buy is priced above, or a sell below, what the collar allows; never while orders gather."""
    if book.status is not _TRADING:
        return False
    near = book.bids.best if side is _BUY else book.asks.best
    if near is not None and (price <= near.price if side is _BUY else price >= near.price):
        return False  # the reference is not beyond the best on its own side
    collar = book.instrument.collar
    reference = None if collar is None else reference_price(book, side)
    if collar is None or reference is None:
        return False
    distance = reference * collar // FEE_UNIT  # `collar_edge` without its call: every order that crosses comes here
    return price > reference + distance if side is _BUY else price < reference - distance


def _refuse_notional(instrument: Instrument, owner: Account, ledger: Ledger, notional: int) -> RejectReason | None:
    if notional < instrument.min_notional or notional < 1:
        return RejectReason.NOTIONAL_TOO_SMALL
    if notional > instrument.max_notional:
        return RejectReason.NOTIONAL_TOO_LARGE
    own = owner.configuration.max_notional
    if own is not None and notional > ledger.limit(instrument.quote, own):
        return RejectReason.NOTIONAL_TOO_LARGE
    return None
