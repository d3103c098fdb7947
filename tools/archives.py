"""The lines of a recorded file, plain or compressed by gzip, bzip2 or xz; the file's bytes decide, not its name.

Whatever is wrong with the file raises RecordError with one plain sentence that names the
file and the line, so that the caller needs to know no decompressor's exceptions.
Layer: tools. Reads files.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeVar, cast

LONGEST_LINE: Final = 4_000_000  # bytes; a depth of thousands of levels is shorter
SUFFIXES: Final = (".xz", ".gz", ".bz2")  # of what is read, in any case

_GZIP: Final = b"\x1f\x8b"
_BZIP2: Final = b"BZh"
_XZ: Final = b"\xfd7zXZ\x00"
_UNREAD: Final = (  # first bytes, name, what to do
    (b"PK\x03\x04", "ZIP archive", "unpack it first and name the file inside"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive", "unpack it first and name the file inside"),
    (b"\x28\xb5\x2f\xfd", "zstd file", "decompress it first (zstd -d)"),
    (b"Rar!", "RAR archive", "unpack it first and name the file inside"),
)
_DAMAGE: Final = (EOFError, lzma.LZMAError, zlib.error)  # beside an OSError without a number
_BYTE_ORDER_MARK: Final = "\ufeff"

Record = TypeVar("Record")


class RecordError(ValueError):
    """A recording cannot be read, or a line of it is not in its format; the message is for its owner."""


def read_records(
    path: Path,
    parse: Callable[[str], Record],
    is_header: Callable[[str], bool] | None = None,
    notes: list[str] | None = None,
) -> Iterator[Record]:
    """`parse` of every line. A ValueError of `parse` becomes a RecordError that names the line.

    A first line that `is_header` finds to be one is left out, which is added to `notes`.
    """
    for number, line in numbered_lines(path):
        if number == 1 and is_header is not None and is_header(line):
            if notes is not None:
                notes.append(f"{path.name}, line 1 is a header row: left out")
            continue
        try:
            record = parse(line)
        except ValueError as error:
            raise RecordError(f"{path.name}, line {number}: {error}") from error
        yield record


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Every line with its number from 1, without its end. Empty lines at the file's end are left out."""
    number, empty = 0, 0
    try:
        with _opened(path) as lines:
            while raw := lines.readline(LONGEST_LINE):
                number += 1
                text = _decoded(raw, path, number)
                if not text:
                    empty += 1
                    continue
                for before in range(number - empty, number):
                    yield before, ""
                empty = 0
                yield number, text
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise RecordError(f"{path} cannot be read: {error.strerror}") from error
        where = f"after line {number}" if number else "from its first line on"
        raise RecordError(f"{path.name} is damaged: it cannot be decompressed {where} ({error})") from error
    if number == empty:
        raise RecordError(f"{path.name} has no lines")


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        first = file.read(8)
    for magic, name, advice in _UNREAD:
        if first.startswith(magic):
            raise RecordError(f"{path.name} is a {name}: {advice}")
    if first.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(path))
    if first.startswith(_BZIP2):
        return cast(BinaryIO, bz2.open(path))
    if first.startswith(_XZ):
        return cast(BinaryIO, lzma.open(path))
    return path.open("rb")


def _decoded(raw: bytes, path: Path, number: int) -> str:
    if len(raw) >= LONGEST_LINE:
        raise RecordError(f"{path.name}, line {number} has no end within {LONGEST_LINE:,} bytes: this is no text file")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"{path.name}, line {number} is not text (byte {error.start + 1} of the line)") from error
    if "\x00" in text:
        raise RecordError(f"{path.name}, line {number} is not text: it has a zero byte")
    text = text.rstrip("\r\n")
    return text.removeprefix(_BYTE_ORDER_MARK) if number == 1 else text
