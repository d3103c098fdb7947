"""What is read while others trade is of one moment: nothing is missed, nothing counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from threading import Event

from tests.server import Http, RunningServer

ROUNDS = 60


@contextmanager
def meanwhile(server: RunningServer, work: object) -> Iterator[None]:
    """Repeat `work(http)` on connections of its own until the block ends."""
    done = Event()

    def loop() -> None:
        http = Http(server.url)
        while not done.is_set():
            work(http)  # type: ignore[operator]
        http.close()

    with ThreadPoolExecutor(2) as pool:
        loops = [pool.submit(loop) for _ in range(2)]
        try:
            yield
        finally:
            done.set()
        for each in loops:
            each.result()


def test_an_order_that_ends_while_a_page_is_made_is_on_it(
    running_server: RunningServer, http: Http, symbol: str
) -> None:
    entered: list[int] = []

    def trade(other: Http) -> None:
        order = other.enter(symbol, "buy", "1", "100")
        entered.append(int(order["order_id"]))
        other.call("DELETE", f"/order/{order['order_id']}").granted()

    with meanwhile(running_server, trade):
        for _ in range(ROUNDS):
            known = set(entered)
            page = http.get(f"/orders?symbol={symbol}&limit=1000")
            listed = [int(order["order_id"]) for order in page["orders"]]
            assert listed == sorted(set(listed), reverse=True)
            assert known - set(listed) == set()
            assert max(listed, default=0) <= page["seq"]


def test_the_fills_of_an_order_add_up_to_what_is_filled(running_server: RunningServer, http: Http, symbol: str) -> None:
    path = f"/order/{http.enter(symbol, 'buy', '1000', '100')['order_id']}"
    with meanwhile(running_server, lambda other: other.enter(symbol, "sell", "0.001", "100")):
        for _ in range(ROUNDS):
            view = http.get(path)
            assert sum(Decimal(fill["quantity"]) for fill in view["fills"]) == Decimal(view["filled"])


def test_many_clients_at_once_each_get_the_answer_to_their_own_order(
    running_server: RunningServer, symbol: str
) -> None:
    def trade(number: int) -> list[str]:
        http = Http(running_server.url)
        answers = [
            http.enter(symbol, "buy", f"{number + 1}.{turn:03}", "100", client_order_id=f"{symbol}-{number}-{turn}")
            for turn in range(20)
        ]
        http.close()
        assert [answer["quantity"] for answer in answers] == [f"{number + 1}.{turn:03}" for turn in range(20)]
        return [answer["order_id"] for answer in answers]

    with ThreadPoolExecutor(16) as pool:
        ids = [order_id for mine in pool.map(trade, range(16)) for order_id in mine]
    assert len(set(ids)) == 16 * 20
