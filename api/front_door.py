"""The composition root of a front door: a snapshot and the records behind it, a link to the writer, the same surface.

Layer: api.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from typing import Final

import eventlet

from api.accounts.service import AccountService
from api.auth.authenticator import Authenticator
from api.auth.credentials import SEEN_MS, Credentials
from api.auth.signatures import SHARED_ROWS, SharedSignatures
from api.doors.agent import DoorAgent, DoorUsers, WriterBystander, wait_applied
from api.doors.freshness import FreshApp, FreshLane, Freshness
from api.doors.messages import REQUESTS_SOCKET, FaultsSet, HistoryAt, ListenKeyAt, Welcome, decoded_settings
from api.doors.routing import is_forwarded
from api.http.forwarding import Forwarding
from api.http.origins import Origins
from api.http.wsgi import WsgiApp
from api.metrics.door import DoorMonitoring
from api.nodes.membership import SingleServer
from api.orders.duplicates import DuplicateLookup
from api.orders.memory import OrderMemory
from api.replaying import tune_the_interpreter
from api.settings import Settings
from api.stopping import stop_at_violation
from api.surface import Followed, Surface, folds_of
from cluster.channel import connect_unix
from cluster.link_client import WriterLink
from cluster.link_server import SOCKET_NAME as SUBMISSIONS_SOCKET
from cluster.record_reader import RecordReader
from cluster.remote_sequencer import RemoteSequencer
from engine.types import AccountId, Seq
from history.access import HistoryAccess
from history.reader import HistoryReader
from history.store import History
from identity.users import User
from journal.snapshots import SnapshotFolder
from loop.collector import made_to_stay
from loop.errors import StoreAway
from loop.shared_marks import SharedMarks
from loop.shared_table import SharedTable
from openbell import __version__
from replica import unix_sockets
from replica.recovery import Begun, snapshot_for
from replica.stream import SOCKET_NAME as RECORDS_SOCKET

CAUGHT_UP_S: Final = 110.0
POLL_S: Final = 0.05
CONNECT_S: Final = 2.0


class FrontDoor:
    """One front door, from its snapshot to the WSGI application."""

    def __init__(self, welcome: Welcome, agent: DoorAgent) -> None:
        """Begin with the newest snapshot, and follow. Raises OSError, StoreError."""
        settings = self.settings = decoded_settings(welcome.settings)
        self._agent = agent
        begun = _begun(settings)
        memory = OrderMemory(begun.follower.seq)
        folds = folds_of(begun.projections, memory)
        exchange = self._exchange = begun.follower.exchange
        link = WriterLink(lambda: connect_unix(settings.data / SUBMISSIONS_SOCKET), f"door {welcome.number}")
        self._refused = ""
        reader = RecordReader(lambda: connect_unix(settings.data / RECORDS_SOCKET), self._on_refused)
        sequencer = self.sequencer = RemoteSequencer(
            begun.follower,
            begun.projections.submissions,
            link,
            clock=agent.clock,
            on_invariant_violation=stop_at_violation,
            max_waiting=settings.max_waiting,
            names_orders=False,
        )
        self._reader, self._link = reader, link
        signatures = SharedTable(welcome.signatures, SHARED_ROWS)
        credentials = Credentials(
            welcome.token_key,
            settings.token_minutes * 60,
            agent.clock,
            SharedSignatures(signatures, SEEN_MS),
            welcome.not_before_ms,
        )
        history = History(settings.data / "history.sqlite")
        access = self._access = HistoryAccess(history, None, agent.hurry)
        history_reader = HistoryReader(history, access)
        followed = Followed(
            exchange,
            sequencer,
            agent.clock,
            folds,
            history_reader,
            access,
            DuplicateLookup(exchange, memory, agent.entered, history, access, agent.clock),
            AccountService(exchange, sequencer, folds.profits, history_reader, _nobody_known, sandbox=settings.sandbox),
            Authenticator(credentials, sandbox=settings.sandbox),
            agent.next_change,
            SingleServer(exchange, sequencer, lambda: sequencer.applied_n),
            Origins(settings.cors_origins),
            SharedTable(welcome.table),
            bystander=WriterBystander(agent),
        )
        surface = self.surface = Surface(settings, followed)
        self.monitoring = DoorMonitoring(surface.feed, surface.faults, credentials, agent.clock, sequencer)
        surface.serve([self.monitoring.blueprint], self._forwarding)
        marks = SharedMarks(welcome.doors + 1, welcome.marks)
        freshness = Freshness(marks, welcome.number, lambda: exchange.seq)
        self.wsgi: WsgiApp = FreshApp(surface.wsgi, freshness)
        self.lane = None if surface.lane is None else FreshLane(surface.lane, freshness)
        surface.listen()
        sequencer.listen(lambda _batch: freshness.on_applied())
        sequencer.listen_behind(lambda _batch: agent.on_applied())
        self._attach(credentials)

    def _forwarding(self, app: WsgiApp) -> WsgiApp:
        return Forwarding(app, self._connect, is_forwarded, self._wait_applied, lambda: not self._agent.is_over)

    def _connect(self) -> socket.socket:
        return unix_sockets.connect(self.settings.data / REQUESTS_SOCKET, CONNECT_S)

    def _wait_applied(self, seq: int, wait_s: float) -> bool:
        return wait_applied(lambda: self._exchange.seq, seq, wait_s)

    def _on_refused(self, why: str) -> None:
        self._refused = why

    def _attach(self, credentials: Credentials) -> None:
        """Have what the writer says go to whom it is for."""
        surface, access, agent = self.surface, self._access, self._agent
        feed, injector, keys = surface.feed, surface.faults, surface.binance_streams.listen_keys

        def faults(said: FaultsSet) -> None:
            if said.plan is None:
                injector.end(said.account)
            else:
                injector.put(said.plan, said.account, said.elapsed_s)

        def history(said: HistoryAt) -> None:
            access.note(said.record_n, Seq(said.stored_seq), said.failure)

        def listen_key(said: ListenKeyAt) -> None:
            keys.take(said.text, credentials.owner_of(said.key_id), said.valid_s)

        def sources(said: list) -> None:  # type: ignore[type-arg]
            feed.sources_elsewhere = said

        agent.attach(
            credentials,
            DoorUsers(
                applied_seq=lambda: self._exchange.seq,
                history=history,
                faults=faults,
                listen_key=listen_key,
                sources=sources,
                venue_changed=feed.publish_venue_state,
                plan_changed=feed.refresh_status,
                figures=self.monitoring.figures,
                connections=lambda: feed.connections,
                own_sources=feed.own_sources,
                injected=lambda: injector.counts()[1],
            ),
        )

    def start(self) -> None:
        """Follow, and return when this is as far as the writer was. Cooperative. Raises StoreAway where it is not."""
        sequencer, until = self.sequencer, time.monotonic() + CAUGHT_UP_S
        sequencer.start()
        self._reader.start(sequencer)
        while sequencer.writer_said.ts_ns == 0 or sequencer.applied_seq < sequencer.writer_said.seq:
            if self._agent.is_over or self.failure is not None:
                raise StoreAway(f"the records cannot be followed: {self.failure or 'the writer is gone'}")
            if time.monotonic() > until:
                raise StoreAway(f"it has not come as far as the writer in {CAUGHT_UP_S:.0f} seconds")
            eventlet.sleep(POLL_S)
        self.surface.feed.start()

    @property
    def failure(self) -> str | None:
        """Why this can follow no further, in words; None while it can."""
        if self._refused:
            return self._refused
        return None if self.sequencer.failure is None else f"{type(self.sequencer.failure).__name__}"

    def stop_taking(self) -> None:
        """Take no commands any more, answer those that were taken, and say so on the feed. Cooperative."""
        self.surface.faults.end_all()
        self.sequencer.stop()
        self.surface.stop()


def _begun(settings: Settings) -> Begun:
    """The newest snapshot that proves right, or the beginning."""
    with made_to_stay():
        begun = snapshot_for(SnapshotFolder(settings.data / "snapshots", __version__))
    tune_the_interpreter()
    return begun


def _nobody_known(_accounts: Iterable[AccountId]) -> list[User]:
    """Who has which account is the writer's to say: what needs it is passed on."""
    raise StoreAway("only the writer knows users")
