"""Many orders at once: JSON -> commands, and their answers.

Only a body that is no batch at all is refused as a whole; an element that cannot be understood has its
error in its place, and the others go their way.
Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from api.http.documented import any_of
from api.json.errors import ApiError, ErrorBody, Malformed
from api.json.requests import Request, converted, parsed
from api.orders.amend_views import AmendAnswer
from api.orders.requests import (
    AmendRequest,
    CancelAllQuery,
    CancelRequest,
    OrderRequest,
    amend_command,
    cancel_all_command,
    cancel_command,
    order_command,
)
from api.orders.views import CancelAllAnswer, CancelAnswer, OrderAnswer
from engine.commands import AmendOrder, CancelAll, CancelOrder, EnterOrder
from engine.exchange import Exchange
from engine.types import AccountId

MAX_BATCH: Final = 1000

MAX_CANCEL_ALL: Final = 10  # of a batch: each may look at every open order of the account

BatchCommand = EnterOrder | CancelOrder | CancelAll | AmendOrder


class BatchEnter(OrderRequest, frozen=True):
    """The body of POST /order, in a batch. `op` may be left out."""

    op: Literal["enter"] = "enter"


class BatchCancel(CancelRequest, frozen=True, kw_only=True):
    """The body of POST /cancel, in a batch."""

    op: Literal["cancel"]


class BatchAmend(AmendRequest, frozen=True, kw_only=True):
    """The body of PATCH /order/{order_id}, in a batch, and which order."""

    op: Literal["amend"]
    order_id: str | int


class BatchCancelAll(CancelAllQuery, frozen=True, kw_only=True):
    """What DELETE /orders cancels, in a batch."""

    op: Literal["cancel_all"]


ELEMENTS: Final = (BatchEnter, BatchCancel, BatchAmend, BatchCancelAll)
BODIES: Final = (OrderAnswer, CancelAnswer, AmendAnswer, CancelAllAnswer, ErrorBody)


class BatchRequest(Request, frozen=True):
    """POST /orders/batch."""

    orders: Annotated[
        list[Annotated[Any, any_of(*ELEMENTS, otherwise="Anything else has an error as its result.")]],
        Meta(extra_json_schema={"minItems": 1, "maxItems": MAX_BATCH}),
    ]


class BatchResult(msgspec.Struct, frozen=True):
    """What became of one element: the status and the body of its single call."""

    status: int
    body: Annotated[Any, any_of(*BODIES)]


class BatchAnswer(msgspec.Struct, frozen=True):
    """POST /orders/batch: a result for each element, in their order."""

    results: list[BatchResult]


class _Operation(msgspec.Struct, frozen=True):
    """What an element says it is."""

    op: Literal["enter", "cancel", "amend", "cancel_all"] = "enter"


def batch_of_body(body: bytes, account: AccountId, exchange: Exchange) -> list[BatchCommand | ApiError]:
    """The commands of a POST /orders/batch body, errors in place of what is malformed. Raises Malformed."""
    return batch_of(parsed(body, BatchRequest), account, exchange)


def batch_of(data: Any, account: AccountId, exchange: Exchange) -> list[BatchCommand | ApiError]:
    """The same of the data of the feed's `batch`, which is parsed already. Raises Malformed."""
    elements = _limited(converted(data, BatchRequest).orders)
    return _commands([partial(converted, element) for element in elements], account, exchange)


def _commands(
    readers: list[Callable[[type], Any]], account: AccountId, exchange: Exchange
) -> list[BatchCommand | ApiError]:
    """The command of each element, or what is wrong with it."""
    commands: list[BatchCommand | ApiError] = []
    mass_cancels = 0
    for read in readers:
        command = _command(read, account, exchange)
        mass_cancels += isinstance(command, CancelAll)
        if isinstance(command, CancelAll) and mass_cancels > MAX_CANCEL_ALL:
            command = Malformed("INVALID_VALUE", f"A batch has at most {MAX_CANCEL_ALL} cancel_all.", field="op")
        commands.append(command)
    return commands


def _limited(elements: list[Any]) -> list[Any]:
    if not 0 < len(elements) <= MAX_BATCH:
        raise Malformed(
            "INVALID_VALUE", f"A batch has 1 to {MAX_BATCH} orders, and this one {len(elements)}.", field="orders"
        )
    return elements


def _command(read: Callable[[type], Any], account: AccountId, exchange: Exchange) -> BatchCommand | ApiError:
    """The command of one element, which `read` reads as a struct."""
    try:
        operation = read(_Operation).op
        if operation == "enter":
            return order_command(read(BatchEnter), account, exchange)
        if operation == "cancel":
            return cancel_command(read(BatchCancel), account, exchange)
        if operation == "cancel_all":
            return cancel_all_command(read(BatchCancelAll), account, exchange)
        request = read(BatchAmend)
        return amend_command(request, request.order_id, account, exchange)
    except ApiError as problem:
        return problem
