"""`api/app.py` with an end: killed as soon as a record is durable and its follower has it, before anybody is answered.

The environment says at which record: DIES_AT.
"""

from __future__ import annotations

import os
import signal
import time

from api.app import main
from journal.codec import BatchRecord
from replica.record_log import RecordLog

DIES_AT = int(os.environ["DIES_AT"])
SENT_S = 0.3  # for the link's thread to send it, and the historian to write it

append = RecordLog.append


def append_and_die(self: RecordLog, record: BatchRecord) -> None:
    """As `append`, the last one for good."""
    append(self, record)
    if record.n >= DIES_AT:
        time.sleep(SENT_S)
        os.kill(os.getpid(), signal.SIGKILL)


RecordLog.append = append_and_die  # type: ignore[method-assign]
main()
