"""The process of a front door: serves on the port that it shares, until the writer says to stop, or is gone.

Layer: api.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from types import FrameType
from typing import Final, NoReturn

import eventlet

from api.doors.agent import DoorAgent
from api.doors.messages import Failed, Ready, Unread, Welcome
from api.doors.routing import OneProcessOnly
from api.front_door import FrontDoor
from api.http.front.server import Front
from api.http.listener import Listening, listen_at, tls_context
from api.http.shared_port import listen_again
from api.json.errors import stopping
from journal.snapshots import SnapshotError
from logs.setup import leave
from loop.errors import StoreError

log = logging.getLogger("openbell")

INTRODUCED_S: Final = 60.0
POLL_S: Final = 0.05
GRACE_S: Final = 0.3  # for who is connected to learn that it ends
STOP_S: Final = 1.5  # for a door that is ended alone
OWN_ADDRESS: Final = "127.0.0.1"  # where each door listens by itself, for a proxy on this machine


class DoorProcess:
    """The process of one front door: what it serves on, and when it ends."""

    def __init__(self, connection: socket.socket, listening: socket.socket) -> None:
        self._agent = DoorAgent(connection)
        self._listening = listening
        self._fronts: list[Front] = []
        self._signalled = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the server ends its doors

    def run(self) -> NoReturn:
        """Serve until the writer says to stop, or is gone; then end the process."""
        agent = self._agent
        try:
            welcome = agent.wait_introduced(INTRODUCED_S)
            door = FrontDoor(welcome, agent)
            door.start()
            self._serve(door, welcome)
        except (OSError, StoreError, SnapshotError) as problem:
            log.error("this front door cannot serve: %s", problem)
            agent.say(Failed(type(problem).__name__))
            eventlet.sleep(GRACE_S)
            leave(1)
        agent.say(Ready(os.getpid()))
        while agent.stop is None and not self._signalled and self._ends_by(door) is None:
            eventlet.sleep(POLL_S)
        why = self._ends_by(door)
        if why is not None:
            log.error("this front door ends: %s", why)
            leave(1)  # what it has no answer for is answered by nobody: as if the server had been one process
        self._stop(door, agent.stop_at if agent.stop is not None else time.monotonic() + STOP_S)
        leave(0)

    def _ends_by(self, door: FrontDoor) -> str | None:
        """Why this cannot go on; None while it can."""
        if self._agent.is_over:
            return "the writer is gone"
        if any(front.fault is not None for front in self._fronts):
            return "its listening socket is lost"
        return door.failure

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = True

    def _serve(self, door: FrontDoor, welcome: Welcome) -> None:
        """Listen. Raises OSError."""
        settings = door.settings
        context = tls_context(settings)
        listen_again(self._listening)
        shared = Front(Listening(self._listening, context), OneProcessOnly(door.wsgi), settings, door.lane)
        self._fronts.append(shared)
        if welcome.port:
            own = Listening(listen_at((OWN_ADDRESS, welcome.port)), context)
            self._fronts.append(Front(own, door.wsgi, settings, door.lane))
        door.monitoring.observe(shared)
        for front in self._fronts:
            front.start()

    def _stop(self, door: FrontDoor, until: float) -> None:
        """Take no more, answer what has come."""
        for front in self._fronts:
            front.last_requests()
        door.stop_taking()
        eventlet.sleep(min(GRACE_S, max(0.0, until - time.monotonic())))
        unanswered = sum(front.finish(until, stopping()) for front in self._fronts)
        self._agent.say(Unread(unanswered))
        eventlet.sleep(POLL_S)  # that leaves the process
