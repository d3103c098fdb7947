"""What a process that follows the records of the server which started it does first.

Layer: replica.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
from typing import Final

from logs.setup import begin as begin_log
from logs.setup import guard_stderr, inherited_format

NICENESS: Final = 15
GC_THRESHOLDS: Final = 50_000, 50, 100  # rare: a resting book is gone through each time


def begin(descriptor: int) -> socket.socket:
    """Be a child of the server, with its log; return the connection that was inherited."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the server decides when to end
    os.nice(NICENESS)
    gc.set_threshold(*GC_THRESHOLDS)
    begin_log(limit=False, log_format=inherited_format())
    guard_stderr()  # it is the server's log
    connection = socket.socket(fileno=descriptor)
    os.set_inheritable(descriptor, False)
    return connection
