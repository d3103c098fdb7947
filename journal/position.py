"""The newest position in a second place: a small file beside the journal that says which record was flushed last.

It is written behind each flush and not flushed itself, so it can be behind the journal, never ahead of it: a journal
that ends before it has lost records that were acknowledged, and is not what it was.
Layer: journal.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from journal.codec import BatchRecord
from journal.files import is_no_file, open_regular, read_regular

POSITION_SUFFIX: Final = ".position"  # in place of .sqlite

_MAGIC: Final = b"OBELPOS1"
_CONTENT: Final = struct.Struct(">8sQQ32s")  # n, last seq, chain
_CRC: Final = struct.Struct(">I")
_BYTES: Final = _CONTENT.size + _CRC.size

log = logging.getLogger(__name__)


class Position(NamedTuple):
    """A record that was flushed."""

    n: int
    seq: int  # of its last command
    chain: bytes


def position_path(journal: Path) -> Path:
    """Where the position of the journal in this file is kept."""
    return journal.with_suffix(POSITION_SUFFIX)


def read_position(path: Path) -> Position | None:
    """What the file says; None where there is none, an empty one, or a damaged one, which is logged. Raises OSError."""
    try:
        data = read_regular(path, _BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        if not is_no_file(error):
            raise
        log.warning("%s is passed over: what it said of the newest record is not known (%s).", path, error)
        return None
    if not data:  # made at a start, and nothing was written yet
        return None
    if len(data) != _BYTES or _CRC.unpack_from(data, _CONTENT.size)[0] != zlib.crc32(data[: _CONTENT.size]):
        log.warning("%s is damaged, and is made anew: what it said of the newest record is not known.", path)
        return None
    magic, n, seq, chain = _CONTENT.unpack_from(data)
    if magic != _MAGIC:
        log.warning("%s is not what this version writes, and is made anew.", path)
        return None
    return Position(n, seq, chain)


class PositionFile:
    """The file, open to be written."""

    def __init__(self, path: Path) -> None:
        """What has the name and is no file is passed over, and nothing written. Raises OSError."""
        self._path = path
        self._failed = False
        self._descriptor: int | None = None
        try:
            self._descriptor = open_regular(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            if not is_no_file(error):
                raise
            log.error("%s: move it away, so that the newest position is kept there from the next start on.", error)

    def write(self, record: BatchRecord) -> None:
        """Say that `record` is flushed. Never raises: that it fails is logged, once. A call of the system, no flush."""
        if self._descriptor is None:
            return
        content = _CONTENT.pack(_MAGIC, record.n, record.last_seq, record.chain)
        try:
            os.pwrite(self._descriptor, content + _CRC.pack(zlib.crc32(content)), 0)
        except OSError as error:
            if not self._failed:
                log.error("%s could not be written (%s): trading goes on without it.", self._path, error)
            self._failed = True
        else:
            self._failed = False

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
