"""Figures of every front door in one page: each door's own, with its number as a label.

Layer: api.doors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from api.metrics.text import Wide

LABEL: Final = "door"
WRITER: Final = "writer"  # the label of the process that has no clients of its own


def joined(by_door: Iterable[tuple[str, bytes]]) -> Iterator[Wide]:
    """The families of all processes, each once, from the text of each. O(samples)."""
    kinds: dict[str, tuple[str, str]] = {}  # by family: kind and documentation
    samples: dict[str, list[tuple[str, float]]] = {}
    for door, text in by_door:
        family = documentation = ""
        for line in text.decode().splitlines():
            if line.startswith("# HELP "):
                _, _, family, documentation = line.split(" ", 3)
            elif line.startswith("# TYPE "):
                kinds.setdefault(family, (line.rpartition(" ")[2], documentation))
            elif line:
                sample, _, value = line.rpartition(" ")
                samples.setdefault(family, []).append((_labelled(sample, door), float(value)))
    for family, (kind, documentation) in kinds.items():
        yield Wide(family, kind, documentation, samples.get(family, ()))


def _labelled(sample: str, door: str) -> str:
    """A sample's name with one more label."""
    name, _, labels = sample.partition("{")
    return f'{name}{{{LABEL}="{door}",{labels}' if labels else f'{name}{{{LABEL}="{door}"}}'
