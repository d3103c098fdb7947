"""Watch a running server, or find what it can do: `python tests/monitoring_suite.py --test ...`.

monitor        once a second: health, orders a second and their latency, round trip, age of the feed, CPU, memory
profile        latency of each endpoint and order type, one request at a time
comprehensive  every rule's answer, then load at rising rates until the knee
Wrong answers end it with status 1. Layer: tests. A program, not collected by pytest.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

HOME = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOME), str(HOME / "client" / "src")]  # the venue's packages, and openbell_client

from prerequisites import require

require()  # before the first import that a bare Python cannot do

import psutil

from openbell_client import AsyncClient, AsyncFeed, OpenbellError, OrderRequest, Refused
from tools.checks import check_book, check_entered
from tools.credentials import CredentialsError, add_credentials, credentials_of
from tools.flow import HOME_PRICES, positive
from tools.load import LoadRun, Market, OrderMix, markets_of
from tools.measure import Latency, Measurements, show
from tools.openloop import SLACK_PERCENT, SLACK_S, Phase
from tools.probes import Prober, quiet_symbol, run_probes
from tools.spawn import SpawnError, spawned
from tools.venue import last_price, refusable, sweep

FIRST_RATE: Final = 100.0
LAST_RATE: Final = 12_800.0
KNEE_P99_MS: Final = 100.0  # above this a rate is more than the server takes
PROFILE_PREFIX: Final = "load-profile-"  # swept with every other load order


class FeedWatch:
    """How old the last message of the feed is."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._following: list[asyncio.Task[None]] = []
        self.messages = 0

    async def follow(self, feed: AsyncFeed, symbols: list[str]) -> None:
        """Watch depth and trades of all symbols, as long as the feed is open."""
        for symbol in symbols:
            self._following.append(asyncio.create_task(self.watch(await feed.depth(symbol))))
        self._following.append(asyncio.create_task(self.watch(await feed.trades())))

    async def watch(self, messages: AsyncIterator[Any]) -> None:
        """Note each message that comes."""
        async for _ in messages:
            self._last_s = time.monotonic()
            self.messages += 1

    def age(self) -> str:
        """For people."""
        return "silent" if self._last_s is None else f"{time.monotonic() - self._last_s:.2f} s"


def server_process(url: str) -> psutil.Process | None:
    """The process that listens on the server's port, when it is on this machine and may be looked at."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        return None
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and connection.pid and address and address.port == parts.port:
                return psutil.Process(connection.pid)
    except psutil.Error:
        return None
    return None


async def monitor(client: AsyncClient, options: argparse.Namespace) -> list[str]:
    """One line a second until the duration is over."""
    watch, round_trips = FeedWatch(), Latency()
    process = server_process(client.url)
    wrong: list[str] = []
    async with client.feed() as feed:
        await watch.follow(feed, (await client.symbols()).symbols)
        before, before_s = await client.health(), time.monotonic()
        orders_before, counted_s = (await client.statistics()).orders_processed, time.monotonic()
        print(
            "   health  commands/s  orders/s  order p99  round trip  "
            "feed age  messages/s    CPU      RSS  clients  flows"
        )
        end = time.monotonic() + options.duration
        while time.monotonic() < end:
            heard = watch.messages
            if process is not None:
                process.cpu_percent()
            begin = time.monotonic()
            await asyncio.sleep(min(1.0, max(0.0, end - begin)))
            started_ns = time.perf_counter_ns()
            health = await client.health()
            elapsed_ns, now_s = time.perf_counter_ns() - started_ns, time.monotonic()
            statistics, now_counted_s = await client.statistics(), time.monotonic()
            seconds = now_s - begin
            round_trips.record(elapsed_ns)
            cpu, rss = ("-", "-") if process is None else _load_of(process)
            print(
                f"{health.status:>9}  {(health.seq - before.seq) / (now_s - before_s):>10.0f}  "
                f"{(statistics.orders_processed - orders_before) / (now_counted_s - counted_s):>8.0f}  "
                f"{statistics.latency_ms['p99']:>6.2f} ms  {elapsed_ns / 1e6:>7.2f} ms  "
                f"{watch.age():>8}  {(watch.messages - heard) / seconds:>10.0f}  {cpu:>5}  {rss:>7}  "
                f"{health.connections:>7}  {','.join(health.flows) or '-'}",
                flush=True,
            )
            if health.seq < before.seq:
                wrong.append(f"seq went back from {before.seq} to {health.seq}")
            before, before_s = health, now_s
            orders_before, counted_s = statistics.orders_processed, now_counted_s
    row = round_trips.row()
    print(f"round trip of /health: p50 {row.p50_ms} p99 {row.p99_ms} max {row.max_ms} ms")
    return wrong


def _load_of(process: psutil.Process) -> tuple[str, str]:
    try:
        return f"{process.cpu_percent():.0f}%", f"{process.memory_info().rss / 2**20:.0f} MB"
    except psutil.Error:
        return "gone", "gone"


async def profile(client: AsyncClient, options: argparse.Namespace) -> list[str]:
    """Each kind of request `iterations` times, one after the other."""
    markets = await markets_of(client, [])
    measured = Measurements()
    wrong: list[str] = []
    mix = OrderMix(markets, options.seed, f"profile-{time.time_ns() // 1_000_000:x}")
    symbol = markets[0].symbol
    number = 0
    last_order_id = ""

    async def enter(order_type: str) -> None:
        nonlocal number, last_order_id
        number += 1
        order, market = mix.order(number, order_type)
        last_order_id = await _entered(client, order, market, measured, wrong) or last_order_id

    async def look_up() -> None:
        found = await refusable(client.get_order(last_order_id))
        if isinstance(found, Refused):
            wrong.append(f"GET /order/{last_order_id}: {found.status} {found.error_code}")

    async def book() -> None:
        shown = await client.book(symbol, 50)
        wrong.extend(check_book(shown, markets[0].info))

    kinds: list[tuple[str, Callable[[], Awaitable[Any]]]] = [
        *((f"POST /order {kind}", lambda kind=kind: enter(kind)) for kind in ("limit", "market", "ioc", "fok")),
        ("GET /order/{id}", look_up),
        ("GET /book?levels=50", book),
        ("GET /bbo", lambda: client.bbo(symbol)),
        ("GET /trades", lambda: last_price(client, symbol)),
        ("GET /symbols", client.symbols),
        ("GET /health", client.health),
    ]
    for kind, ask in kinds:
        for _ in range(options.iterations):
            started_ns = time.perf_counter_ns()
            await ask()
            measured.took(kind, time.perf_counter_ns() - started_ns)
            measured.counts["requests"] += 1
    measured.stop()
    for market in markets:
        await sweep(client, market.symbol, PROFILE_PREFIX)
    show(measured.summary("profile, one request at a time"), options.format)
    return wrong


async def _entered(
    client: AsyncClient, order: OrderRequest, market: Market, measured: Measurements, wrong: list[str]
) -> str | None:
    """Enter and check one order; its id, or None when it was refused."""
    answer = await refusable(client.enter(order))
    if isinstance(answer, Refused):
        measured.rejects[answer.error_code] += 1
        if answer.status >= 500:
            wrong.append(f"{answer.status} {answer.error_code}: {answer.message}")
        return None
    wrong.extend(check_entered(order, answer, market.info))
    return answer.order_id


async def comprehensive(client: AsyncClient, options: argparse.Namespace) -> list[str]:
    """The rules, then the knee."""
    wrong: list[str] = []
    quiet = await quiet_symbol(client, HOME_PRICES)
    if quiet is None:
        print("The rules were NOT probed: every symbol has open orders of others. Use --spawn, or a quiet server.")
    else:
        symbol, info, price = quiet
        print(f"Rules, probed in {symbol}:")
        for name, problems in (await run_probes(Prober(client, symbol, info, price))).items():
            print(f"  {'WRONG' if problems else 'right'}  {name}")
            wrong += [f"{name}: {problem}" for problem in problems]
    return wrong + await find_knee(client, options)


async def find_knee(client: AsyncClient, options: argparse.Namespace) -> list[str]:
    """Double the rate until it is not kept, or p99, the generator's own delay included, above the limit; say where."""
    markets = await markets_of(client, [])
    rate, taken = FIRST_RATE, 0.0
    print(
        f"Load at rising rates, {options.duration:g} s each, until one is not kept or p99 is above {KNEE_P99_MS:g} ms:"
    )
    while rate <= LAST_RATE:
        report = await LoadRun(client, markets, options.seed).run([Phase("load", rate, options.duration)])
        row, kept = report.phases["load"].summary("load").latency["all"], report.kept[0]
        print(
            f"  {rate:>6.0f}/s  answered {kept.answered_rate:.1f}/s  p50 {row.p50_ms:.2f}  p90 {row.p90_ms:.2f}  "
            f"p99 {row.p99_ms:.2f}  p99.9 {row.p999_ms:.2f}  max {row.max_ms:.2f} ms, wrong {report.problem_count}",
            flush=True,
        )
        if report.problem_count:
            return report.problems
        if row.p99_ms > KNEE_P99_MS or not kept.kept_rate:
            late_ms = kept.late_p99_ms
            if not kept.kept_rate:
                print(f"  {kept.verdict()}")
            if late_ms > KNEE_P99_MS / 2:
                print(
                    f"  the generator itself was late by p99 {late_ms:.1f} ms: the server may take more than this shows"
                )
            break
        taken, rate = rate, 2 * rate
    if taken:
        print(f"Knee: {taken:.0f} requests a second are answered with p99 within {KNEE_P99_MS:g} ms.")
    else:
        print(f"Knee: below {FIRST_RATE:.0f} requests a second.")
    return []


async def run(options: argparse.Namespace) -> int:
    """Run one test; 0 when every answer was right, 1 when one was not, 2 when it could not run."""
    tests = {"monitor": monitor, "profile": profile, "comprehensive": comprehensive}
    try:
        async with AsyncExitStack() as stack:
            url = options.url
            if options.spawn:
                url = (await stack.enter_async_context(spawned())).url
            credentials = None if options.spawn else credentials_of(options, url)
            client = await stack.enter_async_context(
                AsyncClient(url, credentials, connections=64, timeout_s=30, retry_for_s=0)
            )
            wrong = await tests[options.test](client, options)
    except (OpenbellError, SpawnError, CredentialsError, ValueError) as error:
        print(f"The test could not go on: {error}", file=sys.stderr)
        return 2
    for problem in wrong:
        print(f"WRONG: {problem}")
    print(f"{len(wrong)} answers were wrong." if wrong else "Every answer was right.")
    return 1 if wrong else 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(
        description="Watch a running server, profile it, or check its rules and find its knee: the rate that is kept "
        f"(its last answer no later than {SLACK_PERCENT} percent and {SLACK_S:g} s after the planned time) with p99 "
        f"within {KNEE_P99_MS:g} ms. Rates are answers over the time until the last one. "
        "Exit status 1 when an answer is wrong, 2 when the test could not run."
    )
    options.add_argument("--test", choices=("monitor", "profile", "comprehensive"), default="monitor")
    options.add_argument("--url", default="http://127.0.0.1:5000", help="the server (default: %(default)s)")
    options.add_argument("--spawn", action="store_true", help="start a server for this test instead, on a free port")
    options.add_argument(
        "--duration", type=positive, default=10.0, help="seconds to monitor, or of each rate (default: %(default)g)"
    )
    options.add_argument("--iterations", type=int, default=200, help="requests of each kind to profile (default: 200)")
    options.add_argument("--seed", type=int, default=1, help="same seed, same orders (default: %(default)s)")
    options.add_argument("--format", choices=("table", "plain", "json"), default="table", help="of the profile")
    add_credentials(options)
    return options


def main() -> int:
    """Run the command line; the exit status."""
    return asyncio.run(run(parser().parse_args()))


if __name__ == "__main__":
    sys.exit(main())
