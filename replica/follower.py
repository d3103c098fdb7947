"""A follower: an exchange of its own that has applied the records up to a position, and tells its listeners.

Records come from whoever has them (a journal, a copy of one, a stream), one behind the other; each is verified to be
what was sealed and to follow the one before. The first that does not, or that leads to another state than the writer
noted, ends the following: it is named, and nothing behind it is applied.
Layer: replica. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.commands import Command
from engine.digest import state_digest
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.rejects import InvariantViolation
from engine.types import Seq
from journal.codec import BatchRecord, CorruptRecord, open_batch, verify

OnRecord = Callable[[BatchRecord, list[CommandResult]], object]


class StateDiffers(Exception):
    """The same commands made another state here than where they were taken. Names record and command."""

    def __init__(self, n: int, seq: int) -> None:
        super().__init__(
            f"record {n}: the state digest differs at seq {seq}: this engine makes another state of the same commands "
            "than the one that took them"
        )
        self.n = n
        self.seq = seq


class Follower:
    """An exchange at a position. Listeners are called with each record that was applied, in order.

    The position is the last record that was applied whole: `last`, and in short `n` and `seq`.
    """

    def __init__(
        self,
        exchange: Exchange | None = None,
        last: BatchRecord | None = None,
        digests: Mapping[int, str] | None = None,
    ) -> None:
        """Begin behind `last`, with the `exchange` that has applied it: by default before the first record.

        `digests`: by seq, the digests of the state that the writer noted; more may be given by `expect`.
        """
        self.exchange = Exchange() if exchange is None else exchange
        self.last = last
        self._digests = dict(digests or {})
        self._listeners: list[OnRecord] = []

    @property
    def n(self) -> int:
        """The last record that was applied."""
        return 0 if self.last is None else self.last.n

    @property
    def seq(self) -> Seq:
        """The last command that was applied."""
        return self.exchange.seq

    def listen(self, listener: OnRecord) -> None:
        """Have `listener` called with every record that was applied, and what its commands caused."""
        self._listeners.append(listener)

    def expect(self, seq: int, digest: str) -> None:
        """Have the state after command `seq`, which is still to come, compared with a digest that was noted."""
        if seq > self.seq:
            self._digests[seq] = digest

    def follow(self, record: BatchRecord, *, is_verified: bool = False) -> list[CommandResult]:
        """Apply the next record whole, then call the listeners; return what its commands caused. O(commands).

        `is_verified`: who gives it has verified it, and that it follows the one given before.
        Raises CorruptRecord when it is not the next, or not what was sealed; UnknownVersion for one of another
        version; StateDiffers; InvariantViolation, with the record noted on it. Nothing can be followed afterwards.
        """
        if is_verified:
            self._require_next(record)
            applied = list(self._applied(record, open_batch(record)))
        else:
            applied = list(self.steps(record))
        for listener in self._listeners:
            listener(record, applied)
        return applied

    def steps(self, record: BatchRecord, commands: Sequence[Command] | None = None) -> Iterator[CommandResult]:
        """The same command by command, for who looks at the state in between; listeners are not called.

        `commands`: what `open_batch(record)` gives, from who has opened it already. Each command is applied when it is
        asked for. Raises as `follow`; the position moves behind the last command.
        """
        verify(record, self.last)
        self._require_next(record)
        return self._applied(record, open_batch(record) if commands is None else commands)

    def _require_next(self, record: BatchRecord) -> None:
        if record.first_seq != self.seq + 1:
            raise CorruptRecord(record.n, f"it begins with seq {record.first_seq}, and the exchange is at {self.seq}")

    def _applied(self, record: BatchRecord, commands: Sequence[Command]) -> Iterator[CommandResult]:
        """Each command as it is applied. This loop is a replay's own cost: half a microsecond of five to ten."""
        apply, ts_ns, digests, seq = self.exchange.apply, record.ts_ns, self._digests, Seq(record.first_seq)
        for command in commands:
            try:
                events = apply(command, seq, ts_ns)
            except InvariantViolation as error:
                error.add_note(f"while following record {record.n}, seq {seq}: {command}")
                raise
            if seq in digests and digests.pop(seq) != state_digest(self.exchange):
                raise StateDiffers(record.n, seq)
            yield CommandResult(seq, ts_ns, command, events)
            seq += 1  # type: ignore[assignment] # Seq() would cost as much as the rest of the loop
        self.last = record
