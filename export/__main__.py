"""`openbell export DATA`: orders, trades, book changes and events of a session as files, for people who analyse it.

Reads a copy of the journal: the folder may be a running server's, and is not changed.
Layer: export.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from engine.rejects import InvariantViolation
from export.accounts import AccountNames
from export.by_account import FOLDER, write_accounts
from export.files import SECOND_NS, ExportError
from export.schema import TABLES
from export.session import Bounds, Session
from export.tables import FORMATS, paths_of, write_tables
from journal.codec import CorruptRecord, UnknownVersion
from journal.copies import copied_journal
from journal.port import JournalError
from openbell.programs import called
from tools.progress import progress

JOURNAL_NAME: Final = "journal.sqlite"
SNAPSHOTS: Final = ("snapshots", "explain")  # folders in the data folder
EXPORTED, FAILED, INTERRUPTED = 0, 2, 130  # exit statuses
STEP: Final = 1_000  # commands between two reports of progress
EPILOG: Final = """\
examples:
  {export} data --out session                              every table, as JSON lines
  {export} data --out session --format parquet --what trades,book
  {export} data --out day --from 2026-11-30T09:30Z --to 2026-11-30T16:00Z --symbol BTC-USDT
  {export} data --out late --from 2500000                  from a command on: begins at a snapshot
  {export} data --out class --by-account                   class/accounts/1000/orders.jsonl, fills.jsonl, profit.jsonl

--from and --to are seqs, both included, or times (UTC without an offset), of which --to is not. The columns are in
Documentation/export.md. The folder may be a running server's. Exit status: 0, 2 when it
cannot be exported, 130 after Ctrl-C.
"""


def main(arguments: list[str] | None = None) -> int:
    """Export what the command line asks for; return the exit status. O(commands since the snapshot before them)."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # what is said of the copy is of no use to who asked
    try:
        _export(asked)
    except (ExportError, JournalError) as problem:
        print(problem, file=sys.stderr)
        return FAILED
    except (CorruptRecord, UnknownVersion, InvariantViolation) as problem:
        print(f"The journal cannot be carried out: {problem}.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted: nothing was exported.", file=sys.stderr)
        return INTERRUPTED
    except OSError as problem:
        print(f"The files cannot be written: {problem}.", file=sys.stderr)
        return FAILED
    finally:
        logging.disable(logging.NOTSET)
    return EXPORTED


def _export(asked: argparse.Namespace) -> None:
    data: Path = asked.data if asked.data.is_dir() else asked.data.parent
    path = data / JOURNAL_NAME if asked.data.is_dir() else asked.data
    if not path.is_file():
        raise ExportError(f"There is no journal at {path}.")
    if asked.by_account and (asked.format != "jsonl" or asked.anonymous or asked.symbol or asked.what != list(TABLES)):
        raise ExportError("--by-account writes what each account did as JSON lines: leave out what chooses tables.")
    paths = {} if asked.by_account else paths_of(asked.out, asked.format, asked.what)
    _require_place(data, asked.out, list(paths.values()), replace=asked.replace)
    asked.out.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with copied_journal(path) as journal:
        session = Session(journal, [data / name for name in SNAPSHOTS], _bounds(asked))
        total = session.last_seq - session.first_seq + 1
        with progress("commands", total) as advance, _in_steps(advance) as done:
            if asked.by_account:
                accounts, rows = write_accounts(session, asked.out, done)
                written = {}
            else:
                names = AccountNames(anonymous=asked.anonymous)
                written = write_tables(session, paths, asked.format, asked.symbol, names, done)
                rows = sum(written.values())
    seconds = time.perf_counter() - started
    for name, count in written.items():
        print(f"{paths[name]}: {count:,} rows, {paths[name].stat().st_size:,} bytes")
    if asked.by_account:
        print(f"{asked.out / FOLDER}: {rows:,} rows of {accounts:,} accounts, a folder each")
    what = f"Commands {session.first_seq:,} to {session.last_seq:,}"
    print(f"{what} in {seconds:.1f} s, {rows / seconds:,.0f} rows a second.")


@contextlib.contextmanager
def _in_steps(advance: Callable[[int], None]) -> Iterator[Callable[[int], None]]:
    """What counts commands, and reports them some at a time."""
    waiting = 0

    def done(more: int) -> None:
        nonlocal waiting
        waiting += more
        if waiting == STEP:
            waiting = 0
            advance(STEP)

    yield done
    advance(waiting)


def _require_place(data: Path, out: Path, paths: list[Path], *, replace: bool) -> None:
    """Raise ExportError where the files would be in the data folder, or in the place of something else."""
    if out.resolve().is_relative_to(data.resolve()):
        raise ExportError(f"{out} is in the data folder, which an export does not change: name another --out.")
    existing = [str(path) for path in paths if os.path.lexists(path)]  # a link, wherever it leads
    if existing and not replace:
        raise ExportError(f"There is {', '.join(existing)} already: name another --out, or say --replace.")
    folders = [str(path) for path in paths if path.is_dir() and not path.is_symlink()]
    if folders:
        raise ExportError(f"{', '.join(folders)} is a folder, which is not replaced: name another --out.")


def _bounds(asked: argparse.Namespace) -> Bounds:
    from_seq, from_ns = asked.start or (None, None)
    to_seq, until_ns = asked.end or (None, None)
    return Bounds(from_seq, to_seq, from_ns, until_ns)


def moment(text: str) -> tuple[int | None, int | None]:
    """A seq, or else a time in epoch nanoseconds. Raises ValueError."""
    if text.isdecimal():
        return int(text), None
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    since = at - datetime.fromtimestamp(0, UTC)
    return None, (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1_000


def tables(text: str) -> list[str]:
    """Names of tables, with commas. Raises argparse.ArgumentTypeError."""
    named = list(dict.fromkeys(text.split(",")))
    unknown = [name for name in named if name not in TABLES]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no table {', '.join(unknown)}: {', '.join(TABLES)}")
    return named


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("export"),
        description="Write what happened in a session to files that pandas, polars, DuckDB and others read: orders "
        "(a row for the life of each), trades, book (every change of a price level) and events. The files tell all "
        "accounts' numbers, unless --anonymous.",
        epilog=EPILOG.format(export=called("export")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the data folder, or the file journal.sqlite")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the files go")
    parser.add_argument("--format", choices=tuple(FORMATS), default="jsonl", help="default: jsonl")
    parser.add_argument(
        "--what", type=tables, default=list(TABLES), metavar="TABLES", help=f"of {','.join(TABLES)}; default: all"
    )
    parser.add_argument("--from", dest="start", type=moment, metavar="WHEN", help="the first command, or its time")
    parser.add_argument("--to", dest="end", type=moment, metavar="WHEN", help="the last command, or the time behind it")
    parser.add_argument(
        "--symbol", action="append", default=[], metavar="NAME", help="only rows of this symbol; may be repeated"
    )
    parser.add_argument(
        "--by-account", action="store_true", help="instead: a folder for each account, of its orders, fills and profit"
    )
    parser.add_argument("--anonymous", action="store_true", help="other numbers for accounts, and no client order ids")
    parser.add_argument("--replace", action="store_true", help="write over files that are there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
