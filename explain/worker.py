"""The process that explains: `python -m explain.worker DATA`, started by the server, of low priority.

It follows the journal with an exchange of its own, and reads it through the server: the journal's
file is the server's alone. Ends when the server does.
Layer: explain.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from pathlib import Path
from typing import Final

from explain.explainer import DroppedRecords, Explainer
from explain.protocol import (
    RECORDS_A_FRAME,
    Advance,
    Channel,
    ChannelClosed,
    Dropped,
    Holding,
    Message,
    Question,
    Read,
    Records,
)
from journal.codec import BatchRecord
from logs.setup import guard_stderr

NICENESS = 15
SERVER_SNAPSHOTS: Final = "snapshots"  # a folder in the data folder


class ServedRecords:
    """The journal's records, given by the server."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def part(self, after_n: int, until_n: int) -> list[BatchRecord]:
        """As of a journal, at most a frame's. Raises ChannelClosed."""
        return self._wanted(Read(after_n, min(until_n, after_n + RECORDS_A_FRAME)))

    def holding(self, seq: int) -> BatchRecord | None:
        """As of a journal. Raises ChannelClosed."""
        return next(iter(self._wanted(Holding(seq))), None)

    def _wanted(self, wanted: Message) -> list[BatchRecord]:
        self._channel.send(wanted)
        given = self._channel.receive()
        return given.records if isinstance(given, Records) else []


def serve(channel: Channel, data: Path) -> None:
    """Answer until the server is closed. Raises ChannelClosed."""
    explainer: Explainer | None = None
    while True:
        message = channel.receive()
        if isinstance(message, Advance):
            try:
                if explainer is None:  # it reads records: the server gives some while it waits for an answer
                    descriptors = [channel.read_fd, channel.write_fd]
                    others = [data / SERVER_SNAPSHOTS]
                    explainer = Explainer(ServedRecords(channel), data, others, descriptors, message.first_n)
                channel.send(explainer.advance(message))
            except DroppedRecords as dropped:
                channel.send(Dropped(dropped.first_seq))
        elif isinstance(message, Question) and explainer is not None:
            channel.send(explainer.answer(message))


def main() -> None:
    """Talk over standard input and output until they close."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal: the server decides when to end
    os.nice(NICENESS)
    os.umask(0o077)
    gc.disable()  # collections would touch, and so copy, every page that forks share; there are no cycles to free
    guard_stderr()  # it is the server's log
    channel = Channel(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    os.close(0)
    with contextlib.suppress(ChannelClosed):
        serve(channel, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
