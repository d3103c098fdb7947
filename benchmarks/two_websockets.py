"""Socket.IO and plain WebSockets in one process under load: is everybody served alike, and does memory stay in bounds?

`python -m benchmarks.two_websockets`: so many followers of each, in a process of their own for each kind, follow the
book and the trades of one symbol while orders come at a fixed rate; some of each kind read nothing. What is printed:
deliveries, how late they are, the fewest and the most that one reader got, gaps, memory, and how many of those who do
not read are still connected. Clients, orders and server share the machine's cores.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import click

from benchmarks.followers import JOIN_S, STOP_CHECK_S, STREAMS, Followed, Following, following
from benchmarks.generators import open_loop
from benchmarks.machine import describe
from benchmarks.orders import SYMBOL, orders
from benchmarks.servers import Server, venue
from benchmarks.websocket import NAMESPACE, frame, packets, upgrade

NAME = SYMBOL.replace("-", "").lower()
PLAIN_PATH = f"/stream?streams={NAME}@depth@100ms/{NAME}@trade/{NAME}@bookTicker"
QUEUE_BYTES = 65_536  # that may wait for one client: the least that the server takes, so that it is soon reached
RECEIVE_BUFFER = 4_096
WARM_UP_S = 1.0
_TIME = re.compile(rb'"E":(\d+)')
_FIRST = re.compile(rb'"U":(\d+)')
_LAST = re.compile(rb'"u":(\d+)')


class PlainFollower(asyncio.Protocol):
    """A plain WebSocket that counts what it is sent, how late levels are, and whether one is missing."""

    def __init__(self, port: int, lateness_ms: list[float]) -> None:
        self.counts: Counter[str] = Counter()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._port = port
        self._lateness_ms = lateness_ms
        self._buffer = bytearray()
        self._seq: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(_upgrade(self._port, PLAIN_PATH))

    def data_received(self, data: bytes) -> None:
        """Take every message that is whole."""
        now = time.time()
        self._buffer += data
        for message in packets(self._buffer):
            self._take(message, now)
        if not self.ready.done():
            self.ready.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it, since nobody but the end of the run closes a connection."""
        self.counts["lost"] += 1
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionResetError("closed by the server"))

    def _take(self, message: bytes, now: float) -> None:
        if not message.startswith(b'{"stream"'):  # the payload of a ping, which a pong repeats
            self._transport.write(b"\x8a%c\0\0\0\0%b" % (0x80 | len(message), message))
            return
        self.counts["messages"] += 1
        if b'"depthUpdate"' in message:
            self._lateness_ms.append(max(0.0, now - _number(_TIME, message) / 1000) * 1000)
            self.counts["gaps"] += self._seq is not None and _number(_FIRST, message) != self._seq + 1
            self._seq = _number(_LAST, message)


def _number(pattern: re.Pattern[bytes], message: bytes) -> int:
    found = pattern.search(message)
    assert found is not None, message[:200]
    return int(found.group(1))


def _upgrade(port: int, path: str) -> bytes:
    return upgrade(port).replace(b"/socket.io/?EIO=4&transport=websocket", path.encode())


@contextmanager
def plain_following(port: int, count: int) -> Iterator[Following]:
    """A process with so many plain followers; all are subscribed when it is entered."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_follow, args=(port, count, theirs))
    process.start()
    try:
        assert ours.poll(JOIN_S), "the followers could not subscribe in time"
        assert ours.recv() == "ready"
        yield Following(ours)
    finally:
        process.terminate()
        process.join(10)


def _follow(port: int, count: int, pipe: Pipe) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        lateness: list[float] = []
        followers = []
        for _ in range(count):
            _, follower = await loop.create_connection(lambda: PlainFollower(port, lateness), "127.0.0.1", port)
            await follower.ready
            followers.append(follower)
        pipe.send("ready")
        while True:
            await asyncio.sleep(STOP_CHECK_S)
            if not pipe.poll():
                continue
            asked = pipe.recv()
            pipe.send(([follower.counts for follower in followers], lateness))
            if asked == "stop":
                return
            lateness.clear()
            for follower in followers:
                follower.counts = Counter()

    asyncio.run(run())


class SlowReaders:
    """Clients of one kind that subscribe, and read nothing from then on."""

    def __init__(self, port: int, count: int, *, plain: bool) -> None:
        self._socks = [self._connected(port, plain=plain) for _ in range(count)]

    def _connected(self, port: int, *, plain: bool) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.settimeout(JOIN_S)
        sock.connect(("127.0.0.1", port))
        if plain:
            sock.sendall(_upgrade(port, PLAIN_PATH))
            sock.recv(2_048)
            return sock
        sock.sendall(upgrade(port))
        sock.recv(2_048)
        sock.sendall(frame(f"40{NAMESPACE},{{}}".encode()))
        for stream in STREAMS:
            sock.sendall(frame(f'42{NAMESPACE},["subscribe",{stream}]'.encode()))
        return sock

    def connected(self, server: Server) -> int:
        """How many the server has not closed; what the kernels hold of a connection does not count."""
        held = {each.raddr.port for each in server.process.net_connections("tcp") if each.raddr}
        return sum(sock.getsockname()[1] in held for sock in self._socks)

    def close(self) -> None:
        """Close all."""
        for sock in self._socks:
            sock.close()


def _row(name: str, followed: Followed, seconds: float, slow: str) -> str:
    each = [counts["messages"] for counts in followed.counts]
    return (
        f"{name:16}{followed.total('messages') / seconds:14.0f}{followed.late_p50_ms:10.1f}{followed.late_p99_ms:10.1f}"
        f"{min(each, default=0):8}{max(each, default=0):8}{followed.total('gaps'):6}{followed.total('lost'):6}"
        f"{slow:>18}"
    )


def _memory(server: Server) -> float:
    return server.memory()[0].uss


@click.command()
@click.option("--clients", default=500, show_default=True, help="Of each kind.")
@click.option("--slow", default=50, show_default=True, help="Of these, that read nothing.")
@click.option("--rate", default=100.0, show_default=True, help="Orders a second.")
@click.option("--seconds", default=60.0, show_default=True, help="Of the measurement.")
def main(clients: int, slow: int, rate: float, seconds: float) -> None:
    """Measure both kinds of WebSockets side by side."""
    print(describe())
    options = ("--feed-queue-bytes", str(QUEUE_BYTES), "--feed-sessions-per-address", str(2 * clients))
    with ExitStack() as stack:
        server = stack.enter_context(venue(Path(stack.enter_context(tempfile.TemporaryDirectory())), *options))
        open_loop(server.port, orders(), rate, WARM_UP_S)
        empty = _memory(server)
        feed = stack.enter_context(following(server.port, STREAMS, ["{}"] * (clients - slow)))
        plain = stack.enter_context(plain_following(server.port, clients - slow))
        slow_feed = SlowReaders(server.port, slow, plain=False)
        stack.callback(slow_feed.close)
        slow_plain = SlowReaders(server.port, slow, plain=True)
        stack.callback(slow_plain.close)
        connected = _memory(server)
        feed.counts()
        plain.counts()
        before = server.cpu()
        load = open_loop(server.port, orders(), rate, seconds)
        spent = server.cpu().since(before).server
        loaded = _memory(server)
        of_feed, of_plain = feed.end(), plain.end()
        print(
            f"{'':16}{'deliveries/s':>14}{'late p50':>10}{'late p99':>10}{'fewest':>8}{'most':>8}{'gaps':>6}"
            f"{'lost':>6}{'slow, connected':>18}"
        )
        print(_row("Socket.IO", of_feed, seconds, f"{slow_feed.connected(server)}/{slow}"))
        print(_row("plain", of_plain, seconds, f"{slow_plain.connected(server)}/{slow}"))
    print(
        f"orders: {load.rate:.0f}/s of {rate:g}, p50 {load.p50:.1f} ms, p99 {load.p99:.1f} ms; "
        f"server CPU {spent / seconds * 100:.0f} %"
    )
    print(
        f"memory of the server: {empty:.0f} MiB empty, {connected:.0f} with all connected, {loaded:.0f} after the load"
    )


if __name__ == "__main__":
    main()
