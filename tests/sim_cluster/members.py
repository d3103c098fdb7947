"""The members of the log: one agreed state, reached through any of them that hears from a majority.

Consensus itself is not simulated: it is etcd's. What a user of it sees is: an election takes a while; what was asked
for and not answered is carried out later, much later or never; a member that is cut off answers nothing; a lease
counts from the newest election.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

from tests.sim.hub import Process, hub_here
from tests.sim.machine import Signal
from tests.sim_cluster.hosts import HOSTS, Hosts
from tests.sim_cluster.state import LogState

ELECTION_S: Final = (1.0, 2.0)  # from the loss of a leader to the next
PARKED_S: Final = 5.0  # that a member keeps what no leader takes, before it gives it up
COMMIT_S: Final = 0.002  # at most, on sound disks
LEASE_CHECK_S: Final = 0.1

Operation = Callable[[LogState], Any]


class NoAnswer(Exception):
    """Nothing came in time: what became of it is not known."""


class ConnectionRefused(Exception):
    """No member listens there. `was_sent`: whether it may have been carried out all the same."""

    def __init__(self, *, was_sent: bool) -> None:
        super().__init__("no member listens there")
        self.was_sent = was_sent


class _Call:
    """One request under way, and what came of it."""

    def __init__(self, host: int, member: int, process: Process, operation: Operation) -> None:
        self.host = host
        self.member = member
        self.process = process
        self.operation = operation
        self.parked_ns = 0
        self.signal = Signal()
        self.answers: list[Any] = []
        self.error: Exception | None = None


class Members:
    """Three members, on hosts 0 to 2."""

    def __init__(self, hosts: Hosts, state: LogState, rng: random.Random, fault: Callable[[str], object]) -> None:
        self.state = state
        self.leader: int | None = 0
        self.commit_s = [COMMIT_S] * HOSTS  # of each member's disk, at most
        self.drop = 0.5  # how likely an election forgets what was under way
        self.processes = [Process(f"member-{host}") for host in range(HOSTS)]
        self.after_commit: Callable[[], object] = lambda: None
        self._watches: dict[int, list[tuple[int, Process, Callable[[], object]]]] = {host: [] for host in range(HOSTS)}
        self._hosts = hosts
        self._rng = rng
        self._fault = fault
        self._term = 0
        self._parked: list[_Call] = []
        self._electing = False
        hosts.on_change(self._check_leader)
        hub = hub_here()
        hub.call(hub.world, LEASE_CHECK_S, self._check_leases)

    # -- for who asks

    def ask(self, host: int, process: Process, member: int, operation: Operation, timeout_s: float) -> Any:
        """Have an operation carried out by way of one member. Raises NoAnswer, ConnectionRefused, what it raises."""
        hub = hub_here()
        call = _Call(host, member, process, operation)
        self._hosts.send(host, member, hub.world, self._arrive, call)
        until_ns = hub.now_ns + int(timeout_s * 1e9)
        while not call.answers and call.error is None and hub.now_ns < until_ns:
            call.signal.wait((until_ns - hub.now_ns) / 1e9)
        if call.error is not None:
            raise call.error
        if not call.answers:
            raise NoAnswer
        return call.answers[0]

    def watch(self, host: int, process: Process, member: int, wake: Callable[[], object]) -> None:
        """Have `wake` called, soon and maybe not, behind what changes the state."""
        self._watches[member].append((host, process, wake))

    # -- what happens to members

    def kill(self, member: int) -> None:
        """End a member: who waits for it hears that the connection broke."""
        old = self.processes[member]
        old.kill()
        for call in [each for each in self._parked if each.member == member]:
            self._parked.remove(call)
            self._refuse(call, was_sent=True)
        self._check_leader()

    def restart(self, member: int) -> None:
        """Start it again, with all that it knew."""
        if self.processes[member].dead:
            self.processes[member] = Process(f"member-{member}")
            self._watches[member] = []
            self._check_leader()

    def pause(self, member: int) -> None:
        """Stop it as SIGSTOP does."""
        self.processes[member].pause()
        self._check_leader()

    def resume(self, member: int) -> None:
        """Let it go on."""
        self.processes[member].resume()
        self._check_leader()

    def lead(self, member: int) -> bool:
        """Move the leadership; whether that went."""
        if self.leader is not None and self._can_lead(member):
            self._elect(member)
            return True
        return False

    # -- leaders

    def _runs(self, member: int) -> bool:
        process = self.processes[member]
        return not process.dead and not process.is_paused

    def _can_lead(self, member: int) -> bool:
        connected = self._hosts.connected
        return (
            self._runs(member)
            and sum(1 for each in range(HOSTS) if self._runs(each) and connected(member, each)) * 2 > HOSTS
        )

    def _check_leader(self) -> None:
        if self.leader is not None and not self._can_lead(self.leader):
            self.leader = None
            self._term += 1
        if self.leader is None and not self._electing:
            self._electing = True
            hub = hub_here()
            low, high = ELECTION_S
            hub.call(hub.world, low + self._rng.random() * (high - low), self._end_election)
        elif self.leader is not None:
            self._take_parked()

    def _end_election(self) -> None:
        self._electing = False
        able = [member for member in range(HOSTS) if self._can_lead(member)]
        if self.leader is not None:
            return
        if able:
            self._elect(self._rng.choice(able))
        else:
            self._electing = True
            hub = hub_here()
            hub.call(hub.world, 0.2, self._end_election)

    def _elect(self, member: int) -> None:
        self._fault("election of the log")
        self._term += 1
        self.leader = member
        self.state.renew_leases(hub_here().now_ns)
        self._take_parked()

    def _take_parked(self) -> None:
        parked, self._parked = self._parked, []
        for call in parked:
            self._propose(call)

    def _check_leases(self) -> None:
        hub = hub_here()
        hub.call(hub.world, LEASE_CHECK_S, self._check_leases)
        if self.leader is not None and self._can_lead(self.leader) and self.state.expire(hub.now_ns):
            self._fault("lease that ended")
            self._committed()

    # -- the way of a request

    def _arrive(self, call: _Call) -> None:
        process = self.processes[call.member]
        if process.dead:
            self._refuse(call, was_sent=False)
        elif process.is_paused:
            hub_here().call(process, 0, self._arrive, call)
        else:
            self._propose(call)

    def _refuse(self, call: _Call, *, was_sent: bool) -> None:
        self._hosts.send(call.member, call.host, call.process, _fail, call, ConnectionRefused(was_sent=was_sent))

    def _propose(self, call: _Call) -> None:
        hub = hub_here()
        leader = self.leader
        if leader is None or not self._runs(call.member) or not self._hosts.connected(call.member, leader):
            self._park(call)
            return
        delay_s = self.commit_s[leader] * self._rng.random()
        hub.call(hub.world, delay_s, self._commit, call, self._term)

    def _park(self, call: _Call) -> None:
        hub = hub_here()
        call.parked_ns = call.parked_ns or hub.now_ns
        if hub.now_ns - call.parked_ns < PARKED_S * 1e9:
            self._parked.append(call)

    def _commit(self, call: _Call, term: int) -> None:
        if term != self._term:  # an election came in between: the next leader has it, or nobody
            if self._rng.random() < self.drop:
                self._fault("request that an election forgot")
                return
            self._fault("request that an election carried over")
            if self.leader is None:
                self._park(call)
                return
        before = self.state.revision
        try:
            answer, error = call.operation(self.state), None
        except Exception as problem:
            answer, error = None, problem
        if self.state.revision != before:
            self._committed()
        if not self._runs(call.member):
            self._fault("answer that nobody could give")
        elif error is not None:
            self._hosts.send(call.member, call.host, call.process, _fail, call, error)
        else:
            self._hosts.send(call.member, call.host, call.process, _answer, call, answer)

    def _committed(self) -> None:
        self.after_commit()
        for member, watches in self._watches.items():
            if self._runs(member) and self.leader is not None and self._hosts.connected(member, self.leader):
                for host, process, wake in watches:
                    if not process.dead:
                        self._hosts.send(member, host, process, wake)


def _answer(call: _Call, answer: Any) -> None:
    call.answers.append(answer)
    call.signal.notify()


def _fail(call: _Call, error: Exception) -> None:
    call.error = error
    call.signal.notify()
