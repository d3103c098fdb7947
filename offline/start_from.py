"""`openbell start-from`: a new data folder that begins with a snapshot's state, or with a recorded day.

A server serves it, and live orders go on from there. From a snapshot there are no earlier records: nothing before it is
in the history, and explanations begin behind it. A recorded day is carried out as fast as it goes, at the times it was
recorded at: the same recording gives the same records, to the byte.
Layer: offline. Blocks.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import re
import shutil
import sys
import time
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast

from engine.instrument import Instrument
from engine.rejects import InvariantViolation
from journal.made import make_journal_behind
from journal.port import Checkpoint, JournalError
from journal.snapshots import SnapshotError, SnapshotFolder
from journal.sqlite import SqliteJournal
from listings.instruments_file import ListingError, read_venue_file
from loop.errors import StoreError
from offline.folder import JOURNAL_NAME, SNAPSHOTS, OfflineError, make_identity, new_folder
from offline.recorded import RecordedDay
from offline.venue import YEARS, OfflineVenue
from openbell import __version__
from openbell.home import HOME
from openbell.programs import called
from tools.archives import RecordError
from tools.naming import NamingError, in_any_case, symbol_of
from tools.playback import common_in_order
from tools.progress import progress
from tools.recordings import KINDS, Recording, load
from tools.replay import count

MADE, FAILED, INTERRUPTED = 0, 2, 130  # exit statuses
REFUSALS: Final = (
    *(OfflineError, SnapshotError, RecordError, NamingError, ListingError, JournalError, StoreError, OSError),
)
DAY_NS: Final = 86_400 * 10**9
INSTRUMENTS: Final = HOME / "config" / "replay.toml"
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def main(arguments: list[str] | None = None) -> int:
    """Make the folder that the command line asks for; the exit status."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)
    started = time.perf_counter()
    try:
        lines = from_snapshot(asked) if asked.source == "snapshot" else from_recording(asked)
    except REFUSALS as problem:
        print(problem, file=sys.stderr)
        return FAILED
    except InvariantViolation as problem:
        print(f"The engine stopped: {problem}.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted: nothing was made.", file=sys.stderr)
        return INTERRUPTED
    finally:
        logging.disable(logging.NOTSET)
    print("\n".join(lines))
    print(f"{asked.target} was made in {time.perf_counter() - started:.1f} s; {called('serve')} --data {asked.target}")
    return MADE


def from_snapshot(asked: argparse.Namespace) -> list[str]:
    """Begin with the state of a snapshot; what to say of it. Raises SnapshotError, OfflineError, JournalError."""
    path: Path = asked.file
    if not path.is_file():
        raise OfflineError(f"There is no snapshot at {path}.")
    beside = SnapshotFolder(path.parent)
    named = next((file for file in beside.files() if file.path.name == path.name), None)
    if named is None:
        raise OfflineError(f"{path} is no snapshot by its name: give it the one that it had, snapshot-N-SEQ.obs.")
    snapshot = beside.load(named)
    last = snapshot.last
    with new_folder(asked.target) as folder:
        make_journal_behind(folder / JOURNAL_NAME, last)
        snapshots = SnapshotFolder(folder / SNAPSHOTS)
        snapshots.folder.mkdir(mode=0o700)
        shutil.copyfile(path, snapshots.path_of(last))
        with contextlib.closing(SqliteJournal(folder / JOURNAL_NAME, version=__version__, flushed=False)) as journal:
            journal.note(Checkpoint(last.last_seq, snapshot.digest))
        make_identity(folder, snapshot.exchange)
    return [f"the state behind record {last.n:,}, seq {last.last_seq:,}", f"state {snapshot.digest}"]


def from_recording(asked: argparse.Namespace) -> list[str]:
    """Begin with a recorded day; what to say of it. Raises RecordError, NamingError, OfflineError, ListingError."""
    recording = load(asked.kind, asked.file, asked.book, asked.limit)
    instruments = read_venue_file(asked.instruments).instruments
    instrument = _instrument(recording, instruments, asked.symbol)
    playback = recording.playback
    events = playback.events()
    first = next(events, None)
    if first is None:
        raise OfflineError(f"{recording.file} has no events.")
    midnight_ns = _midnight_ns(recording.file, first.time_ns, asked.day)
    with new_folder(asked.target) as folder, OfflineVenue(folder, instruments, midnight_ns + first.time_ns) as venue:
        day = RecordedDay(venue, instrument, playback)
        with progress(f"into {instrument.symbol}", len(playback)) as done:
            day.play(chain([first], events), midnight_ns, done)
        digest, commands = venue.finish(), venue.commands
    refused = ", ".join(f"{number:,} {reason}" for reason, number in sorted(day.rejects.items())) or "nothing"
    same = common_in_order(playback.recorded, playback.made)
    return [
        f"{instrument.symbol}: {commands:,} commands, {day.trades:,} trades, refused: {refused}",
        f"reproduced {same:,} of {len(playback.recorded):,} recorded trades, in order",
        f"state {digest}",
    ]


def _instrument(recording: Recording, instruments: list[Instrument], named: str | None) -> Instrument:
    """What to play into: as named, else by the file's name. Raises OfflineError, NamingError."""
    listed = {instrument.symbol: instrument for instrument in instruments}
    symbol = in_any_case(named, listed) if named else symbol_of(recording.file, cast("dict[str, Any]", listed))
    if symbol is None:
        raise OfflineError(f"{named} is not listed; the instruments file has {', '.join(listed)}.")
    return listed[symbol]


def _midnight_ns(file: Path, first_ns: int, day: date | None) -> int:
    """What is added to the recording's times: 0 where they have their day, else the day that it is said to be of.

    Raises OfflineError where nobody says it.
    """
    if first_ns >= DAY_NS:
        return 0
    found = _DATE.search(file.name) or _DATE.search(file.resolve().parent.name)
    if day is None and found is None:
        raise OfflineError(f"{file} has times of a day, and its name has no date: say --day YYYY-MM-DD.")
    of = day or date.fromisoformat(found[0] if found else "")
    if of.year not in YEARS:
        raise OfflineError(f"{of} is no day of a market: say --day YYYY-MM-DD.")
    return int(datetime(of.year, of.month, of.day, tzinfo=UTC).timestamp()) * 10**9


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("start-from"), description="Make a data folder that begins with a state or a recorded day."
    )
    sources = parser.add_subparsers(dest="source", required=True)
    snapshot = sources.add_parser("snapshot", help="the state of a snapshot, without any earlier records")
    snapshot.add_argument("file", type=Path, metavar="FILE", help="a file of a data folder's snapshots/")
    snapshot.add_argument("target", type=Path, metavar="TARGET", help="the data folder to make")
    recorded = sources.add_parser("recording", help="a recorded day, in the formats of replay")
    recorded.add_argument("kind", choices=KINDS, help="the format of the recording")
    recorded.add_argument("file", type=Path, metavar="FILE", help="the recording, plain or compressed")
    recorded.add_argument("target", type=Path, metavar="TARGET", help="the data folder to make")
    recorded.add_argument("--book", type=Path, metavar="FILE", help="LOBSTER's order book file (default: beside it)")
    recorded.add_argument("--symbol", help="where to play it (default: what the file's name or its folder's tells)")
    recorded.add_argument("--limit", type=count, metavar="N", help="only the first N records")
    recorded.add_argument("--day", type=date.fromisoformat, metavar="DATE", help="where the file has times alone")
    recorded.add_argument(
        "--instruments", type=Path, default=INSTRUMENTS, metavar="FILE", help="default: config/replay.toml"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
