"""What happens to a cluster: one incident behind the other, each of which ends."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.sim.hub import spawn
from tests.sim.machine import sleep
from tests.sim_cluster.disk import NodeDisk
from tests.sim_cluster.hosts import HOSTS
from tests.sim_cluster.members import COMMIT_S
from tests.sim_cluster.plan import INCIDENTS

if TYPE_CHECKING:
    from tests.sim_cluster.node import SimulatedNode
    from tests.sim_cluster.simulation import Simulation

LONG_S = (0.3, 1.5, 4.0, 12.0)


class Incidents:
    """Brings the incidents of a plan about."""

    def __init__(self, simulation: Simulation, rng: random.Random) -> None:
        self.rng = rng
        self._simulation = simulation
        self._calls: dict[str, Callable[[], None]] = {
            "kill a node": lambda: self._kill(self._any()),
            "kill the writer": lambda: self._kill(self._writer()),
            "pause the writer": lambda: self._pause(self._writer()),
            "pause a node": lambda: self._pause(self._any()),
            "lose a node's disk": self._lose_disk,
            "kill the leader of the log": lambda: self._kill_member(self._leader()),
            "pause the leader of the log": self._pause_leader,
            "kill the writer and the leader of the log": self._kill_both,
            "kill every member of the log": self._kill_members,
            "cut a host off": lambda: self._cut_off(self.rng.randrange(HOSTS)),
            "cut the writer's host off": lambda: self._cut_off(self._writer().index),
            "cut one way": self._cut_one_way,
            "cut all hosts apart": self._cut_apart,
            "slow the disk of the leader of the log": self._slow,
            "fill the log": self._fill,
            "set a node's clock": lambda: self._set_clock(self._any()),
            "set the writer's clock": lambda: self._set_clock(self._writer()),
            "move the leadership of the log": self._move_leader,
            "break the links": self._break_links,
            "stop the writer": self._stop_writer,
        }
        if tuple(self._calls) != INCIDENTS:
            raise ValueError("each incident of a plan has its call")

    def run(self) -> None:
        """All of them, one behind the other."""
        plan, rng, simulation = self._simulation.plan, self.rng, self._simulation
        for _ in range(plan.incidents):
            sleep(plan.gap_s * (0.2 + 1.6 * rng.random()))
            kind = rng.choice(plan.kinds)
            simulation.fault(kind)
            if plan.overlaps:
                spawn(simulation.hub.world, self._calls[kind])
            else:
                self._calls[kind]()
        sleep(plan.gap_s)
        self._end_all()

    def _end_all(self) -> None:
        """Whatever has not ended ends."""
        simulation = self._simulation
        simulation.hosts.heal()
        simulation.log.state.is_full = False
        for host in range(HOSTS):
            simulation.log.commit_s[host] = COMMIT_S
            simulation.log.resume(host)
            simulation.log.restart(host)
        for node in simulation.nodes:
            node.process.resume()

    def _any(self) -> SimulatedNode:
        return self.rng.choice(self._simulation.nodes)

    def _writer(self) -> SimulatedNode:
        return self._simulation.writer or self._any()

    def _leader(self) -> int:
        leader = self._simulation.log.leader
        return self.rng.randrange(HOSTS) if leader is None else leader

    def _last(self) -> None:
        sleep(self.rng.choice(LONG_S) * (0.5 + self.rng.random()))

    def _kill(self, node: SimulatedNode) -> None:
        node.process.kill()

    def _pause(self, node: SimulatedNode) -> None:
        node.process.pause()
        self._last()
        node.process.resume()

    def _lose_disk(self) -> None:
        """Of one node, where the others have what the log has no more: two at once would lose what was trimmed."""
        simulation, node = self._simulation, self._any()
        others = [each for each in simulation.nodes if each is not node]
        kept_n = simulation.check.first_n - 1
        if all(each.serves and not each.process.dead and each.disk.newest_n() >= kept_n for each in others):
            simulation.fault("disk that was lost")
            simulation.disks[node.index] = NodeDisk(
                keys_max=simulation.plan.keys_max, lost_n=simulation.disks[node.index].noted_n()
            )
        node.process.kill()

    def _kill_member(self, member: int) -> None:
        self._simulation.log.kill(member)
        self._last()
        self._simulation.log.restart(member)

    def _pause_leader(self) -> None:
        leader = self._leader()
        self._simulation.log.pause(leader)
        self._last()
        self._simulation.log.resume(leader)

    def _kill_both(self) -> None:
        self._kill(self._writer())
        self._kill_member(self._leader())

    def _kill_members(self) -> None:
        for member in range(HOSTS):
            self._simulation.log.kill(member)
        self._last()
        for member in range(HOSTS):
            self._simulation.log.restart(member)

    def _cut(self, ways: list[tuple[int, int]]) -> None:
        self._simulation.hosts.cut(ways)
        self._last()
        self._simulation.hosts.heal()

    def _cut_off(self, host: int) -> None:
        others = [other for other in range(HOSTS) if other != host]
        self._cut([way for other in others for way in ((host, other), (other, host))])

    def _cut_one_way(self) -> None:
        origin, target = self.rng.sample(range(HOSTS), 2)
        self._cut([(origin, target)])

    def _cut_apart(self) -> None:
        self._cut([(one, other) for one in range(HOSTS) for other in range(HOSTS) if one != other])

    def _slow(self) -> None:
        leader, log = self._leader(), self._simulation.log
        log.commit_s[leader] = self.rng.choice((0.2, 0.6, 2.0))
        self._last()
        log.commit_s[leader] = COMMIT_S

    def _fill(self) -> None:
        self._simulation.log.state.is_full = True
        self._last()
        self._simulation.log.state.is_full = False

    def _set_clock(self, node: SimulatedNode) -> None:
        self._simulation.clock_step_ns[node.index] += self.rng.choice((-3_600, -3, -1, 1, 3, 3_600)) * 10**9
        if self.rng.random() < 0.7:
            self._last()
            self._simulation.clock_step_ns[node.index] = 0

    def _move_leader(self) -> None:
        self._simulation.log.lead(self.rng.randrange(HOSTS))

    def _break_links(self) -> None:
        for channel in list(self._simulation.ports.channels):
            if self.rng.random() < 0.7:
                channel.cut()

    def _stop_writer(self) -> None:
        """As an operator asks it to stand down."""
        node = self._writer()
        if node.serves and not node.process.dead:
            node.node.stand_down()
