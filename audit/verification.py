"""Proving a data folder: every archive segment, every record, every snapshot, every digest that was noted.

What a server writes meanwhile is no damage: what is read is a copy of the journal, and files that stay as they are.
Layer: audit.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from engine.digest import state_digest
from engine.exchange import Exchange
from engine.rejects import InvariantViolation
from journal import copies
from journal.archive import ArchiveFolder, archive_beside
from journal.codec import BatchRecord, CorruptRecord, UnknownVersion, open_batch
from journal.manifest import MANIFEST_NAME
from journal.port import Checkpoint, JournalError, RecordsDropped
from journal.position import position_path, read_position
from journal.segment import Segment
from journal.snapshots import Snapshot, SnapshotDamaged, SnapshotFile, SnapshotFolder, SnapshotUnknown
from journal.sqlite import SqliteJournal
from replica.follower import Follower, StateDiffers

SNAPSHOTS_NAME: Final = "snapshots"
PROGRESS_EVERY: Final = 500  # records
FINDINGS_MAX: Final = 100

Progress = Callable[[str], None]


class Verified(msgspec.Struct):
    """What was proved of a folder, and what was found wrong."""

    folder: str
    segments: int = 0
    segments_proved: int = 0
    archive_proved: list[
        tuple[int, int]
    ] = []  # records, from and to, without those of segments that were found damaged
    archived_records: int = 0
    archived_first_n: int = 0
    archived_last_n: int = 0
    archive_bytes: int = 0  # compressed, of what was proved
    archive_raw_bytes: int = 0
    records: int = 0  # of the journal's own file
    first_n: int = 0
    last_n: int = 0
    first_seq: int = 0
    last_seq: int = 0
    snapshots: int = 0
    snapshots_of_other_versions: int = 0
    folded_commands: int = 0
    digests_noted: int = 0
    digests_proved: int = 0
    remarks: list[str] = []
    findings: list[str] = []

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class Verification:
    """One run over a data folder. Findings are gathered; only what cannot be read at all ends it."""

    def __init__(self, journal: Path, *, deep: bool, progress: Progress) -> None:
        self.result = Verified(str(journal.parent))
        self._path = journal
        self._deep = deep
        self._progress = progress
        self._snapshots = SnapshotFolder(journal.parent / SNAPSHOTS_NAME)
        self._thinned = False  # meanwhile, by a server
        self._newest_n = 0  # of the snapshots that proved right

    def run(self) -> None:
        """Prove it all. Raises JournalError where the journal cannot be copied or opened, OSError."""
        position = read_position(position_path(self._path))  # before the copy, which has that record then
        files = sorted(self._snapshots.files())  # and the records of these
        archive = archive_beside(self._path)
        archived_n = archive.last_n  # and these
        self._find_no_files()
        with copies.copied(self._path) as copy:
            self._prove_archive(archive)
            try:
                journal = SqliteJournal(copy, archive=archive)
            except JournalError as error:
                self._find(str(error).replace(str(copy), str(self._path)))
                return
            with contextlib.closing(journal):
                self._compare_ends(journal, archived_n)
                self._prove_journal(journal, copy)
                last = journal.last
                if position is not None and position.n > (0 if last is None else last.n):
                    self._find(
                        f"{position_path(self._path).name} says that record {position.n} was flushed and acknowledged; "
                        f"the journal ends at record {0 if last is None else last.n}"
                    )
                self._prove_snapshots(journal, files)
                self._require_a_start(journal)

    def _find_no_files(self) -> None:
        """What a start passes over."""
        for path, why in self._snapshots.passed_over.items():
            self._find(f"{path.name} has the name of a snapshot and is passed over: {why}")
        path = position_path(self._path)
        if os.path.lexists(path) and not path.is_file():
            self._find(f"{path.name} is not a regular file, and is passed over")

    # -- the archive

    def _prove_archive(self, archive: ArchiveFolder) -> None:
        result = self.result
        wrong = archive.damage_of_manifest()
        if wrong is not None and (archive.folder / MANIFEST_NAME).exists():
            self._find(f"the manifest of the archive: {wrong}; the next segment that is written makes it anew")
        elif wrong is not None:
            result.remarks.append(
                "the manifest of the archive is missing: it is made anew from the segments with the next one"
            )
        segments = archive.segments
        for number, segment in enumerate(segments, 1):
            self._progress(f"archive: segment {number:,} of {len(segments):,}")
            result.segments += 1
            found = len(result.findings)
            try:
                records = archive.part(segment.first_n - 1, segment.last_n)
                for record in records:
                    self._open(record)
            except JournalError as error:
                self._find(str(error))
            if len(result.findings) == found < FINDINGS_MAX:
                self._note_proved(segment)
        for before, behind in pairwise(segments):
            if behind.first_n != before.last_n + 1:
                result.remarks.append(
                    f"records {before.last_n + 1:,} to {behind.first_n - 1:,} are in no archive: they were "
                    "dropped, or their segments are gone"
                )
            elif behind.prev_chain != before.last_chain:
                self._find(f"segment {behind.file}, record {behind.first_n}: not chained to the record before it")
        if segments:
            result.archived_first_n, result.archived_last_n = segments[0].first_n, segments[-1].last_n

    def _note_proved(self, segment: Segment) -> None:
        result, runs = self.result, self.result.archive_proved
        result.segments_proved += 1
        result.archived_records += segment.count
        result.archive_bytes += segment.packed_bytes
        result.archive_raw_bytes += segment.raw_bytes
        if runs and runs[-1][1] == segment.first_n - 1:
            runs[-1] = runs[-1][0], segment.last_n
        else:
            runs.append((segment.first_n, segment.last_n))

    # -- the journal

    def _compare_ends(self, journal: SqliteJournal, archived_n: int) -> None:
        """That the journal's file is no shorter than the archive was before, and the archive as long as it once was."""
        if journal.own_last_n < archived_n:
            self._find(
                f"the journal ends with record {journal.own_last_n}, its archive with record {archived_n}: it has lost "
                "its end, or is an older copy. A start puts those between back into it; what was acknowledged behind "
                "them is in no file of this folder"
            )
        if journal.archived_n > self.result.archived_last_n:
            self._find(
                f"records up to {journal.archived_n} were archived, and the archive ends with record "
                f"{self.result.archived_last_n}: restore archive/ from a copy"
            )

    def _prove_journal(self, journal: SqliteJournal, copy: Path) -> None:
        result, last = self.result, journal.last
        result.first_n = journal.first_n
        try:
            journal.check_pages()
            for record in self._own_records(journal):
                if not result.records:
                    result.first_seq = record.first_seq
                result.records += 1
                result.last_n, result.last_seq = record.n, record.last_seq
                if result.records % PROGRESS_EVERY == 0:
                    self._progress(f"journal: record {record.n:,} of {0 if last is None else last.n:,}")
                self._open(record)
        except JournalError as error:
            self._find(str(error).replace(str(copy), str(self._path)))
        if any(copy.parent.glob("journal.torn-*")):
            result.remarks.append("the last record is torn and was left out: a start cuts it")
        gone_n = max(result.archived_last_n, journal.archived_n)  # of which something was said already
        if journal.first_n > 1 and gone_n < journal.first_n - 1:
            result.remarks.append(
                f"the journal begins with record {journal.first_n:,}; records {gone_n + 1:,} to "
                f"{journal.first_n - 1:,} were dropped, and only snapshots have what they led to"
            )

    def _own_records(self, journal: SqliteJournal) -> Iterator[BatchRecord]:
        """The records of the journal's file, each verified to follow the one before, the first one what is archived."""
        own, archive = journal.first_n, self.result.archived_last_n
        for record in journal.read(own - 1):
            if record.n == own and own > 1:
                self._require_joined(journal, record, archive)
            yield record

    def _require_joined(self, journal: SqliteJournal, first: BatchRecord, archived_n: int) -> None:
        """That the archive's record before the journal's first one is the one that it is chained to."""
        if archived_n >= first.n - 1:
            before = None
            with contextlib.suppress(JournalError):  # of a damaged segment, which is found already
                before = journal.archived(first.n - 1)
            if before is not None and before.chain != first.prev_chain:
                self._find(f"record {first.n} of the journal is not chained to record {before.n} of the archive")

    def _open(self, record: BatchRecord) -> None:
        try:
            open_batch(record)
        except (CorruptRecord, UnknownVersion) as error:
            self._find(str(error))

    # -- snapshots and digests

    def _prove_snapshots(self, journal: SqliteJournal, files: list[SnapshotFile]) -> None:
        noted = {each.seq: each.digest for each in journal.checkpoints()}
        self.result.digests_noted = len(noted)
        proved: set[int] = set()
        behind = self._beginning(journal) if self._deep else None
        for number, file in enumerate(files, 1):
            self._progress(f"snapshots: {number:,} of {len(files):,}")
            snapshot = self._loaded(file)
            if snapshot is None or not self._is_of_this_journal(journal, file, snapshot):
                continue
            self.result.snapshots += 1
            self._newest_n = max(self._newest_n, snapshot.last.n)
            seq = snapshot.last.last_seq
            if seq in noted:
                proved.add(seq)
                if noted[seq] != snapshot.digest:
                    self._find(f"{file.path.name}: the journal notes another digest of the state at seq {seq}")
            if self._deep:
                self._fold(journal, behind, noted, proved, snapshot.last.n)
                if (
                    behind is not None
                    and behind.n == snapshot.last.n
                    and state_digest(behind.exchange) != snapshot.digest
                ):
                    self._find(f"{file.path.name}: the records before it lead to another state")
                behind = Follower(snapshot.exchange, snapshot.last)
        if self._deep:
            self._fold(journal, behind, noted, proved, self.result.last_n)
        self.result.digests_proved = len(proved)

    def _beginning(self, journal: SqliteJournal) -> Follower | None:
        """A follower before the first record; None where the first records were dropped."""
        try:
            journal.part(0, 1)
        except JournalError:
            return None
        return Follower(Exchange())

    def _loaded(self, file: SnapshotFile) -> Snapshot | None:
        try:
            return self._snapshots.load(file)
        except SnapshotUnknown as unknown:
            self.result.snapshots_of_other_versions += 1
            self.result.remarks.append(str(unknown))
        except SnapshotDamaged as damage:
            self._find(str(damage))
        except FileNotFoundError:
            self._thinned = True
        except OSError as error:
            self._find(f"{file.path.name} cannot be read: {error}")
        return None

    def _is_of_this_journal(self, journal: SqliteJournal, file: SnapshotFile, snapshot: Snapshot) -> bool:
        last_n, n = 0 if journal.last is None else journal.last.n, snapshot.last.n
        if n > last_n:
            self._find(f"{file.path.name} is behind record {n}; the journal ends at record {last_n}")
            return False
        try:
            record = journal.part(n - 1, n)[0]
        except JournalError:
            return True  # dropped or damaged, which is said elsewhere
        if record.chain != snapshot.last.chain:
            self._find(f"{file.path.name}: record {n}, which it is behind, is another one in the journal")
            return False
        return True

    def _require_a_start(self, journal: SqliteJournal) -> None:
        """That a start finds a state to begin with, and every record behind it."""
        whole_from = journal.whole_from
        if self._newest_n + 1 < whole_from and not self._thinned:
            self._find(
                f"no start can begin: the records before {whole_from} are gone, and there is no snapshot of what they "
                "led to, nor a later one. Restore archive/ or snapshots/ from a copy"
            )

    def _fold(
        self, journal: SqliteJournal, follower: Follower | None, noted: dict[int, str], proved: set[int], until_n: int
    ) -> None:
        """Have `follower` follow the records up to `until_n`, and check the digests that were noted of them."""
        if follower is None or until_n <= follower.n:
            return
        checked = [Checkpoint(seq, digest) for seq, digest in noted.items() if seq > follower.seq]
        for each in checked:
            follower.expect(each.seq, each.digest)
        began_seq = follower.seq
        try:
            for record in journal.read(follower.n):
                follower.follow(record)
                if record.n % PROGRESS_EVERY == 0:
                    self._progress(f"folding: command {follower.seq:,} of {self.result.last_seq:,}")
                if record.n >= until_n:
                    break
        except RecordsDropped:
            self.result.remarks.append(f"the records behind seq {began_seq:,} were dropped: nothing leads on")
        except (JournalError, CorruptRecord, UnknownVersion, StateDiffers, InvariantViolation) as error:
            self._find(f"folding the records behind seq {began_seq}: {error}")
        self.result.folded_commands += follower.seq - began_seq
        proved.update(each.seq for each in checked if each.seq <= follower.seq)

    def _find(self, sentence: str) -> None:
        if len(self.result.findings) < FINDINGS_MAX and sentence not in self.result.findings:
            self.result.findings.append(sentence)
