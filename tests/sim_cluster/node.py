"""A node of a simulation: what becomes a whole server of a cluster, without HTTP, sockets and native threads.

Real: the node's thread with all that it uses (following, ownership, the take-over, appending, probes), what it does in
the event loop (terms, archive, sequencers, the link), trimming. Simulated: its disk, its machine, and the way to its
peers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import msgspec
from greenlet import getcurrent

from cluster import hosting, log_reader, trimming
from cluster.archive import Archive
from cluster.failures import ClusterError, RecordsTrimmed
from cluster.founding import found_log
from cluster.keys import Owner, SnapshotNote
from cluster.known_nodes import KnownNodes
from cluster.node import Node
from cluster.peer_frames import NodeState
from cluster.probes import Probes
from cluster.records import position_of
from cluster.store import StoreError
from journal.codec import BatchRecord
from loop.greenlets import Greenlets
from sequencer.port import AlreadySubmitted, NotAccepting, OutcomeUnknown, Refused
from tests.sim.hub import Process, end_here, hub_here, spawn
from tests.sim.machine import Signal, sleep
from tests.sim_cluster.asked import Asked, Try
from tests.sim_cluster.channels import SimulatedPort
from tests.sim_cluster.disk import NodeDisk
from tests.sim_cluster.hosts import HOSTS
from tests.sim_cluster.store import SimulatedStore
from tests.sim_cluster.venue import VenueTasks

if TYPE_CHECKING:
    from tests.sim_cluster.simulation import Simulation

DIGEST_EVERY = 8  # records
RETRY_S = 0.1
NAMES = ("a", "b", "c")


class SimulatedNode:
    """One process of a node, from its start to its end."""

    def __init__(self, simulation: Simulation, index: int, number: int, disk: NodeDisk) -> None:
        self.simulation = simulation
        self.index = index
        self.name = NAMES[index]
        self.boot = f"{self.name}{number}"
        self.process = Process(self.boot)
        self.disk = disk
        self.serves = False
        self.stopped = ""  # why it takes part no more, where it has stopped itself
        self.rng = random.Random(f"node {self.boot} {simulation.plan.seed}")
        self._greenlets = Greenlets()

    # -- clocks

    def wall_ns(self) -> int:
        """What its machine says is the time."""
        return hub_here().wall_ns() + self.simulation.clock_error_ns(self.index)

    # -- life

    def start(self) -> None:
        """Begin."""
        spawn(self.process, self._run)

    def trace(self, text: str) -> None:
        """One line of what happened here."""
        self.simulation.trace(self.boot, text)

    def store(self) -> SimulatedStore:
        """A client of the log for one thread."""
        return SimulatedStore(self.simulation.log, self.index, self.process, self.rng.randrange(HOSTS))

    def _run(self) -> None:
        keys = self.simulation.keys
        self.trace("starts")
        store = self.store()
        _insist(lambda: found_log(store, keys), store)
        self._trimmer = trimming.Trimmer(self.store(), keys, self.simulation.plan.kept_records)
        if self.disk.lost_n:  # what it has noted is no more: nothing is to be trimmed by it
            _insist(lambda: self._trimmer.forget(self.name), store)
            self.disk.lost_n = 0
        self.follower, self.submissions = self.disk.restored(self._on_wrong_snapshot)
        self._catch_up(log_reader.LogReader(store, keys, sleep=sleep), store)
        self.trace(f"has caught up with record {self.follower.n}")
        self._serve()
        spawn(self.process, self._keep_snapshots)

    def _serve(self) -> None:
        simulation, plan = self.simulation, self.simulation.plan
        port = SimulatedPort(simulation.ports, self.name, self.index, self.process)
        options = hosting.HostOptions(
            node=self.name,
            boot=self.boot,
            max_batch=plan.max_batch,
            max_waiting=plan.max_waiting,
            listening=port,  # type: ignore[arg-type]
            server_tls=None,
            client_tls=None,
            on_invariant_violation=self.stop_the_process,
            on_stopped=self.on_stopped,
        )
        archive = Archive(self.disk, self.on_stopped)  # type: ignore[arg-type]
        host = self.host = hosting.NodeHost(
            options, archive, self.follower.exchange, self.follower.last, self.submissions, self.wall_ns
        )
        self.exchange = self.follower.exchange
        self.sequencer = host.sequencer
        host.tasks = VenueTasks(host, self.exchange)
        self.sequencer.listen(lambda batch: simulation.on_applied(self, batch))
        owner = Owner(self.name, self.boot, f"{self.name}:1")
        nodes = KnownNodes(self.store(), simulation.keys, self._complete)
        probes = Probes(None, self._poke)
        nodes._on_known = lambda known, urls: probes.follow([each.peer for each in known.values()])
        self.node = Node(
            self.store(), self.store(), simulation.keys, owner, nodes, probes, host,
            position_of(self.follower.last), self.wall_ns,
        )  # fmt: skip
        host.poke = self.node.poke
        host.start()
        self.node.start()
        self.serves = True

    def _poke(self) -> None:
        self.node.poke()

    def _complete(self, state: NodeState) -> NodeState:
        return msgspec.structs.replace(state, peer=self.name, link=f"{self.name}:1")

    def state(self) -> NodeState:
        """What it says of itself to a peer."""
        return msgspec.structs.replace(self._complete(self.node.state()), loop_age_s=self.host.loop_age_s)

    def stop_the_process(self, bug: BaseException) -> NoReturn:
        """The engine or the sequencer has a bug."""
        self.simulation.violation("invariant", f"{self.boot} stopped itself: {bug!r}")
        end_here(self.process)
        raise bug

    def on_stopped(self, problem: Exception) -> None:
        """The node goes on no more."""
        why = f"{type(problem).__name__}: {problem}"
        self.trace(f"stops itself: {why}")
        if isinstance(problem, RecordsTrimmed):
            self.simulation.count("node that was too far behind")
        else:
            self.stopped = why
            self.simulation.on_stopped(self, why)
        self.process.kill()

    # -- the state

    def _on_wrong_snapshot(self, text: str) -> None:
        self.simulation.violation("snapshot", f"{self.boot}: {text}")

    def _catch_up(self, reader: log_reader.LogReader, store: SimulatedStore) -> None:
        """Read what others have written meanwhile, behind a peer's snapshot where the log has no more."""

        def take(record: BatchRecord) -> None:
            self.disk.append(record)
            applied = self.follower.follow(record)
            self.submissions.note(record)
            self.simulation.on_followed(self, record, applied)

        while True:
            try:
                if reader.read_to_head(position_of(self.follower.last), take, lambda: False) is not None:
                    return
            except RecordsTrimmed as trimmed:
                self.trace(f"needs a snapshot: {trimmed}")
                self._fetch_snapshot()
            except StoreError:
                store.next_member()
                sleep(RETRY_S)
            except ClusterError as problem:
                self.on_stopped(problem)
                end_here(self.process)

    def _fetch_snapshot(self) -> None:
        """Begin anew with the newest snapshot that a peer which can be reached has."""
        try:
            notes = self._trimmer.notes()
        except StoreError:
            notes = []
        for note in notes:
            peer = self.simulation.reachable(self, note.node)
            found = next((each for each in peer.disk.snapshots if each.last.n == note.n), None) if peer else None
            if found is not None and note.n > self.follower.n:
                self.simulation.count("snapshot that was fetched")
                self.trace(f"begins with the snapshot of {note.node} behind record {note.n}")
                self.disk.begin_with(found)
                self.follower, self.submissions = self.disk.restored(self._on_wrong_snapshot)
                return
        sleep(RETRY_S)

    def _keep_snapshots(self) -> None:
        """A snapshot each so many records, noted in the log when it is on the disk; the writer trims by them."""
        plan = self.simulation.plan
        while True:
            sleep(0.2 + 0.1 * self.rng.random())
            last, term = self.disk.last, self.node._term
            try:
                if last is not None and last.n >= self.disk.newest_n() + plan.snapshot_every:
                    self._write_snapshot()
                if term is not None:
                    self._trimmer.trim(term.claim.epoch)
            except (StoreError, ClusterError) as error:
                self.trace(f"does not note a snapshot, or does not trim: {error}")

    def _write_snapshot(self) -> None:
        """Of what is on the disk, as the historian makes it: a follower of its own."""
        follower, window = self.disk.restored(self._on_wrong_snapshot)
        last = follower.last
        if last is not None:
            snapshot = self.disk.save(follower.exchange, last, window)
            self.simulation.count("snapshot")
            note = SnapshotNote(
                self.name, last.n, last.chain.hex(), snapshot.digest, "", len(snapshot.state), self.name
            )
            self._trimmer.note(note)

    # -- front door

    def take(self, requests: list[tuple[Asked, Try]], signal: Signal) -> bool:
        """Requests came, one behind the other on one connection; whether they are served at all."""
        if not self.serves:
            return False
        hub_here().call(self.process, self.rng.random() * 0.001, self._take, requests, signal)
        return True

    def _take(self, requests: list[tuple[Asked, Try]], signal: Signal) -> None:
        for asked, attempt in requests:
            self._greenlets.run(partial(self._handle, asked, attempt), signal)

    def _handle(self, asked: Asked, attempt: Try, signal: Signal) -> None:
        self.process.greenlets.append(getcurrent())
        simulation = self.simulation
        outcome = "done"
        try:
            asked.results.append(self.sequencer.submit_as(asked.key, asked.commands))
        except AlreadySubmitted as known:
            asked.seqs.append(known.place.first_seq + known.place.commands - 1)
            simulation.count("answer: submitted before")
        except OutcomeUnknown:
            outcome = "unknown"
        except Refused as refused:
            outcome = "refused for good"
            self.trace(f"refuses {asked.key.hex()[:8]} for good: {refused.why}")
        except NotAccepting as refused:
            outcome = "refused"
            self.trace(f"refuses {asked.key.hex()[:8]}: {refused.why}")
        except Exception as bug:
            simulation.violation("front door", f"{self.boot}: {bug!r}")
        attempt.outcome = outcome
        simulation.on_answer(self, asked, attempt)
        signal.notify()


def _insist(call: Callable[[], object], store: SimulatedStore) -> None:
    """Call until it is answered."""
    while True:
        try:
            call()
        except StoreError:
            store.next_member()
            sleep(RETRY_S)
        else:
            return
