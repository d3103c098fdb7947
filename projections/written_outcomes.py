"""What commands caused, as a snapshot has it: where another version cannot read it, it is as if it were not kept.

JSON, since amounts are integers of any size. An event is written by its name: no other event is ever given that.
Layer: projections.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from engine.commands import Command
from engine.events import CommandResult, Event
from engine.types import Seq


class _Written(msgspec.Struct, array_like=True):
    """One command, its place, and what it caused."""

    seq: Seq
    ts_ns: int
    command: Command
    events: list[tuple[str, Raw]]  # name and fields of each


def _kinds(kind: type[Event]) -> Iterator[type[Event]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[_Written]).decode
_DECODERS: Final = {kind.__name__: msgspec.json.Decoder(kind) for kind in _kinds(Event)}


def written(results: Sequence[CommandResult]) -> Raw:
    """The results of commands, to be written. O(events)."""
    return Raw(
        _encode(
            [
                _Written(
                    each.seq,
                    each.ts_ns,
                    each.command,
                    [(type(event).__name__, Raw(_encode(event))) for event in each.events],
                )
                for each in results
            ]
        )
    )


def read_again(encoded: Raw) -> list[CommandResult] | None:
    """The same, read; None where another version wrote what this one cannot read. O(events)."""
    try:
        return [
            CommandResult(
                each.seq, each.ts_ns, each.command, [_DECODERS[name].decode(fields) for name, fields in each.events]
            )
            for each in _decode(encoded)
        ]
    except (msgspec.DecodeError, ValueError, LookupError):
        return None
