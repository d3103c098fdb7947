"""Orders: enter, test, cancel, amend, batch, look up, list.

An order that is entered without a client order id is given one, so that it can be sent again and never trades twice.
Layer: openbell_client.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from openbell_client.answers import (
    AmendAnswer,
    BatchAnswer,
    CancelAllAnswer,
    CancelAnswer,
    OrderAnswer,
    OrdersPage,
    OrderView,
    PreviewAnswer,
)
from openbell_client.calls.call import Call, Repeat, change, encoded, fresh_key, get, refuse_floats, segment
from openbell_client.errors import BadAnswer, ErrorBody, Refused, refusal
from openbell_client.requests import (
    AmendRequest,
    BatchAmend,
    BatchCancel,
    BatchCancelAll,
    BatchEnter,
    BatchRequest,
    CancelRequest,
    Number,
    OrderRequest,
    SelfTradePrevention,
    Side,
    TimeInForce,
    WireOrderType,
)

BatchElement = BatchEnter | BatchCancel | BatchAmend | BatchCancelAll
BatchOutcome = OrderAnswer | CancelAnswer | AmendAnswer | CancelAllAnswer | Refused

ANSWERS: Final[dict[type[Any], Any]] = {
    BatchEnter: OrderAnswer,
    BatchCancel: CancelAnswer,
    BatchAmend: AmendAnswer,
    BatchCancelAll: CancelAllAnswer,
}


def fresh_client_order_id() -> str:
    """A client order id that nobody has used."""
    return f"c-{secrets.token_hex(12)}"


def enter(order: OrderRequest) -> Call[OrderAnswer]:
    """Enter one order; without a client order id it is given one. Sent again when no answer came, entered once."""
    if order.client_order_id is None:
        order = msgspec.structs.replace(order, client_order_id=fresh_client_order_id())
    return change("POST", "/order", OrderAnswer, order, repeat=Repeat.ALWAYS, feed=("order", order))


def enter_order(
    symbol: str,
    side: Side,
    order_type: WireOrderType,
    quantity: Number | None = None,
    price: Number | None = None,
    *,
    time_in_force: TimeInForce | None = None,
    client_order_id: str | None = None,
    quote_quantity: Number | None = None,
    self_trade_prevention: SelfTradePrevention | None = None,
    post_only: bool | Literal["slide"] = False,
    display_quantity: Number | None = None,
    stop_price: Number | None = None,
    stop_limit_price: Number | None = None,
    trail_amount: Number | None = None,
    trail_percent: Number | None = None,
    expire_time: str | Number | None = None,
    take_profit: Number | None = None,
    stop_loss: Number | None = None,
    stop_loss_limit: Number | None = None,
) -> Call[OrderAnswer]:
    """Enter one order, as `enter` does. Raises Rejected when the rules of the market refuse it."""
    return enter(OrderRequest(**locals()))


def test_order(order: OrderRequest) -> Call[PreviewAnswer]:
    """What an order would do now; nothing is entered."""
    return change("POST", "/order/test", PreviewAnswer, order, repeat=Repeat.ALWAYS, feed=("order_test", order))


def cancel_order(
    order_id: str | None = None, *, client_order_id: str | None = None, symbol: str | None = None
) -> Call[CancelAnswer]:
    """Cancel by our id or by one's own. Raises NotFound, or Conflict when it is done already.

    When no answer came it is sent again, over REST under the same key: the first outcome is answered. Over the feed
    a Conflict with `attempts` above 1 may mean that the first one did it.
    """
    body = CancelRequest(symbol=symbol, order_id=order_id, client_order_id=client_order_id)
    return change("POST", "/cancel", CancelAnswer, body, repeat=Repeat.ALWAYS, feed=("cancel", body), key=fresh_key())


def amend_order(
    order_id: str,
    *,
    quantity: Number | None = None,
    price: Number | None = None,
    stop_price: Number | None = None,
    symbol: str | None = None,
) -> Call[AmendAnswer]:
    """Change the whole quantity (what is filled included), the price or the stop price of an open order.

    Sent again when no answer came, over REST under the same key: it is changed once.
    """
    body = AmendRequest(quantity=quantity, price=price, stop_price=stop_price)
    query = {"symbol": symbol}
    feed = ("amend", {"order_id": order_id} | msgspec.to_builtins(body))
    path = f"/order/{segment(order_id)}"
    return change("PATCH", path, AmendAnswer, body, repeat=Repeat.ALWAYS, query=query, feed=feed, key=fresh_key())


def cancel_all(symbol: str | None = None, side: Side | None = None) -> Call[CancelAllAnswer]:
    """Cancel every open order, or those of a symbol or side.

    When no answer came it is sent again, over REST under the same key: the first outcome is answered, and what was
    entered meanwhile stays. Over the feed the answer has the rest alone.
    """
    query = {"symbol": symbol, "side": side}
    feed = ("cancel_all", {name: value for name, value in query.items() if value is not None})
    return change("DELETE", "/orders", CancelAllAnswer, repeat=Repeat.ALWAYS, query=query, feed=feed, key=fresh_key())


def get_order(order_id: str, symbol: str | None = None) -> Call[OrderView]:
    """One order, open or done."""
    return get(f"/order/{segment(order_id)}", OrderView, symbol=symbol)


def list_orders(
    *, symbol: str | None = None, status: str | None = None, limit: int | None = None, cursor: str | None = None
) -> Call[OrdersPage]:
    """One page of one's orders, newest first. `status`: open, done, or one of the statuses."""
    return get("/orders", OrdersPage, symbol=symbol, status=status, limit=limit, cursor=cursor)


def batch(elements: Sequence[BatchElement | OrderRequest]) -> Call[list[BatchOutcome]]:
    """Enter, cancel and amend up to 1000 orders, one behind the other. What became of each, a refusal as a value.

    When no answer came it is sent again, over REST under the same key: the first outcome is answered. Over the feed
    only if that cannot change anything: entries and cancels.
    """
    known = [_with_id(element) for element in elements]
    for element in known:
        refuse_floats(getattr(element, name) for name in element.__struct_fields__)

    def outcomes(answer: BatchAnswer) -> list[BatchOutcome]:
        results = answer.results
        if len(results) != len(known):
            raise BadAnswer(f"{len(results)} results for {len(known)} elements")
        pairs = zip(known, results, strict=True)
        return [outcome(ANSWERS[type(element)], result.status, result.body) for element, result in pairs]

    body = BatchRequest(orders=tuple(known))
    repeat = _repeat_of(known)
    feed = ("batch", body)
    path = "/orders/batch"
    return Call("POST", path, encoded(body), BatchAnswer, repeat, feed=feed, key=fresh_key(), finish=outcomes)


def outcome(answer: Any, status: int, body: dict[str, Any]) -> Any:
    """What a status and a body of a batch or of the feed say: the answer, or the refusal as a value."""
    try:
        if status == 200:
            return msgspec.convert(body, answer)
        return refusal(status, msgspec.convert(body, ErrorBody))
    except msgspec.ValidationError as error:
        raise BadAnswer(str(error)) from error


def _with_id(element: BatchElement | OrderRequest) -> BatchElement:
    if isinstance(element, OrderRequest):
        element = BatchEnter(**msgspec.structs.asdict(element))
    if isinstance(element, BatchEnter) and element.client_order_id is None:
        return msgspec.structs.replace(element, client_order_id=fresh_client_order_id())
    return element


def _repeat_of(elements: Sequence[BatchElement]) -> Repeat:
    kinds = Counter(type(element) for element in elements)
    return Repeat.UNTAKEN if kinds[BatchAmend] or kinds[BatchCancelAll] else Repeat.ALWAYS
