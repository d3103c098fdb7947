"""The archive beside a journal: its oldest records in compressed segments, chained, listed in a manifest.

One process writes (`write`), others read meanwhile: a reader looks at the manifest again when it is asked for what it
does not know. Of the segments that are read, the last one is kept decoded: some megabytes.
Layer: journal. Reading is for any thread.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from journal.codec import BatchRecord, CorruptRecord, verify, verify_alone
from journal.files import read_regular, replace_file
from journal.manifest import MANIFEST_NAME, ManifestDamaged, load_manifest, save_manifest, segments_by_heads, set_aside
from journal.port import JournalCorrupt, JournalFailed
from journal.segment import SEGMENT_BYTES, SEGMENT_RECORDS, Segment, SegmentDamaged, pack, unpack

ARCHIVE_NAME: Final = "archive"  # the folder beside journal.sqlite
ADVICE: Final = "Restore the file from a copy of the data folder; nothing was changed."

log = logging.getLogger(__name__)


class ArchiveDamaged(JournalCorrupt):
    """A segment is not what was written. Names it, and the record."""


class _Index(NamedTuple):
    """What the manifest listed when it was read."""

    mark: tuple[int, ...]  # of the file: changes when it is replaced
    segments: list[Segment]
    first_ns: list[int]
    first_seqs: list[int]


class ArchiveFolder:
    """The segments in one folder, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = _Index((), [], [], [])
        self._decoded: tuple[Segment, list[BatchRecord]] | None = None
        self._refresh()

    # -- what there is

    @property
    def segments(self) -> list[Segment]:
        """The segments, in order, as the manifest lists them now. Raises JournalFailed when it cannot be read."""
        self._refresh()
        return self._index.segments

    @property
    def last_n(self) -> int:
        """The last record that is archived; 0 while none is."""
        segments = self.segments
        return segments[-1].last_n if segments else 0

    def damage_of_manifest(self) -> str | None:
        """What is wrong with the manifest, in words; None where nothing is. Raises JournalFailed."""
        try:
            listed = load_manifest(self.folder)
        except ManifestDamaged as problem:
            return str(problem)
        except OSError as error:
            raise self._unreadable(error) from error
        if listed is None:
            return "it is missing" if segments_by_heads(self.folder) else None
        for before, behind in pairwise(listed):
            if behind.first_n <= before.last_n:
                return f"{behind.file} is listed behind {before.file}"
        return None

    # -- writing

    def write(self, records: Iterable[BatchRecord]) -> list[Segment]:
        """Archive consecutive records that follow those archived; return the segments that were made of them.

        Each segment is bounded, and durable with its line in the manifest before the next is begun. Records that are
        archived already are passed over, so what was interrupted is simply begun again. Records may be missing
        between the last archived and the first given, which is logged: those are dropped. Raises ArchiveDamaged
        where they are not the ones archived, ValueError where one does not follow the other, JournalFailed.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._mend()
            written: list[Segment] = []
            waiting: list[BatchRecord] = []
            size = 0
            for record in self._new(records):
                waiting.append(record)
                size += len(record.body)
                if len(waiting) >= SEGMENT_RECORDS or size >= SEGMENT_BYTES:
                    written.append(self._write_one(waiting))
                    waiting, size = [], 0
            if waiting:
                written.append(self._write_one(waiting))
        except OSError as error:
            raise JournalFailed(f"The archive {self.folder} could not be written ({error}).") from error
        return written

    def _new(self, records: Iterable[BatchRecord]) -> Iterator[BatchRecord]:
        """Those of them that are not archived yet, each verified to follow the one before."""
        segments = self.segments
        ends = {segment.last_n: segment.last_chain for segment in segments}
        last_n, previous = self.last_n, None
        for record in records:
            if previous is None and record.n > last_n + 1 and segments:
                log.warning(
                    "The archive %s ends with record %d, and goes on with record %d: those between are in no archive.",
                    self.folder, last_n, record.n,
                )  # fmt: skip
            if previous is None and record.n == last_n + 1 and segments:
                _require_chain(record.n, record.prev_chain.hex(), segments[-1].last_chain, self.folder)
            try:
                if previous is None:
                    verify_alone(record)
                else:
                    verify(record, previous)
            except CorruptRecord as error:
                raise ValueError(f"records that are to be archived do not follow each other: {error}") from error
            previous = record
            if record.n > last_n:
                yield record
            elif record.n in ends:
                _require_chain(record.n, record.chain.hex(), ends[record.n], self.folder)

    def _write_one(self, records: list[BatchRecord]) -> Segment:
        segment, data = pack(records)
        while any(each.file == segment.file for each in self._index.segments):  # one that was renamed has its name
            segment = msgspec.structs.replace(segment, file=segment.file.replace(".oba", "-again.oba"))
        replace_file(self.folder / segment.file, data)
        save_manifest(self.folder, [*self._index.segments, segment])
        self._refresh()
        return segment

    def _mend(self) -> None:
        """Before writing: a manifest where it is missing or damaged, the line of a segment whose writer was killed."""
        wrong = self.damage_of_manifest()
        if wrong is not None:
            log.warning("The manifest of the archive %s is made anew from its segments: %s.", self.folder, wrong)
            if (self.folder / MANIFEST_NAME).exists():
                set_aside(self.folder / MANIFEST_NAME)
            save_manifest(self.folder, segments_by_heads(self.folder))
        for leftover in self.folder.glob("*.tmp"):
            leftover.unlink()
        listed = list(self.segments)
        names = {segment.file for segment in listed}
        last_n = self.last_n
        heads = {segment.file: segment for segment in segments_by_heads(self.folder)}
        unlisted = [path for path in self.folder.glob("segment-*.oba") if path.name not in names]
        for path in sorted(unlisted, key=lambda path: (heads[path.name].first_n if path.name in heads else 0, path)):
            self._adopt(path, heads.get(path.name), listed)
        if listed and listed[-1].last_n > last_n:
            save_manifest(self.folder, listed)
            self._refresh()

    def _adopt(self, path: Path, found: Segment | None, listed: list[Segment]) -> None:
        """List a segment that follows the last and proves right; set any other aside. `found`: by its head."""
        try:
            if found is not None and (not listed or found.first_n == listed[-1].last_n + 1):
                unpack(found, read_regular(path))
                if not listed or found.prev_chain == listed[-1].last_chain:
                    listed.append(found)
                    return
        except SegmentDamaged as error:
            log.warning("The archive %s: %s", self.folder, error)
        log.warning("%s, which no manifest lists, is set aside as %s.", path, set_aside(path))

    # -- reading

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """Verified records after `after_n` up to `until_n`, of one segment; none where record `after_n` + 1 is in none.

        O(segment) for another one than was asked for before. Raises ArchiveDamaged, JournalFailed.
        """
        index = self._having(lambda index: bool(index.segments) and after_n < index.segments[-1].last_n)
        at = bisect_right(index.first_ns, after_n + 1) - 1
        if at < 0 or index.segments[at].last_n <= after_n:
            return []
        first_n, records = index.segments[at].first_n, self._records(index.segments[at])
        return records[after_n + 1 - first_n : max(0, until_n + 1 - first_n)]

    def holding(self, seq: int) -> BatchRecord | None:
        """The verified record that has the command `seq`; None where none has. Cost and errors as `part`."""
        index = self._having(lambda index: bool(index.segments) and seq <= index.segments[-1].last_seq)
        at = bisect_right(index.first_seqs, seq) - 1
        if at < 0 or index.segments[at].last_seq < seq:
            return None
        records = self._records(index.segments[at])
        return records[bisect_right(records, seq, key=lambda record: record.first_seq) - 1]

    def _records(self, segment: Segment) -> list[BatchRecord]:
        """All records of a segment, verified. O(bytes) unless it is the last one that was asked for."""
        decoded = self._decoded
        if decoded is not None and decoded[0] == segment:
            return decoded[1]
        try:
            records = unpack(segment, read_regular(self.folder / segment.file))
        except SegmentDamaged as error:
            raise self._damaged(str(error)) from error
        except FileNotFoundError as error:
            raise self._damaged(f"segment {segment.file}, record {segment.first_n}: the file is missing") from error
        except OSError as error:
            raise self._unreadable(error) from error
        self._decoded = (segment, records)
        return records

    def _having(self, knows: Callable[[_Index], bool]) -> _Index:
        """The index, read again where the one at hand does not know what is asked for."""
        if not knows(self._index):
            self._refresh()
        return self._index

    def _refresh(self) -> None:
        """Read the manifest where it is another than the one that was read. Raises JournalFailed."""
        try:
            mark = _mark_of(self.folder / MANIFEST_NAME)
            if mark == self._index.mark and mark != ():
                return
            try:
                listed = load_manifest(self.folder)
                wrong = None if listed is not None else "it is missing"
            except ManifestDamaged as problem:
                listed, wrong = None, str(problem)
            segments = segments_by_heads(self.folder) if listed is None else listed
        except OSError as error:
            raise self._unreadable(error) from error
        if wrong is not None and segments:
            log.warning("The manifest of the archive %s: %s; its segments say the same.", self.folder, wrong)
        self._index = _Index(
            mark, segments, [segment.first_n for segment in segments], [segment.first_seq for segment in segments]
        )

    def _damaged(self, what: str) -> ArchiveDamaged:
        return ArchiveDamaged(f"The archive {self.folder} is damaged: {what}. {ADVICE}")

    def _unreadable(self, error: OSError) -> JournalFailed:
        return JournalFailed(f"The archive {self.folder} could not be read ({error}).")


def archive_beside(journal: Path) -> ArchiveFolder:
    """The archive of the journal in this file."""
    return ArchiveFolder(journal.parent / ARCHIVE_NAME)


def _require_chain(n: int, chain: str, archived: str, folder: Path) -> None:
    if chain != archived:
        raise ArchiveDamaged(f"Record {n} is another one in the archive {folder} than in the journal. {ADVICE}")


def _mark_of(path: Path) -> tuple[int, ...]:
    """Changes when the file is replaced; () where there is none. Raises OSError."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return ()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
