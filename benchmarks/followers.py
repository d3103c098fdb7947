"""Clients of the feed in a process of their own: pages that are open, or many that follow one symbol.

They follow over bare WebSockets, count what comes, and check that no delta is missing.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe

from benchmarks.generators import percentile
from benchmarks.orders import SYMBOL
from benchmarks.servers import Server
from benchmarks.websocket import NAMESPACE, frame, packets, upgrade

STREAMS = (
    f'{{"type":"l2_deltas","symbol":"{SYMBOL}"}}',
    f'{{"type":"trades","symbol":"{SYMBOL}","batch":true}}',
    f'{{"type":"bbo","symbol":"{SYMBOL}"}}',
)
PAGE = (
    *STREAMS[:2],
    f'{{"type":"ticker","symbol":"{SYMBOL}"}}',
    f'{{"type":"candles","symbol":"{SYMBOL}","interval":"1s"}}',
    '{"type":"orders","batch":true}',
)
"""What the page subscribes to while its market is young; as a guest of its own, which it becomes on first sight."""
PING_EVERY_S = 2.0  # as the page does
JOIN_S = 60.0
STOP_CHECK_S = 0.02
SETTLE_S = 1.0  # for what was sent to come
EVENT = f"42{NAMESPACE},[".encode()
_TIMESTAMP = re.compile(rb'"timestamp":([0-9.]+)')
_SEQ = re.compile(rb'"seq":(\d+)')
_PREV_SEQ = re.compile(rb'"prev_seq":(\d+)')


class Follower(asyncio.Protocol):
    """A bare WebSocket that counts what it is sent, and how late each delta is."""

    def __init__(self, port: int, streams: tuple[str, ...], credentials: str, lateness_ms: list[float]) -> None:
        self.counts: Counter[str] = Counter()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._port = port
        self._streams = streams
        self._credentials = credentials
        self._lateness_ms = lateness_ms
        self._buffer = bytearray()
        self._seq = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(upgrade(self._port))

    def data_received(self, data: bytes) -> None:
        """Take every packet that is whole."""
        now = time.time()
        self._buffer += data
        for packet in packets(self._buffer):
            self.take(packet, now)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it, since nobody but the end of the run closes a connection."""
        self.counts["lost"] += 1
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionResetError("closed by the server"))

    def take(self, packet: bytes, now: float) -> None:
        """Count one packet; answer those that want it."""
        if packet.startswith(EVENT):
            self._take_event(packet[len(EVENT) + 1 : packet.index(b'"', len(EVENT) + 1)].decode(), packet, now)
        elif packet == b"2":
            self.send("3")
        elif packet.startswith(b"0"):
            self.send(f"40{NAMESPACE},{self._credentials}")
        elif packet.startswith(f"40{NAMESPACE},".encode()):
            for stream in self._streams:
                self.send(f'42{NAMESPACE},["subscribe",{stream}]')

    def _take_event(self, name: str, packet: bytes, now: float) -> None:
        self.counts["messages"] += 1
        self.counts[name] += packet.count(b'"trade_id"') if name == "trades" else 1
        if name == "l2_delta":
            self._lateness_ms.append(max(0.0, now - float(_found(_TIMESTAMP, packet))) * 1000)
            self.counts["gaps"] += _found(_PREV_SEQ, packet) != self._seq
            self._seq = _found(_SEQ, packet)
        elif name == "l2_snapshot":
            self._seq = _found(_SEQ, packet)
        elif name == "subscribed" and self.counts["subscribed"] == len(self._streams):
            self.ready.set_result(None)

    def send(self, packet: str) -> None:
        """Send one packet."""
        self.transport.write(frame(packet.encode()))


def _found(pattern: re.Pattern[bytes], packet: bytes) -> bytes:
    match = pattern.search(packet)
    assert match is not None, packet[:200]
    return match.group(1)


class Followed:
    """What a group of followers got."""

    def __init__(self, counts: list[Counter[str]], lateness_ms: list[float]) -> None:
        ordered = sorted(lateness_ms)
        self.counts = counts
        self.late_p50_ms = percentile(ordered, 50)
        self.late_p99_ms = percentile(ordered, 99)

    def total(self, name: str) -> int:
        """How many of all: an event's name (of `trades` the trades), messages, gaps, or connections lost."""
        return sum(each[name] for each in self.counts)


class Following:
    """Followers while they follow."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def counts(self) -> Followed:
        """What came since the last time that this was asked."""
        self._pipe.send("counts")
        return Followed(*self._pipe.recv())

    def end(self) -> Followed:
        """Let what is on its way come, and stop them."""
        time.sleep(SETTLE_S)
        self._pipe.send("stop")
        return Followed(*self._pipe.recv())


@contextmanager
def following(port: int, streams: tuple[str, ...], credentials: list[str]) -> Iterator[Following]:
    """A process with one follower for each of `credentials`, which are JSON; all are subscribed when it is entered."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_follow, args=(port, streams, credentials, theirs))
    process.start()
    try:
        assert ours.poll(JOIN_S), "the followers could not subscribe in time"
        assert ours.recv() == "ready"
        yield Following(ours)
    finally:
        process.terminate()
        process.join(10)


def guests(server: Server, count: int) -> list[str]:
    """Credentials of as many new guests, who have money and no orders."""
    return [f'{{"token":"{server.ask("POST", "/auth/guest")["token"]}"}}' for _ in range(count)]


def _follow(port: int, streams: tuple[str, ...], credentials: list[str], pipe: Pipe) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        lateness: list[float] = []
        followers = []
        for shown in credentials:
            _, follower = await loop.create_connection(
                lambda shown=shown: Follower(port, streams, shown, lateness),  # type: ignore[misc]
                "127.0.0.1",
                port,
            )
            await follower.ready
            followers.append(follower)
        pipe.send("ready")
        ping_at = loop.time()
        while True:
            await asyncio.sleep(STOP_CHECK_S)
            if streams == PAGE and loop.time() >= ping_at:
                ping_at += PING_EVERY_S
                for follower in followers:
                    follower.send(f'42{NAMESPACE},["ping"]')
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
