"""The composition root of a node of a cluster: everything that a server has, over the log that nodes share.

Layer: api.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import socket
import time
from functools import partial
from typing import Final, NoReturn

import eventlet
import msgspec

from api.bootstrap import Server
from api.cluster_options import node_address
from api.metrics.node import NodeFamilies
from api.nodes.cluster_node import ClusterNode
from api.private_files import make_private
from api.replaying import ReplayProgress, historian_options, log_recovery, tune_the_interpreter
from api.settings import USUAL_PORTS, Settings, is_origin
from api.stopping import stop_at_difference, stop_at_violation, stop_to_begin_anew
from api.surface import folds_of
from api.writer_tasks import NodeTasks
from cluster.archive import Archive
from cluster.etcd.addresses import Certificates, Members, parse_members
from cluster.etcd.etcd_members import EtcdMembers
from cluster.etcd.etcd_store import EtcdStore
from cluster.failures import RecordsTrimmed
from cluster.hosting import HostOptions, NodeHost
from cluster.housekeeping import Housekeeping, WriterNow
from cluster.joining import (
    JOURNAL,
    SNAPSHOTS,
    begin_with_snapshot,
    catch_up,
    needs_snapshot,
    open_log,
    require_place,
)
from cluster.keys import Keys, Owner
from cluster.known_nodes import KnownNodes
from cluster.node import Node, Role
from cluster.node_tls import client_context, server_context
from cluster.peer_frames import NodeState
from cluster.peer_server import PeerServer
from cluster.probes import Probes
from cluster.records import position_of
from cluster.seen_log import SeenStore
from cluster.shared_text import SharedText
from cluster.signed_requests import AHEAD_MS
from cluster.store import LogStore
from explain.host import ExplainHost
from history.store import History
from history.writer import require_not_ahead
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from listings.instruments_file import DEFAULT_INSTRUMENTS, VenueFile, read_venue_file
from listings.operator_schedules import OperatorSchedules
from listings.schedule_runner import ScheduleRunner
from listings.schedule_store import ScheduleStore
from loop.collector import made_to_stay
from openbell import __version__
from openbell.programs import called
from replica.historian.host import HistorianHost
from replica.recovery import Recovered, recover
from sequencer.clock_watch import FILE as CLOCK_FILE
from sequencer.clock_watch import ClockWatch, read_kept
from sequencer.venue_clock import VenueClock

log = logging.getLogger(__name__)

ANSWERED_S: Final = 1.0  # at the end, for what this node's clients wait for to be answered
ENDED_S: Final = 2.5  # for the node's thread: it resigns, and says that it is gone
CHECK_S: Final = 0.01
MS_NS: Final = 10**6


class NodeServer(Server):
    """Everything that runs in a node, from its own journal and the log to the WSGI application."""

    host: NodeHost
    role: Node

    def _open(self, settings: Settings) -> None:
        """Raises, besides what a server alone does, ClusterError, StoreError of the log, and BadAddresses."""
        file = read_venue_file(settings.instruments or DEFAULT_INSTRUMENTS)
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(settings.data)
        self._settings = settings
        self._members, self._keys = _members_of(settings), Keys(settings.cluster_name)
        self._server_tls, self._client_tls = server_context(settings), client_context(settings)
        self._secret_fingerprint = self._load_secret(settings).fingerprint
        store = SeenStore(self._new_store(), settings.data)
        self._closers.append(store.close)
        journal = self._joined(store)
        recovered = self._caught_up(store, journal)
        self._open_folder(settings, journal, recovered)
        link, peer = _listening(settings)
        self._closers += [link.close, peer.close]
        self._build_node(settings, link, peer, recovered, store)
        self._build_services(settings, file, recovered)
        self.surface.listen()
        self._begin_node()

    def _new_store(self) -> EtcdStore:
        """A client of the log for one thread, each with another member to begin with."""
        self._stores = getattr(self, "_stores", -1) + 1
        store = EtcdStore(self._members, self._stores % len(self._members.addresses))
        self._closers.append(store.close)
        return store

    # -- what this node has

    def _joined(self, store: LogStore) -> SqliteJournal:
        """This node's own journal, such that the log goes on from it."""
        settings, keys = self._settings, self._keys
        path = settings.data / JOURNAL
        journal = SqliteJournal(path, version=__version__)
        try:
            own = position_of(journal.last)
            open_log(store, keys, own)
            require_place(store, keys, settings.node or "", self._secret_fingerprint, self._client_tls)
            from_n = needs_snapshot(store, keys, own)
            if from_n is not None:
                journal.close()
                begin_with_snapshot(store, keys, settings.node or "", settings.data, from_n, self._client_tls)
                journal = SqliteJournal(path, version=__version__)
        except BaseException:
            journal.close()
            raise
        self._closers.append(journal.close)
        return journal

    def _caught_up(self, store: LogStore, journal: SqliteJournal) -> Recovered:
        """The state at the head of the log, as it was read last."""
        snapshots = self._snapshots = SnapshotFolder(self._settings.data / SNAPSHOTS, __version__)
        progress = ReplayProgress(journal, self._on_progress)
        with made_to_stay():
            recovered = recover(journal, snapshots, self._remember_orders, progress)
        follow = partial(recovered.follower.follow, is_verified=True)
        catch_up(store, self._keys, journal, follow, progress)
        log_recovery(recovered)
        return recovered

    def _open_folder(self, settings: Settings, journal: SqliteJournal, recovered: Recovered) -> None:
        """What stands over the node's own journal: history, explanations, identity."""
        exchange = self.exchange = recovered.follower.exchange
        history = self.history = History(settings.data / "history.sqlite")
        self._closers.append(history.close)
        stored_seq = require_not_ahead(history.path, exchange.seq)
        tune_the_interpreter()
        self.clock = VenueClock(exchange.ts_ns, read_kept(settings.data / CLOCK_FILE))
        self._authenticator = self._open_identity(settings, exchange)
        archive = self._records = self._archive = Archive(journal, self._on_archive_failed)
        self._committer = archive.committer
        self._closers.append(archive.stop)
        self.historian = HistorianHost(archive, history, stored_seq, historian_options(settings))
        self._closers.append(self.historian.close)
        self._keep_in_bounds(settings, journal)
        self._record_server = self._serve_records(settings, archive)
        self.explainer = ExplainHost(journal, settings.data)
        self._closers.append(self.explainer.close)
        self._journal = journal

    # -- the node

    def _build_node(
        self,
        settings: Settings,
        link: socket.socket,
        peer: socket.socket,
        recovered: Recovered,
        store: LogStore,
    ) -> None:
        name, boot = settings.node or "", secrets.token_hex(8)
        self._url = settings.node_url or _url_of(settings)
        self._peer_address = _address_of(peer)
        last = recovered.follower.last
        host = self.host = NodeHost(
            HostOptions(
                node=name,
                boot=boot,
                max_batch=settings.max_batch,
                max_waiting=settings.max_waiting,
                listening=link,
                server_tls=self._server_tls,
                client_tls=self._client_tls,
                on_invariant_violation=stop_at_violation,
                on_stopped=_stop_the_process,
            ),
            self._archive,
            self.exchange,
            last,
            recovered.projections.submissions,
            self.clock,
        )
        self.sequencer = host.sequencer
        self._credentials.elsewhere = host.sequencer.signed
        if recovered.began_seq:  # else every record was read, and what none of them has did not come
            signatures = recovered.projections.submissions.signatures
            signatures.forget_until(self.clock() // MS_NS + AHEAD_MS)
        probes = self._probes = Probes(self._client_tls, self._poke)
        self._closers.append(probes.close)
        nodes = KnownNodes(
            store,
            self._keys,
            self._complete,
            self._note_nodes,
            self._stand_down,
        )
        appending = self._appending = self._new_store()
        self.role = Node(
            store,
            appending,
            self._keys,
            Owner(name, boot, _address_of(link)),
            nodes,
            probes,
            host,
            position_of(last),
            self.clock,
        )
        self._housekeeping = self._new_housekeeping(name, host)
        membership = self.membership = ClusterNode(
            settings.cluster_name, self.role, host, nodes, probes, self._housekeeping, self._complete
        )
        host.refusal, host.poke = membership.refusal, self.role.poke
        host.takes_cancels_only = lambda: self._housekeeping.cancels_only
        host.on_appended = self._housekeeping.note_append
        host.history_seq = lambda: self.historian.access.stored_seq or 0
        self._peers = PeerServer(peer, lambda: self._complete(self.role.state()), self._snapshots, self._server_tls)
        self._closers.append(self._peers.close)

    def _new_housekeeping(self, name: str, host: NodeHost) -> Housekeeping:
        members = EtcdMembers(self._members)
        self._closers.append(members.close)
        housekeeping = Housekeeping(
            self._new_store(),
            members,
            self._keys,
            name,
            self._peer_address,
            self._snapshots,
            self._archive,
            WriterNow(
                self._own_epoch,
                lambda: 0.0 if host.journal is None else host.journal.waiting_s,
                self._appending.use_member,
                lambda: self.role.is_next,
            ),
        )
        self._closers.append(housekeeping.close)
        self.historian.on_state(housekeeping.note_state)
        return housekeeping

    def _poke(self) -> None:
        """A node answers no more, or again. From any thread, also before this one's role begins."""
        if (role := getattr(self, "role", None)) is not None:
            role.poke()

    def _note_nodes(self, known: dict[str, NodeState], urls: dict[str, str]) -> None:
        """Other nodes have come or gone: they are asked, and their pages may ask this one. In the role's thread.

        Pages of one that is away may so still: they are looking for another just then.
        """
        self._probes.follow(state.peer for state in known.values())
        self.origins.set_nodes([self._url, *filter(is_origin, urls.values())])

    def _stand_down(self) -> None:
        """An operator asks, by the store. In the role's own thread."""
        self.role.stand_down()

    def _own_epoch(self) -> int | None:
        return self.role.epoch if self.role.role in (Role.WRITER, Role.REFUSED) else None

    def _complete(self, state: NodeState) -> NodeState:
        """What a node says of itself, with what this process knows. From any thread."""
        n, seq = self.host.applied
        return msgspec.structs.replace(
            state,
            n=n,
            seq=seq,
            loop_age_s=self.host.loop_age_s,
            url=self._url,
            peer=self._peer_address,
            version=__version__,
            secret_fingerprint=self._secret_fingerprint,
        )

    def _on_archive_failed(self, problem: Exception) -> None:
        """This node's own journal takes nothing more: it would show what it cannot keep."""
        stop_at_difference(problem)

    # -- services

    def _build_services(self, settings: Settings, file: VenueFile, recovered: Recovered) -> None:
        exchange, sequencer = self.exchange, self.sequencer
        folds = folds_of(recovered.projections, self._order_memory)
        schedules = ScheduleStore(SharedText(self._new_store(), self._keys.shared("schedules")))
        since_ns = {symbol: schedule.since_ns for symbol, schedule in schedules.by_symbol.items()}
        venue = schedules.over(file, exchange)
        runner = ScheduleRunner(venue.schedules, exchange, sequencer, folds.commanded, sequencer.now_ns, since_ns)
        self.clock_watch = ClockWatch(self.clock, settings.data, called("operator"))
        self._closers.append(self.clock_watch.close)
        operator_schedules = OperatorSchedules(schedules, exchange, sequencer, runner)
        self._closers.append(operator_schedules.close)
        self.duplicates = self._duplicates(self._journal, folds)
        followed = self._followed(settings, folds, self._authenticator, runner)
        self._runner = runner
        self._build_surface(settings, followed, runner, operator_schedules)
        self.monitoring.further = NodeFamilies(self.membership.view, self._housekeeping.append_seconds).families
        self._tasks = NodeTasks(file, schedules, exchange, sequencer, followed.accounts, runner)
        self._closers.append(self._tasks.close)
        self.host.tasks = self._tasks
        self.host.on_role = self.feed.publish_venue_state

    def _begin_node(self) -> None:
        self.host.start()
        self._closers += [self.host.close, self._note_state]
        self.feed.start()

        def on_clock_changed() -> None:
            self.feed.publish_venue_state()
            self._tasks.check_again()

        self.clock_watch.start(on_clock_changed)
        self.role.start()
        self._closers.append(self._leave)
        self._housekeeping.start()
        self._tasks.start()

    def stop_taking(self) -> None:
        """Take no commands any more, have another node write, answer what was taken. Reads go on. Cooperative."""
        self.faults.end_all()
        self.host.sequencer.take_no_more()
        self.role.stand_down(float("inf"))
        until = time.monotonic() + ANSWERED_S
        while self.sequencer.waiting_commands and time.monotonic() < until:
            eventlet.sleep(CHECK_S)
        self._leave()
        self.sequencer.stop()
        self.surface.stop()

    def _leave(self) -> None:
        """End the node's thread: it resigns first, and says that it is gone. Cooperative. Idempotent."""
        self.role.ask_to_end()
        until = time.monotonic() + ENDED_S
        while self.role.is_running and time.monotonic() < until:
            eventlet.sleep(CHECK_S)
        self.host.sequencer.give_up_waiting()


def _stop_the_process(problem: Exception) -> NoReturn:
    """The node goes on no more: whether another start would is a matter of why."""
    if isinstance(problem, RecordsTrimmed):
        stop_to_begin_anew(problem)
    stop_at_difference(problem)


def _members_of(settings: Settings) -> Members:
    """Raises BadAddresses."""
    certificates = None
    if settings.cluster_ca is not None:
        certificates = Certificates(settings.cluster_ca, settings.cluster_cert, settings.cluster_key)
    return parse_members(settings.cluster or "", certificates)


def _listening(settings: Settings) -> tuple[socket.socket, socket.socket]:
    """The sockets of the link and of peers: one port, and the next. Raises OSError."""
    host, port = node_address(settings)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as opened:
        sockets = []
        for at in (port or 0, port + 1 if port else 0):
            listening = socket.create_server((host, at), family=family, backlog=64)
            opened.callback(listening.close)
            sockets.append(listening)
        opened.pop_all()
    sockets[0].setblocking(False)  # it is accepted at in the event loop, the other one in a thread
    return sockets[0], sockets[1]


def _address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _url_of(settings: Settings) -> str:
    """Where clients reach this server, by how it listens."""
    scheme = "http" if settings.tls_cert is None else "https"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}" + ("" if settings.port == USUAL_PORTS[scheme] else f":{settings.port}")
