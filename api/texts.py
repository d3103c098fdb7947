"""What the strings of answers look like, for the document that describes them; nothing is checked when they are made.

Layer: api.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

DecimalText = Annotated[str, Meta(pattern=r"\A-?[0-9]+(\.[0-9]+)?\Z", examples=["30000.00"])]
IdText = Annotated[str, Meta(pattern=r"\A[0-9]+\Z", examples=["4711"])]


def percent(millionths: int) -> str:
    """Millionths as a percentage: 100000 -> "10", -150 -> "-0.015"."""
    whole, rest = divmod(abs(millionths), 10_000)
    sign = "-" if millionths < 0 else ""
    return f"{sign}{whole}.{rest:04d}".rstrip("0").rstrip(".")
