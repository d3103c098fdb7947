"""Does SQLite's write-ahead log hold commits that SQLite would silently leave out?

On opening, SQLite replays the log up to the first frame whose checksum is wrong, and forgets
the rest. After a power cut that is right: only the commit under way can be torn. When older
bytes went bad, it loses commits that were flushed, and says nothing. The difference can be
seen: behind a torn commit nothing follows, for a commit starts only when the one before it
is flushed.

Format: https://www.sqlite.org/fileformat2.html#walformat
Layer: journal. Reads one file.
"""

from __future__ import annotations

import struct
import sys
from array import array
from pathlib import Path
from typing import Final

from journal.files import read_regular

_HEADER_BYTES: Final = 32
_FRAME_HEADER_BYTES: Final = 24
_MAGIC_LITTLE, _MAGIC_BIG = 0x377F0682, 0x377F0683  # the byte order of the checksummed words
_MASK = 0xFFFFFFFF


def first_lost_byte(path: Path) -> int | None:
    """Where the log at `path` is damaged so that flushed commits behind it would be lost, else None.

    None too when there is no log, and when only its last commit is torn. O(bytes), about
    30 ms a megabyte: the log is a few megabytes at most. Raises OSError.
    """
    try:
        log = read_regular(path)
    except FileNotFoundError:
        return None
    if len(log) <= _HEADER_BYTES:
        return None
    magic, _, page_bytes, _, salt_1, salt_2, *expected = struct.unpack_from(">8I", log)
    order = "big" if magic & 1 else "little"
    sums = _checksum((0, 0), log[:24], order)
    if magic not in (_MAGIC_LITTLE, _MAGIC_BIG) or sums != tuple(expected):
        return 0  # the header is flushed before the first frame, so it cannot be torn
    frame_bytes = _FRAME_HEADER_BYTES + page_bytes
    bad: int | None = None
    torn_commit_ended = False
    for at in range(_HEADER_BYTES, len(log) - frame_bytes + 1, frame_bytes):
        _, pages_after_commit, *salts = struct.unpack_from(">4I", log, at)
        ours = salts == [salt_1, salt_2]  # else left over from before the log was last begun anew
        if bad is None:
            if ours:
                sums = _checksum(sums, log[at : at + 8], order)
                sums = _checksum(sums, log[at + _FRAME_HEADER_BYTES : at + frame_bytes], order)
                if sums == struct.unpack_from(">2I", log, at + 16):
                    continue
            bad = at
        elif ours and torn_commit_ended:
            return bad
        torn_commit_ended = torn_commit_ended or (ours and pages_after_commit > 0)
    return None


def _checksum(sums: tuple[int, int], data: bytes, order: str) -> tuple[int, int]:
    """SQLite's running checksum over pairs of 32-bit words."""
    words = array("I", data)
    if order != sys.byteorder:
        words.byteswap()
    first, second = sums
    pairs = iter(words)
    for word, next_word in zip(pairs, pairs, strict=True):
        first = (first + word + second) & _MASK
        second = (second + next_word + first) & _MASK
    return first, second
