"""`python -m api.door`: one front door of a server, started by it. Serves clients; decides and writes nothing.

Layer: api.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final, NoReturn

import eventlet
from eventlet.greenthread import GreenThread

from api.accounts.service import AccountService
from api.auth.authenticator import Authenticator
from api.auth.credentials import SEEN_MS, Credentials
from api.auth.signatures import SHARED_ROWS, SharedSignatures
from api.doors.agent import DoorAgent, DoorUsers, wait_applied
from api.doors.messages import Failed, FaultsSet, HistoryAt, ListenKeyAt, Ready, Unread, Welcome, decoded_settings
from api.doors.routing import OneProcessOnly, is_forwarded
from api.http.forwarding import Forwarding
from api.http.front.server import Front
from api.http.listener import Listening, listen_at, tls_context
from api.http.shared_port import listen_again
from api.json.errors import ApiError, stopping
from api.metrics.door import DoorMonitoring
from api.orders.duplicates import DuplicateLookup
from api.orders.memory import OrderMemory
from api.private_files import keep_new_files_private
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
from logs.setup import begin as begin_log
from logs.setup import guard_stderr, inherited_format, leave
from loop.collector import collector_off
from loop.errors import StoreAway
from loop.shared_table import SharedTable
from openbell import __version__
from replica.recovery import snapshot_for
from replica.stream import SOCKET_NAME as RECORDS_SOCKET
from replica.stream import socket_address

log = logging.getLogger("openbell")

INTRODUCED_S: Final = 60.0
CAUGHT_UP_S: Final = 110.0
POLL_S: Final = 0.05
GRACE_S: Final = 0.3  # for who is connected to learn that it ends
REQUESTS_SOCKET: Final = "doors.sock"  # in the data folder: where the writer takes requests that are passed on
CONNECT_S: Final = 2.0


class Door:
    """One front door, from its snapshot to the WSGI application."""

    def __init__(self, welcome: Welcome, agent: DoorAgent) -> None:
        """Begin with the newest snapshot, and follow. Raises OSError, StoreError."""
        settings = self.settings = decoded_settings(welcome.settings)
        self._agent = agent
        begun = self._begin(settings)
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
            AccountService(
                exchange, sequencer, folds.profits, history_reader, _nobody_known, sandbox=settings.sandbox
            ),
            Authenticator(credentials, sandbox=settings.sandbox),
            agent.next_change,
            SharedTable(welcome.table),
        )
        surface = self.surface = Surface(settings, followed)
        self.monitoring = DoorMonitoring(surface.feed, surface.faults, credentials, agent.clock, sequencer)
        forwarding: list[Forwarding] = []

        def outermost(app: object) -> Forwarding:
            forwarding.append(
                Forwarding(app, self._connect, is_forwarded, self._wait_applied, lambda: not agent.is_over)  # type: ignore[arg-type]
            )
            return forwarding[-1]

        surface.serve([self.monitoring.blueprint], outermost)
        surface.listen()
        sequencer.listen_behind(lambda _batch: agent.on_applied())
        self._attach(credentials)

    def _begin(self, settings: Settings):  # type: ignore[no-untyped-def]
        with collector_off():
            begun = snapshot_for(SnapshotFolder(settings.data / "snapshots", __version__))
        tune_the_interpreter()
        return begun

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
