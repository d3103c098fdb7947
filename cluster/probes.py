"""Looks after the other nodes: one thread for each asks it how it is, again and again, and notices when it is gone.

A process that is killed closes its connections, and the next one is refused: that is known within milliseconds. One
that is paused, or cut off, leaves questions unanswered, each for a second.
Layer: cluster. Native threads.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from cluster.challenge import Ping
from cluster.peer_client import ANSWER_S, PeerClient, PeerError, PeerRefuses
from cluster.peer_frames import NodeState

log = logging.getLogger(__name__)

ASK_S: Final = 0.5  # between two questions
LOOP_AGE_MAX_S: Final = 1.0  # of an event loop that counts as one that goes round
PINGS_MAX: Final = 20
FRESH_S: Final = 5.0  # that an answer says something of the node's clock and position


class Heard(NamedTuple):
    """What a node has said last."""

    state: NodeState
    at: float  # monotonic seconds, when it came
    apart_ns: int  # this node's clock ahead of that one's then, by half the way there and back


class Probe:
    """One other node, by its address; its methods are for any thread."""

    def __init__(self, address: str, tls: ssl.SSLContext | None, on_change: Callable[[], object]) -> None:
        """Begin to ask. `on_change`: called in the probe's thread when there is no answer, or one again."""
        self.address = address
        self._tls = tls
        self._on_change = on_change
        self._ending = threading.Event()
        self._pings: deque[Ping] = deque(maxlen=PINGS_MAX)
        self.last: Ping | None = None
        self.heard: Heard | None = None
        self._thread = threading.Thread(target=self._run, name=f"probe-{address}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ask no more. Returns at once."""
        self._ending.set()

    def pings(self) -> list[Ping]:
        """What became of each question since this was called last. For one thread."""
        found = []
        while self._pings:
            found.append(self._pings.popleft())
        return found

    def _run(self) -> None:
        client: PeerClient | None = None
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                if client is None:
                    client = PeerClient(self.address, self._tls, ANSWER_S)
                self._ask(client)
                if client.is_over(ASK_S):
                    client.close()
                    client = None
                continue
            except PeerRefuses:
                self._note(Ping.REFUSED)
            except PeerError as problem:
                log.debug("%s", problem)
                self._note(Ping.UNANSWERED)
            except Exception:  # of ours
                log.exception("a node could not be asked")
                self._note(Ping.UNANSWERED)
            if client is not None:
                client.close()
                client = None
            self._ending.wait(max(0.05, began + 0.1 - time.monotonic()))
        if client is not None:
            client.close()

    def _ask(self, client: PeerClient) -> None:
        """Raises PeerError where there is no answer, or one whose event loop stands still."""
        began_ns, began = time.time_ns(), time.monotonic()
        state = client.state()
        came_ns = time.time_ns()
        if state.loop_age_s > LOOP_AGE_MAX_S:
            raise PeerError(f"the event loop of {state.name} has stood still for {state.loop_age_s:.1f} s")
        if time.monotonic() - began < ANSWER_S:
            middle_ns = began_ns + (came_ns - began_ns) // 2
            self.heard = Heard(state, time.monotonic(), middle_ns - state.wall_ns)
        self._note(Ping.ANSWERED)

    def _note(self, ping: Ping) -> None:
        before, self.last = self.last, ping
        self._pings.append(ping)
        if ping is not before or ping is not Ping.ANSWERED:
            self._on_change()


class Probes:
    """The probes of all other nodes. For one thread, but what says that it is for any."""

    def __init__(self, tls: ssl.SSLContext | None, on_change: Callable[[], object]) -> None:
        """`on_change`: called in a probe's thread when a node is gone, silent or there again."""
        self._tls = tls
        self._on_change = on_change
        self._probes: dict[str, Probe] = {}  # by address

    def follow(self, addresses: Iterable[str]) -> None:
        """Probe these nodes, and no others. O(nodes)."""
        wanted = set(addresses)
        for address in wanted - self._probes.keys():
            self._probes = {**self._probes, address: Probe(address, self._tls, self._on_change)}
        for address in self._probes.keys() - wanted:
            self._probes[address].close()
            self._probes = {known: probe for known, probe in self._probes.items() if known != address}

    def pings(self, address: str) -> list[Ping]:
        """What became of each question to the node at this address since this was called last."""
        probe = self._probes.get(address)
        return [] if probe is None else probe.pings()

    def answers(self, address: str) -> bool:
        """Whether the node at this address has answered last. From any thread."""
        probe = self._probes.get(address)
        return probe is not None and probe.last is Ping.ANSWERED

    def heard(self) -> list[Heard]:
        """What the nodes have said in the last `FRESH_S` seconds. From any thread."""
        now = time.monotonic()
        found = [probe.heard for probe in self._probes.values()]
        return [heard for heard in found if heard is not None and now - heard.at <= FRESH_S]

    def close(self) -> None:
        """Ask no more. Idempotent."""
        self.follow(())
