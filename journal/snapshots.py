"""Snapshots: the whole state behind one record, each in a file of its own, with all that proves it right.

A file is one line of text (what it is, its format, the version that wrote it), a SHA-256 over all that follows, and a
MessagePack array: the record that the state is behind, the state's digest, the state compressed, and sections, which
are what others folded from the same records. It is written beside its name and moved there when it is on the disk, so
a name stands for a whole file.
Layer: journal. Blocks.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from engine.digest import state_digest
from engine.exchange import Exchange
from engine.snapshot import InvalidState, UnknownFormat, encode_state, restore_state
from journal.codec import BatchRecord, CorruptRecord, verify_alone
from journal.files import read_regular, replace_file
from loop.collector import collector_off

FORMAT: Final = 1  # of the file; the state within has a format of its own
STATE_BYTES_MAX: Final = 4 * 2**30  # more than memory holds of a venue
SECTION_BYTES_MAX: Final = 2**30
PROVEN_KEPT: Final = 2  # the newest: what records are archived by
DAMAGED_KEPT: Final = 2
COMPRESSION: Final = 1  # of zlib: a third of the size; higher levels take three times as long for a tenth less

_HEAD: Final = re.compile(rb"openbell snapshot (\d{1,9}) ([!-~]{1,40})\n")
_HEAD_BYTES_MAX: Final = 80
_SUM_BYTES: Final = 32
_NAME: Final = re.compile(r"snapshot-(\d{12})-(\d{15})\.obs")

log = logging.getLogger(__name__)


class SnapshotError(Exception):
    """A snapshot that cannot be used.

    - SnapshotDamaged: it is not what was written
    - SnapshotUnknown: another version wrote it, and this one cannot read it
    """


class SnapshotDamaged(SnapshotError):
    """It is not what was written. Says what is wrong."""


class SnapshotUnknown(SnapshotError):
    """It was written by another version, which is named; it is no damage."""


class SnapshotFile(NamedTuple):
    """One file, as its name describes it."""

    n: int  # the record that the state is behind
    seq: int  # the last command of that record
    path: Path
    size: int


class Snapshot(msgspec.Struct):
    """What was loaded from a file, and proved right."""

    exchange: Exchange
    last: BatchRecord  # the record that it is behind
    digest: str  # of `engine.digest.state_digest`
    version: str  # of the program that wrote it
    sections: dict[str, bytes]


class _Content(msgspec.Struct, array_like=True):
    last: BatchRecord
    digest: str
    state_bytes: int  # before it was compressed
    state: bytes
    sections: dict[str, bytes]  # compressed, too


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Content).decode


class SnapshotFolder:
    """The snapshots of one venue. Written by one process; read by any."""

    def __init__(self, folder: Path, version: str = "unknown") -> None:
        """`version`: of the program, to be noted in what is written."""
        self.folder = folder
        self._version = version
        self.passed_over: dict[Path, str] = {}  # what has the name of a snapshot and is none, and why

    def files(self) -> list[SnapshotFile]:
        """All that there are, the newest first; none of them proved. What is no regular file is passed over.

        Raises OSError.
        """
        found = []
        for path in self._paths():
            name = _NAME.fullmatch(path.name)
            if name is None:
                continue
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # thinned meanwhile
            except OSError as problem:
                self._pass_over(path, str(problem))
                continue
            if stat.S_ISREG(status.st_mode):
                found.append(SnapshotFile(int(name[1]), int(name[2]), path, status.st_size))
            else:
                self._pass_over(path, "it is not a regular file")
        return sorted(found, reverse=True)

    def save(
        self, exchange: Exchange, last: BatchRecord, sections: Mapping[str, bytes], digest: str | None = None
    ) -> SnapshotFile:
        """Write the state behind `last`; it is on the disk on return. O(state).

        `digest`: of the state, where it is known already. Raises OSError; then there is no such file, or a whole one.
        """
        with collector_off():
            state = encode_state(exchange)
            content = _encode(
                _Content(
                    last,
                    state_digest(exchange) if digest is None else digest,
                    len(state),
                    zlib.compress(state, COMPRESSION),
                    {name: zlib.compress(section, COMPRESSION) for name, section in sections.items()},
                )
            )
        head = f"openbell snapshot {FORMAT} {self._version}\n".encode()
        path = self.path_of(last)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, head, hashlib.sha256(content).digest(), content)
        return SnapshotFile(last.n, last.last_seq, path, len(head) + _SUM_BYTES + len(content))

    def load(self, file: SnapshotFile) -> Snapshot:
        """Read a snapshot and prove it: by its checksum, and by the digest of the state that it makes. O(state).

        Raises SnapshotDamaged, SnapshotUnknown, OSError.
        """
        data = memoryview(read_regular(file.path))
        head = _HEAD.match(data[:_HEAD_BYTES_MAX])
        if head is None:
            raise SnapshotDamaged(f"{file.path} does not begin as a snapshot")
        written_format, version = int(head[1]), head[2].decode("ascii")
        if written_format != FORMAT:
            raise SnapshotUnknown(
                f"{file.path} was written by Openbell {version} in format {written_format}, and this one reads {FORMAT}"
            )
        content = data[head.end() + _SUM_BYTES :]
        if hashlib.sha256(content).digest() != data[head.end() : head.end() + _SUM_BYTES]:
            raise SnapshotDamaged(f"{file.path}: its checksum does not match its content")
        try:
            with collector_off():
                return self._proved(_decode(content), file, version)
        except UnknownFormat as error:
            raise SnapshotUnknown(f"{file.path} was written by Openbell {version}: {error}") from None
        except (msgspec.DecodeError, ValueError, zlib.error, InvalidState, CorruptRecord) as error:
            raise SnapshotDamaged(f"{file.path}: {error}") from error

    def newest(self, *, until_seq: int | None = None) -> Snapshot | None:
        """The newest that proves right, of those no newer than command `until_seq`; None where none does."""
        return next(self.proven(until_seq=until_seq), None)

    def proven(self, *, until_seq: int | None = None) -> Iterator[Snapshot]:
        """Those that prove right, the newest first, each loaded when it is asked for.

        Those that do not are set aside with a warning, and the one before is taken; so it is with those of another
        version, which stay where they are.
        """
        for file in self._readable_files():
            if until_seq is not None and file.seq > until_seq:
                continue
            try:
                yield self.load(file)
            except SnapshotUnknown as unknown:
                log.warning("a snapshot is passed over: %s", unknown)
            except SnapshotDamaged as damage:
                log.warning("a snapshot is damaged and set aside, the one before it is taken: %s", damage)
                self.set_aside(file.path)
            except FileNotFoundError:
                continue  # thinned meanwhile
            except OSError as problem:
                log.warning("a snapshot cannot be read, the one before it is taken: %s", problem)

    def path_of(self, last: BatchRecord) -> Path:
        """Where the snapshot behind a record is, if there is one."""
        return self.folder / f"snapshot-{last.n:012}-{last.last_seq:015}.obs"

    def set_aside(self, path: Path) -> None:
        """Give a file another name, by which nobody takes it for a snapshot."""
        try:
            path.replace(path.with_name(path.name + ".bad"))
        except OSError as problem:
            log.warning("%s cannot be set aside: %s", path, problem)

    def thin(self, keep: int) -> None:
        """Delete older ones beyond `keep`: the newest two stay, and the further back, the fewer are left.

        Raises OSError.
        """
        files = self.files()
        while len(files) > max(keep, PROVEN_KEPT):
            files.pop(_least_useful(files)).path.unlink(missing_ok=True)
        for path in self._paths():
            if path.suffix == ".tmp" and path.is_file():  # of a process that was killed
                path.unlink(missing_ok=True)
        for path in sorted(path for path in self._paths() if path.suffix == ".bad")[:-DAMAGED_KEPT]:
            path.unlink(missing_ok=True)

    # -- steps

    def _paths(self) -> list[Path]:
        if self.folder.is_dir():
            return list(self.folder.iterdir())
        if os.path.lexists(self.folder):
            raise NotADirectoryError(
                f"{self.folder} is no folder, and snapshots are kept in one of this name: move it away, or have "
                "the link lead to a folder."
            )
        return []

    def _pass_over(self, path: Path, why: str) -> None:
        if path not in self.passed_over:
            self.passed_over[path] = why
            log.warning("%s is passed over, which has the name of a snapshot: %s", path, why)

    def _readable_files(self) -> list[SnapshotFile]:
        try:
            return self.files()
        except OSError as problem:
            log.warning("the snapshots cannot be listed: %s", problem)
            return []

    def _proved(self, content: _Content, file: SnapshotFile, version: str) -> Snapshot:
        """Raises SnapshotDamaged, and what restoring raises."""
        last = content.last
        verify_alone(last)
        if (last.n, last.last_seq) != (file.n, file.seq):
            raise SnapshotDamaged(f"{file.path} is behind record {last.n}, its name says {file.n}")
        if content.state_bytes > STATE_BYTES_MAX:
            raise SnapshotDamaged(f"{file.path}: a state of {content.state_bytes} bytes")
        unpacking = zlib.decompressobj()
        state = unpacking.decompress(content.state, max(content.state_bytes, 1))
        if len(state) != content.state_bytes or not unpacking.eof:
            raise SnapshotDamaged(f"{file.path}: its state is not {content.state_bytes} bytes long")
        exchange = restore_state(state)
        if (exchange.seq, exchange.ts_ns) != (last.last_seq, last.ts_ns):
            raise SnapshotDamaged(f"{file.path}: its state is not the one behind record {last.n}")
        if state_digest(exchange) != content.digest:
            raise SnapshotDamaged(f"{file.path}: the state that it makes has another digest")
        sections = {name: _unpacked(section) for name, section in content.sections.items()}
        return Snapshot(exchange, last, content.digest, version, sections)


def _unpacked(section: bytes) -> bytes:
    """Raises SnapshotDamaged for one that is larger than any may be, zlib.error. O(bytes)."""
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(section, SECTION_BYTES_MAX)
    if not unpacking.eof:
        raise SnapshotDamaged("a section is cut off, or too large")
    return content


def _least_useful(files: list[SnapshotFile]) -> int:
    """Which of these, newest first, leaves the smallest gap for its age when it goes; never the newest two.

    The oldest may go: then what lies before the next one is further from a state.
    """
    newest = files[0].seq

    def gap(at: int) -> tuple[int, int]:
        older = files[at + 1].seq if at + 1 < len(files) else 0
        return (files[at - 1].seq - older) * 1000 // (newest - files[at].seq + 1), -at

    return min(range(PROVEN_KEPT, len(files)), key=gap)
