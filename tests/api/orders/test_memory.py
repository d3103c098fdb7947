"""What memory keeps of orders is what the history will say of them, and whoever asks for it waits for no history."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import example, given, settings

from api.json.errors import ApiError
from api.orders import memory
from api.orders.lookup import OrderLookup
from api.orders.memory import OrderMemory
from audit.mix import COIN
from audit.search import Search
from engine.commands import CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.events import Accepted, CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from history.access import HistoryAccess
from history.reader import HistoryReader
from history.store import History
from history.writer import HistoryWriter
from loop.errors import StoreAway
from tests.api.orders.forgetful import REMEMBERED, ForgetfulServer
from tests.server import Http, RunningServer, eventually

SYMBOL = "BTC-USDT"
BUY = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "0.02", "price": "30000.00"}
SELL = BUY | {"side": "sell"}
IOC = BUY | {"order_type": "ioc", "price": "20000.00"}
KEPT = 12  # done orders, in memory


class MemoryServer(ForgetfulServer):
    """A server whose engine remembers few done orders, and whose memory keeps some more."""

    further = f"from api.orders import memory; memory.DONE_MAX = {KEPT}; memory.FILLS_OF_ONE_MAX = 6; "


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with MemoryServer(tmp_path / "data") as server:
        eventually(lambda: server.http.get("/health")["history"]["lag"] == 0)  # its file is there, and in order
        yield server


@pytest.fixture
def http(server: RunningServer) -> Http:
    return server.http


@contextmanager
def history_stands_still(server: RunningServer) -> Iterator[None]:
    """Nothing can be written to the history meanwhile."""
    database = sqlite3.connect(server.data / "history.sqlite", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.rollback()
        database.close()


def finish(http: Http, count: int) -> list[str]:
    """Orders that are done at once."""
    return [http.post("/order", IOC).granted()["order_id"] for _ in range(count)]


def await_history(http: Http) -> None:
    """The history has everything so far; while it could not be written for long, it is tried again after a while."""
    eventually(lambda: http.call("GET", "/orders?status=done&limit=1").status == 200)


def quantities(order: Any) -> list[str]:
    return [fill["quantity"].rstrip("0") for fill in order["fills"]]


def test_an_open_order_has_its_fills_while_the_history_stands_still(server: RunningServer, http: Http) -> None:
    with history_stands_still(server):
        path = f"/order/{http.post('/order', BUY).granted()['order_id']}"
        http.post("/order", SELL | {"quantity": "0.005"}).granted()
        http.post("/order", SELL | {"quantity": "0.002"}).granted()
        order = http.get(path)
        assert (order["status"], quantities(order)) == ("partially_filled", ["0.005", "0.002"])
        less = http.call("PATCH", path, {"quantity": "0.01"}).granted()
        assert (less["remaining"], less["fills"]) == ("0.00300000", order["fills"])
        http.post("/order", SELL | {"quantity": "0.001", "price": "30001.00"}).granted()
        crossed = http.call("PATCH", path, {"price": "30001.00"}).granted()
        assert quantities(crossed) == ["0.005", "0.002", "0.001"]
        assert crossed["fills"][-1]["liquidity"] == "taker"
        ended = http.call("PATCH", path, {"quantity": "0.008"}).granted()
        assert (ended["status"], ended["fills"]) == ("cancelled", crossed["fills"])
    await_history(http)
    assert http.get(path)["fills"] == crossed["fills"]


def test_a_done_order_is_found_while_the_history_stands_still(server: RunningServer, http: Http) -> None:
    with history_stands_still(server):
        bought = http.post("/order", BUY).granted()["order_id"]
        sold = http.post("/order", SELL).granted()["order_id"]
        found = [http.get(f"/order/{order_id}") for order_id in (bought, sold, *finish(http, REMEMBERED + 1))]
        assert [order["status"] for order in found] == ["filled", "filled", *["cancelled"] * (REMEMBERED + 1)]
        assert [fill["liquidity"] for order in found for fill in order["fills"]] == ["maker", "taker"]
        for order in found:
            assert http.get(f"/order/{order['order_id']}") | {"seq": order["seq"]} == order
    await_history(http)
    finish(http, KEPT)  # from now on it is in the history alone
    await_history(http)
    for order in found:
        assert http.get(f"/order/{order['order_id']}") | {"seq": order["seq"]} == order


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_repetition_is_answered_while_the_history_stands_still(
    server: RunningServer, http: Http, forgotten: bool
) -> None:
    with history_stands_still(server):
        bids = {name: BUY | {"client_order_id": name, "quantity": "0.01"} for name in ("filled", "partly")}
        http.post("/order", SELL | {"quantity": "0.015"}).granted()
        firsts = {name: http.post("/order", bid).granted() for name, bid in bids.items()}
        assert [first["status"] for first in firsts.values()] == ["filled", "partially_filled"]
        if forgotten:
            finish(http, REMEMBERED + 1)
        for name, first in firsts.items():
            again = http.post("/order", bids[name]).granted()
            assert (again["repeated"], again["order_id"], again["trades"]) == (True, first["order_id"], first["trades"])
            other = http.post("/order", bids[name] | {"quantity": "0.02"})
            assert other.refused(409, "DUPLICATE_CLIENT_ORDER_ID")["details"]["order_id"] == first["order_id"]
        new = http.post("/order", IOC | {"client_order_id": "new"}).granted()
        assert (new["repeated"], new["status"]) == (False, "cancelled")


def test_cancels_that_come_too_late_or_name_nothing_are_told_so_while_the_history_stands_still(
    server: RunningServer, http: Http
) -> None:
    with history_stands_still(server):
        done = http.post("/order", IOC | {"client_order_id": "mine"}).granted()["order_id"]
        finish(http, REMEMBERED + 1)
        open_order = http.post("/order", BUY).granted()["order_id"]
        for named in ({"order_id": done}, {"client_order_id": "mine"}, {"order_id": done, "client_order_id": "mine"}):
            late = http.post("/cancel", named).refused(409, "TOO_LATE")
            assert late["details"]["order_id"] == done
        for unknown in ({"order_id": "1"}, {"order_id": "999999999"}, {"client_order_id": "nobodys"}):
            http.post("/cancel", unknown).refused(404, "UNKNOWN_ORDER")
        http.post("/cancel", {"order_id": "999999999", "client_order_id": "nobodys"}).refused(404, "UNKNOWN_ORDER")
        http.post("/cancel", {"order_id": open_order, "client_order_id": "mine"}).refused(400, "CONTRADICTION")
        http.call("PATCH", f"/order/{done}", {"price": "20000.00"}).refused(409, "TOO_LATE")
        batch = [{"op": "cancel", "order_id": order_id} for order_id in (done, "999999999", open_order)]
        results = http.post("/orders/batch", {"orders": batch}).granted()["results"]
        assert [result["status"] for result in results] == [409, 404, 200]


def test_what_is_no_longer_kept_needs_the_history_up_to_there_and_no_further(server: RunningServer, http: Http) -> None:
    bid = BUY | {"client_order_id": "mine", "quantity": "0.01"}
    http.post("/order", SELL | {"quantity": "0.015"}).granted()
    first = http.post("/order", bid).granted()
    partly = http.post("/order", BUY).granted()["order_id"]
    finish(http, KEPT + 1)
    await_history(http)
    with history_stands_still(server):
        finish(http, KEPT)
        again = http.post("/order", bid).granted()
        assert (again["repeated"], again["trades"]) == (True, first["trades"])
        assert quantities(http.get(f"/order/{first['order_id']}")) == ["0.01"]
        assert quantities(http.get(f"/order/{partly}")) == ["0.005"]
        http.post("/cancel", {"client_order_id": "mine"}).refused(409, "TOO_LATE")
        http.post("/cancel", {"order_id": "1"}).refused(404, "UNKNOWN_ORDER")
        new = http.post("/order", IOC | {"client_order_id": "new"}).granted()
        assert new["repeated"] is False


def test_beyond_what_is_kept_nobody_is_told_what_a_history_that_stands_still_does_not_know(
    server: RunningServer, http: Http
) -> None:
    await_history(http)
    with history_stands_still(server):
        order = IOC | {"client_order_id": "mine"}
        first = http.post("/order", order).granted()["order_id"]
        (*_, last) = finish(http, KEPT)
        http.call("GET", f"/order/{first}").refused(503, "HISTORY_BEHIND")
        assert http.get(f"/order/{last}")["status"] == "cancelled"
        http.post("/order", order).refused(503, "HISTORY_BEHIND")
        http.post("/cancel", {"client_order_id": "mine"}).refused(503, "HISTORY_BEHIND")
    server.restart()
    assert server.http.get(f"/order/{first}")["status"] == "cancelled"
    assert server.http.post("/order", order).granted()["order_id"] == first
    assert len(server.http.get("/orders?limit=100")["orders"]) == 1 + KEPT


def test_of_an_order_with_very_many_fills_the_history_has_the_older_ones(server: RunningServer, http: Http) -> None:
    order_id = http.post("/order", BUY | {"quantity": "0.5"}).granted()["order_id"]
    traded = [f"0.00{number}" for number in range(1, 10)]
    for quantity in traded:
        http.post("/order", SELL | {"quantity": quantity}).granted()
    assert quantities(http.get(f"/order/{order_id}")) == traded
    await_history(http)
    with history_stands_still(server):
        http.post("/order", SELL | {"quantity": "0.01"}).granted()
        assert quantities(http.get(f"/order/{order_id}")) == [*traded, "0.01"]
        http.call("DELETE", f"/order/{order_id}").granted()
        assert quantities(http.get(f"/order/{order_id}")) == [*traded, "0.01"]


def test_after_a_restart_memory_keeps_what_it_kept_before(server: RunningServer, http: Http) -> None:
    http.post("/order", SELL | {"quantity": "0.03"}).granted()
    done = [http.post("/order", BUY).granted()["order_id"], *finish(http, KEPT - 1)]
    before = [http.get(f"/order/{order_id}") for order_id in done]
    server.restart()
    with history_stands_still(server):
        finish(server.http, 1)
        assert server.http.get(f"/order/{done[1]}") | {"seq": before[1]["seq"]} == before[1]
        assert [server.http.get(f"/order/{order_id}")["fills"] for order_id in done] == [
            order["fills"] for order in before
        ]


def limit_order(account: int, side: Side, lots: int) -> EnterOrder:
    limit, gtc = OrderType.LIMIT, TimeInForce.GTC
    return EnterOrder(AccountId(account), COIN.symbol, side, limit, gtc, Lots(lots), Ticks(20))


@pytest.mark.parametrize(("bound", "limit", "dropped"), [("FILLS_OF_ONE_MAX", 6, 3), ("OPEN_FILLS_MAX", 7, 7)])
def test_the_history_is_needed_up_to_the_newest_fill_that_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, bound: str, limit: int, dropped: int
) -> None:
    monkeypatch.setattr(memory, bound, limit)
    funds = [Deposit(AccountId(1), COIN.quote, "1000"), Deposit(AccountId(2), COIN.base, "1000")]
    sold = [limit_order(2, Side.SELL, 2)] * 7
    exchange, kept = Exchange(), OrderMemory()
    commands: list[Command] = [ListInstrument(COIN), *funds, limit_order(1, Side.BUY, 100), *sold]
    for number, command in enumerate(commands, 1):
        kept.on_applied([CommandResult(Seq(number), number, command, exchange.apply(command, Seq(number), number))])
    fills = kept.fills(OrderId(4))
    assert fills.older_until == 4 + dropped
    assert [trade.seq for trade in fills.trades] == list(range(5 + dropped, 12))


# -- random flows


def flow(seed: int, commands: int) -> list[CommandResult]:
    """Commands of every kind, and what they cause."""
    search, exchange = Search(seed), Exchange()
    assert search.run(commands) is None
    return [
        CommandResult(Seq(seq), ts_ns, command, exchange.apply(command, Seq(seq), ts_ns))
        for seq, (ts_ns, command) in enumerate(search.commands, 1)
    ]


class Bounds(msgspec.Struct):
    """Those of the memory."""

    done: int
    done_fills: int
    open_fills: int
    fills_of_one: int


BOUNDS = st.builds(
    Bounds,
    st.integers(0, 60) | st.just(10**6),
    st.integers(0, 60) | st.just(10**6),
    st.integers(2, 30) | st.just(10**6),
    st.integers(1, 9) | st.just(10**6),
)
PARTS = st.lists(st.integers(1, 40), min_size=1, max_size=5)  # lengths of batches, again and again


def folded(kept: OrderMemory, results: list[CommandResult], parts: list[int]) -> OrderMemory:
    start = 0
    for length in itertools.cycle(parts):
        if start >= len(results):
            return kept
        kept.on_applied(results[start : start + length])
        start += length
    return kept


def answers_of(lookup: OrderLookup, order_id: OrderId, account: AccountId, name: str | None) -> list[Any]:
    """All that a lookup answers about one order, without waiting: itself, and what becomes of cancels by either id."""

    def order() -> bytes:
        return msgspec.json.encode(lookup.order(str(order_id), account, patience_s=0))

    def repeated() -> bytes:
        return msgspec.json.encode(lookup.repeated(order_id, account, Seq(1), 0.0, 0))

    def cancel(command: CancelOrder) -> None:
        lookup.require_one_order(command, 0)
        unknown = Exchange().apply(command, Seq(1), 1)[0]
        lookup.raise_if_done(unknown, command, 0)  # type: ignore[arg-type]

    ways = [order, repeated, lambda: cancel(CancelOrder(account, order_id, name))]
    if name is not None:
        ways.append(lambda: cancel(CancelOrder(account, None, name)))
        ways.append(lambda: cancel(CancelOrder(account, OrderId(10**9), name)))
    answers: list[Any] = []
    for way in ways:
        try:
            answers.append(way())
        except ApiError as refusal:
            answers.append((refusal.status, refusal.code, dict(refusal.details or {})))
        except StoreAway:
            answers.append(None)
    return answers


@given(
    seed=st.integers(1, 10**6),
    commands=st.integers(30, 500),
    since=st.integers(0, 500),
    stored=st.floats(0, 1),
    bounds=BOUNDS,
    parts=PARTS,
)
@example(seed=3, commands=500, since=0, stored=0.0, bounds=Bounds(10**6, 10**6, 10**6, 10**6), parts=[32])
@example(seed=4, commands=500, since=0, stored=1.0, bounds=Bounds(0, 0, 2, 1), parts=[1])
@settings(max_examples=25)
def test_memory_and_a_history_that_is_behind_say_what_a_whole_history_says(
    seed: int, commands: int, since: int, stored: float, bounds: Bounds, parts: list[int]
) -> None:
    results = flow(seed, commands)
    with ExitStack() as undo:
        patch = undo.enter_context(pytest.MonkeyPatch.context())
        for name, value in msgspec.structs.asdict(bounds).items():
            patch.setattr(memory, f"{name.upper()}_MAX", value)
        kept = folded(OrderMemory(Seq(min(since, commands))), results[since:], parts)
        nothing = OrderMemory(Seq(commands))
        exchange = Exchange()
        for item in results:
            exchange.apply(item.command, item.seq, item.ts_ns)
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))

        def lookup(name: str, known: OrderMemory, until: int) -> OrderLookup:
            writer = HistoryWriter(folder / name)
            writer.write(results[:until])
            writer.close()
            history = History(folder / name)
            undo.callback(history.close)
            access = HistoryAccess(history, Seq(until), lambda _seq: None)
            undo.callback(access.close)
            return OrderLookup(exchange, known, HistoryReader(history, access))

        entered = [event for item in results for event in item.events if isinstance(event, Accepted)]
        needed = {
            event.order_id: max(kept.forgotten_until, kept.fills(event.order_id).older_until) for event in entered
        }
        edges = sorted({0, commands, *needed.values()})  # histories that have what is needed of some, and just that
        stored_seq = edges[round(stored * (len(edges) - 1))]
        whole, behind = lookup("whole.sqlite", nothing, commands), lookup("behind.sqlite", kept, stored_seq)
        assert len(kept) <= bounds.done
        for event in entered:
            asked = event.order_id, event.account, event.client_order_id
            expected, actual = answers_of(whole, *asked), answers_of(behind, *asked)
            if stored_seq >= needed[event.order_id]:
                assert actual == expected, event
            else:
                check_nothing_false(actual, expected)
            named = kept.order_by_client_id(event.account, event.client_order_id or "")
            assert named is None or named.order_id in kept


def check_nothing_false(actual: list[Any], expected: list[Any]) -> None:
    """What a history that is too far behind leads to: the truth, a 503, or an open order without its fills."""
    for said, true in zip(actual, expected, strict=True):
        if isinstance(said, bytes) and isinstance(true, bytes) and said != true:
            order, whole = msgspec.json.decode(said), msgspec.json.decode(true)
            assert "fills" not in order
            assert {name: value for name, value in whole.items() if name != "fills"} == order
        elif said is not None and said[:2] != (503, "HISTORY_BEHIND"):
            assert said == true
