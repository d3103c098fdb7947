"""One simulated world: a server that dies and comes back, its disk, its followers, its network and its clients.

    outcome = run(plan_of(17))

All chance comes from the seed: the same seed gives the same trace, to the byte.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from api.orders.duplicates import DuplicateLookup
from engine.digest import state_digest
from engine.events import CommandResult
from journal.codec import BatchRecord
from journal.committer import Committer
from journal.port import JournalCorrupt, JournalError
from sequencer.port import NotAccepting
from sequencer.sequencer import Sequencer
from tests.sim import machine
from tests.sim.clients import Client
from tests.sim.damage import damage
from tests.sim.disk import Disk, DiskFaults, DiskJournal
from tests.sim.final import check_all
from tests.sim.followers import DIGEST_EVERY, Keeper, Replica, run_historian
from tests.sim.history import History, HistoryWriter
from tests.sim.hub import Hub, Process, end_here, hub_of, spawn
from tests.sim.machine import Event, Signal, sleep
from tests.sim.market import ACCOUNTS
from tests.sim.network import Answer, Network, NetworkFaults, Request
from tests.sim.outcome import Outcome, Violation
from tests.sim.plan import Plan
from tests.sim.reference import Reference
from tests.sim.server import Server
from tests.sim.snapshots import Snapshots
from tests.sim.surroundings import limits, logged

CALM_S = 90.0  # simulated, within which everything must be over when there are no more faults
DOWN_S = 0.05


class Parts(msgspec.Struct):
    """What of the product is simulated: a mutant puts something else in the place of one of these."""

    journal: Callable[..., Any] = DiskJournal
    committer: Callable[..., Any] = Committer
    sequencer: Callable[..., Any] = Sequencer
    duplicates: Callable[..., Any] = DuplicateLookup


class Simulation:
    """The world of one seed."""

    def __init__(self, plan: Plan, hub: Hub, parts: Parts, folder: Path, *, traced: bool) -> None:
        self.plan = plan
        self.hub = hub
        self.parts = parts
        self.counts: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.answers: list[Answer] = []
        self.nameless: Counter[int] = Counter()  # orders without a client order id that came, by account
        self.lines: list[str] = []
        self.calm = Event()
        self.server: Server | None = None
        self.damaged = False  # whether the journal's file is just now
        self._traced = traced
        self._number = 0
        self._rng = random.Random(f"fate {plan.seed}")
        self._down = Signal()  # a server has died
        self._steps_to_death: int | None = None
        self._process: Process | None = None  # of the server
        self._starts = 0
        self.disk = Disk(random.Random(f"disk {plan.seed}"), self.fault)
        self.disk.at_step = self._step
        self.network = Network(random.Random(f"network {plan.seed}"), self.fault)
        self.history = History(random.Random(f"history {plan.seed}"), self.count)
        self.reference = Reference(self.violation, DIGEST_EVERY)
        self.replica = Replica(self)
        self.snapshots = Snapshots(self, folder)
        self.keepers = [
            Keeper(self, "historian", lambda connection: run_historian(self, connection)),
            Keeper(self, "replica", self.replica.run),
        ]
        self.clients = [
            Client(self, f"client{number}", account, random.Random(f"client {number} {plan.seed}"))
            for number, account in enumerate(ACCOUNTS[: plan.clients], 1)
        ]

    def start(self) -> None:
        """Begin everything."""
        plan, hub = self.plan, self.hub
        self.disk.faults, self.network.faults = plan.disk, plan.network
        self.history.refuses, hub.turn_ends = plan.history_refuses, plan.turn_ends
        hub.after_step = self._check_step
        hub.on_exception = lambda error: self.violation("hub", repr(error))
        for keeper in self.keepers:
            keeper.start()
        for client in self.clients:
            spawn(hub.world, client.run)
        for call in (self._keep_serving, self._fate, self._weather):
            spawn(hub.world, call)

    # -- what others report

    def trace(self, who: str, text: str, data: object = None) -> None:
        """One line of what happened."""
        if self._traced:
            further = "" if data is None else f" {data!r}"
            self.lines.append(f"{self.hub.now_ns / 1e9:12.6f} {who:12} {text}{further}")

    def count(self, what: str) -> None:
        """Count what happened, for the statistics."""
        self.counts[what] += 1

    def fault(self, what: str) -> None:
        """A fault happened."""
        self.counts[what] += 1
        self.trace("fault", what)

    def violation(self, kind: str, text: str) -> None:
        """Something happened that must never: the simulation ends here."""
        self.trace("VIOLATION", f"{kind}: {text}")
        self.violations.append(Violation(kind, text))
        self.hub.stop()

    def next_number(self) -> int:
        """A number that nothing else has."""
        self._number += 1
        return self._number

    def on_durable(self, record: BatchRecord) -> None:
        """A flush has said that a record is stable."""
        self.trace("journal", f"record {record.n} is durable: seq {record.first_seq} to {record.last_seq}")
        self.reference.add(record)

    def on_recovered(self, server: Server, results: list[CommandResult]) -> None:
        """A server has replayed its journal."""
        start = server.journal.first_n - 1
        found = server.journal.part(start, 2**60)
        known = self.reference.records[start:]
        self.trace("server", f"recovered {len(found)} records, {len(known)} are known to be durable")
        self.counts["recovery"] += 1
        self.counts["record that was durable before its answer"] += max(0, len(found) - len(known))
        if self.damaged:
            self.violation("damage", "a damaged journal was started with")
            return
        if found[: len(known)] != known:
            kept = sum(1 for one, other in zip(found, known, strict=False) if one == other)
            self.count("loss that was reported")
            self.violation("loss", f"{len(known)} records were durable, {kept} of these are there")
            return
        for record in found[len(known) :]:
            self.reference.add(record)
        if server.exchange.seq != self.reference.last_seq:
            self.violation("recovery", f"seq {server.exchange.seq} of {self.reference.last_seq} was recovered")
            return
        if len(results) < server.exchange.seq:
            self.count("recovery from a snapshot")
        for result in results:
            self.reference.compare(result)
        self.check_digest("server", len(self.reference.records), state_digest(server.exchange))

    def on_applied(self, server: Server, batch: list[CommandResult]) -> None:
        """A server has applied commands."""
        if not server.process.dead:
            for result in batch:
                self.reference.compare(result)

    def on_followed(self, name: str, record: BatchRecord) -> None:
        """A follower has applied a record."""
        known = self.reference.records
        if record.n > len(known) or known[record.n - 1] != record:
            self.violation("stream", f"the {name} got record {record.n}, which is not durable or another one")

    def on_refused(self, name: str, why: str) -> None:
        """A follower was not served."""
        self.violation("stream", f"the {name} was refused: {why}")

    def check_digest(self, who: str, n: int, digest: str) -> None:
        """Compare a state behind record `n` with the reference's."""
        due = self.reference.digest(n)
        self.counts["digest compared" if due else "digest not compared"] += 1
        if due is not None and digest != due:
            self.violation("digest", f"the {who} is in another state behind record {n}")

    def on_answer(self, server: Server, request: Request, status: int, body: bytes, before: int) -> None:
        """A server answers: from here on it has promised."""
        if server.process.dead:
            return
        self.trace("server", f"answers {request.number} {request.kind} {request.key}: {status}", body)
        self.counts[f"{request.kind} {status}"] += 1
        self.answers.append(Answer(request, status, body, before, server.exchange.seq))
        said = msgspec.json.decode(body)
        if "error_code" in said:
            self.counts[f"refusal {said['error_code']}"] += 1
        if said.get("repeated"):
            self.counts["answer to a repetition"] += 1
        newest = max(
            [said.get("seq") or 0, *((each.get("body") or {}).get("seq") or 0 for each in said.get("results", ()))]
        )
        if newest > self.reference.last_seq:
            self.violation("durability", f"{request.kind} {request.key} was answered with seq {newest}, not durable")
        self._step("before an answer leaves")
        self.network.answer(request, status, body)
        self._step("behind an answer")

    @property
    def first_n(self) -> int:
        """The first record that the journal still has."""
        return 1 if self.server is None else self.server.journal.first_n

    # -- the server's life

    def _check_step(self) -> None:
        server = self.server
        if server is not None and server.exchange.seq > self.reference.last_seq and not self.violations:
            self.violation("durability", f"seq {server.exchange.seq} is applied and not durable")

    def _step(self, where: str) -> None:
        """A step of the server at which it may die."""
        process = self.hub.current
        if self._steps_to_death is None or process is not self._process or process.dead:
            return
        self._steps_to_death -= 1
        if self._steps_to_death <= 0:
            self._steps_to_death = None
            self._die(where)
            end_here(process)

    def _keep_serving(self) -> None:
        """Start a server whenever none runs."""
        while True:
            process = self._process = Process(f"server-{self._starts}")
            self._starts += 1
            process.on_death(self._down.notify)
            spawn(process, self._serve, process)
            while not process.dead:
                self._down.wait()
            self.server = self.network.serving = None
            self.network.server_died()
            sleep(DOWN_S * (0.5 + self._rng.random()))
            self._damage_while_down()

    def _serve(self, process: Process) -> None:
        """The start of one process."""
        self.trace(process.name, "starts")
        try:
            server = Server(self, process)
        except JournalCorrupt as damage_found:
            self.count("damage that was noticed")
            self.trace(process.name, f"refuses to start: {damage_found}")
            if self.disk.lost_promise:
                self.count("loss that was reported")
                self.violation("loss", f"the journal is refused: {damage_found}")
            elif not self.damaged:
                self.violation("recovery", f"a sound journal was refused: {damage_found}")
            self._restore()
            end_here(process)
        except (JournalError, OSError, NotAccepting) as problem:
            self.count("start that failed")
            self.trace(process.name, f"cannot start: {problem}")
            self._make_room()
            end_here(process)
        self.server = server
        server.sequencer.listen_failure(self._on_journal_failure)
        self.network.serving = process, server.take
        self.trace(process.name, "serves")
        if not self.calm.is_set() and self._rng.random() < self.plan.relapse:
            self.hub.call(self.hub.world, self._rng.random() * 0.02, self._relapse, process)

    def _relapse(self, process: Process) -> None:
        """The power goes again, soon after it came back."""
        if process is self._process and not self.calm.is_set():
            self._die("soon after a start", power=True)

    def _on_journal_failure(self) -> None:
        """The operator restarts a server whose journal failed, a while later."""
        self.count("journal that failed")
        process = self._process
        self.hub.call(self.hub.world, 0.1 + self._rng.random(), self._restart, process)

    def _restart(self, process: Process) -> None:
        self._make_room()
        if not process.dead:
            self.trace("operator", "restarts a server whose journal failed")
            process.kill()

    def _make_room(self) -> None:
        self.disk.is_full = False

    def _die(self, where: str, *, power: bool = False) -> None:
        """The server dies now, alone or with the machine."""
        process = self._process
        if process is None or process.dead:
            return
        power = power or self._rng.random() < self.plan.power
        self.fault("loss of power" if power else "kill")
        self.trace("fault", where)
        if power:
            self.disk.lose_power()
            for keeper in self.keepers:
                keeper.kill()
        process.kill()

    def _stop_gracefully(self) -> None:
        server = self.server
        if server is not None and not server.process.dead:
            self.network.serving = None
            spawn(server.process, self._stop, server)

    def _stop(self, server: Server) -> None:
        server.stop()
        end_here(server.process)

    def _damage_while_down(self) -> None:
        if self._rng.random() < self.plan.snapshot_damage:
            self.snapshots.damage(self._rng)
        if self.plan.damage and not self.calm.is_set() and self._rng.random() < self.plan.damage:
            for keeper in self.keepers:  # the whole machine is down
                keeper.kill()
            if not self.damaged:
                self._sound = self.disk.file("journal").content
            what = damage(self.disk, self._rng, self.snapshots.newest_n)
            if what is not None:
                self.fault(what)
                self.damaged = True

    def _restore(self) -> None:
        """The operator puts back a copy of the journal."""
        if self.damaged:
            self.disk.truncate("journal", 0)
            self.disk.file("journal").stable += self._sound
            self.damaged = False

    # -- fate

    def _fate(self) -> None:
        """Interrupt the server as often as planned; then all is calm, and everything must come to an end."""
        rng, plan = self._rng, self.plan
        for _ in range(plan.interruptions):
            sleep(plan.gap_s * (0.2 + 1.6 * rng.random()))
            if rng.random() < plan.graceful:
                self.fault("stop on request")
                self._stop_gracefully()
            elif rng.random() < plan.at_step:
                self._steps_to_death = rng.randint(1, 12)
            else:
                self._die("at some moment")
        sleep(plan.gap_s)
        self._calm()
        until_ns = self.hub.now_ns + int(CALM_S * 1e9)
        while not self._is_over():
            sleep(0.2)
            if self.hub.now_ns > until_ns:
                self.violation("progress", self._what_waits())
        self.trace("fate", "all is over")
        server = self.server
        if server is not None:
            self._stop_gracefully()
            while not server.process.dead:
                sleep(0.01)
        self.hub.stop()

    def _calm(self) -> None:
        self.trace("fate", "calm")
        self.disk.faults, self.network.faults = DiskFaults(), NetworkFaults()
        self.history.refuses = self.hub.turn_ends = 0.0
        self._make_room()
        self._steps_to_death = None
        self.calm.set()

    def _is_over(self) -> bool:
        follower = self.replica.follower
        return (
            all(client.done for client in self.clients)
            and self.server is not None
            and self.server.sequencer.refusal is None
            and follower is not None
            and follower.n == len(self.reference.records)
            and self.history.stored_seq == self.reference.last_seq
        )

    def _what_waits(self) -> str:
        waiting = [client.name for client in self.clients if not client.done]
        follower = self.replica.follower
        return (
            f"clients that wait: {waiting}; server: {self.server and self.server.sequencer.refusal}; replica at "
            f"{follower and follower.n} of {len(self.reference.records)}; history at {self.history.stored_seq} of "
            f"{self.reference.last_seq}"
        )

    def _weather(self) -> None:
        """What happens now and then, besides."""
        rng, plan = self._rng, self.plan
        while not self.calm.is_set():
            sleep(0.1)
            if rng.random() < plan.clock_steps:
                step_ns = rng.choice((-3_600, -5, -1, 1, 7, 90_000)) * 10**9
                self.fault("clock that was set back" if step_ns < 0 else "clock that was set forward")
                self.hub.wall_offset_ns += step_ns
            if rng.random() < plan.follower_dies:
                self.fault("follower that was killed")
                rng.choice(self.keepers).kill()


def run(plan: Plan, parts: Parts | None = None, *, traced: bool = False) -> Outcome:
    """Simulate one seed, from its beginning to its end."""
    with (
        tempfile.TemporaryDirectory(prefix="openbell-sim-") as folder,
        hub_of(random.Random(f"hub {plan.seed}")) as hub,
        machine.installed(hub, random.Random("secrets")),
    ):
        simulation = Simulation(plan, hub, parts or Parts(), Path(folder), traced=traced)
        with (
            limits(plan),
            logged(simulation),
            simulation.snapshots.installed(),
            mock.patch("replica.historian.__main__.stored_seq", side_effect=lambda _: simulation.history.stored_seq),
            mock.patch("replica.historian.historian.HistoryWriter", return_value=HistoryWriter(simulation.history)),
        ):
            simulation.start()
            hub.switch()
            if not simulation.violations:
                check_all(simulation)
        return Outcome(
            plan.seed,
            list(simulation.violations),
            simulation.counts.copy(),
            list(simulation.lines),
            simulation.disk.lost_promise,
            simulation.reference.last_seq,
            hub.now_ns / 1e9,
        )
