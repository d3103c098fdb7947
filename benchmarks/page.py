"""How the trading page keeps up: frames a second, its share of the main thread, its heap.

`python -m benchmarks.page`: starts the real server on a temporary data folder and opens its
page in headless Chromium; a process of its own enters, cancels and trades at a fixed rate
through POST /orders/batch, so that so many levels change and so many trades happen each
second. After ten seconds the heap is collected and measured, then the frames are counted.
Server, generator and browser share the machine's cores; Chromium draws without a GPU.
`main %` is the wall time of the main thread's tasks, waiting for a core included;
`main cpu %` is what they computed.

The heap is read from snapshots, which are of one moment: what is left when all garbage is gone, in two parts. `held`
is what the page holds: objects, arrays, closures, texts, numbers. `code` is the browser's own: functions compiled again
and better as they are used, which ends when all that are used much have been. Bounds are judged at 100 a second.
The chart shows what it shows when nothing was chosen: candles of a second while the market is young, as it is here, the
case in which it grows most; `--interval` chooses another.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import tempfile
import time
from collections import deque
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.machine import describe
from benchmarks.servers import venue
from tests.browser.chromium import CHROMIUM_FLAGS, chromium

SYMBOL = "BTC-USDT"
SIZE = (1440, 900)
BATCHES_A_SECOND = 20
WARM_UP_S = 10.0
LEVELS = 40
"""Prices of each side that orders are entered at."""
OPEN_MAX = 600
SETTLE_S = 1.0
"""After a snapshot, which stops the page for a moment."""
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
RATE_JUDGED = 100
FPS_MIN = 55.0
MAIN_PERCENT_MAX = 40.0
HEAP_GROWTH_PERCENT_MAX = 1.0
"""What is held more, of the whole heap; a snapshot is exact, but catches work under way."""
CODE = "code"
NATIVE = "native"
"""Types of nodes in a snapshot: compiled code, and what is not on the heap."""
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
    """Send `rate` changes and `rate` trades a second until stopped."""
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


def heap_mb(session: CDPSession) -> tuple[float, float]:
    """What is left of the page's heap when all garbage is gone: what the page holds, and compiled code."""
    chunks: list[str] = []

    def add(event: dict[str, str]) -> None:
        chunks.append(event["chunk"])

    session.on("HeapProfiler.addHeapSnapshotChunk", add)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.send("HeapProfiler.takeHeapSnapshot")
    session.send("HeapProfiler.disable")  # or it would follow every object from now on
    session.remove_listener("HeapProfiler.addHeapSnapshotChunk", add)
    snapshot = json.loads("".join(chunks))
    meta = snapshot["snapshot"]["meta"]
    fields, nodes, types = meta["node_fields"], snapshot["nodes"], meta["node_types"][0]
    step, type_at, size_at = len(fields), fields.index("type"), fields.index("self_size")
    sizes = dict.fromkeys(types, 0)
    for kind, size in zip(nodes[type_at::step], nodes[size_at::step], strict=True):
        sizes[types[kind]] += size
    held = sum(size for kind, size in sizes.items() if kind not in (CODE, NATIVE))
    return held / 2**20, sizes[CODE] / 2**20


def metrics(session: CDPSession) -> dict[str, float]:
    """Chromium's own counters of the page's main thread, in seconds."""
    return {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}


def watch(page: Page, session: CDPSession, seconds: float) -> dict[str, float]:
    """Figures of the page for so long, while the flow runs."""
    page.wait_for_timeout(WARM_UP_S * 1000)
    held, code = heap_mb(session)
    page.wait_for_timeout(SETTLE_S * 1000)
    sequence = page.evaluate(SEQUENCE)
    before, began = metrics(session), time.perf_counter()
    page.evaluate(RESTART)
    page.wait_for_timeout(seconds * 1000)
    counted, after = page.evaluate(COUNTED), metrics(session)
    spent = time.perf_counter() - began
    intervals = sorted(counted["intervals"])
    held_after, code_after = heap_mb(session)
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
        "held MB": held,
        "held after": held_after,
        "code MB": code,
        "code after": code_after,
        "nodes": metrics(session)["Nodes"],  # when all garbage is gone
    }


def run(port: int, rate: int, seconds: float, interval: str) -> dict[str, float]:
    """A fresh page under a flow of that rate; 0 is none. `interval` of the chart; "" leaves it to the page."""
    stop = multiprocessing.get_context("spawn").Event()
    flow = multiprocessing.get_context("spawn").Process(target=generate, args=(port, rate, rate, stop), daemon=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_FLAGS))
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto(f"http://127.0.0.1:{port}/#{SYMBOL}")
        page.locator("#pill .pill-state", has_text="Live").wait_for()
        if interval:
            page.get_by_role("button", name=interval, exact=True).click()
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


def cell(name: str, figure: float) -> str:
    """A figure under its name, memory to a hundredth."""
    return f"{figure:>{max(11, len(name) + 2)}.{2 if name.startswith(('held', 'code')) else 1}f}"


def verdicts(row: dict[str, float]) -> list[str]:
    """Whether the figures at RATE_JUDGED keep their bounds, a sentence each."""
    heap = row["held MB"] + row["code MB"]
    growth = 100 * (row["held after"] - row["held MB"]) / heap
    compiled = 100 * (row["code after"] - row["code MB"]) / heap
    bounds = [
        (row["fps"] >= FPS_MIN, f"{row['fps']:.1f} frames a second, at least {FPS_MIN:.0f}"),
        (row["main %"] < MAIN_PERCENT_MAX, f"{row['main %']:.1f} % of the main thread, below {MAIN_PERCENT_MAX:.0f}"),
        (
            growth <= HEAP_GROWTH_PERCENT_MAX,
            f"what the page holds grew by {growth:.2f} % of a heap of {heap:.2f} MB,"
            f" at most {HEAP_GROWTH_PERCENT_MAX:.0f} (compiled code, beside that: {compiled:+.2f} %)",
        ),
    ]
    return [f"{'pass' if kept else 'FAIL'}: {figure}" for kept, figure in bounds]


@click.command()
@click.option("--seconds", default=50.0, show_default=True, help="That are counted, after the first ten.")
@click.option("--rates", multiple=True, default=(0, 100, 1000), show_default=True, help="Changes a second, and trades.")
@click.option("--interval", default="", help="Of the chart; the page's own choice without it.")
def main(seconds: float, rates: tuple[int, ...], interval: str) -> None:
    """Measure the trading page in a real browser against a real server."""
    if chromium() is None:
        raise click.ClickException("no Chromium is installed")
    print(describe())
    rows: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as data, venue(Path(data)) as server:
        for rate in rates:
            rows[rate] = run(server.port, rate, seconds, interval)
    names = list(rows[rates[0]])
    print(f"{'changes/s + trades/s':22}" + "".join(f"{name:>{max(11, len(name) + 2)}}" for name in names))
    for rate, row in rows.items():
        print(f"{rate:<22}" + "".join(cell(name, row[name]) for name in names))
    if RATE_JUDGED in rows:
        for sentence in verdicts(rows[RATE_JUDGED]):
            print(sentence)


if __name__ == "__main__":
    main()
