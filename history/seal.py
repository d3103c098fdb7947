"""A checksum beside a history that was closed, by which a start notices that a byte of the file is another.

The database itself notices only what breaks its trees. The seal is broken before anything is written, so a history
whose writer was killed has none, and is judged by the database alone.
Layer: history. Blocks.
"""

from __future__ import annotations

import logging
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

log = logging.getLogger(__name__)

SEALED_BYTES_MAX: Final = 512 * 2**20  # a larger file is not sealed: reading it would keep a stop waiting
_CHUNK: Final = 2**20
_SUFFIX: Final = ".seal"


class Seal(msgspec.Struct, frozen=True):
    """Of the database's file, its log folded in."""

    size: int
    crc32: int


def put(path: Path) -> None:
    """Seal the file at `path`, which nobody writes any more. O(bytes)."""
    with suppress(OSError):  # without a seal it is as after a kill
        if path.stat().st_size <= SEALED_BYTES_MAX:
            _beside(path).write_bytes(msgspec.json.encode(_seal_of(path)))


def holds(path: Path) -> bool:
    """Whether the file is what was sealed, or has no seal. O(bytes). Raises OSError."""
    try:
        seal = msgspec.json.decode(_beside(path).read_bytes(), type=Seal)
    except FileNotFoundError:
        return True
    except msgspec.MsgspecError:
        log.warning("the seal of %s cannot be read; the file is taken as it is", path)
        return True
    return path.stat().st_size == seal.size and _seal_of(path) == seal


def remove(path: Path) -> None:
    """Break the seal, if there is one: the file is about to change. Raises OSError."""
    _beside(path).unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _SUFFIX)


def _seal_of(path: Path) -> Seal:
    size = checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            checksum = zlib.crc32(chunk, checksum)
    return Seal(size, checksum)
