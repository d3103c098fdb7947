"""A value that cannot be understood, in words: which field, what it must be, and what came instead.

msgspec says that a value is wrong and where; what would be right is read off the types of the
request, so that no answer shows how we write types. What came is repeated where it stands
for a choice or a number, and never where it is free text: that may be a password.
Layer: api.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final

from msgspec import inspect

from api.json.errors import Malformed
from listings.numbers import Number, is_not_finite

MAX_ECHO: Final = 100  # characters of a request that an error repeats
MAX_VALUE: Final = 40  # characters of a value
WHOLE_REQUEST: Final = "The request"

_PATTERNS = {  # what each pattern demands, in words
    "code": "a text of six digits",
    "client_order_id": "1 to 64 printable ASCII characters without spaces",
    "symbol": "1 to 32 printable ASCII characters without spaces",
    "asset": "1 to 16 printable ASCII characters without spaces",
    "name": "3 to 32 letters, digits, dots, dashes or underscores",
}
_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")
_CHOICES = (
    inspect.EnumType,
    inspect.LiteralType,
    inspect.BoolType,
    inspect.IntType,
    inspect.DecimalType,
    inspect.FloatType,
)
_NOTHING: Final = object()  # in place of a value that cannot be found


def malformed(problem: Exception, kind: Any, sent: Callable[[], Any]) -> Malformed:
    """What msgspec says of a request that should be a `kind`, as our error: a code, a sentence and the field.

    `sent` gives the request as parsed JSON; it may raise. O(fields of `kind`, length of the request).
    """
    said = str(problem)
    named = re.search(r"field `([^`]+)`", said)
    at = re.search(r" - at `\$([^`]*)`", said)
    path = at.group(1) if at else ""
    field = (named.group(1) if named else path.removeprefix("."))[:MAX_ECHO]
    details = {"field": field} if field else {}
    if "missing required" in said:
        return Malformed("MISSING_FIELD", f"{field} is missing.", **details)
    if "unknown field" in said:
        return Malformed("UNKNOWN_FIELD", f"This request has no field {field!r}.", **details)
    steps = [name or index for name, index in _STEP.findall(path)]
    try:
        value = _value_at(sent(), steps)
    except (ValueError, RecursionError):  # the JSON ends behind the mistake, or holds a number that cannot be read
        value = _NOTHING
    if not steps and isinstance(value, dict):  # it is an object as asked for, but something in it cannot be read
        return Malformed("INVALID_VALUE", f"{WHOLE_REQUEST} holds a text or a number that cannot be read.", **details)
    at_path = _type_at(_described(kind), steps)
    if any(_is_number(member) for member in _members(at_path)):
        if is_not_finite(value):
            return Malformed(
                "NOT_FINITE", f"{field} must be a finite number, not {_shown(value, repeat=True)}.", **details
            )
        if "out of range" in said:  # more digits than are read at all
            return Malformed("OUT_OF_RANGE", f"{field} is out of range.", **details)
    needed = _alternatives(at_path, steps[-1] if steps else "")
    came = _shown(value, repeat=_is_choice(kind, tuple(steps)))
    return Malformed(
        "INVALID_VALUE", f"{field or WHOLE_REQUEST} must be {joined(needed)}{came and f', not {came}'}.", **details
    )


def joined(words: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@cache
def _described(kind: Any) -> inspect.Type:
    """What msgspec knows of a type: to find out takes a third of a millisecond."""
    return inspect.type_info(kind)


@lru_cache(maxsize=1024)  # a path is of the client's making
def _is_choice(kind: Any, steps: tuple[str, ...]) -> bool:
    """Whether a value stands for a choice or a number, so that it may be repeated."""
    members = _members(_type_at(_described(kind), list(steps)))
    return all(isinstance(member, _CHOICES) or _is_number(member) for member in members)


def _is_number(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.CustomType) and kind.cls is Number


def _members(kind: inspect.Type) -> list[inspect.Type]:
    """The types that a value may have, null left aside: it means that a field is left out."""
    if isinstance(kind, inspect.Metadata):
        return _members(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [member for item in kind.types for member in _members(item)]
    return [] if isinstance(kind, inspect.NoneType) else [kind]


def _type_at(kind: inspect.Type, steps: list[str]) -> inspect.Type:
    """The type of what stands at a path within a value of `kind`; any where the path leads nowhere."""
    if not steps:
        return kind
    for member in _members(kind):
        if isinstance(member, inspect.StructType):
            for field in member.fields:
                if field.encode_name == steps[0]:
                    return _type_at(field.type, steps[1:])
        elif isinstance(member, inspect.ListType | inspect.VarTupleType):
            return _type_at(member.item_type, steps[1:])
    return inspect.AnyType()


def _value_at(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _NOTHING
    return value


def _alternatives(kind: inspect.Type, field: str) -> list[str]:
    """What a value of `kind` may be, in words."""
    return [word for member in _members(kind) for word in _words(member, field)] or ["something else"]


def _words(kind: inspect.Type, field: str) -> list[str]:
    match kind:
        case inspect.EnumType():
            return [str(item.value) for item in kind.cls]
        case inspect.LiteralType():
            return [str(value) for value in kind.values]
        case inspect.BoolType():
            return ["true", "false"]
        case inspect.IntType():
            return [f"a whole number{_range(kind.ge, kind.le, 'from')}"]
        case inspect.DecimalType() | inspect.FloatType() | inspect.CustomType():
            return ["a decimal number"]
        case inspect.StrType():
            if kind.pattern is not None:
                return [_PATTERNS.get(field, "a text of another form")]
            size = _range(kind.min_length, kind.max_length, "of")
            return [f"a text{size} characters" if size else "a text"]
        case inspect.ListType() | inspect.VarTupleType():
            size = _range(kind.min_length, kind.max_length, "of")
            return [f"a list{size} elements" if size else "a list"]
    return ["an object"]


def _range(least: float | None, most: float | None, word: str) -> str:
    if least is not None and most is not None:
        return f" {word} {least} to {most}"
    if most is not None:
        return f" {word} at most {most}"
    return "" if least is None else f" {word} at least {least}"


def _shown(value: Any, *, repeat: bool) -> str:
    """What came, in words; nothing where it must not be repeated."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "an object"
        case str() if repeat:
            short = value if len(value) <= MAX_VALUE else value[:MAX_VALUE] + "..."
            return f"'{short}'" if short.isprintable() else ""
        case int() | float() | Decimal():
            text = str(value) if repeat and not (isinstance(value, int) and value.bit_length() > 128) else ""
            return text if 0 < len(text) <= MAX_VALUE else "a number"
    return ""
