"""Up to where a reader has a stream whole, so that another node goes on from there.

Layer: openbell_client.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

_encode: Final = msgspec.msgpack.Encoder().encode


class Position:
    """What a reader of trades or of own orders has. What one command caused may have come in part."""

    def __init__(self) -> None:
        self._seq: int | None = None
        self._of_seq: set[bytes] = set()  # messages of that command
        self._whole = True  # what came of that command is all of it

    @property
    def since(self) -> int | None:
        """The command up to which all came; None where nothing is known."""
        return self._seq if self._seq is None or self._whole else self._seq - 1

    def begin(self, seq: int) -> None:
        """What comes now is behind command `seq`."""
        self._seq, self._of_seq, self._whole = seq, set(), True

    def is_new(self, message: Any) -> bool:
        """Whether a message did not come before, and note it. O(bytes)."""
        seq, known = message.seq, self._seq or 0
        if seq < known or (seq == known and self._whole):
            return False
        if seq > known:
            self._seq, self._of_seq, self._whole = seq, set(), False
        mark = _encode(message)
        if mark in self._of_seq:
            return False
        self._of_seq.add(mark)
        return True
