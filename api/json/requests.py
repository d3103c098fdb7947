"""What every request shares: reading a body or query as a struct, exactly, and the types of its fields.

Decimals come as strings or as JSON numbers and are read exactly. What cannot be understood is `Malformed` (400) and is
never sequenced; what breaks a rule of the market is left to the engine to refuse.
Layer: api.json.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from api.json.errors import Malformed
from api.json.exact import RepeatedKey, decode_exactly
from api.json.malformed import MAX_ECHO, malformed
from engine.types import OrderId
from listings.numbers import read_number

T = TypeVar("T")

MAX_ORDER_ID = 2**62
MAX_PAGE = 1000
PLAIN_BODY_BYTES: Final = 16_384  # of a body that is read in one piece: whatever it holds, that takes milliseconds

CLIENT_ORDER_ID_PATTERN = r"\A[!-~]{1,64}\Z"
ClientOrderId = Annotated[
    str,
    Meta(
        pattern=CLIENT_ORDER_ID_PATTERN,
        description="The trader's name of the order: 1 to 64 printable ASCII characters",
    ),
]
SYMBOL_PATTERN = r"\A[!-~]{1,32}\Z"
# bounded, for it is journaled
Symbol = Annotated[str, Meta(pattern=SYMBOL_PATTERN, description="As GET /symbols lists it")]

Moment = Annotated[
    Any,  # a Decimal or an ISO text: msgspec has no union of these
    Meta(
        description="Epoch seconds, exact to the nanosecond, or ISO 8601 with its zone: 2030-01-31T16:30:00Z",
        extra_json_schema={"anyOf": [{"type": "string"}, {"type": "number"}]},
    ),
]

_ANY_CASE = ("side", "order_type", "time_in_force")  # fields whose values are read in upper or lower case


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A body or query. Unknown fields are refused: a misspelt price must not become a market order."""


class SymbolQuery(Request, frozen=True):
    """GET /statistics, /order/{order_id} and /account/profit: of one symbol, when given."""

    symbol: Symbol | None = None


def converted(value: Any, kind: type[T], *, lax: bool = False) -> T:
    """`value`, as parsed from JSON or (`lax`) from a query string, as a `kind`. Raises Malformed."""
    if lax:
        for name, text in value.items():
            if text.lower() == "null":  # it would count as left out, which for DELETE /orders means every symbol
                raise Malformed("INVALID_VALUE", f"{name} must not be null: leave it out.", field=name)
    try:
        return msgspec.convert(value, kind, strict=not lax, dec_hook=read_number)
    except (msgspec.ValidationError, ValueError) as problem:
        if isinstance(value, RepeatedKey):
            raise repeated(value.name) from problem
        lowered = _in_lower_case(value)
        if lowered != value:
            try:
                return msgspec.convert(lowered, kind, strict=not lax, dec_hook=read_number)
            except (msgspec.ValidationError, ValueError) as further:
                problem = further
        raise malformed(problem, kind, lambda: value) from problem


def _in_lower_case(value: Any) -> Any:
    """A request with its words that are read in any case as we write them."""
    if not isinstance(value, dict):
        return value
    found = {name: text for name in _ANY_CASE if isinstance(text := value.get(name), str) and text.isascii()}
    return {**value, **{name: text.lower() for name, text in found.items()}} if found else value


def repeated(name: str) -> Malformed:
    """The error for a field that is given twice: neither of its values is taken."""
    field = name[:MAX_ECHO]
    return Malformed("REPEATED_FIELD", f"{field} is given more than once; give it once.", field=field)


def decoded(body: bytes, kind: type[T]) -> T:
    """A JSON body as a `kind`. Raises Malformed."""
    value = parsed(body, kind)
    try:
        return msgspec.convert(value, kind, dec_hook=read_number)
    except (msgspec.ValidationError, ValueError):
        return converted(value, kind)  # reads it in lower case, or raises with words


def order_id_of(text: str | int) -> OrderId:
    """An order id as written. What cannot be one is id 0, which no order has."""
    try:
        number = int(text) if not isinstance(text, str) or (text.isascii() and text.isdecimal()) else 0
    except ValueError:  # more digits than Python reads
        number = 0
    return OrderId(number) if 0 < number < MAX_ORDER_ID else OrderId(0)


def parsed(body: bytes, kind: type) -> Any:
    """A JSON body that is to be a `kind` as plain values, its numbers exact. Raises Malformed."""
    try:
        return decode_exactly(body)
    except msgspec.ValidationError as unreadable:  # an integer with too many digits: the error names its field
        try:
            msgspec.json.decode(body, type=kind, dec_hook=read_number)
        except (msgspec.DecodeError, ValueError, RecursionError) as problem:
            raise malformed(problem, kind, lambda: msgspec.json.decode(body)) from problem
        raise malformed(unreadable, kind, lambda: msgspec.json.decode(body)) from unreadable
    except (msgspec.DecodeError, ValueError, RecursionError) as problem:
        raise no_json(body, problem) from problem


def no_json(body: bytes, problem: Exception) -> Malformed:
    """The error for a body that is no JSON, or cannot be read, by what its reader raised."""
    if not body.strip():
        return Malformed("MALFORMED_JSON", "The body is empty; send a JSON object.")
    if b"NaN" in body or b"Infinity" in body:
        return Malformed("NOT_FINITE", "NaN and Infinity are not numbers in JSON, nor prices or quantities.")
    if isinstance(problem, msgspec.DecodeError):  # it gives the place; others would show how we work
        return Malformed("MALFORMED_JSON", f"The body is not JSON: {problem}.")
    return Malformed("MALFORMED_JSON", "The body nests too deep, or holds a text or a number that cannot be read.")
