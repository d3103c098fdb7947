"""How the trading page keeps up: frames a second, its share of the main thread, its heap.

`python -m benchmarks.page`: starts the real server on a temporary data folder and opens its
page in headless Chromium; a process of its own enters, cancels and trades at a fixed rate
through POST /orders/batch, so that so many levels change and so many trades happen each
second. After ten seconds the heap is collected and measured, then the frames are counted.
Server, generator and browser share the machine's cores; Chromium draws without a GPU.
`main %` is the wall time of the main thread's tasks, waiting for a core included;
`main cpu %` is what they computed.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import deque
from multiprocessing.synchronize import Event
from typing import Any

import click
from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.machine import describe
from benchmarks.rest import start
from tests.browser.server import CHROMIUM_FLAGS, chromium

SYMBOL = "BTC-USDT"
SIZE = (1440, 900)
BATCHES_A_SECOND = 20
WARM_UP_S = 10.0
LEVELS = 40
"""Prices of each side that orders are entered at."""
OPEN_MAX = 600
FRAMES = """() => {
  const counted = { intervals: [], long: [], last: performance.now() };
  window.counted = counted;
  const frame = (now) => {
    counted.intervals.push(now - counted.last);
    counted.last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => counted.long.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: "longtask" });
}"""
RESTART = "() => { counted.intervals.length = 0; counted.long.length = 0; counted.last = performance.now(); }"
COUNTED = "() => ({ intervals: counted.intervals, long: counted.long })"
SEQUENCE = "() => Number(document.querySelector('[data-status=\"seq\"]').textContent.replace(/\\D/g, ''))"


class Flow:
    """Elements of batches: as many changes of the book as trades, the book about as deep as before."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._open: deque[str] = deque()
        self._entered = 0

    def change(self) -> dict[str, Any]:
        """An order that rests, or the end of an earlier one."""
        if self._open and (len(self._open) > OPEN_MAX or self._rng.random() < 0.4):
            return {"op": "cancel", "symbol": SYMBOL, "client_order_id": self._open.popleft()}
        self._entered += 1
        name, side = f"flow-{self._entered}", self._rng.choice(("buy", "sell"))
        self._open.append(name)
        away = 25 + 50 * int(LEVELS * self._rng.random() ** 2)
        quantity = f"0.{self._rng.randint(10_000_000, 99_999_999)}"
        return self._order(side, "limit", -away if side == "buy" else away, quantity) | {"client_order_id": name}

    def trade(self) -> dict[str, Any]:
        """An order that takes a little at once."""
        side = self._rng.choice(("buy", "sell"))
        quantity = f"0.{self._rng.randint(1, 99):05d}"
        return self._order(side, "ioc", 2_500 if side == "buy" else -2_500, quantity)

    def _order(self, side: str, kind: str, cents: int, quantity: str) -> dict[str, Any]:
        price = 3_000_000 + cents
        return {
            "symbol": SYMBOL,
            "side": side,
            "order_type": kind,
            "quantity": quantity,
            "price": f"{price // 100}.{price % 100:02d}",
        }


def generate(port: int, rate: int, seed: int, stop: Event) -> None:
    """Send `rate` changes and `rate` trades a second until told to stop."""
    flow, connection = Flow(seed), http.client.HTTPConnection("127.0.0.1", port)
    batch, due = max(1, rate // BATCHES_A_SECOND), time.perf_counter()
    while not stop.is_set():
        elements = [element for _ in range(batch) for element in (flow.change(), flow.trade())]
        connection.request(
            "POST", "/orders/batch", json.dumps({"orders": elements}), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"the server refused a batch: {answer.status} {body[:200]!r}")
        due += batch / rate
        time.sleep(max(0.0, due - time.perf_counter()))


def heap_mb(session: CDPSession) -> float:
    """What is left of the page's heap when all garbage is gone."""
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 2**20


def metrics(session: CDPSession) -> dict[str, float]:
    """Chromium's own counters of the page's main thread, in seconds."""
    return {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}


def watch(page: Page, session: CDPSession, seconds: float) -> dict[str, float]:
    """Figures of the page for so long, while the flow runs."""
    page.wait_for_timeout(WARM_UP_S * 1000)
    heap, sequence = heap_mb(session), page.evaluate(SEQUENCE)
    before, began = metrics(session), time.perf_counter()
    page.evaluate(RESTART)
    page.wait_for_timeout(seconds * 1000)
    counted, after = page.evaluate(COUNTED), metrics(session)
    spent = time.perf_counter() - began
    intervals = sorted(counted["intervals"])
    return {
        "commands/s": (page.evaluate(SEQUENCE) - sequence) / spent,
        "fps": len(intervals) / spent,
        "p99 ms": intervals[int(len(intervals) * 0.99)],
        "worst ms": intervals[-1],
        "main %": 100 * (after["TaskDuration"] - before["TaskDuration"]) / spent,
        "main cpu %": 100 * (after["ThreadTime"] - before["ThreadTime"]) / spent,
        "script %": 100 * (after["ScriptDuration"] - before["ScriptDuration"]) / spent,
        "style+layout %": 100
        * sum(after[name] - before[name] for name in ("LayoutDuration", "RecalcStyleDuration"))
        / spent,
        "long tasks": len(counted["long"]),
        "longest ms": max(counted["long"], default=0.0),
        "heap MB": heap,
        "heap after": heap_mb(session),
        "nodes": metrics(session)["Nodes"],  # when all garbage is gone
    }


def run(port: int, rate: int, seconds: float) -> dict[str, float]:
    """A fresh page under a flow of that rate; 0 is none."""
    stop = multiprocessing.get_context("spawn").Event()
    flow = multiprocessing.get_context("spawn").Process(target=generate, args=(port, rate, rate, stop), daemon=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto(f"http://127.0.0.1:{port}/#{SYMBOL}")
        page.locator("#pill .pill-state", has_text="Live").wait_for()
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.evaluate(FRAMES)
        if rate:
            flow.start()
        try:
            return watch(page, session, seconds)
        finally:
            stop.set()
            if rate:
                flow.join(10)
            browser.close()


@click.command()
@click.option("--seconds", default=50.0, show_default=True, help="That are counted, after the first ten.")
@click.option("--rates", multiple=True, default=(0, 100, 1000), show_default=True, help="Changes a second, and trades.")
def main(seconds: float, rates: tuple[int, ...]) -> None:
    """Measure the trading page in a real browser against a real server."""
    if chromium() is None:
        raise click.ClickException("no Chromium is installed")
    print(describe())
    rows: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as data:
        process, port = start([sys.executable, "api/app.py", "--port", "0", "--data", data])
        try:
            for rate in rates:
                rows[rate] = run(port, rate, seconds)
        finally:
            process.terminate()
            process.wait(30)
    names = list(rows[rates[0]])
    print(f"{'changes/s + trades/s':22}" + "".join(f"{name:>{max(11, len(name) + 2)}}" for name in names))
    for rate, row in rows.items():
        print(f"{rate:<22}" + "".join(f"{row[name]:>{max(11, len(name) + 2)}.1f}" for name in names))


if __name__ == "__main__":
    main()
