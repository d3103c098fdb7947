"""How many ordinary requests a second a server answers against an earlier commit of itself, by turns in one run.

    python -m benchmarks.front [REVISION] [--rounds 5] [--seconds 2]

Both servers run, each on a data folder of its own, and are loaded by turns, so that what else the machine does hits
both. The generator is a process of its own: every connection asks again as soon as it is answered. Ratios are medians
over the rounds of now / then: of rates above 1 is faster now, of times below 1. The processor time of the server for
one request, in microseconds, says the same on a machine that has other things to do as well.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.engine_against import ROOT, extract
from benchmarks.machine import describe
from benchmarks.rest import requests

BEFORE = "aa54205"  # the last commit that was served by eventlet.wsgi
LEVELS = 100  # of each side of the book
CONNECTIONS = (64, 1)
WARM_UP_S = 0.5


class Figures(NamedTuple):
    """What one turn came to: answers a second, waits in milliseconds, the server's processor time for each in us."""

    rate: float
    cpu: float
    p50: float
    p99: float


def get(target: str) -> bytes:
    """A GET as the page sends it, without what a browser adds."""
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def load(pid: int, port: int, connections: int, contents: list[bytes], seconds: float) -> Figures:
    """Ask the server `pid` on so many connections for so long. Raises AssertionError for an answer that is no 200."""
    server = psutil.Process(pid)
    cpu = 0.0
    poll = select.epoll()
    waiting: dict[int, tuple[socket.socket, bytearray, float]] = {}
    upcoming = cycle(contents)

    def ask(sock: socket.socket) -> None:
        sock.sendall(next(upcoming))
        waiting[sock.fileno()] = (sock, bytearray(), time.perf_counter())

    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    for sock in socks:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(sock, select.EPOLLIN)
        ask(sock)
    times: list[float] = []
    began = time.perf_counter()
    end = began + WARM_UP_S + seconds
    while (now := time.perf_counter()) < end:
        for fd, _ in poll.poll(end - now):
            sock, answer, asked = waiting[fd]
            answer += sock.recv(262_144)
            if not is_whole(answer):
                continue
            assert answer.startswith(b"HTTP/1.1 200 "), bytes(answer[:200])
            answered = time.perf_counter()
            if asked - began >= WARM_UP_S:
                cpu = cpu or cpu_s(server)
                times.append((answered - asked) * 1000)
            ask(sock)
    cpu, count = cpu_s(server) - cpu, len(times)
    times += [(now - asked) * 1000 for _, _, asked in waiting.values()]  # who is not answered waits as well
    for sock in socks:
        sock.close()
    times.sort()
    return Figures(count / seconds, cpu * 1e6 / count, times[len(times) // 2], times[int(len(times) * 0.99)])


def cpu_s(process: psutil.Process) -> float:
    """Processor time of all its threads since its start, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def is_whole(answer: bytearray) -> bool:
    """Whether head and body are here. Raises IndexError for an answer without a Content-Length."""
    at = answer.find(b"\r\n\r\n")
    if at < 0:
        return False
    length = int(answer[:at].lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return len(answer) >= at + 4 + length


@contextmanager
def serving(folder: Path, data: Path) -> Iterator[tuple[int, int]]:
    """Process id and port of a server of the checkout in `folder`, with a book of `LEVELS` a side."""
    command = [sys.executable, "api/app.py", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        port = int(line.split("127.0.0.1:")[1].split()[0])
        fill(port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(30)


def fill(port: int) -> None:
    """Make a book that the orders of `benchmarks.rest` trade in the middle of."""
    for level in range(LEVELS):
        for side, price in (("buy", 29_900 - level), ("sell", 30_100 + level)):
            body = f'{{"symbol":"BTC-USDT","side":"{side}","order_type":"limit","quantity":"1","price":"{price}.00"}}'
            url = f"http://127.0.0.1:{port}/order"
            headers = {"Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers)).read()


def files_of_page(port: int) -> list[str]:
    """The page and what it names."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        page = answer.read().decode()
    named = re.findall(r'(?:src|href)="/?(static/[^"]+)"', page)
    return ["/", *(f"/{name}" for name in dict.fromkeys(named))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", nargs="?", default=BEFORE, help="the commit to compare with (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(default %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn (default %(default)s)")
    arguments = parser.parse_args()
    print(describe())
    titles = [title for unit in ("/s", " CPU us", " p50", " p99") for title in (f"then{unit}", "now", "ratio")]
    print(f"{'':32}" + "".join(f"{title:>12}" for title in titles))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "then").mkdir()
        extract(arguments.revision, folder / "then")
        servers = [
            stack.enter_context(serving(tree, folder / f"data{number}"))
            for number, tree in enumerate((folder / "then", ROOT))
        ]
        pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(1))
        kinds = {
            "GET /bbo": [[get("/bbo/BTC-USDT")]] * 2,
            "GET /book": [[get("/book/BTC-USDT")]] * 2,
            "the page's files": [[get(target) for target in files_of_page(port)] for _, port in servers],
            "POST /order": [requests(2000, 1)] * 2,
        }
        for name, contents in kinds.items():
            for connections in CONNECTIONS:
                rounds = [
                    [
                        pool.apply(load, (pid, port, connections, content, arguments.seconds))
                        for (pid, port), content in zip(servers, contents, strict=True)
                    ]
                    for _ in range(arguments.rounds)
                ]
                print(row(f"{name}, {connections} connection{'s' * (connections > 1)}", rounds), flush=True)


def row(name: str, rounds: list[list[Figures]]) -> str:
    """The medians of then and now, and of their ratios."""
    text = f"{name:32}"
    for field, decimals in (("rate", 0), ("cpu", 0), ("p50", 2), ("p99", 2)):
        then, now = ([getattr(turn[which], field) for turn in rounds] for which in (0, 1))
        ratio = statistics.median(after / before for before, after in zip(then, now, strict=True))
        text += f"{statistics.median(then):12.{decimals}f}{statistics.median(now):12.{decimals}f}{ratio:12.2f}"
    return text


if __name__ == "__main__":
    main()
