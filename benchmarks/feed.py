"""Deliveries of the feed a second and how late they are, and what the feed costs the orders.

`python -m benchmarks.feed`: starts the real server on a temporary data folder; orders come
at a fixed rate from one process while, in another, first nobody, then one page, then many
clients follow the book, the trades and the best prices of one symbol over bare WebSockets.
Then, without a network: one message for all clients, encoded once against emitted one by
one. Clients, orders and server share the machine's cores.
"""

from __future__ import annotations

import asyncio
import base64
import multiprocessing
import os
import struct
import sys
import tempfile
import time
import warnings
from multiprocessing.connection import Connection as Pipe

import click
import psutil
from hdrh.histogram import HdrHistogram

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import socketio  # noqa: E402 - after the filter of its notice
from engineio.socket import Socket  # noqa: E402

from api.feed.clients import NAMESPACE, Client, FeedPacket, Subscribers  # noqa: E402
from api.feed.outbox import Outbox  # noqa: E402
from api.feed.requests import Stream, Subscription  # noqa: E402
from api.market.book_views import DeltaView  # noqa: E402
from benchmarks.machine import describe  # noqa: E402
from benchmarks.rest import measure, start  # noqa: E402

SYMBOL = "BTC-USDT"
STREAMS = (
    '{"type":"l2_deltas","symbol":"BTC-USDT"}',
    '{"type":"trades","symbol":"BTC-USDT","batch":true}',
    '{"type":"bbo","symbol":"BTC-USDT"}',
)
PAGE = (STREAMS[0], STREAMS[1], '{"type":"ticker","symbol":"BTC-USDT"}', '{"type":"orders","batch":true}')
DELTA = b'42/market,["l2_delta",{"timestamp":'
TRADES = b'42/market,["trades",'
BBO = b'42/market,["bbo",'
SETTLE_S = 1.0
ROUNDS = 300


class FeedClient(asyncio.Protocol):
    """A bare WebSocket that counts what it is sent, and how late each delta is."""

    def __init__(self, port: int, streams: tuple[str, ...], lateness_us: HdrHistogram) -> None:
        self.port = port
        self.streams = streams
        self.lateness_us = lateness_us
        self.buffer = bytearray()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.counts = {"deltas": 0, "trades": 0, "bbo": 0, "gaps": 0, "messages": 0}
        self.subscribed = 0
        self.seq = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        buffer, now = self.buffer, time.time()
        buffer += data
        if buffer.startswith(b"HTTP"):
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            del buffer[: end + 4]
        at = 0
        while len(buffer) - at >= 2:
            length, body = buffer[at + 1], at + 2
            if length == 126:
                length, body = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, body = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if len(buffer) < body + length:
                break
            self.take(bytes(buffer[body : body + length]), now)
            at = body + length
        del buffer[:at]

    def take(self, text: bytes, now: float) -> None:
        self.counts["messages"] += 1
        if text.startswith(DELTA):
            self.counts["deltas"] += 1
            sent = float(text[len(DELTA) : text.index(b",", len(DELTA))])
            self.lateness_us.record_value(max(1, int((now - sent) * 1e6)))
            self.chain(text)
        elif text.startswith(TRADES):
            self.counts["trades"] += text.count(b'"trade_id"')
        elif text.startswith(BBO):
            self.counts["bbo"] += 1
        elif text == b"2":
            self.write("3")
        elif text.startswith(b"0"):
            self.write("40/market,")
        elif text.startswith(b"40/market,"):
            for stream in self.streams:
                self.write(f'42/market,["subscribe",{stream}]')
        elif text.startswith(b'42/market,["l2_snapshot"'):
            self.seq = text[text.index(b'"seq":') + 6 :].split(b",", 1)[0]
        elif text.startswith(b'42/market,["subscribed"'):
            self.subscribed += 1
            if self.subscribed == len(self.streams):
                self.ready.set_result(None)

    def chain(self, text: bytes) -> None:
        at = text.index(b'"prev_seq":') + 11
        previous, rest = text[at:].split(b",", 1)
        self.counts["gaps"] += previous != self.seq
        self.seq = rest[len(b'"seq":') :].split(b",", 1)[0]

    def write(self, text: str) -> None:
        payload = text.encode()
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
        self.transport.write(b"\x81" + length + b"\0\0\0\0" + payload)


def follow(port: int, count: int, streams: tuple[str, ...], pipe: Pipe) -> None:
    """A process of clients: says when all are subscribed, counts until it is to stop, hands back the counts."""

    async def run() -> None:
        loop, lateness = asyncio.get_running_loop(), HdrHistogram(1, 60_000_000, 3)
        clients = []
        for _ in range(count):
            _, client = await loop.create_connection(lambda: FeedClient(port, streams, lateness), "127.0.0.1", port)
            await client.ready
            clients.append(client)
        pipe.send("ready")
        while not pipe.poll():
            await asyncio.sleep(0.02)
        late = {p: lateness.get_value_at_percentile(p) / 1000 if lateness.get_total_count() else 0 for p in (50, 99)}
        pipe.send(([client.counts for client in clients], late))

    asyncio.run(run())


def one_run(count: int, streams: tuple[str, ...], seconds: float, rate: float) -> dict[str, float]:
    """Orders at `rate` a second for `seconds` while `count` clients follow; on a server of its own."""
    with tempfile.TemporaryDirectory() as data:
        process, port = start([sys.executable, "api/app.py", "--port", "0", "--data", data])
        ours, theirs = multiprocessing.Pipe()
        clients = multiprocessing.get_context("spawn").Process(target=follow, args=(port, count, streams, theirs))
        try:
            server = psutil.Process(process.pid)
            measure(server, "open_loop", port, 50, 1.0, rate)  # warm up
            clients.start()
            ours.recv()
            row = measure(server, "open_loop", port, 50, seconds, rate)
            time.sleep(SETTLE_S)
            ours.send("stop")
            counts, late = ours.recv()
        finally:
            if clients.pid:
                clients.join(10)
                clients.kill()
            process.terminate()
            process.wait(30)
    row["cpu_percent"] = row["cpu_us"] * row["count"] / 1e6 / row["seconds"] * 100
    names = ("deltas", "trades", "bbo")
    row["deliveries"] = sum(each["messages"] for each in counts) / row["seconds"]
    expected = sum(max(each[name] for each in counts) for name in names) * count if counts else 0
    delivered = sum(each[name] for each in counts for name in names)
    row["delivered"] = delivered / expected * 100 if expected else 100.0
    row["gaps"] = sum(each["gaps"] for each in counts)
    row["late50"], row["late99"] = late[50], late[99]
    return row


def fan_out(count: int) -> tuple[float, float]:
    """Milliseconds to queue one delta for `count` clients: encoded once, and emitted to each."""
    server = socketio.Server(async_mode="eventlet", serializer=FeedPacket, json=FeedPacket.json)
    subscribers, sids = Subscribers(512, 4_194_304), []
    wanted = Subscription(type=Stream.L2_DELTAS, symbol=SYMBOL)
    for number in range(count):
        connection = server.eio.sockets[f"connection-{number}"] = Socket(server.eio, f"connection-{number}")
        connection.queue = Outbox()
        sid = server.manager.connect(connection.sid, NAMESPACE)
        client = Client(sid, connection, None)
        subscribers.add(client)
        subscribers.join(client, "room", wanted)
        sids.append(sid)
    levels = [(f"{30000 + step}.00", "0.50000000", 3) for step in range(10)]
    delta = DeltaView(time.time(), SYMBOL, 1, 2, levels, levels, 0)

    def emptied() -> None:
        for connection in server.eio.sockets.values():
            connection.queue.clear()

    once = each = 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subscribers.publish("room", "l2_delta", [delta], whole=True)
        once += time.perf_counter() - started
        emptied()
        started = time.perf_counter()
        for sid in sids:
            server.emit("l2_delta", delta, to=sid, namespace=NAMESPACE)
        each += time.perf_counter() - started
        emptied()
    return once / ROUNDS * 1e3, each / ROUNDS * 1e3


@click.command()
@click.option("--seconds", default=5.0, show_default=True, help="Of each measurement.")
@click.option("--clients", default=200, show_default=True, help="That follow the symbol at once.")
@click.option("--rate", default=300.0, show_default=True, help="Orders a second.")
def main(seconds: float, clients: int, rate: float) -> None:
    """Measure the feed: deliveries, lateness, and what it costs the orders."""
    print(describe())
    rows = {
        "nobody follows": one_run(0, (), seconds, rate),
        "one page": one_run(1, PAGE, seconds, rate),
        f"{clients} clients": one_run(clients, STREAMS, seconds, rate),
    }
    lost = [name for name, row in rows.items() if row["not_kept"]]
    for name in lost:
        print(f"RATE NOT KEPT: {name}: the figures are of the orders/s below, not of {rate:g}")
    columns = {
        "deliveries": ("deliveries/s", 0),
        "delivered": ("% of expected", 2),
        "gaps": ("gaps", 0),
        "late50": ("late p50 ms", 1),
        "late99": ("late p99 ms", 1),
        "cpu_percent": ("server CPU %", 0),
        "rate": ("orders/s", 0),
        "p50": ("order p50 ms", 2),
        "p99": ("order p99 ms", 2),
        "cpu_us": ("CPU us/order", 0),
    }
    print(f"{'':16}" + "".join(f"{title:>14}" for title, _ in columns.values()))
    for name, row in rows.items():
        print(f"{name:16}" + "".join(f"{row[key]:14.{digits}f}" for key, (_, digits) in columns.items()))
    once, each = fan_out(clients)
    print(f"\none delta queued for {clients} clients: encoded once {once:.2f} ms, emitted to each {each:.2f} ms")
    print(f"emitted to each / encoded once: {each / once:.1f}")
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
