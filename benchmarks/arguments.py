"""Numbers of a command line that a benchmark can work with: argparse refuses the others in a sentence."""

from __future__ import annotations

from argparse import ArgumentTypeError


def positive_int(text: str) -> int:
    """A whole number above zero."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ArgumentTypeError(f"{text!r} is no whole number above zero")
    return int(text)


def whole(text: str) -> int:
    """A whole number, 0 included."""
    return 0 if text == "0" else positive_int(text)


def positive_float(text: str) -> float:
    """A finite number above zero."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"{text!r} is no number above zero")
    return number
