"""How long one request holds the event loop: `python -m tests.attacks.longest_turn DATA` prints it for many, as JSON.

A server without sockets on a data folder with a large book, asked one thing after the other. Meanwhile another greenlet
notes the longest processor time of the loop's thread between two of its turns, so that a busy machine does not count.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import eventlet
import msgspec
from werkzeug.test import EnvironBuilder, run_wsgi_app

from api.bootstrap import Server
from api.settings import Settings
from engine.commands import AdoptRulebook, Command, Deposit, EnterOrder, ListInstrument
from engine.rulebook import CURRENT_EDITION
from engine.types import SANDBOX_ACCOUNT, Lots, OrderType, Side, Ticks, TimeInForce
from journal.codec import GENESIS, seal
from journal.sqlite import SqliteJournal
from tests.journal.commands import BTC_USDT

ORDERS: Final = 50_000
SYMBOLS: Final = 1_000
A_RECORD: Final = 500
TRIES: Final = 3

Case = tuple[str, str, bytes | None, int]  # method, path, body, status


def write_venue(data: Path) -> None:
    """A journal of a venue with many symbols and a book of `ORDERS`, a third of them at two prices."""
    data.mkdir(parents=True)
    journal = SqliteJournal(data / "journal.sqlite")
    commands, chain, seq = list(_commands()), GENESIS, 1
    for n, at in enumerate(range(0, len(commands), A_RECORD), 1):
        record = seal(n, 1_700_000_000_000_000_000, seq, commands[at : at + A_RECORD], chain)
        journal.append(record)
        chain, seq = record.chain, seq + record.count
    journal.close()


def _commands() -> Iterator[Command]:
    replace = msgspec.structs.replace
    yield AdoptRulebook(CURRENT_EDITION)
    for number in range(SYMBOLS):
        yield ListInstrument(replace(BTC_USDT, symbol=f"S{number:03}-USDT", base=f"S{number:03}"))
    yield ListInstrument(replace(BTC_USDT, symbol="LONG-USDT", base="LONG", max_open_orders=100_000))
    for asset in ("LONG", "USDT"):
        yield Deposit(SANDBOX_ACCOUNT, asset, "1000000000000")
    for number in range(ORDERS):
        side, step = (Side.BUY, -1) if number % 2 else (Side.SELL, 1)
        away = 1 + (number if number % 3 else 0)
        price = Ticks(3_000_000 + step * away)
        yield EnterOrder(SANDBOX_ACCOUNT, "LONG-USDT", side, OrderType.LIMIT, TimeInForce.GTC, Lots(10**7), price)


MADE_ONCE = ("/openapi.json", "/docs")  # the first request is the long one


def cases() -> dict[str, Case]:
    """What is asked for, each by what it is."""
    element = '{"symbol":"LONG-USDT","side":"x","order_type":"limit","quantity":"1"}'
    unknown = '{"symbol":"LONG-USDT","side":"buy","order_type":"limit","quantity":"1","price":"1","zz":1}'
    entered = '{"symbol":"S001-USDT","side":"buy","order_type":"limit","quantity":"1","price":"1"}'
    amend = '{"op":"amend","order_id":"99999999","price":"1"}'
    order = '{"symbol":"LONG-USDT","side":"buy","order_type":"limit","quantity":%s,"price":"1"}'
    numbers = ",".join(["0.1"] * 200_000)
    return {
        "the whole book": ("GET", "/book/LONG-USDT?levels=all", None, 200),
        "every order": ("GET", "/book/LONG-USDT/orders?limit=100000", None, 200),
        "every order of a price": ("GET", "/book/LONG-USDT/orders?limit=100000&price=29999.99", None, 200),
        "a digest": ("GET", "/health?digest=true", None, 200),
        "every symbol": ("GET", "/symbols", None, 200),
        "every ticker": ("GET", "/ticker", None, 200),
        "the figures": ("GET", "/metrics", None, 200),
        "statistics": ("GET", "/statistics", None, 200),
        "a quote of all": ("GET", "/quote/LONG-USDT?side=buy&quantity=10000", None, 200),
        "a page of orders": ("GET", "/orders?limit=1000", None, 200),
        "a page of no orders": ("GET", "/orders?limit=1000&symbol=S001-USDT", None, 200),
        "a page far back": ("GET", "/orders?limit=1000&cursor=2000", None, 200),
        "a batch of malformed orders": ("POST", "/orders/batch", _batch(element), 200),
        "a batch of unknown fields": ("POST", "/orders/batch", _batch(unknown), 200),
        "a batch of numbers": ("POST", "/orders/batch", _batch("0.1"), 200),
        "a batch of orders": ("POST", "/orders/batch", _batch(entered), 200),
        "a batch of unknown amends": ("POST", "/orders/batch", _batch(amend), 200),
        "a batch of far too many": ("POST", "/orders/batch", b'{"orders":[%b]}' % numbers.encode(), 400),
        "a batch of one long element": (
            "POST",
            "/orders/batch",
            b'{"orders":[[%b]]}' % numbers.encode()[:200_000],
            400,
        ),
        "deep JSON": ("POST", "/order", b"[" * 100_000, 413),
        "a million digits": ("POST", "/order", (order % ("1" * 1_000_000)).encode(), 413),
        "many numbers": ("POST", "/order", b"[%b]" % numbers.encode(), 413),
        "as many as are read": ("POST", "/order", (b"[%b]" % numbers.encode())[:16_000], 400),
        "a field again and again": ("POST", "/order", b"{%b}" % b",".join([b'"k":0.1'] * 1_900), 400),
        "a body where none is read": ("GET", "/bbo/LONG-USDT", b"[%b]" % numbers.encode(), 413),
        "the description, asked for first": ("GET", "/openapi.json", None, 200),
        "its page, asked for first": ("GET", "/docs", None, 200),
        "a cancel of all": ("DELETE", "/orders", None, 200),
    }


def _batch(element: str) -> bytes:
    return b'{"orders":[%b]}' % ",".join([element] * 1000).encode()


class LongestTurn:
    """A context manager: `seconds` that the loop's thread worked at most between two turns of another greenlet."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> LongestTurn:
        self._ends = False
        self._greenlet = eventlet.spawn(self._run)
        eventlet.sleep(0.002)
        self.seconds = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        eventlet.sleep(0.002)
        self._ends = True
        self._greenlet.wait()

    def _run(self) -> None:
        last = time.thread_time()
        while not self._ends:
            eventlet.sleep(0.0002)
            now = time.thread_time()
            self.seconds, last = max(self.seconds, now - last), now


def ask(server: Server, method: str, path: str, body: bytes | None) -> int:
    """The status of one request's answer."""
    parts = urlsplit(path)
    environ = EnvironBuilder(
        method=method,
        path=parts.path,
        query_string=parts.query,
        data=body,
        content_type=None if body is None else "application/json",
        base_url="http://127.0.0.1:5000/",
        environ_base={"REMOTE_ADDR": "127.0.0.1", "openbell.target": path},
    ).get_environ()
    content, status, _ = run_wsgi_app(server.wsgi, environ)
    for _ in content:
        pass
    return int(status.split()[0])


def main(data: Path) -> None:
    """Print, for each case, the statuses and the shortest of the longest turns in milliseconds."""
    write_venue(data)
    server = Server(Settings(data=data))
    ask(server, "GET", "/bbo/LONG-USDT", None)
    found: dict[str, Any] = {}
    for name, (method, path, body, _) in cases().items():
        turns, statuses = [], set()
        for _ in range(1 if method == "DELETE" or path in MADE_ONCE else TRIES):
            with LongestTurn() as longest:
                statuses.add(ask(server, method, path, body))
            turns.append(longest.seconds * 1000)
            if turns[-1] < 10:
                break
        found[name] = [sorted(statuses), min(turns)]
    print(msgspec.json.encode(found).decode(), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
