"""Answers of the API made by hand: what a test does not say is of its type and of no meaning.

Layer: tests.
"""

from __future__ import annotations

from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

PLAIN: dict[Any, Any] = {str: "", int: 0, float: 0.0, bool: False, Decimal: Decimal(0), Any: None}


def sample(kind: type[T], **fields: Any) -> T:
    """One answer, with these fields."""
    hints = get_type_hints(kind)
    required = [field.name for field in msgspec.structs.fields(kind) if field.required and field.name not in fields]
    return kind(**fields, **{name: _value(hints[name]) for name in required})


def _value(kind: Any) -> Any:
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return sample(kind)
    origin = get_origin(kind)
    if origin in (Union, UnionType) and NoneType in get_args(kind):
        return None
    if origin in (list, dict):
        return origin()
    return get_args(kind)[0]  # of a Literal
