"""Proving a data folder as a program: `python -m audit.verify DATA`.

Layer: audit.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from audit.reading import Unreadable, journal_path
from audit.verification import Progress, Verification, Verified
from journal.port import JournalError
from openbell.programs import called

SOUND: Final = 0
NOT_SOUND: Final = 1
PROGRESS_S: Final = 0.25

EPILOG = """\
A running server's folder may be verified: the journal is copied, and nothing is changed. Space for the copy is needed
in the folder for temporary files. Whether the rules were kept is for the auditor to say. Exit status: 0 sound, 1 not.
"""


def main(arguments: list[str] | None = None) -> int:
    """Verify the folder that the command line names; return the exit status."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # what the parts of the venue say while they read, the report says
    started = time.perf_counter()
    try:
        verification = Verification(journal_path(asked.data), deep=asked.deep, progress=_progress(asked.quiet))
        verification.run()
    except (Unreadable, JournalError, OSError) as error:
        print(error, file=sys.stderr)
        return NOT_SOUND
    finally:
        logging.disable(logging.NOTSET)
        if sys.stderr.isatty() and not asked.quiet:
            sys.stderr.write("\r\x1b[K")
    result, seconds = verification.result, time.perf_counter() - started
    if asked.json:
        print(
            json.dumps({**msgspec.to_builtins(result), "sound": result.sound, "seconds": round(seconds, 3)}, indent=2)
        )
    elif not asked.quiet or not result.sound:
        print(as_text(result, asked.deep, seconds))
    return SOUND if result.sound else NOT_SOUND


def as_text(result: Verified, deep: bool, seconds: float) -> str:
    """The report that a person reads."""
    lines = [f"Verification of {result.folder}", "", "Proved"]
    if result.segments:
        of = "" if result.segments_proved == result.segments else f"{result.segments_proved:,} of "
        runs = ", ".join(f"{first_n:,} to {last_n:,}" for first_n, last_n in result.archive_proved) or "none"
        lines.append(
            f"  archive    {of}{result.segments:,} segments, records {runs}: {result.archive_raw_bytes:,} bytes in "
            f"{result.archive_bytes:,}"
        )
    else:
        lines.append("  archive    none")
    if result.records:
        lines.append(
            f"  journal    {result.records:,} records, {result.first_n:,} to {result.last_n:,}, seq "
            f"{result.first_seq:,} to {result.last_seq:,}: checksum, chain and order of each"
        )
    else:
        lines.append("  journal    no record")
    lines.append(f"  snapshots  {result.snapshots:,}: checksum, and the digest of the state that each makes")
    if deep:
        lines.append(f"  folded     {result.folded_commands:,} commands, from one snapshot to the next and to the end")
    lines.append(f"  digests    {result.digests_proved:,} of {result.digests_noted:,} that the journal notes")
    if not deep:
        lines.append("  Whether the records lead from one snapshot to the next is proved by --deep.")
    for title, sentences in (("To be known", result.remarks), ("Found", result.findings or ["nothing"])):
        if sentences:
            lines += ["", title, *(f"  {sentence}" for sentence in sentences)]
    verdict = "sound" if result.sound else f"NOT sound, {len(result.findings)} found"
    return "\n".join([*lines, "", f"Verdict: {verdict} ({seconds:.1f} s)"])


def _progress(quiet: bool) -> Progress:
    """Writes a line over itself, now and then; nothing where nobody looks."""
    shown_at = 0.0

    def show(text: str) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at >= PROGRESS_S:
            shown_at = time.monotonic()
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    return show if sys.stderr.isatty() and not quiet else lambda _: None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("verify"),
        description="Prove that a data folder is what was written: every archive segment, every record of the journal, "
        "every snapshot, and the digests that were noted.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the data folder, or the file journal.sqlite")
    parser.add_argument(
        "--deep", action="store_true", help="fold the records from one snapshot to the next and to the end: as a replay"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress, and no report when nothing is found")
    return parser


if __name__ == "__main__":
    sys.exit(main())
