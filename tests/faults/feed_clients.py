"""A thousand feed clients of which half stop reading, and a flood of subscriptions, while orders come.

Who reads misses nothing and waits little; what waits for who does not is bounded by `--feed-queue-bytes` and by what
the kernel takes, and those clients are gone when their pings are not answered.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.followers import STREAMS, Followed, following
from benchmarks.orders import SYMBOL
from benchmarks.soak import sending
from tests.attacks.frames import flood_frames, text, upgraded
from tests.attacks.raw import Connection
from tests.faults.attacked import Limits, Venue, venue
from tests.faults.report import Report, program
from tests.server import eventually

CLIENTS = 1_000
RATE = 200.0  # orders a second
SECONDS = 30.0
PING_S = 5
SLOW_BUFFER = 4096
CLIENT_MAX_MB = 0.3  # of one that does not read, its queue in it
GONE_S = 60.0
DELAY_P99_MAX_MS = 3_000.0
PING = ("--feed-ping-interval-s", str(PING_S), "--feed-ping-timeout-s", str(PING_S))
FLOODS = [
    'subscribe",{"type":"l2_deltas","symbol":"BTC-USDT"}',
    'subscribe",{"type":"candles","symbol":"ETH-USDT","interval":"1s"}',
    'unsubscribe",{"type":"l2_deltas","symbol":"BTC-USDT"}',
    'subscribe",{"type":"l3","symbol":"BTC-USDT","levels":1000}',
    'subscribe",{"type":"l2_deltas","symbol":"NONE-%d"}',
    'subscribe",{"type":"none-%d"}',
]


@contextmanager
def silent(url: str, count: int) -> Iterator[list[Connection]]:
    """So many clients who subscribe to everything and never read again."""
    with ExitStack() as stack:
        held = []
        for _ in range(count):
            connection = stack.enter_context(upgraded(url, source=None, receive_buffer=SLOW_BUFFER))
            connection.send(text("40/market,"))
            for stream in STREAMS:
                connection.send(text(f'42/market,["subscribe",{stream}]'))
            held.append(connection)
        yield held


def half_silent(attacked: Venue, clients: int, rate: float, seconds: float) -> str:
    """Half of the clients read and check every delta; what they saw."""
    port = attacked.server.port
    with following(port, STREAMS, ["{}"] * (clients // 2)) as readers, silent(attacked.url, clients - clients // 2):
        with sending(port, rate, seconds, seconds / 2) as pipe:
            readers.counts()
            while not isinstance(pipe.recv(), bool):
                pass
        seen, left = readers.end(), attacked.server.http.get("/health")["connections"]
    _check(seen)
    deltas = seen.total("l2_delta")
    return f"{deltas:,} deltas without a gap, p99 {seen.late_p99_ms:.0f} ms after their order, {left} sessions left"


def _check(seen: Followed) -> None:
    missed = {what: seen.total(what) for what in ("gaps", "resync", "lost")}
    assert not any(missed.values()), f"those who read missed something: {missed}"
    assert seen.total("l2_delta"), "nothing came"


def subscriptions(url: str, seconds: float, connections: int) -> str:
    """Subscribe, unsubscribe and ask for what there is not, as fast as each connection takes it."""
    pieces = []
    for number in range(connections):
        asked = [(FLOODS[(number + turn) % len(FLOODS)], turn) for turn in range(120)]
        filled = [flood % turn if "%d" in flood else flood for flood, turn in asked]
        pieces.append(b"".join(text(f'42/market,["{flood}]') for flood in filled))
    return f"{flood_frames(url, pieces, seconds, joined=True) / 1e6:.1f} MB of subscriptions"


def judge_silent(report: Report, folder: Path, clients: int, seconds: float, *, timed: bool) -> None:
    """Memory is bounded, readers miss nothing, and who does not answer a ping is gone."""
    with venue(report, folder, *PING, timed=timed) as attacked:
        bounds = Limits(memory_mb=64 + clients * CLIENT_MAX_MB, p99_ms=DELAY_P99_MAX_MS)
        attacked.attack(
            f"{clients:,} feed clients, half do not read, {RATE:.0f} orders a second",
            lambda: half_silent(attacked, clients, RATE, seconds),
            bounds,
        )
        eventually(lambda: attacked.server.http.get("/health")["connections"] == 0, GONE_S)


def judge_subscriptions(report: Report, folder: Path, seconds: float, *, timed: bool) -> None:
    """As many subscriptions as a client may have, and answers for all others."""
    with venue(report, folder, timed=timed) as attacked:
        attacked.attack(
            "a flood of subscriptions, 30 connections",
            lambda: subscriptions(attacked.url, seconds, 30),
            Limits(memory_mb=150, p99_ms=DELAY_P99_MAX_MS),
        )
        report.judge(SYMBOL in attacked.server.http.get("/symbols")["symbol_info"], "the venue serves on")


def full(report: Report) -> None:
    """Both."""
    with tempfile.TemporaryDirectory() as folder:
        judge_silent(report, Path(folder), CLIENTS, SECONDS, timed=True)
    with tempfile.TemporaryDirectory() as folder:
        judge_subscriptions(report, Path(folder), SECONDS / 3, timed=True)


if __name__ == "__main__":
    program(full)
