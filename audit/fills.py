"""What must hold of one fill, beside the orders that stood there.

Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

from collections.abc import Iterator

from audit.findings import Kind
from audit.naive_money import alone_with_itself, net_fees_of, notional_of
from audit.naive_order import NaiveOrder
from audit.naive_symbol import NaiveSymbol, within
from engine import events as ev
from engine.types import SelfTradePrevention

Wrong = tuple[Kind, str]


def symbols_in(events: list[ev.Event]) -> set[str]:
    """The symbols whose books some events are about."""
    about = ev.Accepted | ev.Filled | ev.Ended | ev.Amended | ev.Triggered | ev.Replenished | ev.StatusChanged
    return {event.symbol for event in events if isinstance(event, about | ev.Uncrossed)}


def orders_in(events: list[ev.Event]) -> set[int]:
    """The orders that some events are about."""
    ids: set[int] = set()
    for event in events:
        if isinstance(event, ev.Filled):
            ids |= {event.maker_order_id, event.taker_order_id}
        elif isinstance(event, ev.Accepted | ev.Amended | ev.Triggered):
            ids.add(event.order_id)
    return ids


def check_mark(event: ev.Filled, maker: NaiveOrder, taker: NaiveOrder, rulebook: int) -> Iterator[Wrong]:
    """Whether a trade of an account with itself is marked as no price for others, and no other is."""
    if event.self_trade != (rulebook >= 2 and alone_with_itself(maker.account, taker.account)):
        yield (
            Kind.SELF_TRADE_PRICE,
            (
                f"trade {event.trade_id} at {event.price} is of accounts {maker.account} and {taker.account}, and "
                f"{'sets no price' if event.self_trade else 'sets the last price'}"
            ),
        )


def check_fill(
    event: ev.Filled, maker: NaiveOrder, taker: NaiveOrder, symbol: NaiveSymbol, worst: tuple[int | None, int | None]
) -> Iterator[Wrong]:
    """A fill of continuous trading. `worst`: what collar and band let the taker have when it began."""
    name = f"trade {event.trade_id} at {event.price}"
    collar, band = worst
    if maker.side is taker.side or event.taker_side is not taker.side:
        yield Kind.WRONG_PRICE, f"{name} is between two orders of the same side"
    if not maker.resting:
        yield Kind.PRIORITY_INVERSION, f"{name} takes order {maker.order_id}, which does not stand in the book"
    if event.price != maker.price:
        yield Kind.WRONG_PRICE, f"{name} is not at the price {maker.price} of its maker {maker.order_id}"
    if not within(taker.side, event.price, taker.price):
        yield Kind.BEYOND_LIMIT, f"{name} is worse than the limit {taker.price} of its taker {taker.order_id}"
    if not within(taker.side, event.price, band):
        yield Kind.BAND_VIOLATION, f"{name} is beyond the band, which ends at {band}"
    if not within(taker.side, event.price, collar):
        yield Kind.COLLAR_VIOLATION, f"{name} is beyond the collar of order {taker.order_id}, which ends at {collar}"
    if maker.account == taker.account and taker.mode is not SelfTradePrevention.NONE:
        yield (
            Kind.SELF_TRADE,
            (
                f"{name} is of account {taker.account} with itself: orders {maker.order_id} and {taker.order_id}, "
                f"whose mode is {taker.mode}"
            ),
        )
    if taker.post_only is not None:
        yield Kind.POST_ONLY_TOOK, f"{name} has the post-only order {taker.order_id} as taker"
    yield from _check_turn(event, maker, symbol, name)
    yield from _check_amounts(event, maker, taker, symbol, name)


def check_auction_fill(event: ev.Filled, maker: NaiveOrder, taker: NaiveOrder, symbol: NaiveSymbol) -> Iterator[Wrong]:
    """A fill of an auction: both stood in the book, and both must have been first."""
    name = f"auction trade {event.trade_id} at {event.price}"
    if maker.side is taker.side or event.taker_side is not taker.side:
        yield Kind.WRONG_PRICE, f"{name} is between two orders of the same side"
    for order in (maker, taker):
        if not order.resting:
            yield Kind.PRIORITY_INVERSION, f"{name} takes order {order.order_id}, which does not stand in the book"
        if not within(order.side, event.price, order.price):
            yield Kind.BEYOND_LIMIT, f"{name} is worse than the limit {order.price} of order {order.order_id}"
        yield from _check_turn(event, order, symbol, name)
    yield from _check_amounts(event, maker, taker, symbol, name)


def _check_turn(event: ev.Filled, filled: NaiveOrder, symbol: NaiveSymbol, name: str) -> Iterator[Wrong]:
    """Whether anybody stood before the order that was filled."""
    up = 1 if filled.buys else -1
    price = filled.price or 0
    same = [o for o in symbol.sides[filled.side] if o is not filled and up * (o.price or 0) >= up * price]
    better = [o for o in same if o.price != price]
    if better:
        first = max(better, key=lambda o: (up * (o.price or 0), -o.turn))
        yield Kind.TRADE_THROUGH, f"{name} passed over order {first.order_id}, which stood at {first.price}"
        return
    older = [o for o in same if o.turn < filled.turn]
    if older:
        first = min(older, key=lambda o: o.turn)
        yield (
            Kind.PRIORITY_INVERSION,
            (f"{name} took order {filled.order_id} before order {first.order_id}, which stood there earlier"),
        )
    elif event.quantity > filled.shown and filled.resting:
        kind = Kind.PRIORITY_INVERSION if same else Kind.ICEBERG_REFILL
        yield kind, f"{name} took {event.quantity} of order {filled.order_id}, which showed {filled.shown}"


def _check_amounts(
    event: ev.Filled, maker: NaiveOrder, taker: NaiveOrder, symbol: NaiveSymbol, name: str
) -> Iterator[Wrong]:
    """Quantities left, the notional and both fees."""
    for order, leaves in ((maker, event.maker_leaves), (taker, event.taker_leaves)):
        if event.quantity < 1 or leaves != order.leaves - event.quantity or leaves < 0:
            yield (
                Kind.QUANTITY_NOT_CONSERVED,
                (f"{name} takes {event.quantity} of {order.leaves} of order {order.order_id} and leaves {leaves}"),
            )
    notional = notional_of(symbol.instrument, event.price, event.quantity)
    if notional != event.notional:
        yield Kind.WRONG_PRICE, f"{name} of {event.quantity} lots is booked as {event.notional}, not {notional}"
    fees = net_fees_of(notional, maker.rates[0], taker.rates[1])
    if fees != (event.maker_fee, event.taker_fee):
        yield (
            Kind.WRONG_FEE,
            (
                f"{name} took fees of {event.maker_fee} and {event.taker_fee} from maker and taker, where "
                f"{fees[0]} and {fees[1]} are due"
            ),
        )
