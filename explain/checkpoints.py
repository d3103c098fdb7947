"""Earlier states of a replica, each kept by a forked process that does nothing until it is asked.

A fork copies no state: the pages are shared until the replica changes them. Asked, a checkpoint
forks once more; that copy moves on to the commands in question, sends their chapters, and ends, and
the checkpoint is as it was. Checkpoints thin out with age, so that their number is bounded.
Layer: explain. Processes and sockets; runs in the process that explains, which has one thread.
"""

from __future__ import annotations

import os
import signal
import socket
import traceback
from typing import NoReturn

from engine.digest import state_digest
from explain.explanation import Subject, chapters_of_commands
from explain.protocol import Channel, ChannelClosed, Chapters, ChaptersWanted, Message, Read, Records, TooLong
from explain.replica import ReadRecords, Replica
from journal.codec import BatchRecord

CHECKPOINT_EVERY = 20_000  # commands
CHECKPOINTS_MAX = 10


class Overrun(Exception):
    """A question took longer than it may, or its copy of the state died."""


class Checkpoint:
    """One earlier state."""

    def __init__(self, replica: Replica, foreign_fds: list[int]) -> None:
        """Fork. `foreign_fds` are the descriptors that the new process must not keep open."""
        self.n, self.seq = replica.n, replica.seq
        ours, theirs = socket.socketpair()
        self._socket = ours
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            for descriptor in foreign_fds:
                os.close(descriptor)
            _serve(replica, Channel(theirs.fileno(), theirs.fileno()))
        theirs.close()

    @property
    def descriptor(self) -> int:
        """The file descriptor of its socket."""
        return self._socket.fileno()

    def chapters(self, subject: Subject, seqs: list[int], until_n: int, seconds: int, read: ReadRecords) -> Chapters:
        """The chapters of these commands, all of them after the checkpoint. Raises Overrun. O(commands between)."""
        channel = Channel(self.descriptor, self.descriptor)
        try:
            channel.send(ChaptersWanted(subject, seqs, until_n, max(seconds, 1)))
            while True:
                message = channel.receive()
                if isinstance(message, Read):
                    channel.send(Records(read(message.after_n, message.until_n)))
                elif isinstance(message, Chapters):
                    return message
                else:
                    raise Overrun
        except ChannelClosed as closed:
            raise Overrun from closed

    def close(self) -> None:
        """Let the process end."""
        self._socket.close()
        os.waitpid(self._pid, 0)


class Checkpoints:
    """The earlier states of one replica, the first of them empty."""

    def __init__(self, replica: Replica, foreign_fds: list[int]) -> None:
        """`foreign_fds` are descriptors that the processes must not keep open."""
        self._replica = replica
        self._descriptors = foreign_fds
        self._kept: list[Checkpoint] = []
        self.add()

    @property
    def due(self) -> bool:
        """Whether the replica is far enough beyond the last one."""
        return self._replica.seq - self._kept[-1].seq >= CHECKPOINT_EVERY

    def add(self) -> None:
        """Keep the replica's present state; when there are too many, drop the one whose loss costs least."""
        foreign_fds = self._descriptors + [checkpoint.descriptor for checkpoint in self._kept]
        self._kept.append(Checkpoint(self._replica, foreign_fds))
        if len(self._kept) > CHECKPOINTS_MAX:
            self._kept.pop(self._least_useful()).close()

    def before(self, seq: int) -> Checkpoint:
        """The latest from before a command. O(checkpoints)."""
        return next(checkpoint for checkpoint in reversed(self._kept) if checkpoint.seq < seq)

    def close(self) -> None:
        """Let every process end."""
        while self._kept:
            self._kept.pop().close()

    def _least_useful(self) -> int:
        """Which leaves the smallest gap for its age; never the empty one, nor the latest."""
        kept, now = self._kept, self._replica.seq
        spans = {
            at: (kept[at + 1].seq - kept[at - 1].seq) * 1000 // (now - kept[at].seq + CHECKPOINT_EVERY)
            for at in range(1, len(kept) - 1)
        }
        return min(spans, key=lambda at: spans[at])


def _serve(replica: Replica, channel: Channel) -> NoReturn:
    """The life of a checkpoint's process: wait, fork when asked, wait again."""
    try:
        while True:
            wanted = channel.receive()
            copy = os.fork()
            if copy == 0:
                _send_chapters(replica, wanted, channel)
                os._exit(0)
            if os.waitpid(copy, 0)[1] != 0:
                channel.send(TooLong())
    except ChannelClosed:
        os._exit(0)
    finally:
        os._exit(1)


def _send_chapters(replica: Replica, wanted: Message, channel: Channel) -> None:
    """The life of the copy: move on, send the chapters, end. The alarm ends it when it takes too long."""
    if not isinstance(wanted, ChaptersWanted):  # records for a copy that an alarm has ended
        return
    signal.alarm(wanted.seconds)

    def read(after_n: int, until_n: int) -> list[BatchRecord]:
        channel.send(Read(after_n, until_n))
        given = channel.receive()
        return given.records if isinstance(given, Records) else []

    replica.read_with(read)
    try:
        results = chapters_of_commands(replica.exchange, replica.commands(wanted.until_n), wanted.seqs, wanted.subject)
    except Exception:
        traceback.print_exc()  # to the server's log
        raise
    signal.alarm(0)
    channel.send(Chapters(results, state_digest(replica.exchange)))
