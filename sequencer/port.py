"""What a front door needs of whoever sequences: the one writer in this process, or one elsewhere.

The ways not to get a result:

    NotAccepting         the command was not taken; nothing is promised, and a retry by client order id is safe
    ├── Refused          and never will be, as it was given: a definite no
    │   ├── TooManyWaiting
    │   ├── DeadlinePassed
    │   ├── KeyReused    its key stands for other commands
    │   ├── SignatureUsed    the request that it is of came before: its signature is known
    │   └── SignatureTooOld  nobody can say whether that came before: it is to be signed anew
    AlreadySubmitted     its key was taken before, with the same content: says where
    Forgotten            its key is too old to say whether it was taken
    OutcomeUnknown       it may have been taken: ask again with the same key

Layer: sequencer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from engine.commands import Command
from engine.events import CommandResult
from engine.types import Seq
from projections.submissions import KeptSubmission

Listener = Callable[[list[CommandResult]], None]
T = TypeVar("T")

STARTING: Final = "the exchange is starting"
STOPPING: Final = "the exchange is stopping"
NO_DEADLINE: Final = 2**63 - 1  # of a submission that never waits elsewhere
DEADLINE_NS: Final = 60 * 1_000_000_000  # from when a submission was made: no record of a later time has it


class NotAccepting(Exception):
    """The command was not taken; nothing is promised, and a retry by client order id is safe."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Refused(NotAccepting):
    """It was not taken and, as it was given, will not be."""


class TooManyWaiting(Refused):
    """As many commands as may wait do so already."""


class DeadlinePassed(Refused):
    """The record that it would have been in is of a time behind its deadline."""


class KeyReused(Refused):
    """Its key stands for other commands."""


class SignatureUsed(Refused):
    """The signed request that it is of came before, to whichever server."""


class SignatureTooOld(Refused):
    """Whether the signed request that it is of came before is not known any more, or not yet."""


class AlreadySubmitted(Exception):
    """The key was taken before with the same content. What became of it is what became of these commands."""

    def __init__(self, place: KeptSubmission) -> None:
        super().__init__(f"its commands are {place.commands} from seq {place.first_seq} on")
        self.place = place


class OutcomeUnknown(Exception):
    """No answer came in time: it may have been taken, and may be yet, until its deadline. Never say that it failed."""

    def __init__(self, key: bytes, client_order_id: str | None = None) -> None:
        """`key`: of the submission. `client_order_id`: of its only command, where that is an order with one."""
        super().__init__("the writer has not answered; what became of the command is not known yet")
        self.key = key
        self.client_order_id = client_order_id


class Forgotten(Exception):
    """Nobody can say whether the key was taken before: it would be remembered no more."""


class Submit(msgspec.Struct, frozen=True, array_like=True, tag="submit"):
    """Commands of one caller, to be sequenced one behind the other, nothing in between, in one record."""

    key: bytes  # 16 bytes
    deadline_ns: int  # no record of a later time is to have them
    after_seq: int  # what the door had applied when the key was first used: so no command up to this one is of the key
    fingerprint: bytes  # of what was asked, 16 bytes, where somebody else may use the key; else b""
    commands: list[Command]
    sender: bytes = b""  # the front door, where somebody else may use the key or its request is signed; see
    # `projections.used_signatures`


class Sequencing(Protocol):
    """Takes commands and answers with what they caused. For the event loop's thread."""

    @property
    def refusal(self) -> str | None:
        """Why commands are not taken just now, in words; None while they are."""

    @property
    def waiting_commands(self) -> int:
        """How many commands wait to be journaled, those of the record that is being flushed left out."""

    def now_ns(self) -> int:
        """The venue's time, in epoch nanoseconds. Never before the last record's."""

    def listen(self, listener: Listener) -> None:
        """Have `listener` called with every applied batch, in order, as soon as it is applied, before others run.

        What must agree with the exchange whenever it is read is kept here. It must be quick, as answers come behind it,
        and must not switch. What it raises is logged and goes no further.
        """

    def listen_behind(self, listener: Listener) -> None:
        """Have `listener` called with every applied batch, in order, when those who wait for its answers have them.

        What makes and sends messages is done here. It must not block; it may switch, and the exchange stays as the
        batch left it until it returns. What it raises is logged and goes no further.
        """

    def listen_failure(self, listener: Callable[[], None]) -> None:
        """Have `listener` called once when no more commands will be taken; `refusal` says why."""

    def start(self) -> None:
        """Begin to take commands."""

    def stop(self) -> None:
        """Take no more, finish what waits, and return when it is answered."""

    def submit(self, command: Command) -> CommandResult:
        """Sequence one command; return what it caused, once it is durable and applied here. Cooperative.

        Raises NotAccepting, and OutcomeUnknown where the writer is elsewhere.
        """

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """Sequence commands one behind the other, nothing in between, in one batch. Raises as `submit`."""

    def submit_as(self, key: bytes, commands: Sequence[Command], fingerprint: bytes = b"") -> list[CommandResult]:
        """As `submit_all`, once: commands under a `key` of 16 bytes are never taken twice while it is remembered.

        `fingerprint`: of what was asked, 16 bytes; by default of the commands. Raises as `submit`, KeyReused where the
        key stands for something else, and AlreadySubmitted.
        """

    def submitted(self, key: bytes) -> KeptSubmission | None:
        """Where the commands of a key are, as far as this process has applied; None: not there, or forgotten. O(1)."""

    def outcome(self, key: bytes) -> Sequence[CommandResult] | None:
        """What the commands of a key caused that came by `submit_as`; None: not there, or not kept any more. O(1)."""

    def read_in_turns(self, reading: Callable[[], Generator[None, None, T]]) -> tuple[Seq, T]:
        """Go through a reading of one state of the exchange, in turns; return the seq of the state and what was read.

        No command is applied meanwhile: commands wait, everything else goes on. Raises what `reading` raises.
        """
