"""The sequencer's surface where the writer is elsewhere: commands go over a link, answers come from one's own replica.

Records are applied here as the writer applies them, with the same order of publishing: what folds them, then the
answers, then what publishes. A submission is answered when the record that has its key is applied, by whichever writer
it was taken.
Layer: cluster. For the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final, NoReturn, TypeVar

from cluster.link_client import WriterLink
from cluster.link_frames import FromWriter, WriterHello
from engine.commands import Command
from engine.events import CommandResult
from engine.types import Seq
from journal.codec import BatchRecord
from projections.submissions import KeptSubmission, SubmissionWindow
from replica.follower import Follower
from replica.frames import Record
from sequencer.port import Listener

PATIENCE_S: Final = 10.0  # that an answer is waited for
BACKLOG_BYTES_MAX: Final = 64 * 2**20  # of records that wait to be applied

T = TypeVar("T")


class RemoteSequencer:
    """`Sequencing` over a link and the records. One for a running front door."""

    def __init__(
        self,
        follower: Follower,
        submissions: SubmissionWindow,
        link: WriterLink,
        *,
        clock: Callable[[], int],
        on_invariant_violation: Callable[[BaseException], NoReturn],
        max_waiting: int,
        names_orders: bool,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`follower` has applied what the door begins with, and `submissions` has noted it.

        `clock` gives epoch nanoseconds. `on_invariant_violation` must end the process. `max_waiting` counts commands.
        `names_orders`: give an EnterOrder without a client order id one, so that it can be asked for afterwards.
        """
        raise NotImplementedError

    # -- Sequencing

    @property
    def refusal(self) -> str | None:
        """As `Sequencing.refusal`."""
        raise NotImplementedError

    @property
    def waiting_commands(self) -> int:
        """How many commands wait for their answers."""
        raise NotImplementedError

    def now_ns(self) -> int:
        """As `Sequencing.now_ns`."""
        raise NotImplementedError

    def listen(self, listener: Listener) -> None:
        """As `Sequencing.listen`."""
        raise NotImplementedError

    def listen_behind(self, listener: Listener) -> None:
        """As `Sequencing.listen_behind`."""
        raise NotImplementedError

    def listen_failure(self, listener: Callable[[], None]) -> None:
        """As `Sequencing.listen_failure`: called when the records cannot be followed any more."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin to apply records, to connect and to take commands."""
        raise NotImplementedError

    def stop(self) -> None:
        """Take no more, wait for the answers that are due within the patience, and end."""
        raise NotImplementedError

    def submit(self, command: Command) -> CommandResult:
        """As `Sequencing.submit`."""
        raise NotImplementedError

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """As `Sequencing.submit_all`."""
        raise NotImplementedError

    def submit_as(self, key: bytes, commands: Sequence[Command], fingerprint: bytes = b"") -> list[CommandResult]:
        """As `Sequencing.submit_as`."""
        raise NotImplementedError

    def submitted(self, key: bytes) -> KeptSubmission | None:
        """As `Sequencing.submitted`."""
        raise NotImplementedError

    def read_in_turns(self, reading: Callable[[], Generator[None, None, T]]) -> tuple[Seq, T]:
        """As `Sequencing.read_in_turns`."""
        raise NotImplementedError

    # -- RecordTaker

    @property
    def last(self) -> BatchRecord | None:
        """The newest record that was delivered."""
        raise NotImplementedError

    @property
    def backlog_bytes(self) -> int:
        """Of records that were delivered and are not applied yet. From any thread."""
        raise NotImplementedError

    def deliver(self, records: Sequence[Record]) -> None:
        """Take records that follow one another; they are verified when they are applied. Never waits."""
        raise NotImplementedError

    # -- LinkUser

    @property
    def applied_seq(self) -> int:
        """The last command that is applied here."""
        raise NotImplementedError

    def on_link_up(self, hello: WriterHello) -> None:
        """Send the writer everything that is not answered, in order."""
        raise NotImplementedError

    def on_link_down(self) -> None:
        """The writer is gone: what is not answered waits for the next."""
        raise NotImplementedError

    def on_frame(self, frame: FromWriter) -> None:
        """Take what the writer says."""
        raise NotImplementedError
