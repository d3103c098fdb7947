"""The front doors of one server: their processes, started and started again, and what the writer says to each.

Layer: api.doors. For the event loop's thread.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess  # nosec B404 # for our own processes
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

import eventlet
from eventlet.event import Event

from api.doors.channel import DoorChannel
from api.doors.figures import WRITER, joined
from api.doors.messages import (
    Ask,
    Done,
    DoorState,
    Entered,
    Failed,
    Holding,
    Hurry,
    Introduced,
    Left,
    Ready,
    RecordIs,
    Stop,
    ToDoor,
    ToWriter,
    Unread,
    Welcome,
    encoded_settings,
    framed,
    to_writer,
)
from api.feed.order_entry import CancelOnDisconnect
from api.http.shared_port import SharedPort
from api.market.flow_sources import FlowSource, known_sources
from api.market.venue_views import DoorView
from api.metrics.text import Wide
from api.settings import Settings
from journal.codec import BatchRecord
from loop.shared_marks import SharedMarks
from loop.shared_table import SharedTable

log = logging.getLogger("openbell")

MODULE: Final = "api.door"
ROOT: Final = Path(__file__).resolve().parents[2]
READY_S: Final = 120.0  # for a door to have read its snapshot and all records behind it
BACK_OFF_S: Final = 0.1  # before another is started; twice as long for each that ends soon behind the one before
BACK_OFF_S_MAX: Final = 10.0
STEADY_S: Final = 30.0  # that one runs, and the next is started at once again
SEE_LOG: Final = "the log says why"
FAILED_MAX: Final = 3  # times that a door ends before it is ready, at the start of the server
ANSWER_S: Final = 5.0  # for a door to say that it has done what it was sent, before it is ended
FIGURES_S: Final = 2.0
REAP_S: Final = 0.02  # between two looks whether a process has ended
SILENT_S: Final = 15.0  # without a word of a door, which says how it is each second, before it is ended
SILENT_CHECK_S: Final = 1.0
SILENT_CHECKS: Final = 3  # in a row: where it was this process that was paused, what doors said is read in between
KILL_S: Final = 0.5  # for a door whose socket has ended, before it is killed


class DoorTables(NamedTuple):
    """What all processes of the server count and remember in."""

    limits: SharedTable
    signatures: SharedTable
    marks: SharedMarks  # 0: the writer's, then each door's

    @property
    def descriptors(self) -> tuple[int, int, int]:
        """Those that a door inherits."""
        return self.limits.descriptor, self.signatures.descriptor, self.marks.descriptor

    def close(self) -> None:
        """Let go of them."""
        self.limits.close()
        self.signatures.close()
        self.marks.close()


class DoorSource(NamedTuple):
    """Where what doors are sent comes from."""

    token_key: bytes
    not_before_ms: int
    tables: DoorTables
    introduction: Callable[[], Iterable[ToDoor]]  # everything that a door begins with
    holding: Callable[[int], BatchRecord | None]  # cooperative; raises where nobody knows
    hurry: Callable[[int], object]
    applied_seq: Callable[[], int]
    cancel_on_disconnect: Callable[[], CancelOnDisconnect]


class _Door:
    """One place among the doors, and the process that has it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self.channel: DoorChannel[ToWriter] | None = None
        self.ended = Event()  # of this process
        self.is_ready = False
        self.state: DoorState | None = None
        self.starts = 0
        self.failed = 0  # times that it ended before it was ready, in a row
        self.failure = ""
        self.unanswered = 0
        self.connections: dict[str, CancelOnDisconnect] = {}  # whose orders are cancelled where this process is killed
        self.said_at = 0.0  # the monotonic second of its last word
        self.silent = 0  # checks in a row that found it silent for too long

    def send(self, message: ToDoor) -> None:
        if self.channel is not None:
            self.channel.send(message)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()


class FrontDoors:
    """`settings.front_doors` processes on one port, while this is not closed."""

    def __init__(self, settings: Settings, port: SharedPort, source: DoorSource) -> None:
        self._settings = settings
        self._port = port
        self._source = source
        self._doors = [_Door(number) for number in range(1, settings.front_doors + 1)]
        self._stopping = False
        self._asked: dict[int, tuple[set[int], Event, dict[int, bytes]]] = {}
        self._questions = 0
        self.on_sources: Callable[[], object] = lambda: None  # called when the flows of clients have changed

    # -- starting and stopping

    def start(self) -> None:
        """Start every door; return when all serve. Cooperative. Raises OSError where one cannot."""
        for door in self._doors:
            eventlet.spawn(self._keep, door)
        eventlet.spawn(self._watch)
        until = time.monotonic() + READY_S
        while not all(door.is_ready for door in self._doors):
            for door in self._doors:
                if door.failed >= FAILED_MAX:
                    raise OSError(f"front door {door.number} cannot be started: {door.failure or 'it ends'}; {SEE_LOG}")
            if time.monotonic() > until:
                raise OSError(f"the front doors did not come up in {READY_S:.0f} seconds")
            eventlet.sleep(REAP_S)

    def stop(self, until: float) -> int:
        """Have every door take no more, answer what has come and end, until the monotonic second `until` at most.

        How many requests are not answered. Cooperative.
        """
        self._stopping = True
        for door in self._doors:
            if door.is_ready:
                door.send(Stop(max(0.0, until - time.monotonic())))
            else:
                door.kill()  # nobody has been served by it
        while any(door.process is not None for door in self._doors) and time.monotonic() < until:
            eventlet.sleep(REAP_S)
        return sum(door.unanswered for door in self._doors)

    def close(self) -> None:
        """End what is left of them, at once. Idempotent."""
        self._stopping = True
        for door in self._doors:
            door.kill()
        self._port.close()

    def _keep(self, door: _Door) -> None:
        """Start the process of a place, again and again."""
        soon = 0
        while not self._stopping:
            began = time.monotonic()
            try:
                self._run(door)
            except OSError as problem:
                door.failed += 1
                door.failure = "its process cannot be started"
                log.error("front door %d could not be started: %s", door.number, problem)
            if self._stopping:
                return
            soon = 0 if time.monotonic() - began > STEADY_S else soon + 1
            wait_s = min(BACK_OFF_S * 2.0 ** min(soon - 1, 16), BACK_OFF_S_MAX) if soon else 0.0
            log.warning("front door %d has ended; another is started in %.1f s", door.number, wait_s)
            eventlet.sleep(wait_s)

    def _watch(self) -> None:
        """End doors that hang: their clients would wait, and new ones come to them."""
        while not self._stopping:
            eventlet.sleep(SILENT_CHECK_S)
            for door in self._doors:
                is_silent = door.is_ready and time.monotonic() - door.said_at > SILENT_S
                door.silent = door.silent + 1 if is_silent else 0
                if door.silent >= SILENT_CHECKS:
                    log.error("front door %d has said nothing for %.0f s: it is ended", door.number, SILENT_S)
                    door.kill()

    def _run(self, door: _Door) -> None:
        """Start a process and return when it has ended. Cooperative. Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                door.process = self._started(door.number, theirs)
        except BaseException:
            ours.close()
            raise
        door.ended, door.is_ready, door.state = Event(), False, None
        door.starts += 1
        ended = door.ended
        door.channel = DoorChannel(ours, to_writer(), lambda said: self._on_said(door, said), ended.send)
        try:
            self._introduce(door)
        except Exception:  # of ours: without this nobody would keep its place any more
            door.failure = "it could not be introduced"
            log.exception("front door %d could not be introduced", door.number)
            door.kill()
        ended.wait()
        self._port.ended(door.number)  # at once: what comes now goes to the others
        self._reap(door)
        if not door.is_ready:
            door.failed += 1
        left, door.connections = door.connections, {}
        if not self._stopping:  # as of one process: where the server stops, orders stay
            for each in left.values():
                eventlet.spawn(each.cancel)
        door.is_ready, door.channel, door.process = False, None, None
        for number in list(self._asked):
            self._note_done(number, door.number, b"")

    def _started(self, number: int, theirs: socket.socket) -> subprocess.Popen[bytes]:
        listening = self._port.of(number).fileno()
        return subprocess.Popen(  # noqa: S603  # nosec B603 # our own module
            [sys.executable, "-m", MODULE, str(theirs.fileno()), str(listening)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=2,  # what it says goes to the log of the server
            pass_fds=[theirs.fileno(), listening, *self._source.tables.descriptors],
            process_group=0,  # signals of the terminal are for the server, which ends it
            env={**os.environ, "PYTHONSAFEPATH": ""},
        )

    def _reap(self, door: _Door) -> None:
        """Wait for a process whose socket has ended; kill it where it does not end."""
        process, until = door.process, time.monotonic() + KILL_S
        while process is not None and process.poll() is None:
            if time.monotonic() > until and not self._stopping:
                process.kill()
            eventlet.sleep(REAP_S)

    def _introduce(self, door: _Door) -> None:
        source, settings = self._source, self._settings
        own_port = settings.door_port + door.number - 1 if settings.door_port else 0
        door.send(
            Welcome(
                door.number,
                settings.front_doors,
                encoded_settings(settings),
                source.token_key,
                source.not_before_ms,
                *source.tables.descriptors,
                own_port,
            )
        )
        for message in source.introduction():
            door.send(message)
        door.send(Introduced())

    # -- what doors say

    def _on_said(self, door: _Door, said: ToWriter) -> None:
        door.said_at = time.monotonic()
        match said:
            case Ready():
                door.is_ready, door.failed = True, 0
                self._port.listens(door.number)
                log.info("front door %d serves, process %d", door.number, said.pid)
            case Failed():
                door.failure = said.why
                log.error("front door %d cannot serve: %s", door.number, said.why)
            case DoorState():
                before, door.state = door.state, said
                if said.sources != ([] if before is None else before.sources):
                    self.on_sources()
            case Entered():
                if said.connection not in door.connections:
                    door.connections[said.connection] = self._source.cancel_on_disconnect()
                door.connections[said.connection].add(said.order_ids, said.account)
            case Left():
                door.connections.pop(said.connection, None)
            case Hurry():
                self._source.hurry(said.seq)
            case Holding():
                eventlet.spawn(self._answer_holding, door, said)
            case Done():
                self._note_done(said.number, door.number, said.figures)
            case Unread():
                door.unanswered = said.unanswered

    def _answer_holding(self, door: _Door, asked: Holding) -> None:
        try:
            record = self._source.holding(asked.seq)
        except Exception:
            log.exception("the record of command %d could not be read for a front door", asked.seq)
            return  # the door gives up by itself: nobody knows
        door.send(RecordIs(asked.number, record))

    # -- what doors are sent

    def publish(self, message: ToDoor) -> None:
        """Send a message to every door. Never waits."""
        frame = framed(message)
        for door in self._doors:
            if door.channel is not None:
                door.channel.send_framed(frame)

    def settle(self) -> None:
        """Wait until every door has done what it was sent so far. Cooperative.

        One that does not in `ANSWER_S` seconds is ended: it would let in who has been refused meanwhile.
        """
        for number in self._ask(ANSWER_S, figures=False)[0]:
            door = self._doors[number - 1]
            log.error("front door %d does not answer: it is ended", number)
            door.kill()

    def _ask(self, wait_s: float, *, figures: bool) -> tuple[set[int], dict[int, bytes]]:
        """Ask every door that serves; those that have not answered in time, and what the others said."""
        waited = {door.number for door in self._doors if door.is_ready}
        if not waited:
            return set(), {}
        self._questions = number = self._questions + 1
        answered, figures_of = Event(), dict[int, bytes]()
        self._asked[number] = waited, answered, figures_of
        for door in self._doors:
            if door.number in waited:
                door.send(Ask(number, self._source.applied_seq(), figures))
        try:
            with eventlet.Timeout(wait_s, False):
                answered.wait()
        finally:
            del self._asked[number]
        return waited, figures_of

    def _note_done(self, question: int, door: int, figures: bytes) -> None:
        asked = self._asked.get(question)
        if asked is None:
            return
        waited, answered, figures_of = asked
        if door in waited:
            waited.discard(door)
            figures_of[door] = figures
        if not waited and not answered.ready():
            answered.send()

    # -- reading

    def families(self, own: Callable[[], bytes]) -> Iterable[Wide]:
        """The figures of every door, and the writer's `own`, told apart by a label. Cooperative."""
        _, by_door = self._ask(FIGURES_S, figures=True)
        return joined([(WRITER, own()), *((str(number), by_door[number]) for number in sorted(by_door))])

    @property
    def views(self) -> list[DoorView]:
        """How each door is. O(doors)."""
        seq = self._source.applied_seq()
        return [
            DoorView(
                door=door.number,
                status="serving" if door.is_ready else "starting",
                process=None if door.process is None else door.process.pid,
                connections=0 if door.state is None else door.state.connections,
                seq=None if door.state is None else door.state.seq,
                lag=None if door.state is None else max(0, seq - door.state.seq),
                restarts=max(0, door.starts - 1),
            )
            for door in self._doors
        ]

    @property
    def connections(self) -> int:
        """Feed clients of all doors."""
        return sum(door.state.connections for door in self._doors if door.state is not None)

    @property
    def injected(self) -> dict[str, int]:
        """Faults that doors have injected, by kind."""
        counts: dict[str, int] = {}
        for door in self._doors:
            for kind, count in ({} if door.state is None else door.state.injected).items():
                counts[kind] = counts.get(kind, 0) + count
        return counts

    @property
    def sources(self) -> list[FlowSource]:
        """The made-up or recorded flow of the clients of all doors."""
        return known_sources(source for door in self._doors if door.state is not None for source in door.state.sources)
