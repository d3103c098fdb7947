"""Reading a journal that somebody else may be writing: what is read is a copy, and the original is never opened.

The copy is read with every check that a server makes when it starts.
Layer: audit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from engine.events import CommandResult
from journal import copies
from journal.archive import ArchiveDamaged, archive_beside
from journal.codec import CorruptRecord, UnknownVersion
from journal.layout import ADVICE, last_sound
from journal.port import JournalCorrupt, JournalError
from journal.sqlite import SqliteJournal
from replica.follower import Follower

JOURNAL_NAME: Final = "journal.sqlite"
HISTORY_NAME: Final = "history.sqlite"


class Unreadable(Exception):
    """The journal cannot be read. The message is a sentence."""


class Span(msgspec.Struct):
    """What was read of a journal so far."""

    path: Path
    size: int = 0  # bytes of the file and its log
    records: int = 0
    first_seq: int = 0
    last_seq: int = 0
    first_ns: int = 0
    last_ns: int = 0
    torn: bool = False  # the last record does not match its checksum, and is left out
    chain: str = ""  # the chain hash of the last record: it stands for every byte before it


def journal_path(given: Path) -> Path:
    """The journal meant by a file or a data folder. Raises Unreadable when there is none."""
    path = given / JOURNAL_NAME if given.is_dir() else given
    if not path.is_file():
        raise Unreadable(f"There is no journal at {path}.")
    return path


@contextlib.contextmanager
def copied(path: Path) -> Iterator[Path]:
    """A consistent copy of an SQLite file and its log, in a folder that is removed afterwards.

    Raises Unreadable when it cannot be copied, or is folded too often to be caught still.
    """
    with contextlib.ExitStack() as stack:
        try:
            copy = stack.enter_context(copies.copied(path))
        except JournalError as error:
            raise Unreadable(str(error)) from error
        yield copy


def size_of(copy: Path) -> int:
    """Bytes of a copied file and its log, before they are opened."""
    return sum(file.stat().st_size for file in copy.parent.iterdir())


def followed(copy: Path, span: Span, follower: Follower) -> Iterator[CommandResult]:
    """Each command as `follower` carries it out, one when it is asked for. Notes in `span` what was read.

    Of each record checksum and place in the chain are verified before. Raises Unreadable, naming the record, where the
    journal is damaged or of a version that is not known; any other error is the engine's.
    """
    with _naming_the_file(copy, span), contextlib.closing(_opened(copy, span)) as journal:
        for record in journal.read():
            if span.records == 0:
                span.first_seq, span.first_ns = record.first_seq, record.ts_ns
            span.records += 1
            span.last_seq, span.last_ns, span.chain = record.last_seq, record.ts_ns, record.chain.hex()
            yield from follower.steps(record)
    span.torn = any(copy.parent.glob("journal.torn-*"))


def checkpoints(copy: Path, span: Span) -> dict[int, str]:
    """The state digests that the server noted, by seq.

    Raises Unreadable, also where the file's pages contradict themselves: one could hide rows, and what no record
    covers is then bytes that nothing is read from. O(bytes).
    """
    with _naming_the_file(copy, span), contextlib.closing(_opened(copy, span)) as journal:
        journal.check_pages()
        return {checkpoint.seq: checkpoint.digest for checkpoint in journal.checkpoints()}


def _opened(copy: Path, span: Span) -> SqliteJournal:
    """The copy, with the archive of the original, which is read in place. Raises JournalError."""
    return SqliteJournal(copy, archive=archive_beside(span.path))


@contextlib.contextmanager
def _naming_the_file(copy: Path, span: Span) -> Iterator[None]:
    """Make an error in reading the copy an Unreadable about the original, with what is sound before it."""
    try:
        yield
    except CorruptRecord as error:
        raise Unreadable(f"The journal {span.path} is damaged: {error}. {_sound_until(copy)}") from error
    except UnknownVersion as error:
        raise Unreadable(f"The journal {span.path} cannot be read: {error}.") from error
    except ArchiveDamaged as error:
        read = f" What was read before it, up to seq {span.last_seq}, is sound." if span.records else ""
        raise Unreadable(f"{error}{read}") from error
    except JournalCorrupt as error:
        said = str(error).removesuffix(ADVICE).rstrip().replace(str(copy), str(span.path))
        raise Unreadable(f"{said} {_sound_until(copy)}") from error
    except JournalError as error:
        raise Unreadable(str(error).replace(str(copy), str(span.path))) from error


def _sound_until(copy: Path) -> str:
    """A sentence: how far the records are sound. O(records)."""
    last = last_sound(copy)
    if last is None:
        return "No record of it can be read. It was only read, and is unchanged."
    return f"All up to record {last.n}, seq {last.last_seq}, is sound. It was only read, and is unchanged."
