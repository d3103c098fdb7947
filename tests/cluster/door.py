"""A writer in a process of its own, which can be killed and started again, and front doors in this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import eventlet

from cluster.channel import connect_unix
from cluster.link_client import WriterLink
from cluster.link_server import SOCKET_NAME
from cluster.record_reader import RecordReader
from cluster.remote_sequencer import RemoteSequencer
from engine.commands import Command
from engine.events import CommandResult
from engine.exchange import Exchange
from journal.codec import Submission, submissions_of
from journal.sqlite import SqliteJournal
from projections.submissions import SubmissionWindow
from replica.follower import Follower
from replica.replay import replay
from replica.stream import SOCKET_NAME as RECORDS_NAME
from tests.server import ROOT

WAIT_S = 60.0


class WriterProcess:
    """The writer of a folder."""

    def __init__(self, folder: Path, flush_ms: float = 0.0) -> None:
        self.folder = folder
        self._flush_ms = flush_ms
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to start; who connects waits for it."""
        command = [sys.executable, "-m", "tests.cluster.writer", str(self.folder), str(self._flush_ms)]
        self._process = subprocess.Popen(command, cwd=ROOT)

    def kill(self) -> None:
        """As a power cut of the process does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)


class Door:
    """A front door without an API: a remote sequencer on a folder's sockets."""

    def __init__(self, folder: Path, name: str = "door", **settings: Any) -> None:
        self.follower = Follower(Exchange())
        self.batches: list[list[CommandResult]] = []
        self.refusals: list[str] = []
        self.link = WriterLink(lambda: connect_unix(folder / SOCKET_NAME), name)
        self.reader = RecordReader(lambda: connect_unix(folder / RECORDS_NAME), self.refusals.append)
        defaults: dict[str, Any] = {"max_waiting": 5_000, "names_orders": False, "patience_s": WAIT_S}
        self.sequencer = RemoteSequencer(
            self.follower,
            SubmissionWindow(),
            self.link,
            clock=time.time_ns,
            on_invariant_violation=_raise,
            **defaults | settings,
        )
        self.sequencer.listen(self.batches.append)

    def start(self) -> None:
        self.sequencer.start()
        self.reader.start(self.sequencer)

    def close(self) -> None:
        self.sequencer.stop()
        self.reader.close()

    def spawn(self, commands: Sequence[Command]) -> Any:
        """A greenlet that submits commands together: what it got, or what was raised."""
        return eventlet.spawn(self.attempt, lambda: self.sequencer.submit_all(commands))

    @staticmethod
    def attempt(call: Callable[[], Any]) -> Any:
        """What a call gives, or raises."""
        try:
            return call()
        except Exception as problem:
            return problem


@contextmanager
def writing(folder: Path, flush_ms: float = 0.0) -> Iterator[WriterProcess]:
    """A writer that runs, and is killed in the end."""
    writer = WriterProcess(folder, flush_ms)
    writer.start()
    try:
        yield writer
    finally:
        writer.kill()


@contextmanager
def door_of(folder: Path, name: str = "door", **settings: Any) -> Iterator[Door]:
    """A front door that runs."""
    door = Door(folder, name, **settings)
    door.start()
    try:
        yield door
    finally:
        door.close()


def replayed(folder: Path) -> tuple[list[CommandResult], list[tuple[int, Submission]], Exchange]:
    """What every command in the journal caused, the submissions, each with the seq of its first command, the state."""
    results: list[CommandResult] = []
    exchange = Exchange()
    with closing(SqliteJournal(folder / "journal.sqlite")) as journal:
        replay(journal, exchange, results.extend)
        found = [(record.first_seq + each.place, each) for record in journal.read() for each in submissions_of(record)]
    return results, found, exchange


def until(condition: Callable[[], bool], within_s: float = WAIT_S) -> None:
    """Let others run until `condition()`; fail the test when it does not become so."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not become so"
        eventlet.sleep(0.01)


def _raise(bug: BaseException) -> NoReturn:
    raise bug
