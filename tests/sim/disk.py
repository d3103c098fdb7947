"""A disk that keeps what was flushed and nothing else for certain, and a journal on it behind the journal's port.

What is written lies in the cache until it is flushed. The death of a process leaves the cache as it is; a loss of power
leaves a prefix of it, whose end may be torn. Faults come from `DiskFaults`, by seed: operations take long, fail,
find the disk full, or a flush says that it is done and did nothing.
"""

from __future__ import annotations

import contextlib
import errno
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from journal import codec
from journal.codec import BatchRecord, CorruptRecord
from journal.port import Checkpoint, JournalCorrupt, JournalFailed, RecordsDropped, WrittenBy
from tests.sim.machine import sleep

JOURNAL: Final = "journal"  # the file
_FRAME: Final = struct.Struct(">II")  # length and CRC-32 of what follows
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(tuple[BatchRecord | None, Checkpoint | None]).decode

OnFault = Callable[[str], object]


class DiskFaults(msgspec.Struct):
    """How likely each fault is at each operation. All 0: an honest disk."""

    slow: float = 0.0
    write_error: float = 0.0
    flush_error: float = 0.0
    full: float = 0.0
    lie: float = 0.0


class File:
    """The bytes of one file: what is on the disk for certain, and what lies in the cache."""

    def __init__(self) -> None:
        self.stable = bytearray()
        self.cached = bytearray()
        self.promised = 0  # bytes that a flush has said to be stable

    @property
    def content(self) -> bytes:
        """What whoever reads now finds."""
        return bytes(self.stable + self.cached)


class Disk:
    """Files by name, and whether operations on them work just now. It survives every process."""

    def __init__(self, rng: random.Random, on_fault: OnFault) -> None:
        self.files: dict[str, File] = {}
        self.faults = DiskFaults()
        self.is_full = False
        self.lost_promise = False  # whether bytes are gone that a flush had said to be stable
        self.at_step: Callable[[str], object] = lambda _step: None
        self._lies_left = 0  # flushes: a disk that lies does so for a while
        self._rng = rng
        self._on_fault = on_fault

    def file(self, name: str) -> File:
        """The file of this name, empty where there was none."""
        return self.files.setdefault(name, File())

    # -- operations, each of which takes time

    def append(self, name: str, data: bytes) -> None:
        """Write at the end, into the cache. Raises OSError; a part may be written then."""
        file = self.file(name)
        self._take(0.000_01)
        if self.is_full or self._happens(self.faults.full, "disk full"):
            self.is_full = True
            self._write_part(file, data)
            raise OSError(errno.ENOSPC, "No space left on device")
        if self._happens(self.faults.write_error, "write error"):
            self._write_part(file, data)
            raise OSError(errno.EIO, "Input/output error")
        half = self._rng.randint(0, len(data))
        file.cached += data[:half]
        self.at_step("within a write")
        self._take(0.000_02)
        file.cached += data[half:]
        self.at_step("behind a write")

    def flush(self, name: str) -> None:
        """Make what is in the cache stable. Raises OSError; it may be stable all the same then, or gone later."""
        file = self.file(name)
        size = len(file.stable) + len(file.cached)
        self._take(0.000_3)
        if self._happens(self.faults.flush_error, "flush error"):
            if self._rng.random() < 0.5:
                self._settle(file)
            raise OSError(errno.EIO, "Input/output error")
        if self._lies_left or self._happens(self.faults.lie, "flush that did nothing"):
            self._lies_left = self._lies_left - 1 if self._lies_left else self._rng.randint(1, 12)
        else:
            self._settle(file)
        file.promised = max(file.promised, size)
        self.at_step("behind a flush")

    def truncate(self, name: str, size: int) -> None:
        """Cut a file at once."""
        file = self.file(name)
        del file.cached[max(0, size - len(file.stable)) :]
        del file.stable[size:]
        file.promised = min(file.promised, size)

    def replace(self, name: str, content: bytes) -> None:
        """Write a whole file under another name, flush it, and give it this one: it is there whole or not at all."""
        new = f"{name}.new"
        self.files[new] = File()
        self.append(new, content)
        self.flush(new)
        self.files[name] = self.files.pop(new)
        self.at_step("behind a rename")

    # -- what happens to it

    def lose_power(self) -> None:
        """Forget the caches, but for as much as was written back by chance; the end of that may be torn."""
        for name in sorted(self.files):
            file = self.files[name]
            chance, size = self._rng.random(), len(file.cached)
            kept = file.cached[: 0 if chance < 0.3 else size if chance < 0.6 else self._rng.randint(0, size)]
            if file.cached and len(kept) < len(file.cached):
                self._on_fault("torn write" if kept else "lost write")
            file.stable += kept
            file.cached = bytearray()
            if len(file.stable) < file.promised:
                self.lost_promise = True
            file.promised = len(file.stable)

    def count(self, what: str) -> None:
        """Count something that happened to it."""
        self._on_fault(what)

    def _settle(self, file: File) -> None:
        file.stable += file.cached
        file.cached = bytearray()

    def _write_part(self, file: File, data: bytes) -> None:
        file.cached += data[: self._rng.randint(0, len(data))]

    def _take(self, seconds: float) -> None:
        """Let the time of an operation pass."""
        if self._happens(self.faults.slow, "slow disk"):
            seconds += self._rng.choice((0.02, 0.2, 1.5))
        sleep(seconds * (0.5 + self._rng.random()))

    def _happens(self, chance: float, fault: str) -> bool:
        if not chance or self._rng.random() >= chance:
            return False
        self._on_fault(fault)
        return True


class DiskJournal:
    """The `Journal` port over one file of a `Disk`: a frame a record. The first may be the last that was dropped."""

    def __init__(self, disk: Disk, on_durable: Callable[[BatchRecord], object]) -> None:
        """Open it: what was torn at the end is cut, what is there is flushed. Raises OSError, and JournalCorrupt
        where something else is wrong.

        `on_durable`: called with each record when its flush has said that it is stable.
        """
        self._disk = disk
        self._on_durable = on_durable
        self._failure: str | None = None
        self._trim_until = 0
        frames, good = frames_of(disk.file(JOURNAL).content)
        self._records = [record for record, _ in frames if record is not None]
        self._checkpoints = [checkpoint for _, checkpoint in frames if checkpoint is not None]
        self._dropped = self._records.pop(0) if self._records and self._records[0].n > 1 else None
        disk.truncate(JOURNAL, good)
        disk.flush(JOURNAL)  # a process that was killed may have written what it could not flush
        for record in self._records[-1:]:
            _checked(record, self._records[-2] if len(self._records) > 1 else self._dropped)

    @property
    def first_n(self) -> int:
        """The first record that is still in the file."""
        return 1 if self._dropped is None else self._dropped.n + 1

    @property
    def last(self) -> BatchRecord | None:
        """The newest durable record."""
        return self._records[-1] if self._records else None

    def append(self, record: BatchRecord) -> None:
        """Write and flush. Raises JournalFailed, and then always."""
        last = self.last
        if (record.n, record.prev_chain) != ((1, codec.GENESIS) if last is None else (last.n + 1, last.chain)):
            raise ValueError(f"record {record.n} does not follow")
        self._write(record, None)
        self._records.append(record)
        self._on_durable(record)

    def note(self, checkpoint: Checkpoint) -> None:
        """A digest without a record. Raises JournalFailed."""
        self._write(None, checkpoint)

    def _write(self, record: BatchRecord | None, checkpoint: Checkpoint | None) -> None:
        if self._failure is not None:
            raise JournalFailed(self._failure)
        try:
            self._disk.append(JOURNAL, frame_of(record, checkpoint))
            self._disk.flush(JOURNAL)
        except OSError as error:
            self._failure = f"The journal could not be written ({error})."
            raise JournalFailed(self._failure) from error
        if checkpoint is not None:
            self._checkpoints.append(checkpoint)

    def trim(self, until_n: int) -> None:
        """Have the records up to `until_n` removed, with the next `tend`. The newest two stay."""
        self._trim_until = max(self._trim_until, min(until_n, self._records[-1].n - 2 if self._records else 0))

    def check(self) -> None:
        """Raise JournalFailed where it has failed."""
        if self._failure is not None:
            raise JournalFailed(self._failure)

    def tend(self, *, idle: bool) -> bool:
        """Remove what is to be removed, by a file in the place of the other. Never raises."""
        until_n, self._trim_until = self._trim_until, 0
        if not idle and self._records and self._records[-1].n % 2:  # later, as the real one does now and then
            self._trim_until = until_n
            return until_n > 0
        if self._failure is None and until_n >= self.first_n:
            kept = [record for record in self._records if record.n >= until_n]  # the first is the last that is dropped
            frames = [frame_of(record, None) for record in kept]
            frames += [frame_of(None, checkpoint) for checkpoint in self._checkpoints]
            with contextlib.suppress(OSError):  # it is as it was; it will be asked for again
                self._disk.replace(JOURNAL, b"".join(frames))
                self._dropped, *self._records = kept
                self._disk.count("journal that was trimmed")
        return False

    def read(self, after_n: int = 0) -> Iterator[BatchRecord]:
        """The records behind `after_n`, each verified. Raises JournalCorrupt and RecordsDropped."""
        previous = next((record for record in self._all() if record.n == after_n), None)
        for record in self.part(after_n, 2**60):
            _checked(record, previous)
            yield record
            previous = record

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """Records as they are stored. Raises RecordsDropped."""
        dropped = self._dropped
        if dropped is not None and after_n < dropped.n and until_n > after_n:
            if after_n + 1 == dropped.n:
                return [dropped]
            raise RecordsDropped(f"Record {after_n + 1} was dropped.", self.first_n)
        return [record for record in self._records if after_n < record.n <= until_n]

    def holding(self, seq: int) -> BatchRecord | None:
        """The record with command `seq`. Raises RecordsDropped."""
        found = next((record for record in self._all() if record.first_seq <= seq <= record.last_seq), None)
        if found is None and self._dropped is not None and 0 < seq < self._dropped.first_seq:
            raise RecordsDropped(f"Command {seq} was dropped.", self.first_n)
        return found

    def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint."""
        return sorted(self._checkpoints, key=lambda checkpoint: checkpoint.seq)

    def versions(self) -> list[WrittenBy]:
        """Nothing is noted of versions."""
        return []

    def close(self) -> None:
        """Nothing is to be closed."""

    def _all(self) -> list[BatchRecord]:
        return self._records if self._dropped is None else [self._dropped, *self._records]


def frame_of(record: BatchRecord | None, checkpoint: Checkpoint | None) -> bytes:
    """A record, a checkpoint or both as the file has them."""
    body = _encode((record, checkpoint))
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def frames_of(content: bytes) -> tuple[list[tuple[BatchRecord | None, Checkpoint | None]], int]:
    """The frames that are whole, and where they end. Raises JournalCorrupt for one that is not what was written."""
    frames: list[tuple[BatchRecord | None, Checkpoint | None]] = []
    at = 0
    while len(content) - at >= _FRAME.size:
        length, crc32 = _FRAME.unpack_from(content, at)
        body = content[at + _FRAME.size : at + _FRAME.size + length]
        if len(body) < length:
            break
        if zlib.crc32(body) != crc32:
            raise JournalCorrupt(f"The journal is damaged: frame {len(frames) + 1}.")
        frames.append(_decode(body))
        at += _FRAME.size + length
    return frames, at


def _checked(record: BatchRecord, previous: BatchRecord | None) -> None:
    try:
        codec.verify(record, previous)
    except CorruptRecord as error:
        raise JournalCorrupt(f"The journal is damaged: {error}.") from error
