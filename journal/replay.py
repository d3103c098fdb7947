"""From the journal to the state: every command again, in order.

Layer: journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from engine.digest import state_digest
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.rejects import InvariantViolation
from engine.types import Seq
from journal.codec import CorruptRecord, UnknownVersion, open_batch
from journal.port import Journal, JournalCorrupt, JournalTooNew

PROGRESS_EVERY = 10  # records, of up to `max_batch` commands


class ReplayResult(msgspec.Struct, frozen=True):
    """What a replay went through, and the state it came to."""

    commands: int
    batches: int
    seconds: float
    digest: str  # of the state at the end


def replay(
    journal: Journal,
    exchange: Exchange,
    on_applied: Callable[[list[CommandResult]], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> ReplayResult:
    """Apply every command of `journal` to `exchange`, which must be new. O(commands).

    `on_applied` gets each record's commands with their events, `progress` the number of
    commands so far now and then. Raises JournalCorrupt when a record is damaged, or when the
    state differs from one that was noted in the journal; JournalTooNew for a newer record;
    InvariantViolation, with the record noted on it, when a command breaks the engine.
    """
    started = time.perf_counter()
    due = {checkpoint.seq: checkpoint.digest for checkpoint in journal.checkpoints()}
    commands = batches = 0
    for record in journal.read():
        try:
            batch = open_batch(record)
        except CorruptRecord as error:
            raise JournalCorrupt(f"The journal is damaged: {error}.") from error
        except UnknownVersion as error:
            raise JournalTooNew(f"The journal cannot be read: {error}.") from error
        applied = []
        for seq, command in enumerate(batch, record.first_seq):
            try:
                events = exchange.apply(command, Seq(seq), record.ts_ns)
            except InvariantViolation as error:
                error.add_note(f"while replaying record {record.n}, seq {seq}: {command}")
                raise
            if seq in due and due.pop(seq) != state_digest(exchange):
                raise JournalCorrupt(
                    f"The state digest differs at seq {seq} (record {record.n}): this engine makes another state "
                    "of the same commands than the one that took them. Start the version that wrote the journal."
                )
            if on_applied is not None:
                applied.append(CommandResult(Seq(seq), record.ts_ns, command, events))
        if on_applied is not None:
            on_applied(applied)
        commands += len(batch)
        batches += 1
        if progress is not None and batches % PROGRESS_EVERY == 0:
            progress(commands)
    if progress is not None:
        progress(commands)
    return ReplayResult(commands, batches, time.perf_counter() - started, state_digest(exchange))
