"""Connections between nodes: bytes in order and each once, as TCP gives them; late, and stuck while a way is cut."""

from __future__ import annotations

import random
from collections import deque

from cluster.channel import CONNECT_S, ChannelClosed
from tests.sim.hub import Process, hub_here
from tests.sim.machine import Signal, sleep
from tests.sim_cluster.hosts import Hosts

AGAIN_S = 0.2  # before bytes that a cut way has lost are sent again
BYTES_MAX = 2**20  # that may be under way


class SimulatedChannel:
    """`cluster.channel.Channel`: one end."""

    def __init__(self, hosts: Hosts, host: int, process: Process, rng: random.Random) -> None:
        self._hosts = hosts
        self._host = host
        self._process = process
        self._rng = rng
        self._peer: SimulatedChannel = self
        self._way: deque[bytes | None] = deque()  # what is under way to the other end; None: its end
        self._moving = False
        self._received = bytearray()
        self._at_end = self._closed = False
        self._signal = Signal()
        process.on_death(self.close)

    def join(self, peer: SimulatedChannel) -> None:
        """Make these two the ends of one connection."""
        self._peer, peer._peer = peer, self

    @property
    def waiting_bytes(self) -> int:
        """As `Channel.waiting_bytes`."""
        return sum(len(piece) for piece in self._way if piece)

    def send(self, data: bytes) -> None:
        """As `Channel.send`."""
        if self._closed or self._at_end:
            raise ChannelClosed("the other end is gone")
        if self.waiting_bytes > BYTES_MAX:
            self.close()
            raise ChannelClosed("too much waits to be sent")
        self._way.append(bytes(data))
        self._move()

    def receive(self, wait_s: float) -> bytes:
        """As `Channel.receive`."""
        hub = hub_here()
        until_ns = hub.now_ns + int(wait_s * 1e9)
        while not self._received and not self._at_end and not self._closed and hub.now_ns < until_ns:
            self._signal.wait((until_ns - hub.now_ns) / 1e9)
        if self._received:
            data = bytes(self._received)
            self._received.clear()
            return data
        if self._at_end or self._closed:
            raise ChannelClosed("the connection ended")
        return b""

    def close(self) -> None:
        """As `Channel.close`."""
        if not self._closed:
            self._closed = True
            self._way.append(None)
            self._move()
            self._signal.notify()

    def cut(self) -> None:
        """Break the connection, at both ends."""
        for end in (self, self._peer):
            end._way.clear()
            end._at_end = True
            end._signal.notify()

    def _move(self) -> None:
        if not self._moving and self._way:
            self._moving = True
            hub = hub_here()
            hub.call(hub.world, self._rng.random() * self._hosts.delay_s, self._arrive)

    def _arrive(self) -> None:
        hub = hub_here()
        if not self._hosts.connected(self._host, self._peer._host):
            hub.call(hub.world, AGAIN_S, self._arrive)
            return
        self._moving = False
        pieces = list(self._way)
        self._way.clear()
        peer = self._peer
        for piece in pieces:
            if piece is None:
                peer._at_end = True
            else:
                peer._received += piece
        peer._signal.notify()


class SimulatedPort:
    """A listening socket: connections wait in it until they are accepted."""

    def __init__(self, ports: Ports, address: str, host: int, process: Process) -> None:
        self.host = host
        self.process = process
        self._waiting: deque[SimulatedChannel] = deque()
        self._signal = Signal()
        ports.listening[address] = self

    def dup(self) -> SimulatedPort:
        """The same port again."""
        return self

    def setblocking(self, blocking: bool) -> None:
        """Whoever accepts waits in its greenlet."""

    def close(self) -> None:
        """It is only one descriptor of it that is closed."""

    def offer(self, channel: SimulatedChannel) -> None:
        """A connection has come."""
        self._waiting.append(channel)
        self._signal.notify()

    def accept(self) -> SimulatedChannel:
        """The next connection. Cooperative."""
        while not self._waiting:
            self._signal.wait()
        return self._waiting.popleft()


class Ports:
    """Which process listens where, and how one connects."""

    def __init__(self, hosts: Hosts, rng: random.Random) -> None:
        self._hosts = hosts
        self._rng = rng
        self.listening: dict[str, SimulatedPort] = {}
        self.channels: list[SimulatedChannel] = []

    def connect(self, address: str, host: int, process: Process) -> SimulatedChannel:
        """Connect to an address, from a process on a host. Cooperative. Raises OSError."""
        sleep(self._rng.random() * self._hosts.delay_s)
        port = self.listening.get(address)
        if port is None or not self._hosts.connected(host, port.host):
            sleep(CONNECT_S)
            raise TimeoutError("nobody answers there")
        if port.process.dead:
            raise ConnectionRefusedError("nobody listens there")
        ours = SimulatedChannel(self._hosts, host, process, self._rng)
        theirs = SimulatedChannel(self._hosts, port.host, port.process, self._rng)
        ours.join(theirs)
        self.channels = [each for each in self.channels if not each._closed and not each._process.dead] + [ours]
        port.offer(theirs)
        return ours
