"""How a number is written, wherever one comes from outside: digits, a point and digits, an exponent. One grammar.

Python reads more than people mean by a number: `1_5`, digits of every script, spaces around them, `+1`, `Infinity`.
None of that is a number here. The digits are ASCII; a point has digits on both sides; a minus is read so that what must
be above zero can be refused by that name. JSON's own numbers are read exactly.
Layer: listings, at its root: it imports nothing of ours.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import click

DECIMAL_PATTERN: Final = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
MAX_WHOLE_DIGITS: Final = 4_000  # Python reads 4,300, and slowly

_decimal = re.compile(DECIMAL_PATTERN).fullmatch
_whole = re.compile(rf"-?[0-9]{{1,{MAX_WHOLE_DIGITS}}}").fullmatch
_not_finite = re.compile(r"\s*[+-]?(s?nan[0-9]*|inf(inity)?)\s*", re.IGNORECASE).fullmatch


class Number(Decimal):
    """A decimal of a request or a file, written by the grammar. It is finite."""

    __slots__ = ()


def read_number(_kind: type, value: Any) -> Number:
    """msgspec's hook for fields that are a `Number`: texts and JSON's numbers. Raises ValueError for anything else."""
    if type(value) is str:
        if not _decimal(value):
            raise ValueError("no number")
    elif not isinstance(value, int | Decimal) or isinstance(value, bool) or not Decimal(value).is_finite():
        raise ValueError("no number")
    try:
        return Number(value)
    except InvalidOperation:
        return Number(exactly(value))


def default_number(text: str) -> Any:
    """The default of a field that is a `Number`: a plain decimal, which msgspec knows how to describe."""
    return Decimal(text)


def exactly(text: str) -> Decimal:
    """The decimal of a text that is one. An exponent beyond Python's becomes the largest or least that Python has."""
    try:
        return Decimal(text)
    except InvalidOperation:
        sign, exponent = "-" * text.startswith("-"), "-" * ("e-" in text.lower())
        return Decimal(f"{sign}1e{exponent}999999")


def decimal_of(text: str) -> Decimal | None:
    """The decimal that is written; None for what is no number."""
    return exactly(text) if _decimal(text) else None


def whole_number(text: str) -> int | None:
    """The whole number that is written, without point and exponent; None for anything else."""
    return int(text) if _whole(text) else None


def whole(text: str) -> int:
    """The whole number that is written on a command line. Raises ValueError."""
    number = whole_number(text)
    if number is None:
        raise ValueError(f"{text!r} is no whole number")
    return number


def is_not_finite(value: Any) -> bool:
    """Whether a value says that it is no number, or an infinite one."""
    if isinstance(value, float | Decimal):
        return not Decimal(value).is_finite()
    return isinstance(value, str) and _not_finite(value) is not None


class WholeNumber(click.IntRange):
    """A whole number on a command line, in the environment or in a file of settings."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number. Raises click.BadParameter."""
        number = whole_number(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int):
            self.fail(f"{value!r} is not a valid integer.", param, ctx)
        checked: int = super().convert(number, param, ctx)
        return checked
