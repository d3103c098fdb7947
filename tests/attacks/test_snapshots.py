"""Clients that ask for whole books without end, and may not read them: others wait little, the memory comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import msgspec
import pytest

from tests.attacks.frames import assert_answered, run_together, text, upgraded
from tests.attacks.raw import Connection
from tests.server import Http, RunningServer, eventually

SYMBOL = "SOL-USDT"
CLIENTS = 8
LEVELS = 4_000
MEGABYTE = 1 << 20
P50_MS = 150.0  # was 2 s


def subscription(options: str) -> bytes:
    """A frame that subscribes."""
    return text(f'42/market,["subscribe",{{"symbol":"{SYMBOL}",{options}}}]')


SUBSCRIBE = subscription('"type":"l2_deltas"')
WIDE = subscription('"type":"l2_updates","levels":1000')
BY_ORDER = subscription('"type":"l3","levels":1000')


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A sandbox with a deep book."""
    with RunningServer(tmp_path_factory.mktemp("snapshots") / "data") as running:
        deepen(running, LEVELS)
        yield running


def deepen(venue: RunningServer, levels: int) -> None:
    """Have a bid rest at each of so many prices."""
    bid = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "0.001"}
    for first in range(0, levels, 500):
        bids = [{**bid, "price": f"{99 - number * 0.01:.2f}"} for number in range(first, first + 500)]
        assert venue.http.post("/orders/batch", {"orders": bids}).status == 200


def ask_for_snapshots(url: str, seconds: float, *, reading: bool) -> None:
    """Subscribe without end over several connections."""
    deadline = time.monotonic() + seconds
    sent = (SUBSCRIBE + WIDE + BY_ORDER) * 20

    def attack() -> None:
        while time.monotonic() < deadline:
            with suppress(OSError, AssertionError, EOFError), upgraded(url, source=None) as connection:
                connection.send(text("40/market,"))
                connection.sock.settimeout(0.05)
                at = 0
                while time.monotonic() < deadline:
                    with suppress(TimeoutError):
                        at = (at + connection.sock.send(sent[at:])) % len(sent)
                    if reading:
                        with suppress(TimeoutError):
                            while len(connection.sock.recv(1 << 18)) == 1 << 18:
                                pass

    def trade() -> None:
        http = Http(url)
        order = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "50.00"}
        while time.monotonic() < deadline:
            http.post("/order", order)
            time.sleep(0.02)
        http.close()

    run_together([attack] * CLIENTS + [trade])


@pytest.mark.parametrize("reading", [True, False], ids=["who read", "who do not read"])
def test_clients_that_ask_for_whole_books_without_end_hold_nobody_up(venue: RunningServer, reading: bool) -> None:
    before = venue.process.memory_info().rss
    assert_answered(venue, lambda: ask_for_snapshots(venue.url, 1.5, reading=reading), P50_MS)
    assert venue.process.memory_info().rss - before < 80 * MEGABYTE


def book_of(connection: Connection) -> dict[str, object]:
    """The first whole book that a connection is sent."""
    received = b""
    deadline = time.monotonic() + 10
    while b'["l2_snapshot",' not in received or not received.endswith(b"}]"):
        assert time.monotonic() < deadline
        received += connection.sock.recv(1 << 20)
    snapshot = received[received.index(b'["l2_snapshot",') :]
    body: dict[str, object] = msgspec.json.decode(snapshot)[1]
    return body


def test_all_who_wait_for_a_long_book_are_sent_the_same_and_the_deltas_behind_it(venue: RunningServer) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(upgraded(venue.url, source=None)) for _ in range(4)]
        for client in clients:
            client.send(text("40/market,"))
            client.send(SUBSCRIBE)
        books = [book_of(client) for client in clients]
        there = venue.http.get(f"/book/{SYMBOL}?levels=all")
        for book in books:
            assert book["seq"] == there["seq"]
            assert [level[:2] for level in book["bids"]] == there["bids"]  # type: ignore[attr-defined]
            assert book == books[0]  # its time as well: it was made once


def test_a_client_that_has_gone_leaves_no_memory(venue: RunningServer) -> None:
    eventually(lambda: venue.http.get("/health")["connections"] == 0)
    ask_for_snapshots(venue.url, 1.0, reading=False)
    eventually(lambda: venue.http.get("/health")["connections"] == 0)
    before = venue.process.memory_info().rss
    for _ in range(3):
        ask_for_snapshots(venue.url, 1.0, reading=False)
        eventually(lambda: venue.http.get("/health")["connections"] == 0)
    assert venue.process.memory_info().rss - before < 30 * MEGABYTE
