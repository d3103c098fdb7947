"""A node of a simulation: what becomes a whole server of a cluster, without HTTP, sockets and native threads.

Real: the link, the remote sequencer, the window of submissions, the follower, the sequencer, the committer, appending,
ownership, the take-over, reading, trimming, and which step a node takes. Simulated: its disk, and its machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import msgspec
from greenlet import getcurrent

from cluster.failures import ClusterError, RecordsTrimmed
from cluster.founding import found_log
from cluster.keys import Owner, SnapshotNote, StoredHead
from cluster.link_client import WriterLink
from cluster.log_reader import LogReader
from cluster.ownership import OwnerKey, Ownership
from cluster.records import position_of
from cluster.roles import Step, View, WriterSigns, next_step
from cluster.store import NoAnswer, StoreError
from cluster.trimming import Trimmer
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.snapshot import encode_state, restore_state
from journal.codec import BatchRecord
from loop.greenlets import Greenlets
from projections.submissions import SubmissionsState, SubmissionWindow
from replica.follower import Follower
from replica.frames import Record
from sequencer.port import AlreadySubmitted, NotAccepting, OutcomeUnknown, Refused
from tests.sim.hub import Process, end_here, hub_here, spawn
from tests.sim.machine import Signal, sleep
from tests.sim_cluster.asked import Asked, Try
from tests.sim_cluster.channels import SimulatedChannel
from tests.sim_cluster.hosts import HOSTS
from tests.sim_cluster.store import SimulatedStore
from tests.sim_cluster.writer import Writer

if TYPE_CHECKING:
    from tests.sim_cluster.simulation import Simulation

DIGEST_EVERY = 8  # records
STEP_S = 0.1  # between two looks at who owns the log
PING_S = 1.0
RETRY_S = 0.1
NAMES = ("a", "b", "c")

_encode = msgspec.msgpack.Encoder().encode


class Snapshot(msgspec.Struct):
    """A state that is on a disk, with what a node needs beside it."""

    last: BatchRecord
    digest: str
    state: bytes
    submissions: bytes


class NodeDisk(msgspec.Struct):
    """What a node has when its process has died."""

    archive: list[BatchRecord] = []  # every record from behind the snapshot that it began with
    snapshots: list[Snapshot] = []  # the newest last
    began_n: int = 0  # behind which record the archive begins

    def newest_n(self) -> int:
        """The record that the newest snapshot is behind."""
        return self.snapshots[-1].last.n if self.snapshots else 0


class Node:
    """One process of a node, from its start to its end."""

    def __init__(self, simulation: Simulation, index: int, number: int, disk: NodeDisk) -> None:
        self.simulation = simulation
        self.index = index
        self.name = NAMES[index]
        self.boot = f"{self.name}{number}"
        self.address = f"node-{self.name}"
        self.process = Process(self.boot)
        self.disk = disk
        self.serves = False
        self.stopped = ""  # why it takes part no more, where it has stopped itself
        self.writer: Writer | None = None
        self.owner: Ownership | None = None
        self.rng = random.Random(f"node {self.boot} {simulation.plan.seed}")
        self.wall_offset_ns = int(simulation.clock_offset_s[index] * 1e9)
        self._head_n = 0
        self._vacant_since = 0.0
        self._signs = WriterSigns()
        self._pongs = 0
        self._challenged_at: float | None = None
        self._apart: dict[str, int] = {}
        self._greenlets = Greenlets()

    # -- clocks

    def wall_ns(self) -> int:
        """What its machine says is the time."""
        return hub_here().wall_ns() + self.wall_offset_ns + self.simulation.clock_step_ns[self.index]

    def steady_s(self) -> float:
        """A clock that nobody can set."""
        return hub_here().now_ns / 1e9

    # -- life

    def start(self) -> None:
        """Begin."""
        spawn(self.process, self._run)

    def store(self) -> SimulatedStore:
        """A client of the log for one thread."""
        return SimulatedStore(self.simulation.log, self.index, self.process, self.rng.randrange(HOSTS))

    def trace(self, text: str) -> None:
        """One line of what happened here."""
        self.simulation.trace(self.boot, text)

    def _run(self) -> None:
        simulation = self.simulation
        self.trace("starts")
        parts, keys = simulation.parts, simulation.keys
        store = self.store()
        self._insist(lambda: found_log(store, keys), store)
        self.reader: LogReader = parts.reader(store, keys, sleep=sleep)
        self.trimmer: Trimmer = parts.trimmer(self.store(), keys, simulation.plan.kept_records)
        self.follower, self.submissions = self.own_copy()
        head = self._catch_up()
        self.trace(f"has caught up with record {head.n}")
        self._head_n = head.n
        link = WriterLink(self._connect, self.name)
        self.sequencer = parts.remote(
            self.follower,
            self.submissions,
            link,
            clock=self.wall_ns,
            on_invariant_violation=self.stop_the_process,
            max_waiting=simulation.plan.max_waiting,
            names_orders=False,
            patience_s=simulation.plan.patience_s,
        )
        self.link = link
        self.sequencer.listen(lambda batch: simulation.on_applied(self, batch))
        self.sequencer.start()
        self.serves = True
        simulation.ports.listen(self.address, self.index, self.process, self._accept)
        for call in (self._keep_reading, self._keep_role, self._keep_pinging, self._keep_snapshots):
            spawn(self.process, self._guarded, call)

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except RecordsTrimmed as trimmed:  # it was cut off for long: it starts again, with a peer's snapshot
            self.simulation.count("node that was too far behind")
            self.trace(f"starts again: {trimmed}")
            end_here(self.process)
        except ClusterError as error:
            self.stop(f"{type(error).__name__}: {error}")
        except Exception as bug:
            self.simulation.violation("node", f"{self.boot} in {call.__name__}: {bug!r}")

    def _insist(self, call: Callable[[], object], store: SimulatedStore) -> None:
        """Call until it is answered."""
        while True:
            try:
                call()
            except StoreError:
                store.next_member()
                sleep(RETRY_S)
            else:
                return

    def stop(self, why: str) -> None:
        """Take no part any more, as a node does that has found itself or the log wrong."""
        if not self.stopped:
            self.stopped = why
            self.trace(f"stops itself: {why}")
            self.simulation.on_stopped(self, why)
            end_here(self.process)

    def stop_the_process(self, bug: BaseException) -> NoReturn:
        """The engine or the sequencer has a bug."""
        self.simulation.violation("invariant", f"{self.boot} stopped itself: {bug!r}")
        end_here(self.process)
        raise bug

    def owner_key(self) -> OwnerKey:
        """The owner key, for one thread."""
        owner = Owner(self.name, self.boot, self.address)
        return self.simulation.parts.owner_key(self.store(), self.simulation.keys, owner)  # type: ignore[no-any-return]

    # -- the state

    def own_copy(self) -> tuple[Follower, SubmissionWindow]:
        """A follower and a window of what is on the disk."""
        disk = self.disk
        follower, window = self._begun(disk.snapshots[-1] if disk.snapshots else None)
        for record in disk.archive:
            if record.n > follower.n:
                follower.follow(record)
                window.note(record)
        return follower, window

    def _begun(self, snapshot: Snapshot | None) -> tuple[Follower, SubmissionWindow]:
        parts = self.simulation.parts
        window: SubmissionWindow = parts.window(remembered_ns=self.simulation.plan.keys_remembered_ns)
        if snapshot is None:
            return parts.follower(self, Exchange(), None), window
        exchange = restore_state(snapshot.state)
        if state_digest(exchange) != snapshot.digest:
            self.simulation.violation("snapshot", f"{self.boot} has a snapshot of another state")
        window.restore(msgspec.msgpack.decode(snapshot.submissions, type=SubmissionsState))
        return parts.follower(self, exchange, snapshot.last), window

    def apply(self, record: BatchRecord) -> None:
        """Fold a record before anybody is served."""
        applied = self.follower.follow(record)
        self.submissions.note(record)
        self.simulation.on_followed(self, record, applied)

    def _archive(self, record: BatchRecord) -> None:
        """Keep a record on the disk."""
        archive = self.disk.archive
        if not archive or archive[-1].n < record.n:
            archive.append(record)

    def _catch_up(self) -> StoredHead:
        """Read what others have written meanwhile, behind a peer's snapshot where the log has no more."""

        def take(record: BatchRecord) -> None:
            self._archive(record)
            self.apply(record)

        while True:
            try:
                head = self.reader.read_to_head(position_of(self.follower.last), take, lambda: False)
            except RecordsTrimmed as trimmed:
                self.trace(f"needs a snapshot: {trimmed}")
                self._fetch_snapshot()
            except NoAnswer:
                self.reader.next_member()
                sleep(RETRY_S)
            except ClusterError as error:
                self.stop(f"{type(error).__name__}: {error}")
            else:
                if head is not None:
                    return head

    def _fetch_snapshot(self) -> None:
        """Begin anew with the newest snapshot that a peer which can be reached has."""
        try:
            notes = self.trimmer.notes()
        except StoreError:
            sleep(RETRY_S)
            return
        for note in notes:
            peer = self.simulation.reachable(self, note.node)
            found = next((each for each in peer.disk.snapshots if each.last.n == note.n), None) if peer else None
            if found is not None and note.n > self.follower.n:
                self.simulation.count("snapshot that was fetched")
                self.trace(f"begins with the snapshot of {note.node} behind record {note.n}")
                sleep(0.05)
                self.disk.archive, self.disk.snapshots, self.disk.began_n = [], [found], note.n
                self.follower, self.submissions = self._begun(found)
                return
        sleep(RETRY_S)

    def _keep_reading(self) -> None:
        """The thread that follows the log."""
        last = self.follower.last
        watch = self.reader.watch()
        while True:
            try:
                page = self.reader.read(position_of(last))
            except StoreError:
                self.reader.next_member()
                watch = self.reader.watch()
                sleep(0.05)
                continue
            self._head_n = page.head.n
            for record in page.records:
                self._archive(record)
            if page.records:
                last = page.records[-1]
                hub_here().call(self.process, 0.000_1, self._deliver, page.records)
            elif not watch.wait(0.5):
                watch = self.reader.watch()

    def _deliver(self, records: list[BatchRecord]) -> None:
        self.sequencer.deliver([Record(record) for record in records])

    def _keep_snapshots(self) -> None:
        """A snapshot each so many records, noted in the log when it is on the disk; the writer trims by them."""
        plan = self.simulation.plan
        while True:
            sleep(0.2 + 0.1 * self.rng.random())
            last = self.follower.last
            if last is not None and last.n >= self.disk.newest_n() + plan.snapshot_every:
                self._write_snapshot(last)
            writer = self.writer
            if writer is not None:
                try:
                    self.trimmer.trim(writer.claim.epoch)
                except (StoreError, ClusterError) as error:
                    self.trace(f"does not trim: {error}")

    def _write_snapshot(self, last: BatchRecord) -> None:
        """Of the follower, which is between two records whenever others run."""
        exchange = self.follower.exchange
        if exchange.seq != last.last_seq or self.follower.last is not last:
            return
        digest = state_digest(exchange)
        snapshot = Snapshot(last, digest, encode_state(exchange), _encode(self.submissions.saved()))
        sleep(0.02 * self.rng.random())
        self.disk.snapshots = [*self.disk.snapshots[-1:], snapshot]
        self.simulation.count("snapshot")
        note = SnapshotNote(self.name, last.n, last.chain.hex(), digest, "", len(snapshot.state), self.address)
        try:
            self.trimmer.note(note)
        except StoreError as error:
            self.trace(f"could not note a snapshot: {error}")

    # -- its role

    def _keep_role(self) -> None:
        """The thread that knows who owns the log, and does what a node does about it."""
        key = self.owner_key()
        while True:
            sleep(STEP_S * (0.5 + self.rng.random()))
            try:
                self._see(key.current())
                step = next_step(self._view())
                if step is Step.CHALLENGE and self.owner is not None:
                    self._challenged_at = self.steady_s()
                    self.trace(f"challenges epoch {self.owner.epoch}")
                    self.simulation.count("challenge")
                    key.challenge(self.owner.epoch)
                elif step is Step.STAND and self.writer is None:
                    claim = key.claim()
                    if claim is not None:
                        self.trace(f"owns the log in epoch {claim.epoch}")
                        self.simulation.count("claim")
                        self.writer = Writer(self, claim)
                        self.writer.start()
            except StoreError as error:
                self.trace(f"does not know who owns the log: {error}")

    def _see(self, owner: Ownership | None) -> None:
        before = self.owner
        self.owner = owner
        if owner is None and before is not None:
            self._vacant_since = self.steady_s()
        if (owner and owner.epoch) != (before and before.epoch):
            self._signs = WriterSigns()
            if owner is not None:
                self.link.reconnect()

    def _view(self) -> View:
        owner = self.owner
        last = self.sequencer.last
        ranked = sorted(NAMES)
        return View(
            now=self.steady_s(),
            name=self.name,
            boot=self.boot,
            owner=None if owner is None else (owner.owner.node, owner.owner.boot_id),
            vacant_since=self._vacant_since,
            behind=max(0, self._head_n - (0 if last is None else last.n)),
            rank=ranked.index(self.name),
            writer=self._signs,
            challenged_at=self._challenged_at,
            clock_apart=list(self._apart.values()),
        )

    def _keep_pinging(self) -> None:
        """Ask the owner of the log, each second, whether it is there, and the others what time it is."""
        while True:
            owner = self.owner
            before = self._pongs
            self.simulation.ping_clocks(self)
            if owner is None or owner.owner.boot_id == self.boot:
                sleep(PING_S)
                continue
            if self.simulation.ping(self, owner.owner):
                sleep(PING_S)
                answered = self._pongs > before
                refused = False
            else:
                sleep(0.1)
                answered, refused = False, True
            if self.owner is not None and self.owner.epoch == owner.epoch:
                since = self._signs.since or self.steady_s()
                unanswered = 0 if answered else self._signs.unanswered + 1
                self._signs = WriterSigns() if answered else WriterSigns(refused, unanswered, since)

    def on_pong(self) -> None:
        """The owner of the log has answered a ping."""
        self._pongs += 1

    def on_clock(self, name: str, wall_ns: int) -> None:
        """A peer has said what time it is there."""
        self._apart[name] = self.wall_ns() - wall_ns

    # -- front door

    def _connect(self) -> SimulatedChannel:
        """A channel to whoever owns the log."""
        owner = self.owner
        if owner is None:
            raise ConnectionRefusedError("nobody owns the log")
        return self.simulation.ports.connect(owner.owner.address, self.index, self.process)

    def _accept(self, channel: SimulatedChannel) -> None:
        writer = self.writer
        if writer is None or writer.server is None:
            channel.close()
        else:
            writer.accept(channel)

    def take(self, asked: Asked, attempt: Try, signal: Signal) -> bool:
        """A request came; whether it is served at all."""
        if not self.serves:
            return False
        hub = hub_here()
        hub.call(self.process, self.rng.random() * 0.001, self._take, asked, attempt, signal)
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
            asked.seqs.append(known.place.first_seq + known.place.count - 1)
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
