"""Stands for the sequencer where what is asked for has a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from api.http.idempotency import RequestKey
from engine.commands import Command
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import Seq
from projections.submissions import KeptSubmission
from sequencer.port import AlreadySubmitted, NotAccepting

KEY = RequestKey(b"k" * 16, b"f" * 16)


def apply(exchange: Exchange, command: Command) -> CommandResult:
    """Apply one command as the next."""
    seq, ts_ns = Seq(exchange.seq + 1), exchange.ts_ns + 1
    return CommandResult(seq, ts_ns, command, exchange.apply(command, seq, ts_ns))


class UnderKeys:
    """Applies what comes under keys, once each, until it takes no more."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.takes = 10**6  # submissions
        self.kept: dict[bytes, list[CommandResult]] = {}
        self.gone: set[bytes] = set()  # what became of these is not kept any more
        self.before_each: Callable[[], object] = lambda: None

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """Apply the commands."""
        return [apply(self._exchange, command) for command in commands]

    def submit_as(self, key: bytes, commands: Sequence[Command], fingerprint: bytes = b"") -> list[CommandResult]:
        """As `Sequencing.submit_as`."""
        before, self.before_each = self.before_each, lambda: None
        before()
        if (known := self.submitted(key)) is not None:
            raise AlreadySubmitted(known)
        if not self.takes:
            raise NotAccepting("stopping")
        self.takes -= 1
        self.kept[key] = self.submit_all(commands)
        return self.kept[key]

    def submitted(self, key: bytes) -> KeptSubmission | None:
        """As `Sequencing.submitted`."""
        found = self.kept.get(key)
        return None if found is None else KeptSubmission(found[0].seq, len(found), KEY.fingerprint)

    def outcome(self, key: bytes) -> list[CommandResult] | None:
        """As `Sequencing.outcome`."""
        return None if key in self.gone else self.kept.get(key)


def before_submission(sequencer: UnderKeys, number: int, act: Callable[[], int]) -> list[int]:
    """Have `act` done just before the submission of that number, from 0; what it returned is the last in the list."""
    found: list[int] = []

    def other() -> None:
        if number > len(found):
            found.append(0)
            sequencer.before_each = other
        else:
            found.append(act())

    sequencer.before_each = other
    return found
