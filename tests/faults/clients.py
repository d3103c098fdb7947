"""Clients that hold, drip, flood and never end: 5,000 half-open connections, 100,000 malformed bodies, 1 GB ones.

Each from addresses that are nobody special, against a secured server, while a trader enters orders and reads. The
attackers are those of tests/attacks, where each has a small test of its own; here they are as many as an attacker has.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import psutil

from tests.attacks import attackers
from tests.attacks.frames import CONTINUATION, PING, TEXT, flood_frames, frame
from tests.attacks.raw import ATTACKER, connect, request
from tests.attacks.report import DESCRIPTORS, SECURED
from tests.faults.attacked import Limits, Venue, venue
from tests.faults.report import Report, program
from tests.server import RunningServer

HALF_A_HEAD = b"GET /bbo/BTC-USDT HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
EACH_ADDRESS = 250
IN_FLIGHT = 50
LATE_S = 3.0  # behind the ten seconds that a head may take
JSON = {"Content-Type": "application/json"}
GOOD = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "30000.00"}


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How much of each."""

    half_open: int = 5_000
    loris: int = 400
    malformed: int = 100_000
    seconds: float = 10.0


def half_open(url: str, count: int, seconds: float) -> str:
    """So many connections with half a head each, from as many addresses as that takes."""
    held = []
    for number in range(-(-count // EACH_ADDRESS)):
        source = f"127.0.1.{number + 1}"
        held += attackers.idle(url, min(EACH_ADDRESS, count - number * EACH_ADDRESS), source)
    for connection in held:
        with contextlib.suppress(OSError):
            connection.send(HALF_A_HEAD)
    time.sleep(seconds)
    for connection in held:
        connection.close()
    return f"{len(held):,} held at once"


def dripped(url: str, count: int, seconds: float) -> str:
    """Slow-loris on so many connections: of each head a byte at a time."""
    lived = attackers.drip(url, [HALF_A_HEAD] * count, seconds)
    return f"{len(lived)} of {count} closed meanwhile"


def malformed_bodies(url: str, count: int) -> str:
    """So many bodies that are no order, pipelined; every one is answered, with what is wrong, and none is taken."""
    rng, statuses = random.Random(4), Counter[int]()
    left = count
    while left:
        with connect(url, source=ATTACKER) as connection:
            while left:
                bodies = [malformed(rng) for _ in range(min(IN_FLIGHT, left))]
                connection.send(b"".join(request("POST", "/order", body, headers=JSON) for body in bodies))
                answers = [connection.answer(30) for _ in bodies]
                statuses.update(answer.status for answer in answers)
                left -= len(bodies)
                if any(answer.closes for answer in answers):
                    break
    wrong = {status for status in statuses if not 400 <= status < 500}
    assert not wrong, f"malformed bodies were answered with {wrong}"
    return "answered " + ", ".join(f"{status} x {times:,}" for status, times in sorted(statuses.items()))


def malformed(rng: random.Random) -> bytes:
    """An order's body that is wrong somewhere: cut, changed, of other types, nested, or no JSON at all."""
    kind = rng.randrange(6)
    body = msgspec.json.encode(GOOD)
    if kind == 0:
        return body[: rng.randrange(len(body))]
    if kind == 1:
        field = rng.choice(list(GOOD))
        wrong: Any = rng.choice([None, [], {}, True, -1, "", "NaN", "1e999", "\u202e", "x" * 300])
        return msgspec.json.encode(GOOD | {field: wrong, "order_type": "none" if field != "order_type" else wrong})
    if kind == 2:
        return b"[" * rng.randrange(1, 4_000)
    if kind == 3:
        return rng.randbytes(rng.randrange(1, 400))
    if kind == 4:
        return msgspec.json.encode({key: GOOD[key] for key in list(GOOD)[: rng.randrange(3)]})
    return b'{"symbol":' * rng.randrange(1, 400)


def endless_frames(url: str, seconds: float) -> str:
    """WebSocket messages whose fragments do not end, pings and empty fragments, on eight connections."""
    pieces = [
        frame(TEXT, b"4", fin=False) + frame(CONTINUATION, b"4" * 1000, fin=False) * 60,
        frame(TEXT, b"", fin=False) + frame(CONTINUATION, fin=False) * 8_000,
        frame(PING) * 8_000,
        frame(TEXT, b"4" * 65_000),
    ]
    return f"{flood_frames(url, pieces * 2, seconds) / 1e6:.0f} MB sent"


def judge_connections(report: Report, folder: Path, scale: Scale, *, timed: bool) -> None:
    """Those that hold or fill connections."""
    seconds = scale.seconds
    with venue(report, folder, *SECURED, timed=timed) as attacked:
        url = attacked.url
        # a connection that has not said what it wants costs some kilobytes, and all of them are kept for ten seconds
        kept = Limits(memory_mb=64 + scale.half_open * 0.03)
        attacked.attack(
            f"{scale.half_open:,} half-open connections", lambda: half_open(url, scale.half_open, seconds), kept
        )
        attacked.attack(f"slow-loris, {scale.loris} heads", lambda: dripped(url, scale.loris, seconds + LATE_S))
        attacked.attack("chunks of one byte", lambda: _sent(attackers.one_byte_chunks(url, seconds)))
        attacked.attack("pipelined GETs", lambda: _sent(attackers.pipelined(url, seconds)))
        attacked.attack("pipelined GETs on 50 connections", lambda: attackers.pipelined_on_many(url, seconds))
        attacked.attack("bodies of 1 GB nobody wants", lambda: _sent(attackers.discarded_body(url, seconds)))
        attacked.attack("orders of 1 GB", lambda: _sent(attackers.discarded_body(url, seconds, "/order")))
        attacked.attack("chunked bodies without end", lambda: _sent(attackers.endless_chunks(url, seconds)))
        attacked.attack("websocket fragments without end", lambda: endless_frames(url, seconds))


def judge_malformed(report: Report, folder: Path, count: int, *, timed: bool) -> None:
    """Bodies that are no orders, at a sandbox, which takes orders of anybody and so reads them all."""
    with venue(report, folder, timed=timed) as attacked:
        attacked.attack(f"{count:,} malformed bodies", lambda: malformed_bodies(attacked.url, count))


def judge_descriptors(report: Report, folder: Path, seconds: float, *, timed: bool) -> None:
    """A server that may open few files, and more connections than that."""
    options = (*SECURED, "--max-connections-per-address", "100000")
    with venue(report, folder, *options, timed=timed) as attacked:
        few(attacked.server)
        attacked.attack(
            f"{4 * DESCRIPTORS:,} idle connections, {DESCRIPTORS} descriptors",
            lambda: _idle(attacked, 4 * DESCRIPTORS, seconds),
            Limits(p99_ms=2_000.0),  # a thousand connections at once take a good part of a second to accept and shed
        )


def few(server: RunningServer) -> None:
    """From now on it may have few descriptors."""
    server.process.rlimit(psutil.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def _idle(attacked: Venue, count: int, seconds: float) -> str:
    deadline, opened = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        held = attackers.idle(attacked.url, count, within_s=1.0)
        opened += len(held)
        time.sleep(min(1.0, seconds))
        for connection in held:
            connection.close()
    return f"{opened:,} opened"


def _sent(flood: attackers.Flood) -> str:
    first = flood.received[9:12].decode("latin-1")
    return (
        f"sent {flood.sent / 1e6:,.1f} MB, answered {first}, {flood.closed} of {flood.connections} connections closed"
    )


def full(report: Report) -> None:
    """All of them, one after the other."""
    scale = Scale()
    for judge in (
        lambda folder: judge_connections(report, folder, scale, timed=True),
        lambda folder: judge_malformed(report, folder, scale.malformed, timed=True),
        lambda folder: judge_descriptors(report, folder, scale.seconds, timed=True),
    ):
        with tempfile.TemporaryDirectory() as folder:
            judge(Path(folder))


if __name__ == "__main__":
    program(full)
