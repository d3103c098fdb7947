"""The auditor as a program: `python -m audit JOURNAL`.

Layer: audit.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TextIO

from audit.auditor import Auditor, Balances
from audit.engine_side import EngineBalances
from audit.findings import Kind
from audit.history_check import HistoryCheck
from audit.reading import HISTORY_NAME, Span, Unreadable, checkpoints, copied, followed, journal_path, size_of
from audit.report import Report, counted
from engine import events as ev
from engine.commands import Command
from engine.digest import state_digest
from engine.exchange import Exchange
from openbell.programs import called
from replica.follower import Follower

CLEAN: Final = 0
FINDINGS: Final = 1
UNREADABLE: Final = 2
PROGRESS_S: Final = 0.5

Observed = tuple[int, int, Command, list[ev.Event]]  # seq, time, command, and what the engine made of it

HELP = """\
Re-run a journal and prove that the rules were kept. Every command is carried out by the engine and by a second,
naive exchange that shares no deciding code with it; every fill is judged by the book that it met; every balance
and hold is summed up; and what the history told customers is laid beside what the journal gives.

Findings name the sequence number of the command. Kinds: """
EPILOG = """\
A running server's journal may be read: a copy is taken, and the original is not opened. Space for the copy is
needed in the folder for temporary files. Exit status: 0 clean, 1 findings, 2 the journal cannot be read.
"""


class Audit:
    """One run over a journal."""

    def __init__(self, path: Path, span: Span, history_check: HistoryCheck | None, progress: TextIO | None) -> None:
        self.exchange = Exchange()
        self.auditor = Auditor(EngineBalances(self.exchange))
        self.digests = 0
        self._path = path
        self._span = span
        self._history_check = history_check
        self._progress = progress
        self._stopped = False  # the engine, before the journal's end

    def run(self) -> None:
        """Read, replay and judge. Raises Unreadable."""
        shown_at = time.monotonic()
        for seq, ts_ns, command, events in self._replayed():
            observe(self.auditor, self._history_check, (seq, ts_ns, command, events))
            if self._progress is not None and seq % 500 == 0 and time.monotonic() - shown_at > PROGRESS_S:
                shown_at = time.monotonic()
                self._progress.write(f"\r\x1b[K{seq:,} commands, {counted(self.auditor.found)}")
                self._progress.flush()
        last_seq = self._span.last_seq
        if self._span.torn:
            self.auditor.add(
                Kind.DAMAGED_END,
                last_seq + 1,
                None,
                f"the last record, {self._span.records + 1}, does not match its checksum and is left out; the journal "
                "does not tell whether it was acknowledged",
            )
        self.auditor.check_sums(last_seq)
        if self._history_check is not None and self._history_check.applied_seq > last_seq:
            known = self._history_check.applied_seq
            sentence = f"the history knows commands up to seq {known}, the journal ends at seq {last_seq}"
            self.auditor.add(Kind.HISTORY_DIFFERS, last_seq, None, sentence)
        if self._progress is not None:
            self._progress.write("\r\x1b[K")

    def _replayed(self) -> Iterator[Observed]:
        """Every command with the engine's events. Ends early when the engine stops, and says so as a finding."""
        due = checkpoints(self._path, self._span)
        for applied in self._carried_out():
            seq = applied.seq
            yield seq, applied.ts_ns, applied.command, applied.events
            noted = due.pop(seq, None)
            if noted is not None:
                self.digests += 1
                if noted != state_digest(self.exchange):
                    self.auditor.add(
                        Kind.DIFFERENCE, seq, None, "the state is another than the server noted in the journal"
                    )
        if self._stopped:
            return
        for missing in due:
            sentence = "a state is noted in the journal of a command that it has not"
            self.auditor.add(Kind.DIFFERENCE, missing, None, sentence)

    def _carried_out(self) -> Iterator[ev.CommandResult]:
        """The commands as far as the engine carries them out; where it stops is a finding."""
        steps, seq = followed(self._path, self._span, Follower(self.exchange)), 0
        while True:
            try:
                applied = next(steps)
            except StopIteration:
                return
            except Unreadable:
                raise
            except Exception as error:  # an InvariantViolation or a bug: the command was not carried out
                self._stopped = True
                self.auditor.engine_stopped(seq + 1, error)
                return
            seq = applied.seq
            yield applied


def observe(auditor: Auditor, history_check: HistoryCheck | None, observed: Observed) -> None:
    """Judge one command, and the rows that the history has of it."""
    seq, ts_ns, command, events = observed
    auditor.observe(seq, ts_ns, command, events)
    for sentence in history_check.compare(seq, ts_ns, events) if history_check is not None else ():
        auditor.add(Kind.HISTORY_DIFFERS, seq, None, sentence)


def audit_events(
    observed: Iterable[Observed], balances: Balances | None = None, history_check: HistoryCheck | None = None
) -> Auditor:
    """Judge commands and events from anywhere."""
    auditor, seq = Auditor(balances), 0
    for item in observed:
        observe(auditor, history_check, item)
        seq = item[0]
    auditor.check_sums(seq)
    return auditor


def main(arguments: list[str] | None = None) -> int:
    """Audit the journal that the command line names; return the exit status."""
    asked = _parser().parse_args(arguments)
    started = time.perf_counter()
    progress = sys.stderr if sys.stderr.isatty() and not asked.quiet else None
    try:
        with contextlib.ExitStack() as stack:
            path = journal_path(asked.journal)
            history = asked.history or path.with_name(HISTORY_NAME)
            history_check: HistoryCheck | None = None
            if asked.history is not None or history.is_file():
                history_check = HistoryCheck(stack.enter_context(copied(history)))
                stack.callback(history_check.close)
            copy = stack.enter_context(copied(path))
            span = Span(path, size_of(copy))
            audit = Audit(copy, span, history_check, progress)
            audit.run()
            report = Report(span, audit.auditor, history_check, audit.digests, time.perf_counter() - started)
    except Unreadable as error:
        print(error, file=sys.stderr)
        return UNREADABLE
    if asked.json:
        print(json.dumps(report.as_json(), indent=2))
    elif not asked.quiet or not report.clean:
        print(report.as_text())
    return CLEAN if report.clean else FINDINGS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("audit"),
        description=HELP + ", ".join(Kind) + ".",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("journal", type=Path, metavar="JOURNAL", help="the file journal.sqlite, or the data folder")
    parser.add_argument(
        "--history", type=Path, metavar="FILE", help="the history; by default history.sqlite beside the journal"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress, and no report when nothing is found")
    return parser


if __name__ == "__main__":
    sys.exit(main())
