"""Earlier states to begin from: snapshots on the disk, and while the venue is small also forks of the follower.

A question about a command begins with the latest state before it. A copy of that moves on to the commands in question
in a process of its own, sends their chapters, and ends, so that its memory goes back to the system. The copy of a fork
is a fork again; the copy of a snapshot is a fork of the process that explains, which loads it. Snapshots are written
here, in a bounded number that thins out with age; those of the server serve too. A fork shares what neither changes,
which is little after some ten thousand commands: so there are forks only while the process that explains is small.
Layer: explain. Processes, sockets and files; runs in the process that explains, which has one thread.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import traceback
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

import msgspec

from engine.digest import state_digest
from explain.explanation import Subject, chapters_of_records
from explain.memory import resident_bytes
from explain.protocol import Channel, ChannelClosed, Chapters, ChaptersWanted, Message, Read, Records, TooLong, Unusable
from explain.reading import records_between
from journal.beginnings import ReadRecords, proven
from journal.codec import BatchRecord
from journal.snapshots import SnapshotError, SnapshotFile, SnapshotFolder
from replica.follower import Follower

FORK_EVERY = 20_000  # commands
FORKS_MAX = 2
FORKED_BYTES_MAX = 70_000_000  # of memory, of the process that is forked
SNAPSHOT_EVERY = 100_000  # commands
SNAPSHOTS_MAX = 40
SNAPSHOTS_BYTES_MAX = 500_000_000

log = logging.getLogger(__name__)


class Overrun(Exception):
    """A question took longer than it may, or its copy of the state died."""


class NoState(Exception):
    """There is no state before the command: the records from before are not kept."""


class Unreadable(Exception):
    """A snapshot that cannot be begun from. Says why."""


class StateProcess:
    """A process that has an earlier state: who talks to it."""

    def __init__(self, serve: Callable[[Channel], NoReturn], foreign_fds: list[int]) -> None:
        """Fork; the new process runs `serve`. `foreign_fds` are the descriptors that it must not keep open."""
        ours, theirs = socket.socketpair()
        self._socket = ours
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            for descriptor in foreign_fds:
                os.close(descriptor)
            serve(Channel(theirs.fileno(), theirs.fileno()))
        theirs.close()

    @property
    def descriptor(self) -> int:
        """The file descriptor of its socket."""
        return self._socket.fileno()

    def chapters(self, subject: Subject, seqs: list[int], seconds: int, read: ReadRecords) -> Chapters:
        """The chapters of these commands, all of them after the state. O(commands between).

        Raises Overrun, and Unreadable.
        """
        channel = Channel(self.descriptor, self.descriptor)
        try:
            channel.send(ChaptersWanted(subject, seqs, max(seconds, 1)))
            while True:
                message = channel.receive()
                if isinstance(message, Read):
                    channel.send(Records(read(message.after_n, message.until_n)))
                elif isinstance(message, Chapters):
                    return message
                elif isinstance(message, Unusable):
                    raise Unreadable(message.why)
                else:
                    raise Overrun
        except ChannelClosed as closed:
            raise Overrun from closed

    def close(self) -> None:
        """Let the process end."""
        self._socket.close()
        os.waitpid(self._pid, 0)


class Fork(msgspec.Struct, frozen=True, eq=False):
    """A state of late, kept by a process that does nothing until it is asked."""

    seq: int
    process: StateProcess


class Beginning(msgspec.Struct, frozen=True, eq=False):
    """The empty state before the first record."""

    seq: int = 0


State = Fork | SnapshotFile | Beginning


class Checkpoints:
    """The earlier states of who follows the records."""

    def __init__(self, own: SnapshotFolder, others: Sequence[SnapshotFolder], foreign_fds: list[int]) -> None:
        """Snapshots are written to `own`, and read from there and from `others`.

        `foreign_fds` are descriptors that the processes must not keep open.
        """
        self._descriptors = foreign_fds
        self._own, self._others = own, others
        self._written_seq = self._last_written()
        self._forked_seq = 0
        self._unusable: set[Path] = set()
        self._first_n = 1
        self._forks: list[Fork] = []

    def watch(self, follower: Follower) -> None:
        """Keep states of this follower from now on, its present one included."""
        self._written_seq = self._last_written()
        self._fork(follower)
        follower.listen(lambda record, _applied: self._on_record(follower, record))

    def keep_from(self, first_n: int) -> None:
        """Begin nowhere before record `first_n`: what is from before is not kept."""
        self._first_n = first_n

    def _on_record(self, follower: Follower, record: BatchRecord) -> None:
        """Keep the state behind this record where it is far enough beyond the last one that is kept."""
        if record.last_seq - self._written_seq >= SNAPSHOT_EVERY:
            self._write(follower, record)
        if record.last_seq - self._forked_seq >= FORK_EVERY:
            self._fork(follower)

    def chapters(self, subject: Subject, seqs: list[int], left: Callable[[], int], read: ReadRecords) -> list[Chapters]:
        """The chapters of these commands, from as few states as they need.

        `left` gives the whole seconds that are left. Raises Overrun, NoState. O(commands in between).
        """
        results: list[Chapters] = []
        while seqs:
            states = self.states()
            start = _latest(states, seqs[0])
            some = list(takewhile(lambda seq: _latest(states, seq) is start, seqs))  # noqa: B023 - used at once
            if start is None:
                raise NoState
            seconds = left()
            if seconds < 1:
                raise Overrun
            try:
                results.append(self._chapters_from(start, subject, some, seconds, read))
            except Unreadable as problem:
                if not isinstance(start, SnapshotFile):
                    raise Overrun from problem
                log.warning("a snapshot is passed over: %s", problem)
                self._unusable.add(start.path)
                continue
            seqs = seqs[len(some) :]
        return results

    def states(self) -> list[State]:
        """All that there are, the oldest first. O(states), and it reads the folders."""
        files = [file for folder in (self._own, *self._others) for file in folder.files()]
        after_n = self._first_n - 1
        kept: list[State] = [file for file in files if file.path not in self._unusable and file.n >= after_n]
        kept += self._forks
        if not after_n:
            kept.append(Beginning())
        return sorted(kept, key=lambda state: state.seq)

    def close(self) -> None:
        """Let every process end; the snapshots stay."""
        while self._forks:
            self._forks.pop().process.close()

    def _chapters_from(
        self, start: State, subject: Subject, seqs: list[int], seconds: int, read: ReadRecords
    ) -> Chapters:
        if isinstance(start, Fork):
            return start.process.chapters(subject, seqs, seconds, read)
        process = StateProcess(lambda channel: _serve_from(start, channel), self._foreign_fds())
        try:
            return process.chapters(subject, seqs, seconds, read)
        finally:
            process.close()

    def _fork(self, follower: Follower) -> None:
        """Keep the follower's present state, and let the oldest go where there are too many."""
        self._forked_seq = follower.seq
        if resident_bytes() > FORKED_BYTES_MAX:
            self.close()
            return
        process = StateProcess(lambda channel: _serve(follower, channel), self._foreign_fds())
        self._forks.append(Fork(follower.seq, process))
        if len(self._forks) > FORKS_MAX:
            self._forks.pop(0).process.close()

    def _last_written(self) -> int:
        return max((file.seq for file in self._own.files()), default=0)

    def _foreign_fds(self) -> list[int]:
        return self._descriptors + [fork.process.descriptor for fork in self._forks]

    def _write(self, follower: Follower, record: BatchRecord) -> None:
        """Write a snapshot and thin them out. Without one, questions take longer; so a full disk is no failure."""
        self._written_seq = record.last_seq
        try:
            written = self._own.save(follower.exchange, record, {})
            self._own.thin(max(min(SNAPSHOTS_MAX, SNAPSHOTS_BYTES_MAX // written.size), 2))
        except OSError as problem:
            log.warning("a snapshot for explanations cannot be written: %s", problem)


def _latest(states: Sequence[State], before_seq: int) -> State | None:
    """The latest that has not applied the command `before_seq`."""
    return next((state for state in reversed(states) if state.seq < before_seq), None)


def _serve(follower: Follower, channel: Channel) -> NoReturn:
    """The life of a fork: wait, fork again when asked, wait again."""
    try:
        while True:
            wanted = channel.receive()
            copy = os.fork()
            if copy == 0:
                _send_chapters(follower, wanted, channel)
                os._exit(0)
            if os.waitpid(copy, 0)[1] != 0:
                channel.send(TooLong())
    except ChannelClosed:
        os._exit(0)
    finally:
        os._exit(1)


def _serve_from(start: SnapshotFile | Beginning, channel: Channel) -> NoReturn:
    """The life of the copy of a snapshot: load it, send the chapters, end."""
    try:
        wanted = channel.receive()
        follower = Follower()
        if isinstance(start, SnapshotFile):
            snapshot = proven(start, _reading(channel))
            follower = Follower(snapshot.exchange, snapshot.last)
        _send_chapters(follower, wanted, channel)
        os._exit(0)
    except (SnapshotError, OSError) as problem:
        channel.send(Unusable(str(problem)))
        os._exit(0)
    except ChannelClosed:
        os._exit(0)
    finally:
        os._exit(1)


def _reading(channel: Channel) -> ReadRecords:
    def read(after_n: int, until_n: int) -> list[BatchRecord]:
        channel.send(Read(after_n, until_n))
        given = channel.receive()
        return given.records if isinstance(given, Records) else []

    return read


def _send_chapters(follower: Follower, wanted: Message, channel: Channel) -> None:
    """Move on, send the chapters. The alarm ends the process when it takes too long."""
    if not isinstance(wanted, ChaptersWanted):  # records for a copy that an alarm has ended
        return
    signal.alarm(wanted.seconds)
    copy = Follower(follower.exchange, follower.last)  # without the listeners
    try:
        records = _up_to(wanted.seqs[-1], _reading(channel), copy.n)
        results = chapters_of_records(copy, records, wanted.seqs, wanted.subject)
    except ChannelClosed:
        raise
    except Exception:
        traceback.print_exc()  # to the server's log
        raise
    signal.alarm(0)
    channel.send(Chapters(results, state_digest(copy.exchange)))


def _up_to(seq: int, read: ReadRecords, after_n: int) -> Iterator[BatchRecord]:
    """The records behind `after_n` up to the one that has the command `seq`."""
    for record in records_between(read, after_n, after_n + seq):  # a record has a command at least
        yield record
        if record.last_seq >= seq:
            return
