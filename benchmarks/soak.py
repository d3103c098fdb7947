"""Whether the venue stays as it is: half an hour of durable orders at half of its highest rate, with a page open.

    python -m benchmarks.soak [--minutes 30] [--rate ORDERS_A_SECOND] [--browser] [--plot FILE.svg]

The rate is measured first unless it is given. Orders leave on a schedule; what they put into the book others take out
again, so it stays as deep. In the middle the server is stopped as an operator stops it, and started again on the same
folder. For each window: p50 and p99 of the answers, memory of the server and of each child, what lies on the disk, and
what a follower of the feed, subscribed to what the page is, missed. With --browser a real page is open as well; with
--plot it is all drawn.

Flat or drifting: the first window of each half warms up, as do all until what is remembered of done orders is full. Of
the others the median of the last third is compared with that of the first third. Memory drifts when it is above it by
more than 10 % and by more than 8 MiB; p99 drifts when it is above it by more than half and by more than 5 ms. Ends with
status 1 for a drift, a gap, a rate that was not kept, or an audit of the folder that is not clean.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import NamedTuple

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from benchmarks.arguments import positive_float
from benchmarks.followers import PAGE, following, guests
from benchmarks.front import fill
from benchmarks.generators import ANSWER_S, Load, closed_loop, generator, scheduled
from benchmarks.machine import describe
from benchmarks.orders import SYMBOL, orders, post, steady_orders
from benchmarks.plot import Panel, drawing
from benchmarks.ratios import median
from benchmarks.reach import CONNECTIONS, chromium_pages
from benchmarks.servers import Server, venue

SHARE = 0.5
MEASURE_S = 5
LAST_S = 1.0  # behind the last window, so that it ends before the run
MEMORY_PERCENT, MEMORY_MIB = 10, 8
LATENCY_PERCENT, LATENCY_MS = 50, 5
FILLED = 60_000  # commands, by which the newest 50,000 done orders are remembered
LEAST_WINDOWS = 7  # of a half, to be judged
MISSED = ("gaps", "resync", "lost")
KEPT = ("journal", "history", "snapshots", "archive")  # what grows on the disk, by how names in the folder begin


class Window(NamedTuple):
    """What was seen in one stretch of the run."""

    load: Load
    memory: dict[str, float]  # RSS in MiB: of the server, and of its children by what they run
    missed: dict[str, int]
    deltas: int
    open_orders: int
    commands: int  # since the venue's first start
    disk: dict[str, int]  # bytes of each of `KEPT`


class Half(NamedTuple):
    """What was seen between a start and a stop."""

    windows: list[Window]
    kept: bool  # the rate was


def drifts(values: list[float], percent: float, least: float) -> bool:
    """Whether the last third is above the first by more than `percent` and by more than `least`, in the median.

    The first value is of the warm-up and not counted.
    """
    counted = values[1:]
    third = len(counted) // 3
    if not third:
        return False
    first, last = median(counted[:third]), median(counted[-third:])
    return last > first * (1 + percent / 100) and last > first + least


def slope(values: list[float], window_s: float) -> float:
    """By how much the values rise in an hour: the straight line that is nearest to them, without the warm-up."""
    counted = values[1:]
    if len(counted) < 2:
        return 0.0
    middle, mean = (len(counted) - 1) / 2, sum(counted) / len(counted)
    rise = sum((at - middle) * (value - mean) for at, value in enumerate(counted))
    return rise / sum((at - middle) ** 2 for at in range(len(counted))) * 3600 / window_s


def settled(half: Half) -> list[Window]:
    """The windows from which on all that is remembered of done orders is full, the one before as the warm-up.

    All of them where that is not reached, or too late to judge what is left.
    """
    full_at = half.windows[0].commands + FILLED
    left = [window for window in half.windows if window.commands >= full_at]
    return left if len(left) >= LEAST_WINDOWS else half.windows


def verdicts(halves: list[Half], window_s: float) -> list[tuple[bool, str]]:
    """For each thing that is judged: whether it holds, and a sentence."""
    found = []
    for half, when in zip(halves, ("before the restart", "after it"), strict=False):
        windows = settled(half)
        for name in windows[-1].memory:
            values = [window.memory[name] for window in windows if name in window.memory]
            bad = drifts(values, MEMORY_PERCENT, MEMORY_MIB)
            found.append((
                not bad,
                f"memory of {name}, {when}: {'DRIFTING' if bad else 'flat'}, {_from_to(values)} MiB, "
                f"{slope(values, window_s):+.0f} MiB an hour",
            ))  # fmt: skip
        p99 = [window.load.p99 for window in windows]
        bad = drifts(p99, LATENCY_PERCENT, LATENCY_MS)
        found.append((not bad, f"p99, {when}: {'DRIFTING' if bad else 'flat'}, {_from_to(p99)} ms"))
        found.append((half.kept, f"the rate, {when}, was {'kept' if half.kept else 'NOT KEPT'}"))
    windows = [window for half in halves for window in half.windows]
    missed = {what: sum(window.missed[what] for window in windows) for what in MISSED}
    listed = ", ".join(f"{number} x {what}" for what, number in missed.items())
    deltas = sum(window.deltas for window in windows)
    found.append((not any(missed.values()), f"the feed, over {deltas:,} deltas: {listed}"))
    return found


def disk_growth(halves: list[Half]) -> str:
    """Bytes a command of everything on the disk, from the first window to the last."""
    first, last = halves[0].windows[0], halves[-1].windows[-1]
    commands = max(1, last.commands - first.commands)
    each = ", ".join(f"{name} {(last.disk[name] - first.disk[name]) / commands:.0f}" for name in KEPT)
    return f"bytes on the disk for each of {commands:,} commands: {each}"


def _from_to(values: list[float]) -> str:
    counted = values[1:] or values
    return f"{counted[0]:.1f} in the first window after the warm-up, {counted[-1]:.1f} in the last"


def send(port: int, rate: float, seconds: float, window_s: float, pipe: Pipe) -> None:
    """A process that sends the orders, and its figures window by window; last whether the rate was kept."""
    prepared = [post("/order", body) for body in steady_orders()]
    pipe.send(scheduled(port, prepared, rate, seconds, pipe, window_s).kept)


@contextmanager
def sending(port: int, rate: float, seconds: float, window_s: float) -> Iterator[Pipe]:
    """The pipe from which figures come while orders are sent."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=send, args=(port, rate, seconds, window_s, theirs))
    process.start()
    theirs.close()  # so that its end is noticed
    try:
        yield ours
        process.join(ANSWER_S)
    finally:
        process.kill()
        process.join()


def run(server: Server, data: Path, rate: float, seconds: float, window_s: float, browser: bool) -> Half:
    """The windows, each printed as it ends, and whether the rate was kept."""
    windows: list[Window] = []
    with ExitStack() as stack:
        if browser:
            stack.enter_context(chromium_pages(server.port, 1))
        followers = stack.enter_context(following(server.port, PAGE, guests(server, 1)))
        pipe = stack.enter_context(sending(server.port, rate, seconds + LAST_S, window_s))
        while True:
            assert pipe.poll(window_s + 2 * ANSWER_S), "the generator stopped"
            load: Load | bool = pipe.recv()
            if isinstance(load, bool):
                return Half(windows, load)
            followed = followers.counts()
            memory: dict[str, float] = {}
            for each in server.memory():
                memory[each.name] = memory.get(each.name, 0.0) + each.rss
            book = server.ask("GET", "/symbols")["symbol_info"][SYMBOL]["active_orders"]
            missed = {what: followed.total(what) for what in MISSED}
            commands, disk = server.ask("GET", "/health")["seq"], {name: disk_bytes(data, name) for name in KEPT}
            windows.append(Window(load, memory, missed, followed.total("l2_delta"), book, commands, disk))
            print_window(windows, window_s)


def print_window(windows: list[Window], window_s: float) -> None:
    """A line of the table; before the first one its head."""
    load, memory, missed, _, book, _, disk = windows[-1]
    if len(windows) == 1:
        print(f"\n| until | answers a second | p50 ms | p99 ms | {' | '.join(memory)} | disk MB | gaps | open orders |")
        print("|---" * (7 + len(memory)) + "|")
    cells = " | ".join(f"{value:.1f}" for value in memory.values())
    until = f"{len(windows) * window_s:.0f} s"
    figures = f"{load.rate:,.0f} | {load.p50:.2f} | {load.p99:.2f}"
    kept = sum(disk.values()) / 1e6
    print(f"| {until} | {figures} | {cells} | {kept:.1f} | {missed['gaps']} | {book:,} |", flush=True)


def disk_bytes(data: Path, name: str) -> int:
    """What the files of the folder take whose names begin so, those in folders of that name too."""
    found = [path for path in data.glob(f"{name}*") if not path.is_dir()] + list((data / name).glob("**/*"))
    return sum(_size(path) for path in found)


def _size(path: Path) -> int:
    """Of a file that may be gone by now."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def soak(data: Path, rate: float | None, seconds: float, window_s: float, browser: bool) -> tuple[list[Half], float]:
    """Both halves, and how many seconds after the stop the first answer came again."""
    with venue(data) as server:
        fill(server)
        if rate is None:
            closed_loop(server.port, orders(), CONNECTIONS, 1)
            rate = SHARE * closed_loop(server.port, orders(), CONNECTIONS, MEASURE_S).rate
            server.cpu_when_quiet()
        print(f"{rate:,.0f} orders a second for {seconds / 60:g} minutes. Memory is RSS in MiB.", flush=True)
        first, port = run(server, data, rate, seconds / 2, window_s, browser), server.port
    began = time.monotonic()
    with venue(data, "--port", str(port)) as server:
        server.ask("GET", "/health")
        away_s = time.monotonic() - began
        return [first, run(server, data, rate, seconds / 2, window_s, browser)], away_s


def plot(halves: list[Half], window_s: float) -> str:
    """Rate, latency, memory and disk over time."""
    windows = [window for half in halves for window in half.windows]
    seconds = [window_s * (number + 1) for number in range(len(windows))]
    names = list(dict.fromkeys(name for window in windows for name in window.memory))
    panels = [
        Panel("answers a second", {"answers": [window.load.rate for window in windows]}),
        Panel(
            "latency, ms",
            {"p50": [window.load.p50 for window in windows], "p99": [window.load.p99 for window in windows]},
        ),
        Panel("memory, MiB", {name: [window.memory.get(name) for window in windows] for name in names}),
        Panel("disk, MB", {name: [window.disk[name] / 1e6 for window in windows] for name in KEPT}),
    ]
    return drawing("A soak", seconds, panels, {window_s * (len(halves[0].windows) + 0.5): "restart"})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=positive_float, default=30, help="(default %(default)s)")
    parser.add_argument(
        "--rate", type=positive_float, help="orders a second (default: half of the highest, measured first)"
    )
    parser.add_argument("--window", type=positive_float, default=30, help="seconds (default %(default)s)")
    parser.add_argument("--browser", action="store_true", help="open the page in headless Chromium as well")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it as SVG")
    arguments = parser.parse_args()
    seconds, window_s = arguments.minutes * 60, arguments.window
    if seconds < 2 * window_s:
        parser.error(f"--minutes {arguments.minutes:g} are shorter than a window of {window_s:g} seconds in each half")
    print(f"{describe()}. {generator()}")
    with tempfile.TemporaryDirectory() as folder:
        halves, away_s = soak(Path(folder), arguments.rate, seconds, window_s, arguments.browser)
        clean = audit([folder, "--quiet"]) == CLEAN
    if arguments.plot:
        arguments.plot.write_text(plot(halves, window_s), encoding="utf-8")
    found = [*verdicts(halves, window_s), (clean, f"the audit is {'clean' if clean else 'NOT CLEAN'}")]
    found += [(True, f"the restart: answers again {away_s:.1f} s after the stop"), (True, disk_growth(halves))]
    print()
    for holds, sentence in found:
        print(f"{'pass' if holds else 'FAIL'}: {sentence}")
    if not all(holds for holds, _ in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
