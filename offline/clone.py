"""`openbell clone DATA TARGET`: a copy of a venue up to a command, as a data folder of its own.

The records are the original's, to the byte; a record in the middle of which the copy ends is sealed anew with the
commands up to there. The copy has a snapshot of its last state, whose digest is noted, and a secret and users of its
own. The folder may be a running server's, which is only read.
Layer: offline. Blocks.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from engine.digest import state_digest
from engine.rejects import InvariantViolation
from identity.copies import copy_users
from journal.beginnings import belongs, first_kept
from journal.codec import BatchRecord, CorruptRecord, UnknownVersion, open_batch, seal
from journal.copies import copied_journal
from journal.made import make_journal_behind
from journal.port import Checkpoint, Journal, JournalError
from journal.snapshots import SnapshotError, SnapshotFile, SnapshotFolder
from journal.sqlite import SqliteJournal
from listings.numbers import whole
from loop.errors import StoreError
from offline.folder import JOURNAL_NAME, SNAPSHOTS, OfflineError, make_identity, new_folder
from openbell import __version__
from openbell.programs import called
from replica.follower import StateDiffers
from replica.recovery import Begun, snapshot_for
from tools.progress import progress

MADE, FAILED, INTERRUPTED = 0, 2, 130  # exit statuses
PROGRESS_EVERY: Final = 100  # records


class Cloned(NamedTuple):
    """What was made."""

    records: int
    seq: int
    digest: str


def main(arguments: list[str] | None = None) -> int:
    """Clone what the command line names; the exit status."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # what is said of the copy is of no use to who asked
    started = time.perf_counter()
    try:
        made = clone(asked.data, asked.target, asked.at, with_users=asked.with_users)
    except (OfflineError, JournalError, StoreError, OSError) as problem:
        print(problem, file=sys.stderr)
        return FAILED
    except (CorruptRecord, UnknownVersion, StateDiffers, InvariantViolation) as problem:
        print(f"The journal cannot be carried out: {problem}.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted: nothing was made.", file=sys.stderr)
        return INTERRUPTED
    finally:
        logging.disable(logging.NOTSET)
    print(f"{made.records:,} records up to seq {made.seq:,} in {time.perf_counter() - started:.1f} s")
    print(f"state {made.digest}")
    print(f"To prove it: {called('verify')} {asked.target} --deep")
    return MADE


def clone(data: Path, target: Path, at: int | None = None, *, with_users: bool = False) -> Cloned:
    """Copy the venue in `data` up to the command `at`, all of it without one. O(records + state).

    Raises OfflineError, JournalError, StoreError, OSError, and as `Follower.follow` where the state differs.
    """
    path = data / JOURNAL_NAME
    if not path.is_file():
        raise OfflineError(f"There is no journal at {path}.")
    with new_folder(target) as folder, copied_journal(path) as journal:
        last = journal.last
        if last is None:
            raise OfflineError(f"The journal in {data} has no record.")
        until_seq = last.last_seq if at is None else at
        if not 0 < until_seq <= last.last_seq:
            raise OfflineError(f"The journal in {data} has the commands 1 to {last.last_seq:,}, not {until_seq:,}.")
        begun = _begun(data, journal, until_seq)
        with progress("records", None) as done:
            made = _copy(journal, folder, begun, until_seq, done)
        _copy_snapshots(data, folder, journal, made)
        if (schedules := data / "schedules.json").is_file():
            shutil.copyfile(schedules, folder / schedules.name)
        if with_users:
            copy_users(data, folder)
        else:
            make_identity(folder, begun.follower.exchange)
        return made


def _begun(data: Path, journal: Journal, until_seq: int) -> Begun:
    """The state to begin with: of the newest snapshot of these records, or the beginning."""

    def fits(last: BatchRecord) -> bool:
        return belongs(journal.part, last.n, last.chain)

    return snapshot_for(_ReadOnlySnapshots(data / SNAPSHOTS), until_seq, fits)


class _ReadOnlySnapshots(SnapshotFolder):
    """The snapshots of a venue that may be running: what is damaged stays where it is."""

    def set_aside(self, path: Path) -> None:
        """Leave it: whoever runs the venue does that."""


def _copy(journal: Journal, folder: Path, begun: Begun, until_seq: int, done: Callable[[int], object]) -> Cloned:
    """Write the records up to the command, and the state behind them. O(records)."""
    follower, projections = begun.follower, begun.projections
    follower.listen(projections.on_record)
    path, copied_n = folder / JOURNAL_NAME, 0
    if (first_n := first_kept(journal)) > 1:
        if follower.last is None or follower.n < first_n - 1:
            raise OfflineError(f"The records before {first_n:,} were dropped, and no earlier snapshot is there to use.")
        make_journal_behind(path, follower.last)
        copied_n = follower.n
    known_seq = follower.seq if copied_n else 0
    notes = {each.seq: each.digest for each in journal.checkpoints() if known_seq < each.seq <= until_seq}
    for seq, digest in notes.items():
        follower.expect(seq, digest)
    records, made = 0, SqliteJournal(path, version=__version__, flushed=False)
    with contextlib.closing(made):
        for record in journal.read(copied_n):
            if record.first_seq > until_seq:
                break
            kept = record if record.last_seq <= until_seq else _cut(record, until_seq)
            made.append(kept)
            records += 1
            if kept.n > follower.n:
                follower.follow(kept)
            if records % PROGRESS_EVERY == 0:
                done(PROGRESS_EVERY)
        digest = state_digest(follower.exchange)
        for seq, noted in sorted((notes | {until_seq: digest}).items()):
            made.note(Checkpoint(seq, noted))
    if follower.last is not None:
        snapshots = SnapshotFolder(folder / SNAPSHOTS, __version__)
        snapshots.save(follower.exchange, follower.last, projections.saved(), digest)
    return Cloned(records, until_seq, digest)


def _cut(record: BatchRecord, until_seq: int) -> BatchRecord:
    """The record with the commands up to one of them."""
    commands = open_batch(record)[: until_seq - record.first_seq + 1]
    return seal(record.n, record.ts_ns, record.first_seq, commands, record.prev_chain)


def _copy_snapshots(data: Path, folder: Path, journal: Journal, made: Cloned) -> None:
    """Copy the snapshots of the records that were copied, but for what there is already."""
    for file in SnapshotFolder(data / SNAPSHOTS).files():
        target = folder / SNAPSHOTS / file.path.name
        if file.seq <= made.seq and not target.exists() and _is_of(journal, file):
            shutil.copyfile(file.path, target)


def _is_of(journal: Journal, file: SnapshotFile) -> bool:
    try:
        last = SnapshotFolder(file.path.parent).load(file).last
    except (SnapshotError, OSError):
        return False
    return belongs(journal.part, last.n, last.chain)


def _seq(text: str) -> int:
    """A command's number. Raises ValueError."""
    number = whole(text)
    if number < 1:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("clone"),
        description="Copy a venue up to a command into a data folder of its own, which must not exist. The original "
        "may be running; it is only read. The copy has a secret and users of its own: nobody yet, unless --with-users.",
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the data folder to copy")
    parser.add_argument("target", type=Path, metavar="TARGET", help="the data folder to make")
    parser.add_argument("--at", type=_seq, metavar="SEQ", help="the last command (default: the newest)")
    parser.add_argument(
        "--with-users",
        action="store_true",
        help="copy users, passwords and API keys, and the secret that they need: a key then signs at both venues",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
