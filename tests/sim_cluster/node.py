"""A node of a simulation: what becomes a whole server of a cluster, without HTTP, sockets and native threads.

Real: the node's thread with all that it uses (following, ownership, the take-over, appending, probes), the sequencer of
a term, the link, the front door's sequencer, trimming. Simulated: its disk, its machine, and the way to its peers.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import msgspec
from greenlet import getcurrent

from cluster import link_server, log_reader, remote_sequencer, trimming
from cluster.failures import ClusterError, RecordsTrimmed
from cluster.founding import found_log
from cluster.journal import ClusterJournal
from cluster.keys import Owner, SnapshotNote
from cluster.known_nodes import KnownNodes
from cluster.link_client import WriterLink
from cluster.node import Node
from cluster.ownership import Ownership
from cluster.peer_frames import NodeState
from cluster.probes import Probes
from cluster.records import position_of
from cluster.store import StoreError
from cluster.term import Term
from journal import committer
from journal.codec import BatchRecord
from loop.greenlets import Greenlets
from replica.frames import Record
from sequencer import sequencer as sequencers
from sequencer.port import AlreadySubmitted, NotAccepting, OutcomeUnknown, Refused
from sequencer.publication import Publication
from tests.sim.hub import Process, end_here, hub_here, spawn
from tests.sim.machine import Signal, sleep
from tests.sim_cluster.asked import Asked, Try
from tests.sim_cluster.channels import SimulatedChannel
from tests.sim_cluster.disk import NodeDisk
from tests.sim_cluster.hosts import HOSTS
from tests.sim_cluster.store import SimulatedStore
from tests.sim_cluster.venue import keep_venue

if TYPE_CHECKING:
    from tests.sim_cluster.simulation import Simulation

DIGEST_EVERY = 8  # records
RETRY_S = 0.1
POST_S = 0.000_2  # until the event loop notices what a thread has posted
NAMES = ("a", "b", "c")


class SimulatedNode:
    """One process of a node, from its start to its end. It is the `Surroundings` of its `cluster.node.Node`."""

    def __init__(self, simulation: Simulation, index: int, number: int, disk: NodeDisk) -> None:
        self.simulation = simulation
        self.index = index
        self.name = NAMES[index]
        self.boot = f"{self.name}{number}"
        self.process = Process(self.boot)
        self.disk = disk
        self.serves = False
        self.stopped = ""  # why it takes part no more, where it has stopped itself
        self.term: Term | None = None
        self.rng = random.Random(f"node {self.boot} {simulation.plan.seed}")
        self._server: link_server.LinkServer | None = None
        self._owner: Ownership | None = None
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
        simulation, keys = self.simulation, self.simulation.keys
        self.trace("starts")
        store = self.store()
        self._insist(lambda: found_log(store, keys), store)
        self._trimmer = trimming.Trimmer(self.store(), keys, simulation.plan.kept_records)
        if self.disk.lost_n:  # what it has noted is no more: nothing is to be trimmed by it
            self._insist(lambda: self._trimmer.forget(self.name), store)
            self.disk.lost_n = 0
        self.follower, self.submissions = self.disk.restored(self._on_wrong_snapshot)
        self._catch_up(log_reader.LogReader(store, keys, sleep=sleep), store)
        self.trace(f"has caught up with record {self.follower.n}")
        self.sequencer = remote_sequencer.RemoteSequencer(
            self.follower,
            self.submissions,
            WriterLink(self._connect, self.name),
            clock=self.wall_ns,
            on_invariant_violation=self.stop_the_process,
            max_waiting=simulation.plan.max_waiting,
            names_orders=False,
            patience_s=simulation.plan.patience_s,
        )
        self.sequencer.listen(lambda batch: simulation.on_applied(self, batch))
        self.sequencer.start()
        self._begin_role()
        self.serves = True
        simulation.ports.listen(self.name, self.index, self.process, self._accept)
        spawn(self.process, self._keep_snapshots)

    def _begin_role(self) -> None:
        keys = self.simulation.keys
        nodes = KnownNodes(self.store(), keys, self._complete)
        self.node = Node(
            self.store(),
            self.store(),
            keys,
            Owner(self.name, self.boot, self.name),
            nodes,
            Probes(None, lambda: self.node.poke()),
            self,
            position_of(self.follower.last),
            self.wall_ns,
        )
        nodes._on_known = lambda known: self.node._probes.follow([each.peer for each in known.values()])
        self.node.start()

    def _complete(self, state: NodeState) -> NodeState:
        return msgspec.structs.replace(state, peer=self.name, link=self.name)

    def state(self) -> NodeState:
        """What it says of itself to a peer."""
        return self._complete(self.node.state())

    def _insist(self, call: object, store: SimulatedStore) -> None:
        """Call until it is answered."""
        while True:
            try:
                call()  # type: ignore[operator]
            except StoreError:
                store.next_member()
                sleep(RETRY_S)
            else:
                return

    def stop_the_process(self, bug: BaseException) -> NoReturn:
        """The engine or the sequencer has a bug."""
        self.simulation.violation("invariant", f"{self.boot} stopped itself: {bug!r}")
        end_here(self.process)
        raise bug

    # -- the state

    def _on_wrong_snapshot(self, text: str) -> None:
        self.simulation.violation("snapshot", f"{self.boot}: {text}")

    def _catch_up(self, reader: log_reader.LogReader, store: SimulatedStore) -> None:
        """Read what others have written meanwhile, behind a peer's snapshot where the log has no more."""

        def take(record: BatchRecord) -> None:
            self.disk.put(record)
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
                sleep(RETRY_S)

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
            last, term = self.follower.last, self.term
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
            note = SnapshotNote(self.name, last.n, last.chain.hex(), snapshot.digest, "", len(snapshot.state), self.name)
            self._trimmer.note(note)

    # -- what the node's thread asks for

    @property
    def backlog_bytes(self) -> int:
        """As `Surroundings.backlog_bytes`."""
        return self.sequencer.backlog_bytes

    def deliver(self, records: Sequence[BatchRecord]) -> None:
        """As `Surroundings.deliver`."""
        for record in records:
            self.disk.put(record)
        self._post(lambda: self.sequencer.deliver([Record(record) for record in records]))

    def begin_term(self, term: Term) -> None:
        """As `Surroundings.begin_term`."""
        self._post(lambda: spawn(self.process, self._begin_term, term))

    def end_term(self, term: Term, why: str, *, gracefully: bool) -> None:
        """As `Surroundings.end_term`."""
        self._post(lambda: spawn(self.process, self._end_term, term, why, gracefully))

    def on_owner(self, owner: Ownership | None) -> None:
        """As `Surroundings.on_owner`."""
        self._owner = owner
        self._post(self.sequencer._link.reconnect)

    def on_stopped(self, problem: Exception) -> None:
        """As `Surroundings.on_stopped`."""
        why = f"{type(problem).__name__}: {problem}"
        self.trace(f"stops itself: {why}")
        if isinstance(problem, RecordsTrimmed):
            self.simulation.count("node that was too far behind")
        else:
            self.stopped = why
            self.simulation.on_stopped(self, why)
        end_here(self.process)

    def _post(self, call: object) -> None:
        hub_here().call(self.process, POST_S, call)  # type: ignore[arg-type]

    # -- a term

    def _begin_term(self, term: Term) -> None:
        while self.follower.n < term.first.n:
            sleep(0.001)
        plan = self.simulation.plan
        self.term = term
        self._journal = ClusterJournal(term.appender, self.disk, term.first)  # type: ignore[arg-type]
        self._committer = committer.Committer(self._journal)  # type: ignore[arg-type]
        self._writer = sequencers.Sequencer(
            self.follower.exchange,
            self._committer,
            term.first,
            clock=self.wall_ns,
            on_invariant_violation=self.stop_the_process,
            max_batch=plan.max_batch,
            max_waiting=plan.max_waiting,
            submissions=self.submissions,
            publication=self.sequencer.publication,
        )
        self._committer.start()
        self._writer.listen_failure(lambda: self.end_term(term, "the log has refused", gracefully=False))
        self._writer.start()
        self.sequencer.attach(self._writer)
        self._server = link_server.LinkServer(
            self._writer, self.follower.exchange, node=self.name, epoch=term.claim.epoch
        )
        self.trace(f"is the writer in epoch {term.claim.epoch}")
        self.simulation.count("writer")
        keep_venue(self.simulation, self._writer, self.follower.exchange, term)

    def _end_term(self, term: Term, why: str, gracefully: bool) -> None:
        if self.term is not term:
            return
        self.term = None
        self.trace(f"writes no more: {why}")
        self.simulation.count("writer that ended")
        if self._server is not None:
            self._server.close()
            self._server = None
        if not gracefully:
            term.giving_up.set()
        self._writer.stop()
        self._committer.stop()
        term.failure = self._journal.failure
        term.last = self._journal.last
        self.sequencer.detach(term.last)
        term.over.set()
        self.node.poke()

    # -- front door

    def _connect(self) -> SimulatedChannel:
        """A channel to whoever owns the log."""
        owner = self._owner
        if owner is None or owner.owner.boot_id == self.boot:
            raise ConnectionRefusedError("nobody else owns the log")
        return self.simulation.ports.connect(owner.owner.address, self.index, self.process)

    def _accept(self, channel: SimulatedChannel) -> None:
        if self._server is None:
            channel.close()
        else:
            self._server._connections += 1
            spawn(self.process, self._server._serve, channel, None)

    def take(self, asked: Asked, attempt: Try, signal: Signal) -> bool:
        """A request came; whether it is served at all."""
        if not self.serves:
            return False
        hub_here().call(self.process, self.rng.random() * 0.001, self._take, asked, attempt, signal)
        return True

    def _take(self, asked: Asked, attempt: Try, signal: Signal) -> None:
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
