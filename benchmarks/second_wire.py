"""POST order of the second wire against the first's, both signed, in one run: `python -m benchmarks.second_wire`.

One server of the secured profile, one book. In each round the same orders come by either wire in turn, from one
connection and from many, each asking again as soon as it is answered. What is printed: the median of an order's time,
the server's own processor time for an order, and for both the ratio of the second wire to the first, round by round.
"""

from __future__ import annotations

import hashlib
import hmac
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from benchmarks.generators import check_order, closed_loop
from benchmarks.machine import describe
from benchmarks.orders import SYMBOL, random_orders, signed_orders
from benchmarks.ratios import Row, table
from benchmarks.servers import Server, Trader, secured

CONNECTIONS = (1, 32)
WARM_UP_S = 2  # of a closed loop, and more
RATE_MAX = 10_000  # orders a second that requests are made for: a signature is good once


class Turn(NamedTuple):
    """One turn of one wire."""

    median_ms: float
    cpu_us: float  # of the server, for an order


def signed_forms(traders: list[Trader], now_ms: int, count: int) -> list[bytes]:
    """As `signed_orders`, for the second wire: the same orders as forms."""
    bodies, repeated, requests = random_orders(), Counter[bytes](), []
    forms = [_form(msgspec.json.decode(body)) for body in bodies]
    for number in range(count):
        form = forms[number % len(forms)]
        trader = traders["side=SELL" in form]
        key = form.encode()
        sent = f"{form}&recvWindow=60000&timestamp={now_ms - repeated[key]}"
        repeated[key] += 1
        signature = hmac.new(trader.secret.encode(), sent.encode(), hashlib.sha256).hexdigest()
        body = f"{sent}&signature={signature}".encode()
        head = (
            "POST /api/v3/order HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-MBX-APIKEY: {trader.key_id}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    return requests


def _form(order: dict[str, str]) -> str:
    """An order of the first wire as a form of the second."""
    in_force = "IOC" if order["order_type"] == "ioc" else "GTC"
    return (
        f"symbol={SYMBOL.replace('-', '')}&side={order['side'].upper()}&type=LIMIT&timeInForce={in_force}"
        f"&quantity={order['quantity']}&price={order['price']}"
    )


def check_second(answer: bytes) -> None:
    """Raise AssertionError for an answer that is no order's."""
    assert b'"orderId":' in answer, answer[:300]


class Comparison:
    """Turns at one server."""

    def __init__(self, server: Server, traders: list[Trader], seconds: int) -> None:
        self._server = server
        self._traders = traders
        self._seconds = seconds

    def turn(self, wire: str, connections: int) -> Turn:
        """One turn of a wire, on a server that has nothing left to do."""
        count = RATE_MAX * (self._seconds + WARM_UP_S)
        make = signed_orders if wire == "first" else signed_forms
        prepared = make(self._traders, time.time_ns() // 1_000_000, count)
        check = check_order if wire == "first" else check_second
        before = self._server.cpu_when_quiet()
        load = closed_loop(self._server.port, prepared, connections, self._seconds, check)
        cpu = self._server.cpu_when_quiet().since(before)
        return Turn(load.p50, cpu.server / load.asked * 1e6)


@click.command(help=__doc__.splitlines()[0])
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=5, show_default=True, help="Of one turn.")
def main(rounds: int, seconds: int) -> None:
    """Measure and print."""
    click.echo(describe())
    with tempfile.TemporaryDirectory() as folder, secured(Path(folder) / "data") as (server, traders):
        comparison, rows = Comparison(server, traders, seconds), []
        for connections in CONNECTIONS:
            turns: dict[str, list[Turn]] = {"first": [], "second": []}
            for wire in turns:
                comparison.turn(wire, connections)  # uncounted
            for number in range(rounds):
                for wire in ("first", "second") if number % 2 == 0 else ("second", "first"):
                    turns[wire].append(comparison.turn(wire, connections))
            for name, field, aim in (
                ("median, ms", "median_ms", "1.3"),
                ("processor time of the server, us", "cpu_us", ""),
            ):
                first, second = ([getattr(turn, field) for turn in turns[wire]] for wire in ("first", "second"))
                rows.append(Row(f"{connections} connections: {name}", first, second, "", aim))
    click.echo("Before is the first wire, now the second.")
    click.echo(table(rows))


if __name__ == "__main__":
    main()
