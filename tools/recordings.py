"""Finds and loads recordings: by format, with the order book file that goes with one, as a playback.

Layer: tools. Reads files.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from openbell.programs import called
from tools.archives import RecordError
from tools.lobster import LobsterPlayback
from tools.naming import book_beside
from tools.plain_csv import PlainCsvPlayback, read_plain
from tools.playback import BitstampPlayback
from tools.progress import counted, progress
from tools.recorded import LobsterDepth, lobster_levels, read_bitstamp, read_lobster_depths, read_lobster_messages

KINDS: Final = ("bitstamp", "csv", "lobster")
WHERE_TO_GET_SOME: Final = {
    "bitstamp": "The sample is inst/extdata/2015-05-01.log.xz in the sources of the R package obAnalytics "
    "(https://cran.r-project.org/package=obAnalytics)",
    "csv": "examples/btc-usd.csv in the sources is one",
    "lobster": 'Samples, free of charge, are under "Sample files" at https://lobsterdata.com',
}


class Recording(msgspec.Struct):
    """One recording, ready to be played."""

    file: Path
    playback: BitstampPlayback | LobsterPlayback | PlainCsvPlayback
    notes: list[str]  # what was found while it was read
    book: Path | None = None  # LOBSTER's order book file


def load(kind: str, file: Path | None, book: Path | None = None, limit: int | None = None) -> Recording:
    """The recording's first `limit` records, all when None. Raises RecordError with one sentence."""
    if file is None:
        raise RecordError(
            f"which recording? Name the file: {called('replay')} {kind} FILE. {WHERE_TO_GET_SOME[kind]}; "
            "Documentation/recordings.md says more"
        )
    if book is not None and kind != "lobster":
        raise RecordError("--book names an order book file of LOBSTER; other formats have none")
    for one in (file, book):
        if one is not None and not one.is_file():
            raise RecordError(
                f"there is no recorded data at {one}{', which is a folder' if one.is_dir() else ''}; "
                f"name the file of the recording, whose format is {kind}. "
                "Documentation/recordings.md says where to get some"
            )
    notes: list[str] = []
    if kind == "lobster":
        return _lobster(file, book if book is not None else _beside(file), limit, notes)
    with progress(f"reading {file.name}", None) as done:
        if kind == "bitstamp":
            records = list(islice(counted(read_bitstamp(file, notes), done), limit))
            return Recording(file, BitstampPlayback(records), notes)
        return Recording(file, PlainCsvPlayback(list(islice(counted(read_plain(file), done), limit))), notes)


def _lobster(path: Path, book: Path | None, limit: int | None, notes: list[str]) -> Recording:
    with progress(f"reading {path.name}", None) as done:
        messages = list(islice(counted(read_lobster_messages(path, notes), done), limit))
    if book is None:
        return Recording(path, LobsterPlayback(messages), notes)
    list(islice(read_lobster_depths(book, notes), 1))  # a header row is noted once, though the rows are read twice
    playback = LobsterPlayback(messages, _Rows(book, limit), lobster_levels(book))
    return Recording(path, playback, notes, book)


def _beside(path: Path) -> Path | None:
    try:
        return book_beside(path)
    except OSError as error:
        raise RecordError(f"the folder of {path} cannot be looked into for its order book: {error.strerror}") from error


class _Rows:
    """The first rows of an order book file, as often as they are asked for: a day of them is more than memory holds."""

    def __init__(self, path: Path, limit: int | None) -> None:
        self._path = path
        self._limit = limit
        self._readings = 0

    def __iter__(self) -> Iterator[LobsterDepth]:
        self._readings += 1
        rows = islice(read_lobster_depths(self._path), self._limit)
        if self._readings > 1:
            yield from rows
            return
        with progress(f"reading {self._path.name}", None) as done:
            yield from counted(rows, done)
