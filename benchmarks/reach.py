"""How far the venue is: what an order, a batch, a delivery and a signature cost, against a bare Flask view.

    python -m benchmarks.reach [--against REVISION] [--rounds 5] [--seconds 4] [--only orders --only feed ...]

Every figure is of one run. Real servers of this checkout and, with --against, of an earlier commit are loaded by turns,
each with its journal on the disk and beside a Flask view that answers a constant, so that what else the machine does
hits all of them; a ratio is of one round, and the table has the medians, with where the rounds were from and to. A part
begins with fresh servers. Processor time is of all threads, and counted until a server has nothing left to do, so that
what is written behind the answers is in it. Ends with status 1 when an answer was wrong, when the server of now did not
keep a rate, or when a follower missed a message.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec
from playwright.sync_api import sync_playwright

from benchmarks.arguments import positive_int, whole
from benchmarks.followers import PAGE, STREAMS, Followed, following, guests
from benchmarks.generators import (
    SAMPLES,
    Load,
    check_batch,
    closed_loop,
    generator,
    open_loop,
    socket_io_orders,
)
from benchmarks.machine import describe
from benchmarks.orders import SYMBOL, batches, orders, post, random_orders, signed_orders, token_orders
from benchmarks.ratios import Row, median, ratios, table
from benchmarks.servers import ROOT, Cpu, Memory, Server, bare, extract, secured, venue
from tests.browser.chromium import CHROMIUM_FLAGS, chromium

NOW, BEFORE, BARE = "now", "before", "bare"
CONNECTIONS = 64
BATCH = 100
BATCH_CONNECTIONS = 4
BATCH_SAMPLE_EVERY_S = 0.5
SOCKET_CLIENTS, SOCKET_OUTSTANDING = 16, 4
PAGES = 20
PAGES_RATE = 1_000.0
FOLLOWERS = 200
FEED_RATE = 300.0
OPEN_ROUNDS = 3
OPEN_FACTOR = 3  # an open loop is so many times as long, for there are few answers beyond p99.9
IDLE_S = 3.0


class Turn(NamedTuple):
    """One server's turn in a round."""

    load: Load
    cpu: Cpu


class Measurement:
    """The table while it is measured."""

    def __init__(self, folders: dict[str, Path], data: Path, rounds: int, seconds: int, browsers: int) -> None:
        self.rows: list[Row] = []
        self.problems: list[str] = []  # of the server of now
        self.notes: list[str] = []
        self._folders = folders
        self._data = (data / f"{number}" for number in count())
        self._rounds = rounds
        self._seconds = seconds
        self._browsers = browsers
        self._top: dict[str, float] = {}

    # -- parts

    def memory(self) -> None:
        """Memory of idle servers, and of their children."""
        with self._servers() as servers:
            time.sleep(IDLE_S)
            found = {name: server.memory() for name, server in servers.items()}
        self._memory_row("memory of an idle server, MiB", found, lambda each: each[:1])
        if any(len(processes) > 1 for processes in found.values()):
            self._memory_row("of its children, MiB", found, lambda each: each[1:])
        for name, processes in found.items():
            described = ", ".join(f"{each.name} {each.rss:.0f} (USS {each.uss:.0f})" for each in processes)
            self.notes.append(f"memory, {name}: {described}")

    def _memory_row(
        self, name: str, found: dict[str, list[Memory]], part: Callable[[list[Memory]], list[Memory]]
    ) -> None:
        for kind in ("rss", "uss"):
            values = {which: [sum(getattr(each, kind) for each in part(all_))] for which, all_ in found.items()}
            self._row(f"{name}, {kind.upper()}", values)

    def orders(self) -> None:
        """POST /order on many connections and on one."""
        with self._servers(with_bare=True) as servers:
            many = self._by_turns(
                servers, lambda server: closed_loop(server.port, orders(), CONNECTIONS, self._seconds)
            )
            one = self._by_turns(servers, lambda server: closed_loop(server.port, orders(), 1, self._seconds))
        self._top |= {name: median([turn.load.rate for turn in turns]) for name, turns in many.items() if name != BARE}
        what = f"POST /order, durable, {CONNECTIONS} connections"
        self._against_bare("bare Flask view, a second", many, lambda turn: turn.load.rate)
        self._row(f"{what}, a second", _values(many, lambda turn: turn.load.rate))
        self._row(f"{what}, of the bare view's rate", _to_bare(many, lambda turn: turn.load.rate), "2", "3")
        self._row("processor time of an order there, us", _values(many, _cpu_us), "130", "80")
        self._row("of that of the server's children, us", _values(many, _children_us))
        self._row(f"{what}: p50, ms", _values(many, lambda turn: turn.load.p50))
        self._row(f"{what}: p99, ms", _values(many, lambda turn: turn.load.p99))
        self._against_bare("bare Flask view, one connection: p50, ms", one, lambda turn: turn.load.p50)
        self._row("one connection: p50, ms", _values(one, lambda turn: turn.load.p50))
        self._row("one connection: p50, of the bare view's", _to_bare(one, lambda turn: turn.load.p50), "1.8", "1.4")

    def schedule(self) -> None:
        """Open loop at half of the top rate."""
        with self._servers() as servers:
            self._warm_up(servers)
            rates = {name: self._top_rate(name, server) / 2 for name, server in servers.items()}
            seconds = OPEN_FACTOR * self._seconds
            loads = self._loads(
                servers, OPEN_ROUNDS, lambda name, server: open_loop(server.port, orders(), rates[name], seconds)
            )
        self._rates_kept("open loop at half of the top rate", loads)
        self._row("half of the top rate, a second", {name: [rate] for name, rate in rates.items()})
        for title, field, reach, aim in (
            ("p50", "p50", "", ""),
            ("p99", "p99", "10", "5"),
            ("p99.9", "p999", "30", "15"),
        ):
            values = {name: [getattr(load, field) for load in each] for name, each in loads.items()}
            self._row(f"open loop at half of the top rate: {title}, ms", values, reach, aim)

    def pages(self) -> None:
        """A thousand orders a second while nobody and while many follow, as pages do."""
        seconds = OPEN_FACTOR * self._seconds

        def load(server: Server) -> Load:
            return open_loop(server.port, orders(), PAGES_RATE, seconds)

        with self._servers() as servers:
            self._warm_up(servers)
            alone: dict[str, list[Load]] = {name: [] for name in servers}
            followed: dict[str, list[Load]] = {name: [] for name in servers}
            for _ in range(OPEN_ROUNDS):
                for name, server in servers.items():
                    alone[name].append(load(server))
                    server.cpu_when_quiet()
                    with self._open_pages(name, server):
                        followed[name].append(load(server))
                    server.cpu_when_quiet()
        kind = f", {self._browsers} of them in Chromium" if self._browsers else ""
        title = f"{PAGES_RATE:,.0f} a second with {PAGES} pages open{kind}"
        self._rates_kept(f"{PAGES_RATE:,.0f} a second", alone)
        self._rates_kept(title, followed)
        p99 = {name: [each.p99 for each in loads] for name, loads in followed.items()}
        p99_alone = {name: [each.p99 for each in loads] for name, loads in alone.items()}
        self._row(f"{PAGES_RATE:,.0f} a second with no page open: p99, ms", p99_alone)
        self._row(f"{title}: p99, ms", p99)
        against_none = {name: ratios(p99[name], p99_alone[name]) for name in p99}
        self._row(f"{title}: p99 against none", against_none, "1.3", "1.1")

    def socket(self) -> None:
        """Orders over Socket.IO, acknowledged."""

        def load(server: Server) -> Load:
            return socket_io_orders(server.port, random_orders(), SOCKET_CLIENTS, SOCKET_OUTSTANDING, self._seconds)

        with self._servers(with_bare=True) as servers:
            bare_server = servers.pop(BARE)
            turns: dict[str, list[Turn]] = {BARE: [], **{name: [] for name in servers}}
            for _ in range(OPEN_ROUNDS):
                turns[BARE].append(
                    _turn(bare_server, lambda at: closed_loop(at.port, orders(), CONNECTIONS, self._seconds))
                )
                for name, server in servers.items():
                    turns[name].append(_turn(server, load))
        what = f"Socket.IO order with acknowledgement, {SOCKET_CLIENTS} clients, {SOCKET_OUTSTANDING} on their way each"
        self._row(f"{what}, a second", _values(turns, lambda turn: turn.load.rate))
        self._row("of the bare view's rate", _to_bare(turns, lambda turn: turn.load.rate), "2", "3")
        self._row("processor time of an order there, us", _values(turns, _cpu_us))

    def batch(self) -> None:
        """Batches of orders."""
        prepared = [post("/orders/batch", body) for body in batches(BATCH)]
        with self._servers() as servers:
            turns = self._by_turns(
                servers,
                lambda server: closed_loop(
                    server.port, prepared, BATCH_CONNECTIONS, self._seconds, check_batch, BATCH_SAMPLE_EVERY_S
                ),
                OPEN_ROUNDS,
            )
        what = f"POST /orders/batch of {BATCH}, durable, {BATCH_CONNECTIONS} connections"
        self._row(f"{what}, orders a second", _values(turns, lambda turn: turn.load.rate * BATCH), "35,000", "60,000")
        self._row("processor time of an order there, us", _values(turns, lambda turn: _cpu_us(turn) / BATCH))

    def feed(self) -> None:
        """Processor time of what many followers are sent: with them, less that of the same orders without."""
        seconds = OPEN_FACTOR * self._seconds

        def load(server: Server) -> Turn:
            before = server.cpu()
            made = open_loop(server.port, orders(), FEED_RATE, seconds)
            return Turn(made, server.cpu().since(before))

        costs: dict[str, list[float]] = {}
        late: dict[str, list[float]] = {}
        with self._servers() as servers:
            self._warm_up(servers)
            for _ in range(OPEN_ROUNDS):
                for name, server in servers.items():
                    alone = load(server)
                    with following(server.port, STREAMS, ["{}"] * FOLLOWERS) as followers:
                        followers.counts()
                        turn = load(server)
                        followed = followers.end()
                    self._check_followed(name, f"{FOLLOWERS} clients", followed)
                    spent = turn.cpu.server - alone.cpu.server
                    costs.setdefault(name, []).append(spent * 1e6 / followed.total("messages"))
                    late.setdefault(name, []).append(followed.late_p99_ms)
        self._row(f"feed, {FOLLOWERS} clients: processor time a delivery, us", costs, "8", "5")
        self._row(f"feed, {FOLLOWERS} clients: how late a delta comes, p99, ms", late)

    def credentials(self) -> None:
        """Requests with a token and signed ones, in the secured profile, against a sandbox's without credentials."""
        kinds = ("unsigned", "token", "signed")
        turns: dict[str, dict[str, list[Turn]]] = {name: {kind: [] for kind in kinds} for name in self._folders}
        with ExitStack() as stack:
            plain = stack.enter_context(self._servers())
            guarded = {
                name: stack.enter_context(secured(next(self._data), folder)) for name, folder in self._folders.items()
            }
            self._warm_up(plain)
            for server, traders in guarded.values():
                closed_loop(server.port, token_orders(traders), CONNECTIONS, 1)
            for _ in range(OPEN_ROUNDS):
                for name, (server, traders) in guarded.items():
                    taken = turns[name]
                    taken["unsigned"].append(self._turn_with(plain[name], orders()))
                    taken["token"].append(self._turn_with(server, token_orders(traders)))
                    enough = int(taken["unsigned"][-1].load.rate * (self._seconds + 2) * 1.3) + 2 * SAMPLES
                    signed = signed_orders(traders, time.time_ns() // 1_000_000, enough)
                    taken["signed"].append(self._turn_with(server, signed))
        for kind in kinds[1:]:
            for title, figure, reach, aim in (
                ("rate", lambda turn: turn.load.rate, "0.8", "0.9"),
                ("processor time", _cpu_us, "", ""),
            ):
                values = {
                    name: ratios(*([figure(turn) for turn in each[which]] for which in (kind, "unsigned")))
                    for name, each in turns.items()
                }
                self._row(f"secured profile, {kind} requests: {title} against unsigned", values, reach, aim)

    # -- how

    @contextmanager
    def _servers(self, with_bare: bool = False) -> Iterator[dict[str, Server]]:
        """Fresh ones, by name; the bare one first."""
        with ExitStack() as stack:
            servers = {BARE: stack.enter_context(bare())} if with_bare else {}
            for name, folder in self._folders.items():
                servers[name] = stack.enter_context(venue(next(self._data), folder=folder))
            yield servers

    def _warm_up(self, servers: dict[str, Server]) -> None:
        for server in servers.values():
            closed_loop(server.port, orders(), CONNECTIONS, 1)
            server.cpu_when_quiet()

    def _by_turns(
        self, servers: dict[str, Server], load: Callable[[Server], Load], rounds: int | None = None
    ) -> dict[str, list[Turn]]:
        self._warm_up(servers)
        turns: dict[str, list[Turn]] = {name: [] for name in servers}
        for _ in range(rounds or self._rounds):
            for name, server in servers.items():
                turns[name].append(_turn(server, load))
        return turns

    def _turn_with(self, server: Server, prepared: list[bytes]) -> Turn:
        return _turn(server, lambda at: closed_loop(at.port, prepared, CONNECTIONS, self._seconds))

    def _loads(
        self, servers: dict[str, Server], rounds: int, load: Callable[[str, Server], Load]
    ) -> dict[str, list[Load]]:
        loads: dict[str, list[Load]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, server in servers.items():
                loads[name].append(load(name, server))
                server.cpu_when_quiet()
        return loads

    def _top_rate(self, name: str, server: Server) -> float:
        if name not in self._top:
            self._top[name] = closed_loop(server.port, orders(), CONNECTIONS, self._seconds).rate
            server.cpu_when_quiet()
        return self._top[name]

    @contextmanager
    def _open_pages(self, name: str, server: Server) -> Iterator[None]:
        """Pages that follow, some of them in Chromium; that none missed anything is seen to at the end."""
        with following(server.port, PAGE, guests(server, PAGES - self._browsers)) as followers, ExitStack() as stack:
            if self._browsers:
                stack.enter_context(chromium_pages(server.port, self._browsers))
            yield
            self._check_followed(name, f"{PAGES} pages", followers.end())

    def _check_followed(self, name: str, who: str, followed: Followed) -> None:
        for what in ("gaps", "resync", "lost", "error"):
            if number := followed.total(what):
                self._problem(name, f"{who}: {number} x {what}")

    def _rates_kept(self, what: str, loads: dict[str, list[Load]]) -> None:
        for name, each in loads.items():
            if missed := sum(not load.kept for load in each):
                self._problem(name, f"{what}: RATE NOT KEPT in {missed} of {len(each)} rounds")

    def _problem(self, name: str, sentence: str) -> None:
        (self.problems if name == NOW else self.notes).append(f"{name}: {sentence}")

    def _row(self, what: str, values: dict[str, list[float]], reach: str = "", aim: str = "") -> None:
        self.rows.append(Row(what, values.get(BEFORE, []), values[NOW], reach, aim))
        print(table(self.rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)

    def _against_bare(self, what: str, turns: dict[str, list[Turn]], figure: Callable[[Turn], float]) -> None:
        """A row of the bare view's own figure, which is of now."""
        self._row(what, {NOW: [figure(turn) for turn in turns[BARE]]})


def _turn(server: Server, load: Callable[[Server], Load]) -> Turn:
    before = server.cpu()
    made = load(server)
    return Turn(made, server.cpu_when_quiet().since(before))


def _cpu_us(turn: Turn) -> float:
    """Of the server and its children, for one request."""
    return sum(turn.cpu) * 1e6 / turn.load.asked


def _children_us(turn: Turn) -> float:
    return turn.cpu.children * 1e6 / turn.load.asked


def _values(turns: dict[str, list[Turn]], figure: Callable[[Turn], float]) -> dict[str, list[float]]:
    return {name: [figure(turn) for turn in each] for name, each in turns.items() if name != BARE}


def _to_bare(turns: dict[str, list[Turn]], figure: Callable[[Turn], float]) -> dict[str, list[float]]:
    lower = [figure(turn) for turn in turns[BARE]]
    return {name: ratios(values, lower) for name, values in _values(turns, figure).items()}


@contextmanager
def chromium_pages(port: int, number: int) -> Iterator[None]:
    """So many real pages, each of a guest of its own. Raises AssertionError when no Chromium is installed."""
    path = chromium()
    assert path is not None, "no Chromium is installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        live = []
        for _ in range(number):
            page = browser.new_context().new_page()
            page.goto(f"http://127.0.0.1:{port}/#{SYMBOL}")
            live.append(page.locator("#pill .pill-state", has_text="Live"))
            live[-1].wait_for()
        yield
        for pill in live:
            pill.wait_for()
        browser.close()


PARTS = ("memory", "orders", "schedule", "pages", "socket", "batch", "feed", "credentials")


def matcher() -> str:
    """What the benchmark of the matcher alone prints; "" while there is none."""
    if not (ROOT / "benchmarks" / "matcher.py").exists():
        return ""
    command = [sys.executable, "-m", "benchmarks.matcher"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="REVISION", help="the commit to compare with, as git names it")
    parser.add_argument("--rounds", type=positive_int, default=5, help="of the rates (default %(default)s)")
    parser.add_argument("--seconds", type=positive_int, default=4, help="of each turn (default %(default)s)")
    parser.add_argument(
        "--browsers", type=whole, default=0, help=f"of {PAGES} pages that are in Chromium (default none)"
    )
    parser.add_argument("--only", action="append", choices=(*PARTS, "matcher"), help="only these parts")
    parser.add_argument("--json", type=Path, help="write the figures of every round there as well")
    arguments = parser.parse_args()
    machine = describe()
    print(f"{machine}. {generator()}\n", flush=True)
    wanted = arguments.only or [*PARTS, "matcher"]
    with tempfile.TemporaryDirectory() as name:
        temporary, folders = Path(name), {NOW: ROOT}
        if arguments.against:
            (temporary / BEFORE).mkdir()
            extract(arguments.against, temporary / BEFORE)
            folders = {BEFORE: temporary / BEFORE, NOW: ROOT}
        measurement = Measurement(folders, temporary, arguments.rounds, arguments.seconds, arguments.browsers)
        for part in PARTS:
            if part in wanted:
                getattr(measurement, part)()
    if measurement.rows:
        print(f"Before: {arguments.against or 'not measured'}. Medians of the rounds (from the least to the most).\n")
        print(table(measurement.rows))
    for note in measurement.notes:
        print(f"\n{note}")
    if "matcher" in wanted and (report := matcher()):
        print(f"\nThe matcher alone:\n\n{report}")
    if arguments.json:
        rows = [row._asdict() for row in measurement.rows]
        content = {"machine": machine, "rows": rows, "notes": measurement.notes, "problems": measurement.problems}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(content)))
    if measurement.problems:
        raise SystemExit("\n".join(f"FAILED: {problem}" for problem in measurement.problems))


if __name__ == "__main__":
    main()
