"""What the strings of answers look like, for the document that describes them; nothing is checked when they are made.

Layer: listings.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

DecimalText = Annotated[str, Meta(pattern=r"\A-?[0-9]+(\.[0-9]+)?\Z", examples=["30000.00"])]
NanosText = Annotated[
    str, Meta(pattern=r"\A[0-9]+\Z", description="`ts_ns` as text, for readers whose numbers end at 2^53")
]
IdText = Annotated[str, Meta(pattern=r"\A[0-9]+\Z", examples=["4711"])]


def nanos_text(ts_ns: int) -> str:
    """Epoch nanoseconds as the text that stands beside them: JavaScript rounds the number to about 200 ns."""
    return str(ts_ns)
