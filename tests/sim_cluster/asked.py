"""What traders asked for, and what was promised them."""

from __future__ import annotations

import msgspec

from engine.commands import Command
from engine.events import CommandResult
from engine.types import AccountId


class Try(msgspec.Struct):
    """One request to one node."""

    node: str
    # "": none yet; done, refused, refused for good, unknown, no answer, not sent
    outcome: str = ""


class Asked(msgspec.Struct):
    """Commands under one key, with every answer to them."""

    account: AccountId
    key: bytes
    commands: tuple[Command, ...]
    after_seq: int  # the trader had an answer of this seq before it asked
    behind: Asked | None = None  # what it asked the same node for just before, without waiting for the answer
    tries: list[Try] = []
    results: list[list[CommandResult]] = []  # each answer that had them
    seqs: list[int] = []  # where an answer said that they are

    @property
    def last_seq(self) -> int:
        """The newest command that an answer named; 0: none did."""
        return max([*self.seqs, *(each[-1].seq for each in self.results)], default=0)
