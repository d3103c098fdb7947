"""How many ordinary requests a second a server answers against an earlier commit of itself, by turns in one run.

    python -m benchmarks.front [REVISION] [--rounds 5] [--seconds 2]

Both servers run, each on a data folder of its own, and are loaded by turns, so that what else the machine does hits
both. Every connection asks again as soon as it is answered. Ratios are medians over the rounds of now / then: of rates
above 1 is faster now, of times below 1. The processor time of the server for one request, in microseconds, says the
same on a machine that has other things to do as well.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.arguments import positive_int
from benchmarks.generators import check_order, check_success, closed_loop, generator
from benchmarks.machine import describe
from benchmarks.orders import SYMBOL, get, orders
from benchmarks.ratios import median, ratios
from benchmarks.servers import ROOT, Server, extract, venue

BEFORE = "aa54205"  # the last commit that was served by eventlet.wsgi
LEVELS = 100  # of each side of the book
CONNECTIONS = (64, 1)


class Figures(NamedTuple):
    """What one turn came to: answers a second, waits in milliseconds, the server's processor time for each in us."""

    rate: float
    cpu: float
    p50: float
    p99: float


def load(server: Server, connections: int, contents: list[bytes], seconds: int) -> Figures:
    """Ask on so many connections for so long. Raises AssertionError for an answer that is no 200."""
    before = server.cpu()
    check = check_order if contents[0].startswith(b"POST") else check_success
    made = closed_loop(server.port, contents, connections, seconds, check)
    spent = sum(server.cpu_when_quiet().since(before))
    return Figures(made.rate, spent * 1e6 / made.asked, made.p50, made.p99)


@contextmanager
def serving(folder: Path, data: Path) -> Iterator[Server]:
    """A server of the checkout in `folder`, with a book of `LEVELS` a side."""
    with venue(data, folder=folder) as server:
        fill(server)
        yield server


def fill(server: Server) -> None:
    """Make a book that the orders of `benchmarks.orders` trade in the middle of."""
    for level in range(LEVELS):
        for side, price in (("buy", 29_900 - level), ("sell", 30_100 + level)):
            order = {"symbol": SYMBOL, "side": side, "order_type": "limit", "quantity": "1", "price": f"{price}.00"}
            server.ask("POST", "/order", order)


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
    parser.add_argument("--rounds", type=positive_int, default=5, help="(default %(default)s)")
    parser.add_argument("--seconds", type=positive_int, default=2, help="of each turn (default %(default)s)")
    arguments = parser.parse_args()
    print(f"{describe()}. {generator()}")
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
        kinds = {
            "GET /bbo": [[get(f"/bbo/{SYMBOL}")]] * 2,
            "GET /book": [[get(f"/book/{SYMBOL}")]] * 2,
            "the page's files": [[get(target) for target in files_of_page(server.port)] for server in servers],
            "POST /order": [orders()] * 2,
        }
        for name, contents in kinds.items():
            for connections in CONNECTIONS:
                rounds = [
                    [
                        load(server, connections, content, arguments.seconds)
                        for server, content in zip(servers, contents, strict=True)
                    ]
                    for _ in range(arguments.rounds)
                ]
                print(row(f"{name}, {connections} connection{'s' * (connections > 1)}", rounds), flush=True)


def row(name: str, rounds: list[list[Figures]]) -> str:
    """The medians of then and now, and of their ratios."""
    text = f"{name:32}"
    for field, decimals in (("rate", 0), ("cpu", 0), ("p50", 2), ("p99", 2)):
        then, now = ([getattr(turn[which], field) for turn in rounds] for which in (0, 1))
        text += f"{median(then):12.{decimals}f}{median(now):12.{decimals}f}{median(ratios(now, then)):12.2f}"
    return text


if __name__ == "__main__":
    main()
