"""Deliveries of the feed a second and how late they are, and what the feed costs the orders.

`python -m benchmarks.feed`: starts the real server on a temporary data folder; orders come
at a fixed rate from one process while, in another, first nobody, then one page, then many
clients follow the book, the trades and the best prices of one symbol over bare WebSockets.
Clients, orders and server share the machine's cores.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from benchmarks.followers import PAGE, STREAMS, following
from benchmarks.generators import open_loop
from benchmarks.machine import describe
from benchmarks.orders import orders
from benchmarks.servers import venue

COUNTED = ("l2_delta", "trades", "bbo")
WARM_UP_S = 1.0
COLUMNS = {
    "deliveries": ("deliveries/s", 0),
    "delivered": ("% of expected", 2),
    "gaps": ("gaps", 0),
    "late50": ("late p50 ms", 1),
    "late99": ("late p99 ms", 1),
    "cpu_percent": ("server CPU %", 0),
    "rate": ("orders/s", 0),
    "p50": ("order p50 ms", 2),
    "p99": ("order p99 ms", 2),
    "cpu_us": ("CPU us/order", 0),
}


def one_run(count: int, streams: tuple[str, ...], seconds: float, rate: float) -> dict[str, float]:
    """Orders at `rate` a second for `seconds` while `count` clients follow; on a server of its own."""
    with ExitStack() as stack:
        server = stack.enter_context(venue(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        open_loop(server.port, orders(), rate, WARM_UP_S)
        followers = stack.enter_context(following(server.port, streams, ["{}"] * count))
        followers.counts()
        before = server.cpu()
        load = open_loop(server.port, orders(), rate, seconds)
        spent = server.cpu().since(before).server
        followed = followers.end()
    expected = sum(max((each[name] for each in followed.counts), default=0) for name in COUNTED) * count
    delivered = sum(followed.total(name) for name in COUNTED)
    return {
        "deliveries": followed.total("messages") / seconds,
        "delivered": delivered / expected * 100 if expected else 100.0,
        "gaps": followed.total("gaps"),
        "late50": followed.late_p50_ms,
        "late99": followed.late_p99_ms,
        "cpu_percent": spent / seconds * 100,
        "rate": load.rate,
        "p50": load.p50,
        "p99": load.p99,
        "cpu_us": spent * 1e6 / load.asked,
        "kept": load.kept,
    }


@click.command()
@click.option("--seconds", default=5.0, show_default=True, help="Of each measurement.")
@click.option("--clients", default=200, show_default=True, help="That follow the symbol at once.")
@click.option("--rate", default=300.0, show_default=True, help="Orders a second.")
def main(seconds: float, clients: int, rate: float) -> None:
    """Measure the feed: deliveries, lateness, and what it costs the orders."""
    print(describe())
    rows = {
        "nobody follows": one_run(0, (), seconds, rate),
        "one page": one_run(1, PAGE, seconds, rate),
        f"{clients} clients": one_run(clients, STREAMS, seconds, rate),
    }
    lost = [name for name, row in rows.items() if not row["kept"]]
    for name in lost:
        print(f"RATE NOT KEPT: {name}: the figures are of the orders/s below, not of {rate:g}")
    print(f"{'':16}" + "".join(f"{title:>14}" for title, _ in COLUMNS.values()))
    for name, row in rows.items():
        print(f"{name:16}" + "".join(f"{row[key]:14.{digits}f}" for key, (_, digits) in COLUMNS.items()))
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
