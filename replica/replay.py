"""From the journal to the state: every command again, in order.

Layer: replica. Blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from engine.digest import state_digest
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import Seq
from journal.codec import CorruptRecord, UnknownVersion
from journal.port import Journal, JournalCorrupt, JournalTooNew
from loop.collector import collector_off
from replica.follower import Follower, StateDiffers

PROGRESS_EVERY: Final = 10  # records, of up to `max_batch` commands


class ReplayResult(msgspec.Struct, frozen=True):
    """What a replay went through, and the state it came to."""

    commands: int
    batches: int
    seconds: float
    digest: str  # of the state at the end


def replay(
    journal: Journal,
    exchange: Exchange,
    on_applied: Callable[[list[CommandResult]], object] | None = None,
    progress: Callable[[Seq], object] | None = None,
) -> ReplayResult:
    """Apply every command of `journal` to `exchange`, which must be new. O(commands).

    `on_applied` gets each record's commands with their events, `progress` the number of
    commands so far now and then. Raises as `follow_to_end`.
    """
    started = time.perf_counter()
    follower = Follower(exchange)
    if on_applied is not None:
        follower.listen(lambda _, applied: on_applied(applied))
    with collector_off():
        follow_to_end(journal, follower, progress)
    if progress is not None:
        progress(follower.seq)
    return ReplayResult(follower.seq, follower.n, time.perf_counter() - started, state_digest(exchange))


def follow_to_end(journal: Journal, follower: Follower, progress: Callable[[Seq], object] | None = None) -> None:
    """Have `follower` follow the records behind its position, and check the states that are noted of them.

    `progress` is called with the seq that was reached, now and then. O(commands).
    Raises JournalCorrupt when a record is damaged, or when the state differs from one that was noted; JournalTooNew;
    RecordsDropped; InvariantViolation, with the record noted on it, when a command breaks the engine.
    """
    for checkpoint in journal.checkpoints():
        follower.expect(checkpoint.seq, checkpoint.digest)
    follow = follower.follow
    try:
        for number, record in enumerate(journal.read(follower.n), 1):
            follow(record, is_verified=number > 1)  # the first one follows what is known from elsewhere
            if progress is not None and number % PROGRESS_EVERY == 0:
                progress(follower.seq)
    except CorruptRecord as error:
        raise JournalCorrupt(f"The journal is damaged: {error}.") from error
    except UnknownVersion as error:
        raise JournalTooNew(f"The journal cannot be read: {error}.") from error
    except StateDiffers as error:
        raise JournalCorrupt(
            f"The journal replays to another state: {error}. Start the version that wrote the journal."
        ) from error
