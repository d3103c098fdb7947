"""Somebody who asks for something ordinary while a server is attacked, and how long that took.

A process of its own on one connection that is kept alive, at a steady rate: a request is counted from when it was due,
so that one long wait shows in every request that it made late. That process is `python -m tests.attacks.bystander JSON`
"""

from __future__ import annotations

import itertools
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec.structs import replace

from tests.attacks.machine import Share, server_of, worked_and_waited_ns
from tests.attacks.raw import Connection, connect, request
from tests.server import ROOT

PATIENCE_S = 10.0  # for one answer; a failure then, and a new connection
START_S = 30.0
TIMES = 3.0  # as long as on a quiet server others may wait
P50_FLOOR_MS, P99_FLOOR_MS = 25.0, 150.0  # below that the figures are those of the machine
ORDER = {
    "symbol": "BTC-USDT",
    "side": "buy",
    "order_type": "limit",
    "time_in_force": "ioc",
    "quantity": "0.1",
    "price": "1",
}  # ends at once: the book stays as it is


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one bystander asks for, and how often."""

    url: str
    rate_per_s: float = 100.0
    symbol: str = "BTC-USDT"
    order: bool = False  # every other request is a POST /order
    headers: dict[str, str] = {}
    source: str | None = None  # the address to come from


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a bystander saw: milliseconds from when a request was due to its whole answer, or to its failure."""

    count: int
    failures: int  # refused, reset, later than `PATIENCE_S`, or another status than 200
    p50_ms: float
    p99_ms: float
    max_ms: float
    first_failure: str = ""
    own_ms: float = 0.0  # of each, on average: that this process itself waited for a processor
    slowness: float = 1.0  # how many times as long as by itself the machine made the server take meanwhile

    def no_worse_than(self, before: Figures) -> bool:
        """Whether the median and the slowest hundredth are at most what `allowed_ms` says."""
        p50_max = self.allowed_ms(before.p50_ms, before, P50_FLOOR_MS)
        return self.p50_ms <= p50_max and self.p99_ms <= self.allowed_ms(before.p99_ms, before, P99_FLOOR_MS)

    def allowed_ms(self, waited_ms: float, before: Figures, floor_ms: float) -> float:
        """How long others may wait: `TIMES` the `waited_ms` of `before`, or the floor where that is more.

        The floor is that of a quiet machine, and as many times as high on a slow one. What was measured before has in
        it what the machine did then: only what it is slower now comes on top.
        """
        slower = max(1.0, self.slowness / before.slowness)
        return max(TIMES * waited_ms * slower, floor_ms * self.slowness) + self.own_ms

    def __str__(self) -> str:
        text = f"p50 {self.p50_ms:.1f} p99 {self.p99_ms:.1f} max {self.max_ms:.1f} ms of {self.count}"
        text += f", the machine: {self.slowness:.1f} times" if self.slowness > 1 else ""
        return text + (f", {self.failures} failed ({self.first_failure})" if self.failures else "")


class Bystander:
    """A context manager: asks meanwhile. `figures` is there afterwards."""

    figures: Figures

    def __init__(
        self,
        url: str,
        *,
        rate_per_s: float = 100.0,
        symbol: str = "BTC-USDT",
        order: bool = False,
        headers: dict[str, str] | None = None,
        source: str | None = None,
    ) -> None:
        self._plan = Plan(
            url=url, rate_per_s=rate_per_s, symbol=symbol, order=order, headers=headers or {}, source=source
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.bystander", msgspec.json.encode(self._plan).decode()],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)  # type: ignore[type-var]
        if not ready:
            self._process.kill()
            raise AssertionError("the bystander got no first answer")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None:
            return
        try:
            output, _ = process.communicate(timeout=PATIENCE_S * 2)  # closes its input, which ends it
        finally:
            process.kill()
        self.figures = msgspec.json.decode(output.splitlines()[-1], type=Figures)


def quiet(url: str, seconds: float = 1.0, **plan: Any) -> Figures:
    """What a bystander sees while nobody attacks."""
    return watched(url, lambda: time.sleep(seconds), **plan)


def watched(url: str, attack: Callable[[], object], **plan: Any) -> Figures:
    """What a bystander sees while `attack` runs, and what the machine does to the server meanwhile."""
    server = server_of(url)
    with Bystander(url, **plan) as bystander, Share(server) as share:
        attack()
    return replace(bystander.figures, slowness=share.slowness)


def assert_fair(url: str, attack: Callable[[], object], before: Figures, tries: int = 3) -> Figures:
    """Others wait at most `TIMES` as long as they did `before`, and all of them are answered.

    The best of `tries` counts, and the quiet figures are taken again for each further one: the machine has other things
    to do as well. What it makes the server wait for a processor is not counted. Returns what the bystander saw.
    """
    for left in reversed(range(tries)):
        during = watched(url, attack)
        if during.failures == 0 and during.no_worse_than(before):
            return during
        if left == 0:
            raise AssertionError(f"quiet: {before}; attacked: {during}")
        before = quiet(url)
    raise AssertionError("at least one try")


def _requests(plan: Plan) -> list[bytes]:
    bbo = request("GET", f"/bbo/{plan.symbol}", headers=plan.headers)
    if not plan.order:
        return [bbo]
    body = msgspec.json.encode(ORDER | {"symbol": plan.symbol})
    return [bbo, request("POST", "/order", body, headers={"Content-Type": "application/json"} | plan.headers)]


def _ask(plan: Plan) -> Figures:
    """Ask until standard input is closed."""
    ended = select.poll()
    ended.register(sys.stdin, select.POLLIN | select.POLLHUP)
    waits: list[float] = []
    own_ns = 0
    failures, first_failure = 0, ""
    connection: Connection | None = None
    contents = itertools.cycle(_requests(plan))
    started = time.monotonic()
    for number in itertools.count():
        due = started + number / plan.rate_per_s
        remaining = due - time.monotonic()
        if ended.poll(max(0.0, remaining) * 1000):
            break
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            if connection is None:
                connection = connect(plan.url, source=plan.source, timeout_s=PATIENCE_S)
            connection.send(next(contents))
            answer = connection.answer(PATIENCE_S)
            if answer.status != 200:
                raise ConnectionError(f"{answer.status} {answer.body[:80]!r}")
            if answer.closes:
                connection.close()
                connection = None
        except (OSError, EOFError) as problem:
            failures += 1
            first_failure = first_failure or f"{type(problem).__name__}: {problem}"
            if connection is not None:
                connection.close()
                connection = None
        waits.append((time.monotonic() - due) * 1000)
        if number == 0:
            print("ready", flush=True)
            started = time.monotonic() - 1 / plan.rate_per_s  # the schedule begins with the first answer
            waits.clear()
            own_ns = worked_and_waited_ns(os.getpid())[1]
    own_ns = worked_and_waited_ns(os.getpid())[1] - own_ns
    waits.sort()
    if not waits:
        waits = [0.0]
    return Figures(
        count=len(waits),
        failures=failures,
        p50_ms=waits[len(waits) // 2],
        p99_ms=waits[min(len(waits) - 1, int(len(waits) * 0.99))],
        max_ms=waits[-1],
        first_failure=first_failure,
        own_ms=own_ns / len(waits) / 1e6,
    )


if __name__ == "__main__":
    socket.setdefaulttimeout(PATIENCE_S)
    print(msgspec.json.encode(_ask(msgspec.json.decode(sys.argv[1], type=Plan))).decode(), flush=True)
