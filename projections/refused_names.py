"""Orders that were refused, by their client order ids: an older request under such an id must not be carried out later.

Whoever gets no answer from one front door asks another under the same client order id. Where the later request is
sequenced first and refused by the rules, nothing of it is in the exchange, so the earlier one, which its door still
sends from writer to writer, would be entered behind a definite no. The key of an order's submission therefore says
whose id it is and when the request ends, and what comes with an earlier end than one that was refused is not taken.
Layer: projections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from engine.commands import Command, EnterOrder
from engine.events import CommandResult, Rejected

NAME_BYTES: Final = 8
NAMES_MAX: Final = 20_000  # of the newest; some 4 MB


def named_key(command: EnterOrder, deadline_ns: int) -> bytes:
    """The key, of 16 bytes, of a submission of this order, which has a client order id. Later ends are greater keys."""
    name = f"{command.account}\n{command.client_order_id}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(name, digest_size=NAME_BYTES, person=b"named order").digest() + deadline_ns.to_bytes(
        8, "big"
    )


def has_named_key(key: bytes, commands: Sequence[Command]) -> bool:
    """Whether a submission is of one order by its client order id, and its key says so."""
    if len(commands) != 1:
        return False
    command = commands[0]
    if type(command) is not EnterOrder or command.client_order_id is None:
        return False
    return named_key(command, 0)[:NAME_BYTES] == key[:NAME_BYTES]


class RefusedNames:
    """The newest of them."""

    def __init__(self) -> None:
        self._newest: dict[bytes, bytes] = {}  # name -> the greatest key

    def note(self, key: bytes, results: Sequence[CommandResult]) -> None:
        """Remember what a submission caused, where that was a refusal."""
        if len(results) == 1 and results[0].events and type(results[0].events[0]) is Rejected:
            if not has_named_key(key, [results[0].command]):
                return
            name = key[:NAME_BYTES]
            newest = self._newest.pop(name, b"")
            self._newest[name] = max(newest, key)
            if len(self._newest) > NAMES_MAX:
                del self._newest[next(iter(self._newest))]

    def overtook(self, key: bytes, commands: Sequence[Command]) -> bool:
        """Whether a later request under the same client order id was refused. O(1)."""
        newest = self._newest.get(key[:NAME_BYTES])
        return newest is not None and newest > key and has_named_key(key, commands)
