"""Many orders at once: JSON -> commands, and their answers.

Only a body that is no batch at all is refused as a whole; an element that cannot be understood has its
error in its place, and the others go their way.
Layer: api.orders.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.http.documented import any_of
from api.json.encoded import Encoded
from api.json.errors import ApiError, ErrorBody, Malformed
from api.json.exact import decode_plainly
from api.json.requests import PLAIN_BODY_BYTES, Request, converted, no_json, parsed
from api.orders.amend_views import AmendAnswer
from api.orders.ordinary import FIELDS_IN_BATCH, ordinary_order
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
from loop.turns import in_turns

MAX_BATCH: Final = 1000

MAX_ELEMENT_BYTES: Final = 8_192
MAX_COMMAS: Final = 64_000  # in a body: of a thousand orders with all their fields there are fewer

MAX_CANCEL_ALL: Final = 10  # of a batch: each may look at every open order of the account

T = TypeVar("T")

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
    repeated: bool | UnsetType = UNSET  # true: it came before, under the same Idempotency-Key


def entered_result(answer: str) -> Encoded:
    """The `BatchResult` of an order that was entered, by the text of its answer."""
    return msgspec.Raw(f'{{"status":200,"body":{answer}}}')


class EncodedBatch(msgspec.Struct, frozen=True):
    """A `BatchAnswer` whose results are written already."""

    results: list[Encoded]
    repeated: bool | UnsetType = UNSET


class _Entered(msgspec.Struct, frozen=True):
    """Of an answer, which order was entered; None: none."""

    order_id: str | None = None


class _EnteredResult(msgspec.Struct, frozen=True):
    body: _Entered


class _Outer(msgspec.Struct, frozen=True):
    """A batch whose orders are not read yet."""

    orders: msgspec.Raw


_outer: Final = msgspec.json.Decoder(_Outer).decode
_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_entered: Final = msgspec.json.Decoder(_Entered).decode
_entered_result: Final = msgspec.json.Decoder(_EnteredResult).decode
_BEGIN: Final = re.compile(rb'\s*\{\s*"orders"\s*:\s*(?=\[)')
_END: Final = re.compile(rb"\s*\}\s*").fullmatch


class _Operation(msgspec.Struct, frozen=True):
    """What an element says it is."""

    op: Literal["enter", "cancel", "amend", "cancel_all"] = "enter"


def batch_of_body(body: bytes, account: AccountId, exchange: Exchange) -> list[BatchCommand | ApiError]:
    """The commands of a POST /orders/batch body, errors in place of what is malformed. Cooperative. Raises Malformed.

    A short body of plain orders is read at once; else each element by itself, so that a long body is read in turns.
    """
    if len(body) <= PLAIN_BODY_BYTES and (plain := _plain_orders(body)) is not None:
        return _commands(plain, _as_it_is, account, exchange)
    elements = _elements(body)
    if elements is None:
        return batch_of(parsed(body, BatchRequest), account, exchange)
    return _commands(_limited(elements), _element, account, exchange)


def batch_of(data: Any, account: AccountId, exchange: Exchange) -> list[BatchCommand | ApiError]:
    """The same of the data of the feed's `batch`, which is parsed already. Cooperative. Raises Malformed."""
    return _commands(_limited(converted(data, BatchRequest).orders), _as_it_is, account, exchange)


def _plain_orders(body: bytes) -> list[Any] | None:
    """The elements of a batch as plain values, where each would be the same read by itself; None where it may not be.

    As many colons as keys: no key comes twice, and no text has one. As many closing braces as objects: each of them
    ends an object, so none is longer than what lies between two.
    """
    try:
        value = decode_plainly(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    elements = value.get("orders") if type(value) is dict and len(value) == 1 else None
    if type(elements) is not list or not 0 < len(elements) <= MAX_BATCH:
        return None
    keys = 1
    for element in elements:
        if type(element) is not dict:
            return None
        keys += len(element)
    if body.count(b":") != keys or body.count(b"}") != len(elements) + 1:
        return None
    if len(body) > MAX_ELEMENT_BYTES and max(map(len, body.split(b"}"))) >= MAX_ELEMENT_BYTES:
        return None
    return elements


def _elements(body: bytes) -> list[msgspec.Raw] | None:
    """The elements of a batch as they are written; None for a short body that is written otherwise. Raises Malformed.

    Long is what is longer than other bodies may be. It is looked through without being read.
    """
    long, begin = len(body) > PLAIN_BODY_BYTES, _BEGIN.match(body)
    if begin and (commas := body.count(b",")) > MAX_COMMAS:
        raise _of_another_size(commas + 1)
    try:
        orders = bytes(_outer(body).orders)
        if begin and body.startswith(orders, begin.end()) and _END(body, begin.end() + len(orders)):
            return _list(orders)
        problem: Exception | None = None
    except (msgspec.DecodeError, ValueError, RecursionError) as found:
        problem = found
    if long:
        raise _no_batch(body, problem)
    return None


def _no_batch(body: bytes, problem: Exception | None) -> Malformed:
    """The error for a long body that is none; `problem`: what its reader raised."""
    if problem is None or isinstance(problem, msgspec.ValidationError):
        try:
            msgspec.json.decode(body, type=msgspec.Raw)
        except (msgspec.DecodeError, ValueError, RecursionError) as found:
            problem = found
        else:
            sentence = "A batch is a JSON object with the list orders, and nothing else."
            return Malformed("INVALID_VALUE", sentence, field="orders")
    return no_json(body, problem)


def _element(raw: msgspec.Raw) -> Any:
    """One element as plain values, its numbers exact. Raises Malformed."""
    written = bytes(raw)
    if len(written) > MAX_ELEMENT_BYTES:
        raise Malformed(
            "INVALID_VALUE", f"An order of a batch is of at most {MAX_ELEMENT_BYTES} bytes.", field="orders"
        )
    return parsed(written, BatchEnter)


def _as_it_is(value: Any) -> Any:
    return value


def order_id_in(answer: Encoded) -> str:
    """The id of the order that was entered, of the answer to it."""
    return _entered(answer).order_id or ""


def entered_in(answer: EncodedBatch, commands: Sequence[BatchCommand | ApiError]) -> list[str]:
    """The ids of the orders that a batch of these commands entered, or had entered before. O(commands)."""
    pairs = zip(commands, answer.results, strict=True)
    bodies = [_entered_result(result).body for command, result in pairs if isinstance(command, EnterOrder)]
    return [body.order_id for body in bodies if body.order_id is not None]


def _commands(
    elements: list[T], read: Callable[[T], Any], account: AccountId, exchange: Exchange
) -> list[BatchCommand | ApiError]:
    """The command of each element, which `read` makes plain values of, or what is wrong with it."""
    commands: list[BatchCommand | ApiError] = []
    mass_cancels = 0
    for element in in_turns(elements):
        command = _command(element, read, account, exchange)
        if type(command) is CancelAll:
            mass_cancels += 1
            if mass_cancels > MAX_CANCEL_ALL:
                command = Malformed("INVALID_VALUE", f"A batch has at most {MAX_CANCEL_ALL} cancel_all.", field="op")
        commands.append(command)
    return commands


def _limited(elements: list[T]) -> list[T]:
    if not 0 < len(elements) <= MAX_BATCH:
        raise _of_another_size(len(elements))
    return elements


def _of_another_size(count: int) -> Malformed:
    return Malformed("INVALID_VALUE", f"A batch has 1 to {MAX_BATCH} orders, and this one {count}.", field="orders")


def _command(element: T, read: Callable[[T], Any], account: AccountId, exchange: Exchange) -> BatchCommand | ApiError:
    """The command of one element."""
    try:
        value = read(element)
        operation = _operation(value)
        if operation == "enter":
            ordinary = ordinary_order(value, account, exchange, FIELDS_IN_BATCH)
            return ordinary or order_command(converted(value, BatchEnter), account, exchange)
        if operation == "cancel":
            return cancel_command(converted(value, BatchCancel), account, exchange)
        if operation == "cancel_all":
            return cancel_all_command(converted(value, BatchCancelAll), account, exchange)
        request = converted(value, BatchAmend)
        return amend_command(request, request.order_id, account, exchange)
    except ApiError as problem:
        return problem.without_frames()


def _operation(value: Any) -> str:
    """What an element says it is. Raises Malformed."""
    if type(value) is dict:
        operation = value.get("op", "enter")
        if operation in ("enter", "cancel"):  # as nearly all are
            return str(operation)
    return converted(value, _Operation).op
