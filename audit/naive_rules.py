"""The naive exchange's refusals: the rules read from the top, the first that is broken is the answer.

Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from fractions import Fraction

from audit.naive_money import NaiveAccount, decimal_of, notional_of
from audit.naive_symbol import NaiveSymbol, within
from engine.commands import EnterOrder, OrderOptions
from engine.rejects import RejectReason
from engine.types import OrderType, SelfTradePrevention, Side, TimeInForce

MOST_SLICES = 100  # of an iceberg
NOTHING = OrderOptions()

# order type -> what must be given, what may be
ASKED: dict[OrderType, tuple[set[str], set[str]]] = {
    OrderType.LIMIT: (
        {"price", "quantity"},
        {"post_only", "display_quantity", "take_profit", "stop_loss", "stop_loss_limit"},
    ),
    OrderType.STOP: ({"stop_price", "quantity"}, set()),
    OrderType.STOP_LIMIT: ({"stop_price", "price", "quantity"}, {"display_quantity"}),
    OrderType.TRAILING_STOP: ({"quantity"}, {"trail_amount", "trail_percent"}),
    OrderType.TAKE_PROFIT: ({"stop_price", "quantity"}, set()),
    OrderType.TAKE_PROFIT_LIMIT: ({"stop_price", "price", "quantity"}, {"display_quantity"}),
    OrderType.OCO: ({"price", "stop_price", "quantity"}, {"stop_limit_price"}),
    OrderType.MARKET: (set(), {"quantity", "quote_quantity", "take_profit", "stop_loss", "stop_loss_limit"}),
}
_RESTING = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


def waits_for_trigger(kind: OrderType) -> bool:
    """Whether an order of this type waits for a price, alone or as the second of a pair."""
    must, may = ASKED[kind]
    return bool((must | may) & {"stop_price", "trail_amount"})


def options_of(command: EnterOrder) -> OrderOptions:
    """The options, none of them given when the command has none."""
    return NOTHING if command.options is None else command.options


def asked_again(first: EnterOrder, command: EnterOrder) -> bool:
    """Whether a command repeats the one that took its client order id. No mode repeats the mode none."""
    modes = {first.self_trade_prevention, command.self_trade_prevention}
    allowed = len(modes) == 1 or (modes == {None, SelfTradePrevention.NONE} and command.self_trade_prevention is None)
    names = [name for name in EnterOrder.__struct_fields__ if name not in ("self_trade_prevention", "looked_until")]
    return allowed and all(getattr(first, name) == getattr(command, name) for name in names)


def takes_at_once(command: EnterOrder) -> bool:
    """Whether an order has no place where orders only gather."""
    post_only = options_of(command).post_only is not None
    return command.order_type is OrderType.MARKET or command.time_in_force in _AT_ONCE or post_only


def combines(command: EnterOrder) -> bool:
    """Whether everything that the order type needs is there, and nothing that it does not know."""
    options = options_of(command)
    given = {name for name in OrderOptions.__struct_fields__ if getattr(options, name) is not None}
    given |= {name for name in ("price", "quantity", "quote_quantity") if getattr(command, name) is not None}
    tif = command.time_in_force
    if ("expire_ns" in given) != (tif is TimeInForce.GTD):
        return False
    given.discard("expire_ns")
    must, may = ASKED[command.order_type]
    if not must <= given <= must | may:
        return False
    if "stop_loss_limit" in given and "stop_loss" not in given:
        return False
    if command.order_type is OrderType.MARKET:
        sized = len(given & {"quantity", "quote_quantity"}) == 1
        return sized and (tif is TimeInForce.IOC or (tif is TimeInForce.FOK and "quantity" in given))
    if command.order_type is OrderType.LIMIT:
        restings = given & {"post_only", "display_quantity"}
        return len(restings) <= 1 and not (restings and tif in _AT_ONCE)
    if command.order_type is OrderType.TRAILING_STOP and len(given & {"trail_amount", "trail_percent"}) != 1:
        return False
    return tif in _RESTING


def entry_refusal(
    command: EnterOrder, symbol: NaiveSymbol, owner: NaiveAccount, ts_ns: int, rulebook: int
) -> RejectReason | None:
    """The first rule broken of those that look at the order, and not at funds or at whom it would meet."""
    options = options_of(command)
    if not combines(command):
        return RejectReason.UNSUPPORTED_COMBINATION
    if rulebook >= 2 and command.self_trade_prevention is SelfTradePrevention.NONE and not owner.may_ask_for_none():
        return RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED
    prices = [command.price, options.stop_price, options.trail_amount, options.stop_limit_price]
    prices += [options.take_profit, options.stop_loss, options.stop_loss_limit]
    if any(not on_tick(price) for price in prices) or isinstance(options.trail_percent, str):
        return RejectReason.BAD_TICK
    if any(isinstance(lots, str) for lots in (command.quantity, command.quote_quantity, options.display_quantity)):
        return RejectReason.BAD_LOT
    valued_at: int | str | None = command.price if command.price is not None else options.stop_price
    if command.order_type is OrderType.MARKET:
        valued_at = symbol.reference(command.side)
    reason = size_refusal(symbol, owner, valued_at, command.quantity, command.quote_quantity)
    if reason is not None:
        return reason
    if not slices_well(options.display_quantity, command.quantity, entry=True):
        return RejectReason.BAD_DISPLAY_QUANTITY
    if options.expire_ns is not None and options.expire_ns <= ts_ns:
        return RejectReason.EXPIRE_TIME_PASSED
    if not triggers_well(command, symbol):
        return RejectReason.BAD_TRIGGER
    if command.order_type in (OrderType.LIMIT, OrderType.OCO) and outside_collar(symbol, command.side, command.price):
        return RejectReason.PRICE_OUTSIDE_COLLAR
    legs = 2 if command.order_type is OrderType.OCO else 1
    here = sum(order.symbol == command.symbol for order in owner.open)
    own_most = owner.configuration.max_open_orders
    if here + legs > symbol.instrument.max_open_orders or (own_most is not None and len(owner.open) + legs > own_most):
        return RejectReason.TOO_MANY_OPEN_ORDERS
    return None


def on_tick(price: int | str | None) -> bool:
    """Whether a price, when there is one, is a whole number of ticks from 1 up."""
    return price is None or (not isinstance(price, str) and price >= 1)


def slices_well(display: int | str | None, quantity: int | str | None, *, entry: bool) -> bool:
    """Whether an iceberg's slice is no more than the order and no less than a hundredth."""
    if display is None or isinstance(display, str) or quantity is None or isinstance(quantity, str):
        return True
    if entry and not 1 <= display <= quantity:
        return False
    return quantity <= display * MOST_SLICES


def triggers_well(command: EnterOrder, symbol: NaiveSymbol) -> bool:
    """Whether stop, limit and exit prices are on the right sides of each other, and a trailing stop has a market."""
    options = options_of(command)
    up = 1 if command.side is Side.BUY else -1  # mirrors every comparison for a sell
    if command.order_type is OrderType.TRAILING_STOP:
        market = symbol.market_price()
        percent = options.trail_percent
        if isinstance(percent, int) and not 1 <= percent <= 999_999:
            return False
        if market is None:
            return False
        return first_stop(command, market) >= 1
    if command.order_type is OrderType.OCO:
        return up * _int(command.price) < up * _int(options.stop_price)
    profit, loss = options.take_profit, options.stop_loss
    if profit is not None and loss is not None and up * _int(profit) <= up * _int(loss):
        return False
    return between_its_exits(command.side, command.price, profit, loss)


def between_its_exits(side: Side, price: int | str | None, profit: int | str | None, loss: int | str | None) -> bool:
    """Whether an entry stands before its profit and on the better side of its loss, as far as all have a price."""
    up = 1 if side is Side.BUY else -1
    if price is None:
        return True
    if profit is not None and up * _int(profit) <= up * _int(price):
        return False
    return loss is None or up * _int(loss) < up * _int(price)


def first_stop(command: EnterOrder, market: int) -> int:
    """Where a trailing stop stands when it is entered."""
    options = options_of(command)
    trail = trail_at(market, _or_none(options.trail_amount), _or_none(options.trail_percent))
    return market + trail if command.side is Side.BUY else market - trail


def trail_at(high_water: int, amount: int | None, percent: int | None) -> int:
    """The distance of a trailing stop from the market's peak."""
    if amount is not None:
        return amount
    return max(1, int(Fraction(high_water * (percent or 0), 1_000_000)))


def outside_collar(symbol: NaiveSymbol, side: Side, price: int | str | None) -> bool:
    """Whether, while there is trading, a price is further from the market than the collar lets it."""
    return symbol.trading and not within(side, _int(price), symbol.collar(side))


def size_refusal(
    symbol: NaiveSymbol,
    owner: NaiveAccount,
    price: int | str | None,
    quantity: int | str | None,
    quote_quantity: int | str | None,
) -> RejectReason | None:
    """The first rule about steps and sizes that is broken. Without a price there is no notional to look at."""
    instrument = symbol.instrument
    if not on_tick(price):
        return RejectReason.BAD_TICK
    if isinstance(quantity, str) or isinstance(quote_quantity, str):
        return RejectReason.BAD_LOT
    if quantity is None:
        notional = quote_quantity or 0
    else:
        if quantity < instrument.min_quantity:
            return RejectReason.QUANTITY_TOO_SMALL
        if quantity > instrument.max_quantity:
            return RejectReason.QUANTITY_TOO_LARGE
        if price is None:
            return None
        notional = notional_of(instrument, _int(price), quantity)
    if notional < instrument.min_notional or notional <= 0:
        return RejectReason.NOTIONAL_TOO_SMALL
    if notional > instrument.max_notional:
        return RejectReason.NOTIONAL_TOO_LARGE
    own = owner.configuration.max_notional
    if own is not None and Fraction(notional, 10**instrument.quote_scale) > (decimal_of(own) or 0):
        return RejectReason.NOTIONAL_TOO_LARGE
    return None


def _int(number: int | str | None) -> int:
    """A number that was found to be one."""
    return int(number or 0)


def _or_none(number: int | str | None) -> int | None:
    return None if number is None else int(number)
