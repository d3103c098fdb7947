"""Runs a server on a socket that listens, and ends it on a signal.

Layer: api.
"""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from typing import NoReturn, Protocol

import click
import eventlet
import msgspec

from api.bootstrap import Server
from api.doors.messages import REQUESTS_SOCKET
from api.http.forwarding import FromDoors, SaysApplied
from api.http.front.opening import OpeningFront, StartProgress
from api.http.front.server import Front
from api.http.listener import Listening
from api.http.shared_port import SharedPort
from api.json.errors import stopping
from api.settings import Settings
from api.stopping import StopDeadline, StopSignals
from cluster.channel import listen_unix
from cluster.failures import ClusterError
from cluster.store import StoreError as LogStoreError
from journal.port import JournalError, JournalLocked
from listings.instruments_file import ListingError
from logs.setup import guard_stderr, leave
from loop.errors import StoreError
from openbell import __version__
from openbell.programs import with_make
from sequencer.port import STOPPING, NotAccepting

log = logging.getLogger("openbell")

POLL_S = 0.1  # how soon a signal is noticed
ANSWER_GRACE_S = 0.3  # for who is connected to learn that it ends


def run(listener: Listening, settings: Settings) -> NoReturn:
    """Serve until SIGINT or SIGTERM, then end the process. Raises click.ClickException where it cannot start."""
    try:
        _serve(listener, settings)
        _leave()
    except JournalLocked as problem:
        raise click.ClickException(f"{str(problem).removesuffix('.')}{with_make('DATA=DIR')}.") from problem
    except (JournalError, StoreError, ListingError, NotAccepting, ClusterError, LogStoreError, OSError) as problem:
        raise click.ClickException(str(problem)) from problem


def _serve(listener: Listening, settings: Settings) -> None:
    """Run until a signal. Raises what `Server` raises when it cannot start."""
    progress = StartProgress()
    opening = OpeningFront(listener, settings, progress)
    try:
        server = _opened(listener, settings, progress)
    except BaseException:
        opening.hand_over()
        listener.close()
        raise
    signals = StopSignals()
    serving = _DoorsServing if settings.front_doors else _OneProcess
    running = serving(listener, opening, server, settings)
    host, port = listener.socket.getsockname()[:2]
    scheme = "http" if settings.tls_cert is None else "https"
    address = f"[{host}]" if ":" in host else host
    click.echo(f"Openbell {__version__} is open: {scheme}://{address}:{port}  (data in {settings.data})")
    sys.stdout.flush()
    guard_stderr()
    while signals.received is None and running.fault is None:
        eventlet.sleep(POLL_S)
    _stop(running, server, signals.received_at or time.monotonic())
    if running.fault is not None:
        raise OSError(f"the listening socket is lost: {running.fault}")


def _opened(listener: Listening, settings: Settings, progress: StartProgress) -> Server:
    """What is served. Raises what `Server` raises when it cannot start."""
    if settings.cluster is None:
        return Server(settings, progress.note)
    from api.node_bootstrap import NodeServer  # noqa: PLC0415 - a server alone needs nothing of it

    return NodeServer(msgspec.structs.replace(settings, port=listener.socket.getsockname()[1]), progress.note)


class _Serving(Protocol):
    """How clients are served."""

    @property
    def fault(self) -> OSError | None:
        """Why it cannot go on; None while it can."""

    def last_requests(self, until: float) -> None:
        """Have no connection go on behind its next answer, until the monotonic second `until`. Cooperative."""

    def finish(self, until: float) -> int:
        """Answer what has come, and end; how many requests are not answered. Cooperative."""


class _OneProcess:
    """Clients are served by this process."""

    def __init__(self, listener: Listening, opening: OpeningFront, server: Server, settings: Settings) -> None:
        self._listener = listener
        self._front = Front(listener, server.wsgi, settings, server.lane)
        self._front.adopt(opening.hand_over())
        server.monitoring.observe(self._front)
        self._front.start()

    @property
    def fault(self) -> OSError | None:
        """As `_Serving`."""
        return self._front.fault

    def last_requests(self, _until: float) -> None:
        """As `_Serving`."""
        self._front.last_requests()

    def finish(self, until: float) -> int:
        """As `_Serving`."""
        unanswered = self._front.finish(until, stopping())
        self._listener.close()
        return unanswered


class _DoorsServing:
    """Clients are served by front doors, which pass on to this process what only it can answer."""

    def __init__(self, listener: Listening, opening: OpeningFront, server: Server, settings: Settings) -> None:
        """Raises OSError where a door cannot be started; everything is closed then."""
        if server.doors is None:
            raise RuntimeError("a server without front doors")
        doors = self._doors = server.doors
        self._unanswered = 0
        self._path = settings.data / REQUESTS_SOCKET
        requests = listen_unix(self._path)
        self._requests = Listening(requests, None)
        app = SaysApplied(server.wsgi, doors.note_applied, doors.settle)
        self._front = Front(self._requests, app, settings, believed=FromDoors())
        server.monitoring.observe(self._front)
        self._front.start()
        try:
            server.open_doors(SharedPort(listener.socket))  # the front of the start answers until they do
        except BaseException:
            opening.hand_over()
            server.close()
            raise
        for unused in opening.hand_over():
            unused.transport.close()  # who waits there connects anew, to a door

    @property
    def fault(self) -> OSError | None:
        """As `_Serving`."""
        return self._front.fault

    def last_requests(self, until: float) -> None:
        """As `_Serving`."""
        self._unanswered = self._doors.stop(until)
        self._front.last_requests()

    def finish(self, until: float) -> int:
        """As `_Serving`."""
        self._front.finish(until, stopping())
        self._requests.close()
        with suppress(OSError):
            self._path.unlink()
        return self._unanswered


def _stop(serving: _Serving, server: Server, began: float) -> None:
    """Take no more, answer what has come, close everything; within five seconds of `began`, monotonic."""
    deadline = StopDeadline(began)
    log.info("stopping")
    serving.last_requests(deadline.answered_by)
    server.stop_taking()
    deadline.note_all_durable()
    server.historian.finish(deadline.written_by)  # beside the last answers
    eventlet.sleep(ANSWER_GRACE_S)  # reads go on for a moment, and who asks for more is told
    unanswered = serving.finish(deadline.answered_by)
    if unanswered:
        log.warning("%d requests were not answered in time", unanswered)
    refusal = server.sequencer.refusal
    server.close(deadline.note_step)
    deadline.done()
    _log_end(server, refusal)


def _log_end(server: Server, refusal: str | None) -> None:
    """The last line: what the journal has, and whether that is all that was taken."""
    final = server.final_state
    at = "no command" if final is None else f"seq {final.seq}, state digest {final.digest}"
    if refusal == STOPPING:
        log.info("stopped: all that was taken is durable and answered, %s", at)
    else:
        log.warning("stopped after a failure (%s): what was answered is durable, %s", refusal, at)


def _leave() -> NoReturn:
    """End the process: Python would free every order first, which takes seconds for many."""
    with suppress(OSError):
        sys.stdout.flush()
    leave(0)
