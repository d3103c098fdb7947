"""A program that has begun its log writes nothing beside it, whatever its libraries do."""

from __future__ import annotations

import subprocess
import sys

from logs.lines import CONTINUED
from tests.server import ROOT

FORGED = "2026-01-01T00:00:00.000Z CRITICAL sequencer: forged"
PROGRAM = f"""
import logging, sys, traceback, warnings
import socketio
from logs.limit import limited
from logs.setup import begin, guard_stderr
begin()
guard_stderr()
server = socketio.Server(async_mode="threading", logger=False, engineio_logger=False)
for number in range(5):
    logging.getLogger("engineio.server").error(f"client {{number}} is bad")
    server.logger.error("its packet\\n{FORGED}")
try:
    raise ValueError("text\\r\\n{FORGED}\\x1b[2J")
except ValueError:
    traceback.print_exc()
warnings.warn("of a library\\n{FORGED}", UserWarning)
for number in range(3):
    limited(logging.getLogger("api")).warning("client %d", number)
print("{FORGED}", file=sys.stderr)
raise RuntimeError("{FORGED}")
"""


def test_libraries_write_no_record_of_their_own_and_the_end_counts_what_was_left_out() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    lines = done.stderr.splitlines()
    records = [line.partition("Z ")[2] for line in lines if not line.startswith(CONTINUED)]
    assert records[:2] == [
        "ERROR   engineio.server: client 0 is bad",
        rf"ERROR   socketio.server: its packet\n{FORGED}",
    ]
    assert [line for line in records if line.startswith(("CRITICAL", "WARNING api"))] == ["WARNING api: client 0"]
    assert "WARNING logs: 2 more in a minute, of api, like: client 0" in records
    assert "ERROR   logs: 4 more in a minute, of socketio.server, like: its packet" in done.stderr
    assert rf"{CONTINUED}{FORGED}\x1b[2J" in lines
    assert lines.count(f"{CONTINUED}{FORGED}") == 1
    assert f"{CONTINUED}RuntimeError: {FORGED}" in lines
    assert done.returncode == 1


def test_a_program_that_leaves_without_pythons_end_says_what_was_left_out_too() -> None:
    program = """
import logging
from logs.limit import limited
from logs.setup import begin, leave
begin()
for number in range(3):
    limited(logging.getLogger("api")).warning("client %d", number)
leave(7)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert "WARNING logs: 2 more in a minute, of api, like: client 0" in done.stderr
    assert done.returncode == 7
