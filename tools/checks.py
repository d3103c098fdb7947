"""Whether answers are right, not only fast: each check returns sentences that say what is wrong.

An empty list means nothing was found. Pure: what the venue should have answered follows from
the request, the symbol's steps and fees, and the rules in Documentation/matching-rules.md.
Layer: tools.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import Final

from openbell_client import OrderRequest, Refused
from openbell_client.answers import BboView, BookView, OrderAnswer, OrderView, Side, SymbolInfo, TradeView

AVERAGE_STEPS: Final = 1_000_000  # an average price comes to a millionth of a tick or finer
DONE: Final = ("filled", "cancelled", "expired")


def check_entered(order: OrderRequest, answer: OrderAnswer, info: SymbolInfo) -> list[str]:
    """The first answer to an order that was accepted."""
    quantity = Decimal(order.quantity or 0)
    traded = sum((trade.quantity for trade in answer.trades), Decimal(0))
    value = sum((trade.trade_value for trade in answer.trades), Decimal(0))
    wrong = _check_totals(quantity, answer)
    if traded != answer.filled_quantity:
        wrong.append(f"trades add up to {traded}, filled_quantity is {answer.filled_quantity}")
    if answer.client_order_id != order.client_order_id:
        wrong.append(f"client_order_id {answer.client_order_id} is not {order.client_order_id}")
    if answer.repeated:
        wrong.append("a new order is answered as a repeated one")
    wrong += _check_average(answer, traded, value, info)
    wrong += _check_status(order, answer)
    for trade in answer.trades:
        wrong += _check_trade(order, answer, trade, info)
    wrong += _check_best_first(order.side, answer.trades)
    for name, stated, fees in (
        ("total_maker_fees", answer.total_maker_fees, [trade.maker_fee for trade in answer.trades]),
        ("total_taker_fees", answer.total_taker_fees, [trade.taker_fee for trade in answer.trades]),
    ):
        if stated != sum(fees, Decimal(0)):
            wrong.append(f"{name} is {stated}, the trades' fees add up to {sum(fees, Decimal(0))}")
    wrong += check_bbo(answer.bbo)
    return [f"order {answer.order_id}: {what}" for what in wrong]


def check_looked_up(order: OrderRequest, answer: OrderAnswer, found: OrderView) -> list[str]:
    """GET /order/{id} some time after the order was answered: the same order, no earlier a state."""
    wrong: list[str] = []
    kind, time_in_force = _terms(order)
    if kind == "limit" and time_in_force != "gtc" and found.status not in DONE:
        wrong.append(f"an {time_in_force} order is {found.status}")
    price = None if order.price is None else Decimal(order.price)
    for name, expected, actual in (
        ("order_id", answer.order_id, found.order_id),
        ("client_order_id", order.client_order_id, found.client_order_id),
        ("symbol", order.symbol, found.symbol),
        ("side", order.side, found.side),
        ("quantity", Decimal(order.quantity or 0), found.quantity),
        ("price", price, found.price),
    ):
        if expected != actual:
            wrong.append(f"{name} is {actual}, entered was {expected}")
    if found.filled + found.remaining != found.quantity:
        wrong.append(f"filled {found.filled} and remaining {found.remaining} are not quantity {found.quantity}")
    if found.filled < answer.filled_quantity:
        wrong.append(f"filled went back from {answer.filled_quantity} to {found.filled}")
    if answer.status in DONE and (found.status, found.filled) != (answer.status, answer.filled_quantity):
        wrong.append(f"was {answer.status} with {answer.filled_quantity}, is {found.status} with {found.filled}")
    return [f"order {answer.order_id} looked up: {what}" for what in wrong]


def check_repeated(first: OrderAnswer, second: OrderAnswer | Refused) -> list[str]:
    """The answer to the same order sent again under its client order id: the first order, not a second."""
    if isinstance(second, Refused):
        return [f"order {first.order_id} sent again: refused with {second.status} {second.error_code}"]
    wrong: list[str] = []
    if second.order_id != first.order_id:
        wrong.append(f"a second order {second.order_id} was entered")
    if second.client_order_id != first.client_order_id:
        wrong.append(f"client_order_id became {second.client_order_id}")
    if second.filled_quantity < first.filled_quantity:
        wrong.append(f"filled went back from {first.filled_quantity} to {second.filled_quantity}")
    if not second.repeated:
        wrong.append("the answer does not say that it is a repetition")
    return [f"order {first.order_id} sent again: {what}" for what in wrong]


def check_book(book: BookView, info: SymbolInfo) -> list[str]:
    """A book as /book shows it: sorted best first, never locked or crossed, on its steps."""
    wrong: list[str] = []
    for name, levels, counts, sign in (
        ("bids", book.bids, book.bid_orders, -1),
        ("asks", book.asks, book.ask_orders, 1),
    ):
        if any(sign * better >= sign * worse for (better, _), (worse, _) in pairwise(levels)):
            wrong.append(f"{name} are not sorted best first")
        if len(levels) != len(counts):
            wrong.append(f"{name} have {len(levels)} levels and {len(counts)} counts of orders")
        for (price, quantity), orders in zip(levels, counts, strict=False):
            if quantity <= 0 or orders < 1:
                wrong.append(f"{name} at {price}: quantity {quantity} of {orders} orders")
            if price % info.tick_size != 0 or quantity % info.lot_size != 0:
                wrong.append(f"{name} at {price}: {quantity} is off the symbol's steps")
    if book.bids and book.asks and book.bids[0][0] >= book.asks[0][0]:
        wrong.append(f"crossed: bid {book.bids[0][0]}, ask {book.asks[0][0]}")
    return [f"book of {book.symbol}: {what}" for what in wrong]


def check_bbo(bbo: BboView) -> list[str]:
    """Best bid and offer: neither locked nor crossed."""
    if bbo.best_bid is None or bbo.best_ask is None or bbo.best_bid < bbo.best_ask:
        return []
    return [f"bbo is crossed: bid {bbo.best_bid}, ask {bbo.best_ask}"]


def check_refused(answer: OrderAnswer | Refused, codes: frozenset[str], status: int = 400) -> list[str]:
    """An order that must be refused with one of `codes`."""
    if not isinstance(answer, Refused):
        return [f"order {answer.order_id} was accepted, expected is {' or '.join(sorted(codes))}"]
    if answer.status != status or answer.error_code not in codes:
        return [f"refused with {answer.status} {answer.error_code}, expected is {status} {' or '.join(sorted(codes))}"]
    return [] if answer.message and answer.request_id else ["the refusal has no sentence or no request_id"]


# -- parts of check_entered


def _terms(order: OrderRequest) -> tuple[str, str]:
    """Order type and time in force as the venue understands them."""
    if order.order_type in ("ioc", "fok"):
        return "limit", order.order_type
    default = "ioc" if order.order_type == "market" else "gtc"
    return order.order_type, order.time_in_force or default


def _check_totals(quantity: Decimal, answer: OrderAnswer) -> list[str]:
    if answer.filled_quantity + answer.remaining_quantity != quantity:
        return [f"filled {answer.filled_quantity} and remaining {answer.remaining_quantity} are not {quantity}"]
    return [] if answer.filled_quantity >= 0 <= answer.remaining_quantity else ["a quantity is below zero"]


def _check_status(order: OrderRequest, answer: OrderAnswer) -> list[str]:
    _, time_in_force = _terms(order)
    filled, left = answer.filled_quantity, answer.remaining_quantity
    if left == 0:
        expected = "filled"
    elif time_in_force != "gtc":
        expected = "cancelled"
    else:
        expected = "partially_filled" if filled > 0 else "resting"
    wrong = []
    if answer.status != expected:
        wrong.append(f"status is {answer.status}, with {filled} filled and {left} left it should be {expected}")
    if time_in_force == "fok" and filled > 0 and left > 0:
        wrong.append(f"a fill-or-kill order was filled in part: {filled}")
    return wrong


def _check_trade(order: OrderRequest, answer: OrderAnswer, trade: TradeView, info: SymbolInfo) -> list[str]:
    wrong: list[str] = []
    if order.price is not None and _worse(order.side, trade.price, Decimal(order.price)):
        wrong.append(f"traded at {trade.price}, its limit is {order.price}")
    for name, expected, actual in (
        ("symbol", order.symbol, trade.symbol),
        ("aggressor_side", order.side, trade.aggressor_side),
        ("taker_order_id", answer.order_id, trade.taker_order_id),
        ("trade_value", trade.price * trade.quantity, trade.trade_value),
    ):
        if expected != actual:
            wrong.append(f"{name} is {actual}, expected is {expected}")
    if trade.maker_order_id == trade.taker_order_id:
        wrong.append("it traded with itself")
    if trade.quantity <= 0 or trade.price <= 0:
        wrong.append(f"quantity {trade.quantity} at {trade.price}")
    for name, fee, percent in (
        ("maker_fee", trade.maker_fee, info.fees.maker_percent),
        ("taker_fee", trade.taker_fee, info.fees.taker_percent),
    ):
        wrong += _check_fee(name, fee, trade.trade_value * percent / 100, info)
    return [f"trade {trade.trade_id}: {what}" for what in wrong]


def _check_fee(name: str, fee: Decimal, exact: Decimal, info: SymbolInfo) -> list[str]:
    """Rounded up against the payer by less than the least amount, which one lot at one tick is a multiple of."""
    least = info.tick_size * info.lot_size
    if 0 <= fee - exact < least:
        return []
    expected = exact.quantize(least, ROUND_CEILING)
    return [f"{name} is {fee}, the rate gives {expected} at the latest step"]


def _check_average(answer: OrderAnswer, traded: Decimal, value: Decimal, info: SymbolInfo) -> list[str]:
    if traded == 0:
        return [] if not answer.average_price else [f"average_price is {answer.average_price}, nothing traded"]
    if answer.average_price is None:
        return ["average_price is missing"]
    if abs(answer.average_price - value / traded) > info.tick_size / AVERAGE_STEPS:
        return [f"average_price is {answer.average_price}, the trades give {value / traded}"]
    return []


def _check_best_first(side: Side, trades: list[TradeView]) -> list[str]:
    for earlier, later in pairwise(trades):
        if _worse(side, earlier.price, later.price):
            return [f"trade {later.trade_id} at {later.price} is better than {earlier.price} before it"]
    return []


def _worse(side: Side, price: Decimal, other: Decimal) -> bool:
    """Whether `price` is worse than `other` for a taker of `side`."""
    return price > other if side == "buy" else price < other
