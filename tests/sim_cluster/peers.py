"""How nodes ask each other how they are: `cluster.peer_client.PeerClient` over the simulated network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.peer_client import ANSWER_S, PeerError, PeerRefuses
from cluster.peer_frames import NodeState
from tests.sim.hub import hub_here
from tests.sim.machine import Signal, sleep

if TYPE_CHECKING:
    from tests.sim_cluster.node import SimulatedNode
    from tests.sim_cluster.simulation import Simulation


class SimulatedPeer:
    """One connection to a node, of whichever process makes it."""

    simulation: Simulation  # that runs

    def __init__(self, address: str, _tls: object = None, timeout_s: float = ANSWER_S) -> None:
        """Connect. Raises PeerRefuses where nobody listens, PeerError where nothing comes back."""
        self._own = self.simulation.node_of(hub_here().current)
        self._peer = self._reached(address, timeout_s)

    def _reached(self, address: str, timeout_s: float) -> SimulatedNode:
        simulation = self.simulation
        peer = simulation.node_at(address)
        sleep(simulation.hosts.delay_s)
        if not simulation.hosts.connected(self._own.index, peer.index):
            sleep(timeout_s)
            raise PeerError("nothing comes back")
        if peer.process.dead or not peer.serves:
            raise PeerRefuses("nobody listens there")
        return peer

    def state(self, timeout_s: float = ANSWER_S) -> NodeState:
        """How the node is. Raises PeerError."""
        hosts, hub = self.simulation.hosts, hub_here()
        own, peer = self._own, self._peer
        answers: list[NodeState] = []
        signal = Signal()

        def answer(state: NodeState) -> None:
            answers.append(state)
            signal.notify()

        def ask() -> None:
            hosts.send(peer.index, own.index, own.process, answer, peer.state())

        if peer.process.dead:
            raise PeerError("it has closed")
        hosts.send(own.index, peer.index, peer.process, ask)
        until_ns = hub.now_ns + int(timeout_s * 1e9)
        while not answers and hub.now_ns < until_ns and not peer.process.dead:
            signal.wait(min(0.1, (until_ns - hub.now_ns) / 1e9))
        if not answers:
            raise PeerError("it does not answer")
        return answers[0]

    def is_over(self, wait_s: float) -> bool:
        """Whether the connection ends within so long."""
        hub, peer = hub_here(), self._peer
        until_ns = hub.now_ns + int(wait_s * 1e9)
        while hub.now_ns < until_ns and not peer.process.dead:
            sleep(0.1)
        return peer.process.dead and self.simulation.hosts.connected(self._own.index, peer.index)

    def close(self) -> None:
        """Nothing is to be closed."""
