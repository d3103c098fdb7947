"""One simulated cluster: three nodes, three members of the log, the network between them, traders, and every fault.

    outcome = run(plan_of(17))

All chance comes from the seed: the same seed gives the same trace, to the byte.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from cluster.keys import Keys, decode_head
from engine.commands import Command, Deposit, EnterOrder
from engine.digest import state_digest
from engine.events import CommandResult
from journal.codec import BatchRecord
from tests.sim import machine
from tests.sim.hub import Hub, Process, hub_of, spawn
from tests.sim.machine import sleep
from tests.sim.market import ACCOUNTS
from tests.sim.outcome import Outcome, Violation
from tests.sim.reference import Reference
from tests.sim_cluster.asked import Asked, Try
from tests.sim_cluster.channels import Ports
from tests.sim_cluster.checks import LogCheck, check_answers
from tests.sim_cluster.disk import NodeDisk
from tests.sim_cluster.hosts import HOSTS, Hosts
from tests.sim_cluster.incidents import Incidents
from tests.sim_cluster.members import Members
from tests.sim_cluster.node import DIGEST_EVERY, SimulatedNode
from tests.sim_cluster.peers import SimulatedPeer
from tests.sim_cluster.plan import Plan
from tests.sim_cluster.state import LogState
from tests.sim_cluster.surroundings import installed, logged
from tests.sim_cluster.traders import Trader

CALM_S = 120.0  # simulated, within which everything must be over when there are no more faults


class Simulation:
    """The world of one seed."""

    def __init__(self, plan: Plan, hub: Hub, *, traced: bool) -> None:
        self.plan = plan
        self.hub = hub
        self.counts: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.lines: list[str] = []
        self.asked: list[Asked] = []
        self.keys = Keys("sim")
        self.is_quiet = False  # whether writers add nothing by themselves
        self.clock_step_ns = [0] * HOSTS
        self._traced = traced
        self._number = 100
        self._starts = [0] * HOSTS
        self.hosts = Hosts(random.Random(f"hosts {plan.seed}"), self.count)
        self.log = Members(self.hosts, LogState(), random.Random(f"log {plan.seed}"), self.fault)
        self.log.drop = plan.drop
        self.ports = Ports(self.hosts, random.Random(f"ports {plan.seed}"))
        self.reference = Reference(self.violation, DIGEST_EVERY)
        self.check = LogCheck(self)
        self.log.after_commit = self.check.after_commit
        self.disks = [NodeDisk(keys_max=plan.keys_max) for _ in range(HOSTS)]
        self.nodes: list[SimulatedNode] = []
        self.nodes += [self._node(index) for index in range(HOSTS)]
        self.incidents = Incidents(self, random.Random(f"incidents {plan.seed}"))
        self.traders = [
            Trader(self, number, account, random.Random(f"trader {number} {plan.seed}"))
            for number, account in enumerate((ACCOUNTS * 2)[: plan.traders], 1)
        ]

    def start(self) -> None:
        """Begin everything."""
        plan, hub = self.plan, self.hub
        self.hosts.delay_s, self.hosts.lose = plan.delay_s, plan.lose
        self.hosts.late, self.hosts.late_s = plan.late, plan.late_s
        hub.on_exception = lambda error: self.violation("hub", repr(error))
        for node in self.nodes:
            node.start()
        for trader in self.traders:
            spawn(hub.world, trader.run)
        spawn(hub.world, self._fate)

    # -- what others report

    def trace(self, who: str, text: str, data: object = None) -> None:
        """One line of what happened."""
        if self._traced:
            further = "" if data is None else f" {data!r}"
            self.lines.append(f"{self.hub.now_ns / 1e9:12.6f} {who:8} {text}{further}")

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

    def on_followed(self, node: SimulatedNode, record: BatchRecord, applied: list[CommandResult]) -> None:
        """A node has followed a record while it starts."""
        known = self.reference.records
        if record.n > len(known) or known[record.n - 1] != record:
            self.violation("stream", f"{node.boot} followed record {record.n}, which is not in the log or another one")
        else:
            self.on_applied(node, applied)

    def on_applied(self, node: SimulatedNode, batch: list[CommandResult]) -> None:
        """A node's own replica has applied commands."""
        for result in batch:
            if result.seq > self.reference.last_seq:
                self.violation("durability", f"{node.boot} has applied seq {result.seq}, which is not in the log")
                return
            self.reference.compare(result)

    def on_answer(self, node: SimulatedNode, asked: Asked, attempt: Try) -> None:
        """A node answers: from here on it has promised."""
        self.trace(node.boot, f"answers {asked.key.hex()[:8]}: {attempt.outcome}, seq {asked.last_seq}")
        if asked.last_seq > self.reference.last_seq:
            self.violation("durability", f"{node.boot} answered with seq {asked.last_seq}, which is not in the log")

    def on_stopped(self, node: SimulatedNode, why: str) -> None:
        """A node has stopped itself, since it or the log is wrong."""
        if self.check.put_back_n is None or not why.startswith(("LogBehind", "LogDiverged")):
            self.violation("node", f"{node.boot} stopped itself: {why}")

    def is_unique(self, command: Command) -> bool:
        """Whether no other submission has the same command."""
        return isinstance(command, Deposit) or (isinstance(command, EnterOrder) and command.client_order_id is not None)

    # -- the ways between nodes that are not links

    def reachable(self, node: SimulatedNode, name: str) -> SimulatedNode | None:
        """A peer, where it runs and can be reached."""
        peer = next(each for each in self.nodes if each.name == name)
        if peer.process.dead or peer.process.is_paused or not self.hosts.connected(node.index, peer.index):
            return None
        return peer

    def node_at(self, address: str) -> SimulatedNode:
        """The newest process of the node of that name."""
        return next(each for each in self.nodes if each.name == address)

    def node_of(self, process: Process) -> SimulatedNode:
        """The node that a process is of."""
        return next(each for each in self.nodes if each.process is process)

    def clock_error_ns(self, index: int) -> int:
        """What a node's wall clock is wrong by."""
        return int(self.plan.clock_offset_s[index] * 1e9) + self.clock_step_ns[index]

    # -- nodes

    def _node(self, index: int) -> SimulatedNode:
        self._starts[index] += 1
        node = SimulatedNode(self, index, self._starts[index], self.disks[index])
        node.process.on_death(self._on_death(index))
        return node

    def _on_death(self, index: int) -> Callable[[], object]:
        hub = self.hub
        return lambda: hub.call(hub.world, 0.3 + 2.0 * self.incidents.rng.random(), self._restart, index)

    def _restart(self, index: int) -> None:
        if self.nodes[index].process.dead and not self.nodes[index].stopped:
            node = self.nodes[index] = self._node(index)
            node.start()

    @property
    def writer(self) -> SimulatedNode | None:
        """The node that is the writer, as far as the log says."""
        epoch = self.check.epoch
        for node in self.nodes:
            term = node.node._term if node.serves else None
            if term is not None and term.claim.epoch == epoch and not node.process.dead:
                return node
        return None

    # -- fate

    def _fate(self) -> None:
        """As many incidents as planned; then all is calm, and everything must come to an end."""
        self.incidents.run()
        backup = self.log.state.copy(self.hub.now_ns)
        self.trace("fate", "calm")
        self.hosts.lose = self.hosts.late = 0.0
        until_ns = self.hub.now_ns + int(CALM_S * 1e9)
        while not self._is_over():
            sleep(0.2)
            if all(trader.done for trader in self.traders):
                self.is_quiet = True
            if self.hub.now_ns > until_ns:
                self.violation("progress", self._what_waits())
        if self.plan.puts_back and self.violations == []:
            self._put_back(backup)
        self.trace("fate", "all is over")
        self.hub.stop()

    def _put_back(self, backup: LogState) -> None:
        """Put the log back to a backup: nodes that have what it has not must stop, and write nothing."""
        head = backup.keys.get(self.keys.head)
        put_back_n = 0 if head is None else decode_head(head.value).n
        if head is None or put_back_n >= len(self.reference.records):
            return
        self.fault("log that was put back")
        self.check_digests()
        self.check.put_back_n = put_back_n
        self.log.state = backup
        backup.renew_leases(self.hub.now_ns)
        until_ns = self.hub.now_ns + int(CALM_S * 1e9)
        while not all(node.stopped for node in self.nodes):
            sleep(0.2)
            if self.hub.now_ns > until_ns:
                self.violation("progress", f"nodes go on: {[node.boot for node in self.nodes if not node.stopped]}")

    def _is_over(self) -> bool:
        due = self.reference.last_seq
        return (
            all(trader.done for trader in self.traders)
            and self.writer is not None
            and all(node.serves and node.exchange.seq == due for node in self.nodes)
        )

    def _what_waits(self) -> str:
        waiting = [trader.name for trader in self.traders if not trader.done]
        nodes = [f"{node.boot} {node.serves and node.exchange.seq}" for node in self.nodes]
        writer = self.writer
        return (
            f"traders that wait: {waiting}; nodes: {nodes}; the log: {self.reference.last_seq}; the writer: "
            f"{writer and writer.boot}; the leader of the log: {self.log.leader}"
        )

    def check_digests(self) -> None:
        """Compare the states of all nodes with the reference's."""
        for node in self.nodes:
            if state_digest(node.exchange) != self.reference.digest(len(self.reference.records)):
                self.violation("digest", f"{node.boot} is in another state than the reference")


def run(plan: Plan, *, traced: bool = False) -> Outcome:
    """Simulate one seed, from its beginning to its end."""
    with (
        hub_of(random.Random(f"hub {plan.seed}")) as hub,
        machine.installed(hub, random.Random("secrets")),
    ):
        simulation = Simulation(plan, hub, traced=traced)
        SimulatedPeer.simulation = simulation
        with logged(simulation), installed(simulation):
            simulation.start()
            hub.switch()
            if not simulation.violations:
                if simulation.check.put_back_n is None:
                    simulation.check_digests()
                simulation.check.at_end()
                check_answers(simulation)
        return Outcome(
            plan.seed,
            list(simulation.violations),
            simulation.counts.copy(),
            list(simulation.lines),
            False,
            simulation.reference.last_seq,
            hub.now_ns / 1e9,
        )
