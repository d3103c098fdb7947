"""`python -m tests.cluster.writer FOLDER`: a writer with a journal, followers and front doors, and no API.

With a second argument it flushes as a disk of so many milliseconds does.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import NoReturn

import eventlet

from cluster.channel import listen_unix
from cluster.link_server import SOCKET_NAME, LinkServer
from journal.codec import BatchRecord
from journal.committer import SWITCH_INTERVAL_SECONDS, Committer
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from replica.record_log import RecordLog
from replica.record_server import RecordServer
from replica.recovery import recover
from sequencer.sequencer import Sequencer


class SlowLog(RecordLog):
    """A journal on a disk that takes a moment for a flush."""

    flush_s = 0.0

    def append(self, record: BatchRecord) -> None:
        """As that disk does."""
        time.sleep(self.flush_s)
        super().append(record)


def main(folder: Path, flush_s: float) -> NoReturn:
    """Serve until it is killed."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    journal = SqliteJournal(folder / "journal.sqlite")
    recovered = recover(journal, SnapshotFolder(folder / "snapshots"), lambda _: [], lambda _: None)
    exchange = recovered.follower.exchange
    records = SlowLog(journal)
    records.flush_s = flush_s
    committer = Committer(records)
    committer.start()
    sequencer = Sequencer(
        exchange,
        committer,
        journal.last,
        clock=time.time_ns,
        on_invariant_violation=end,
        max_batch=50,
        max_waiting=2_000,
        submissions=recovered.projections.submissions,
    )
    RecordServer(folder, records)
    sequencer.start()
    server = LinkServer(sequencer, exchange, node="writer", history_seq=lambda: exchange.seq)
    server.serve(listen_unix(folder / SOCKET_NAME))
    while True:
        eventlet.sleep(60)


def end(bug: BaseException) -> NoReturn:
    """End the process."""
    sys.stderr.write(repr(bug))
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) / 1000 if len(sys.argv) > 2 else 0.0)
