"""A writer that is killed, or runs out of room, loses nothing that it acknowledged."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from engine.exchange import Exchange
from journal.sqlite import SqliteJournal
from replica.replay import replay
from tests.journal.commands import applied_digest

_WRITER = """
import sys
from journal.codec import GENESIS, seal
from journal.sqlite import SqliteJournal
from tests.journal.commands import START_NS, flow
journal = SqliteJournal(sys.argv[1])
seed, chain = int(sys.argv[2]), journal.last.chain if journal.last else GENESIS
n, seq = (journal.last.n, journal.last.last_seq) if journal.last else (0, 0)
commands = flow(seed, 20_000)
while True:
    n += 1
    record = seal(n, START_NS + n, seq + 1, commands[seq % 10_000 : seq % 10_000 + 1 + n % 13], chain)
    journal.append(record)
    chain, seq = record.chain, record.last_seq
    print(n, seq, chain.hex(), flush=True)
"""

_WRITER_UNTIL_FULL = """
import resource, signal, sys
from journal.port import JournalFailed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
from journal.sqlite import SqliteJournal
from tests.journal.commands import flow, sealed
journal = SqliteJournal(sys.argv[1])
refused = 0
for record in sealed(flow(1, 20_000), 10):
    try:
        journal.append(record)
    except (JournalFailed, ValueError) as error:
        print("refused", record.n, type(error).__name__, error, flush=True)
        refused += 1
        if refused == 2:
            break
    else:
        print("stored", record.n, flush=True)
"""


def test_every_acknowledged_record_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    rng = random.Random(9)
    acknowledged: dict[int, str] = {}
    for seed in range(8):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, path, str(seed)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(15)]  # however slow the disk is
        time.sleep(rng.uniform(0, 0.3))
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines()
        writer.stdout.close()
        writer.wait(30)
        for line in lines:
            if found := re.fullmatch(r"(\d+) \d+ ([0-9a-f]{64})\n?", line):
                acknowledged[int(found[1])] = found[2]
        with closing(SqliteJournal(path)) as journal:
            records = list(journal.read())
            stored = {record.n: record.chain.hex() for record in records}
            assert acknowledged.items() <= stored.items()
            assert len(stored) - len(acknowledged) <= seed + 1  # at most the one under way at each kill
            assert replay(journal, Exchange()).digest == applied_digest(records)
    assert len(acknowledged) > 100


def test_a_writer_that_runs_out_of_room_fails_once_and_for_all(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    run = subprocess.run(
        [sys.executable, "-c", _WRITER_UNTIL_FULL, path], capture_output=True, text=True, timeout=60, check=False
    )
    lines = run.stdout.splitlines()
    stored = [int(line.split()[1]) for line in lines if line.startswith("stored")]
    refused = [line for line in lines if line.startswith("refused")]
    assert len(stored) > 20, run.stderr
    assert len(refused) == 2
    assert all("JournalFailed" in line and "no more orders are taken" in line for line in refused)
    assert "could not be written" in run.stderr
    with closing(SqliteJournal(path)) as journal:  # there is room again
        assert [record.n for record in journal.read()][: len(stored)] == stored
        assert replay(journal, Exchange()).batches - len(stored) in (0, 1)


def test_a_disk_that_is_full_at_the_start_is_a_sentence(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "from journal.port import JournalFailed\n"
        "from journal.sqlite import SqliteJournal\n"
        "try: SqliteJournal(sys.argv[1])\n"
        "except JournalFailed as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-B", "-c", script, tmp_path / "journal.sqlite"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "cannot be opened for writing" in run.stdout, run.stderr
