"""Which clients bring made-up or recorded orders, by what they say at connect: the kind, its seed, what makes it.

Layer: api.market.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

SHOWN_MAX: Final = 8  # of each kind


class FlowSource(msgspec.Struct, frozen=True):
    """A source of made-up or recorded orders, as it calls itself."""

    flow: str
    seed: int | None
    strategy: str | None


def known_sources(sources: Iterable[FlowSource | None]) -> list[FlowSource]:
    """Each different one once, of many of a kind the first ones. O(sources)."""
    found = sorted(
        {source for source in sources if source is not None},
        key=lambda source: (source.flow, source.strategy or "", -1 if source.seed is None else source.seed),
    )
    kinds = dict.fromkeys(source.flow for source in found)
    return [source for kind in kinds for source in [one for one in found if one.flow == kind][:SHOWN_MAX]]


def flows_of(sources: Sequence[FlowSource]) -> list[str]:
    """The kinds of them."""
    return list(dict.fromkeys(source.flow for source in sources))
