"""What the strings of answers look like, for the document that describes them; nothing is checked when they are made.

Layer: api.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

DecimalText = Annotated[str, Meta(pattern=r"\A-?[0-9]+(\.[0-9]+)?\Z", examples=["30000.00"])]
IdText = Annotated[str, Meta(pattern=r"\A[0-9]+\Z", examples=["4711"])]
