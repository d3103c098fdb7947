"""An order that comes again is answered with the first one, whatever has happened since, by whichever way it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import eventlet
import msgspec
import pytest

from api.bootstrap import Server
from api.orders import duplicates as duplicates_module
from api.orders import memory
from api.settings import Settings
from engine import recent
from engine.commands import EnterOrder, ListInstrument
from engine.events import Rejected
from engine.rejects import RejectReason
from engine.types import SANDBOX_ACCOUNT, Lots, OrderType, Side, Ticks, TimeInForce
from tests.access.cast import Person, appoint, guest, operator
from tests.api.clients import FeedClient
from tests.api.full_disk import fill_disk, make_room
from tests.api.orders.forgetful import REMEMBERED, ForgetfulServer
from tests.server import Http, RunningServer

LISTED = """
[[instrument]]
symbol = "{symbol}"
base = "COIN"
quote = "CASH"
tick_size = "0.01"
lot_size = "0.001"
quote_scale = 10
maker_fee_bps = "2"
taker_fee_bps = "5"
reference_price = "100"
band_percent = "10"
limit_state_seconds = 600
max_quantity = "1000000"
max_notional = "1000000000"
"""


class Scene:
    """A forgetful server, its operator, and guests with funds."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self._feeds: dict[int, FeedClient] = {}
        self.meet()

    def meet(self) -> None:
        """Sign the operator in, after every start."""
        self.operator = operator(self.http)

    @property
    def http(self) -> Http:
        return self.server.http

    def feed(self, who: Person) -> FeedClient:
        """The connection of a guest."""
        if who.account not in self._feeds:
            self._feeds[who.account] = FeedClient(self.server.url, {"token": who.signed_in["token"]})
        return self._feeds[who.account]

    def hang_up(self) -> None:
        """Close every connection to the feed."""
        while self._feeds:
            self._feeds.popitem()[1].close()

    def guest(self) -> Person:
        """A new account with much of both assets."""
        person = guest(self.http)
        for asset in ("COIN", "CASH"):
            self.command(f"/admin/accounts/{person.account}/deposit", {"asset": asset, "amount": "1000000"})
        return person

    def command(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """What an operator is granted."""
        return self.http.call(method, path, {} if body is None else body, self.operator.bearer).granted()

    def enter(self, who: Person, **order: Any) -> Any:
        """The answer to an order that is taken."""
        return self.http.call("POST", "/order", order, who.bearer).granted()

    def finish(self, who: Person, symbol: str, count: int) -> None:
        """Orders of this account that are done at once and have no name."""
        for _ in range(count):
            self.enter(who, symbol=symbol, side="buy", order_type="ioc", quantity="1", price="91")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("repetition")
    listed = folder / "instruments.toml"
    names = [f"S{number}" for number in range(30)]
    listed.write_text("".join(LISTED.format(symbol=name) for name in names), encoding="utf-8")
    appoint(folder / "data")
    with ForgetfulServer(folder / "data", "--login-rate", "off", "--instruments", str(listed)) as server:
        scene = Scene(server)
        yield scene
        scene.hang_up()


# -- the ways in: each returns status and body of the answer to one order


def by_rest(scene: Scene, who: Person, order: dict[str, Any]) -> tuple[int, Any]:
    answer = scene.http.call("POST", "/order", order, who.bearer)
    return answer.status, answer.json


def by_batch(scene: Scene, who: Person, order: dict[str, Any]) -> tuple[int, Any]:
    unknown = {"op": "cancel", "order_id": "999999999"}
    answer = scene.http.call("POST", "/orders/batch", {"orders": [unknown, order, unknown]}, who.bearer).granted()
    assert [result["status"] for result in answer["results"]][::2] == [404, 404]
    result = answer["results"][1]
    return result["status"], result["body"]


def by_feed(scene: Scene, who: Person, order: dict[str, Any]) -> tuple[int, Any]:
    return _fed(scene, who, "order", order)


def by_feed_batch(scene: Scene, who: Person, order: dict[str, Any]) -> tuple[int, Any]:
    _, answer = _fed(scene, who, "batch", {"orders": [order]})
    result = answer["results"][0]
    return result["status"], result["body"]


def _fed(scene: Scene, who: Person, event: str, data: Any) -> tuple[int, Any]:
    answer = scene.feed(who).call(event, data)
    return STATUS.get(answer.get("error_code"), 200), answer


STATUS = {
    "DUPLICATE_CLIENT_ORDER_ID": 409,
    "SYMBOL_NOT_TRADING": 400,
    "ACCOUNT_STOPPED": 403,
    "ORDER_RATE_EXCEEDED": 429,
}
DOORS = (by_rest, by_batch, by_feed, by_feed_batch)

# -- the states: what brings a symbol or an account into it, and what a new order is told then

State = Callable[[Scene, str, Person], str | None]


def trading(_scene: Scene, _symbol: str, _who: Person) -> str | None:
    return None


def halted(scene: Scene, symbol: str, _who: Person) -> str | None:
    scene.command(f"/admin/symbols/{symbol}/halt")
    return "SYMBOL_NOT_TRADING"


def closed(scene: Scene, symbol: str, _who: Person) -> str | None:
    scene.command(f"/admin/symbols/{symbol}/close")
    return "SYMBOL_NOT_TRADING"


def before_the_open(scene: Scene, symbol: str, _who: Person) -> str | None:
    scene.command(f"/admin/symbols/{symbol}/pre_open")
    return "SYMBOL_NOT_TRADING"  # the new order is an IOC


def auction(scene: Scene, symbol: str, _who: Person) -> str | None:
    scene.command(f"/admin/symbols/{symbol}/auction")
    return "SYMBOL_NOT_TRADING"


def limit_state(scene: Scene, symbol: str, _who: Person) -> str | None:
    for side, price in (("sell", "115"), ("buy", "120")):
        order = {"symbol": symbol, "side": side, "order_type": "limit", "quantity": "1", "price": price}
        scene.http.post("/order", order | {"self_trade_prevention": "none"}).granted()
    assert scene.http.get(f"/status/{symbol}")["limit_state"] is not None
    return None


def stopped(scene: Scene, _symbol: str, who: Person) -> str | None:
    scene.command(f"/admin/accounts/{who.account}/stop")
    return "ACCOUNT_STOPPED"


def too_fast(scene: Scene, _symbol: str, who: Person) -> str | None:
    configured = {"tier": "slow", "max_orders_per_second": 0}
    scene.command(f"/admin/accounts/{who.account}", configured, "PUT")
    return "ORDER_RATE_EXCEEDED"


STATES: tuple[State, ...] = (
    trading, halted, closed, before_the_open, auction, limit_state, stopped, too_fast,
)  # fmt: skip


def first_orders(scene: Scene, who: Person, symbol: str) -> dict[str, tuple[dict[str, Any], str]]:
    """Orders of every kind of fate: how each was asked for, and its id. The oldest are in the history only."""
    order = {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1"}
    asked = {
        "long_filled": order | {"price": "101", "client_order_id": "long_filled"},
        "long_cancelled": order | {"price": "95", "client_order_id": "long_cancelled"},
        "filled": order | {"price": "101", "client_order_id": "filled"},
        "cancelled": order | {"price": "95", "client_order_id": "cancelled"},
        "rests": order | {"price": "94", "client_order_id": "rests"},
        "waits": order | {"order_type": "stop", "stop_price": "109", "client_order_id": "waits"},
    }
    other = scene.guest()
    ids: dict[str, str] = {}
    for name, body in asked.items():
        if "filled" in name:
            scene.enter(other, symbol=symbol, side="sell", order_type="limit", quantity="1", price="100")
        if name == "filled":
            scene.finish(who, symbol, REMEMBERED)
        ids[name] = scene.enter(who, **body)["order_id"]
        if "cancelled" in name:
            scene.http.call("DELETE", f"/order/{ids[name]}", None, who.bearer).granted()
    return {name: (body, ids[name]) for name, body in asked.items()}


SYMBOL_OF = {state.__name__: f"S{number}" for number, state in enumerate(STATES)}


@pytest.fixture(scope="module")
def entered(scene: Scene) -> dict[str, tuple[Person, dict[str, tuple[dict[str, Any], str]]]]:
    """For each state a guest, with orders in a symbol of its own."""
    people = {state.__name__: scene.guest() for state in STATES}
    return {name: (who, first_orders(scene, who, SYMBOL_OF[name])) for name, who in people.items()}


def check(scene: Scene, state: State, who: Person, firsts: dict[str, tuple[dict[str, Any], str]]) -> None:
    """Every first order sent again by every way is answered with the first; other orders under its id are refused."""
    symbol = SYMBOL_OF[state.__name__]
    refusal = state(scene, symbol, who)
    before = orders_of(scene, who)
    for door in DOORS:
        for name, (body, order_id) in firsts.items():
            status, answer = door(scene, who, body)
            assert (status, answer.get("repeated"), answer.get("order_id")) == (200, True, order_id), (
                door,
                name,
                answer,
            )
            for other in (body | {"quantity": "2"}, body | {"symbol": "S29"}):
                status, answer = door(scene, who, other)
                assert (status, answer["error_code"]) == (409, "DUPLICATE_CLIENT_ORDER_ID"), (door, name, answer)
                assert answer["details"]["order_id"] == order_id
        if refusal is not None:
            new = {"symbol": symbol, "side": "buy", "order_type": "ioc", "quantity": "1", "price": "91"}
            _, answer = door(scene, who, new | {"client_order_id": "new"})
            assert answer["error_code"] == refusal, (door, answer)
    for name, (body, order_id) in firsts.items():
        for test in (
            scene.http.call("POST", "/order/test", body, who.bearer).granted(),
            _fed(scene, who, "order_test", body)[1],
        ):
            assert (test["accepted"], test["repeated"], test["order_id"]) == (True, True, order_id), (name, test)
        test = scene.http.call("POST", "/order/test", body | {"quantity": "2"}, who.bearer).granted()
        assert (test["accepted"], test["error_code"]) == (False, "DUPLICATE_CLIENT_ORDER_ID")
        assert test["details"]["order_id"] == order_id
    assert orders_of(scene, who) == before


def orders_of(scene: Scene, who: Person) -> list[str]:
    """The ids of all orders of an account."""
    answer = scene.http.call("GET", "/orders?limit=100", None, who.bearer).granted()
    return [order["order_id"] for order in answer["orders"]]


@pytest.mark.parametrize("state", STATES)
def test_a_repetition_is_answered_first_in_every_state_by_every_way(
    state: State, scene: Scene, entered: dict[str, tuple[Person, dict[str, tuple[dict[str, Any], str]]]]
) -> None:
    check(scene, state, *entered[state.__name__])


def test_a_repetition_is_answered_first_after_a_restart_too(
    scene: Scene, entered: dict[str, tuple[Person, dict[str, tuple[dict[str, Any], str]]]]
) -> None:
    scene.hang_up()
    scene.server.restart()
    scene.meet()
    for state in STATES:
        if state is not limit_state:  # it is in it still
            check(scene, state, *entered[state.__name__])


def test_a_guests_flood_flushes_nobody_elses_order(scene: Scene) -> None:
    victim, attacker, seller = scene.guest(), scene.guest(), scene.guest()
    scene.enter(seller, symbol="S20", side="sell", order_type="limit", quantity="2", price="100")
    order = {"symbol": "S20", "side": "buy", "order_type": "limit", "quantity": "1", "price": "100"}
    first = scene.enter(victim, **order, client_order_id="mine")
    assert first["status"] == "filled"
    flood = [order | {"price": "91", "order_type": "ioc", "client_order_id": f"x{number}"} for number in range(500)]
    for _ in range(2):
        scene.http.call("POST", "/orders/batch", {"orders": flood}, attacker.bearer).granted()
    again = scene.enter(victim, **order, client_order_id="mine")
    assert (again["order_id"], again["repeated"], again["trades"]) == (first["order_id"], True, first["trades"])
    scene.http.call("POST", "/orders/batch", {"orders": flood}, victim.bearer).granted()
    again = scene.enter(victim, **order, client_order_id="mine")  # nor does its own: what memory lost, the history has
    assert (again["order_id"], again["repeated"], again["trades"]) == (first["order_id"], True, first["trades"])
    scene.http.call("POST", "/cancel", {"client_order_id": "mine"}, victim.bearer).refused(409, "TOO_LATE")


def test_an_order_that_is_forgotten_while_its_repetition_waits_is_not_entered_again(scene: Scene) -> None:
    who = scene.guest()
    order = {"symbol": "S23", "side": "buy", "order_type": "ioc", "quantity": "1", "price": "91"}
    first = scene.enter(who, **order, client_order_id="mine")
    batch = {"orders": [*[order] * REMEMBERED, order | {"client_order_id": "mine"}]}  # known until these are done
    result = scene.http.call("POST", "/orders/batch", batch, who.bearer).granted()["results"][-1]
    assert (result["status"], result["body"]["error_code"]) == (503, "MAYBE_REPEATED")
    assert scene.enter(who, **order, client_order_id="mine")["order_id"] == first["order_id"]
    assert len(orders_of(scene, who)) == 1 + REMEMBERED


def test_of_equal_requests_at_once_by_a_forgetful_account_one_is_entered(scene: Scene) -> None:
    who = scene.guest()
    scene.finish(who, "S21", REMEMBERED + 1)
    order = {
        "symbol": "S21",
        "side": "buy",
        "order_type": "limit",
        "quantity": "1",
        "price": "95",
        "client_order_id": "one",
    }
    answers: list[Any] = []

    def send() -> None:
        http = Http(scene.server.url)
        answers.append(http.call("POST", "/order", order, who.bearer).granted())
        http.close()

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 11
    assert len({answer["order_id"] for answer in answers}) == 1


def test_a_refused_orders_id_is_free_again_for_a_forgetful_account_too(scene: Scene) -> None:
    who = scene.guest()
    scene.finish(who, "S22", REMEMBERED + 1)
    order = {"symbol": "S22", "side": "buy", "order_type": "limit", "quantity": "1", "client_order_id": "free"}
    scene.http.call("POST", "/order", order | {"price": "0.005"}, who.bearer).refused(400, "BAD_TICK")
    assert scene.enter(who, **order, price="95")["repeated"] is False


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A whole server without its port, to break; its accounts remember few done orders, and others only the history."""
    monkeypatch.setattr(recent, "REMEMBERED_MAX", REMEMBERED)
    monkeypatch.setattr(memory, "DONE_MAX", 0)
    server = Server(Settings(data=tmp_path_factory.mktemp("whole")))
    yield server
    server.close()


IOC = {"symbol": "BTC-USDT", "side": "buy", "order_type": "ioc", "quantity": "0.5", "price": "30000.00"}


def test_without_a_history_nothing_is_entered_that_may_be_a_repetition(whole: Server) -> None:
    client = whole.app.test_client()
    fill_disk(whole)
    for number in range(REMEMBERED + 1):
        assert client.post("/order", json=IOC | {"client_order_id": f"n{number}"}).status_code == 200
    seq = whole.exchange.seq
    for name in ("n0", "new"):
        for body, path in (
            (IOC | {"client_order_id": name}, "/order"),
            (IOC | {"client_order_id": name}, "/order/test"),
        ):
            answer = client.post(path, json=body)
            assert (answer.status_code, answer.get_json()["error_code"]) == (503, "HISTORY_BEHIND")
            assert answer.headers["Retry-After"] == "1"
    batch = client.post("/orders/batch", json={"orders": [IOC | {"client_order_id": "new"}, IOC]}).get_json()
    assert [result["status"] for result in batch["results"]] == [503, 200]
    assert whole.exchange.seq == seq + 1  # the order without an id
    make_room(whole)
    with eventlet.Timeout(60):
        while whole.historian.access.failure is not None:
            eventlet.sleep(0.05)
    assert client.post("/order", json=IOC | {"client_order_id": "n0"}).get_json()["repeated"] is True
    assert client.post("/order", json=IOC | {"client_order_id": "new"}).get_json()["repeated"] is False


def test_a_look_that_fails_is_told_as_try_again_and_enters_nothing(
    whole: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = whole.app.test_client()
    for number in range(REMEMBERED + 1):
        assert client.post("/order", json=IOC | {"client_order_id": f"n{number}"}).status_code == 200

    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    seq = whole.exchange.seq
    with monkeypatch.context() as gone:
        gone.setattr(whole.history, "named_orders", broken)
        answer = client.post("/order", json=IOC | {"client_order_id": "new"})
        assert (answer.status_code, answer.get_json()["error_code"]) == (503, "HISTORY_BEHIND")
        assert "disk" not in answer.text
    assert whole.exchange.seq == seq
    assert client.post("/order", json=IOC | {"client_order_id": "n0"}).get_json()["repeated"] is True


def test_an_id_used_before_is_not_entered_in_a_symbol_that_is_listed_while_the_order_waits(whole: Server) -> None:
    client, venue = whole.app.test_client(), whole
    for number in range(REMEMBERED + 1):
        assert client.post("/order", json=IOC | {"client_order_id": f"n{number}"}).status_code == 200
    known = venue.exchange.books["BTC-USDT"].instrument
    order = EnterOrder(
        SANDBOX_ACCOUNT, "NEW", Side.BUY, OrderType.LIMIT, TimeInForce.IOC, Lots(10**6), Ticks(3_000_000), "n0"
    )
    (checked,) = venue.duplicates.check([order], 1)
    assert isinstance(checked, EnterOrder)
    venue.sequencer.submit(ListInstrument(msgspec.structs.replace(known, symbol="NEW")))
    event = venue.sequencer.submit(checked).events[0]
    assert isinstance(event, Rejected)
    assert event.reason is RejectReason.MAYBE_REPEATED  # and when it comes again, the history is asked


def test_a_look_that_hangs_is_given_up_and_enters_nothing(whole: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    client = whole.app.test_client()
    for number in range(REMEMBERED + 1):
        assert client.post("/order", json=IOC | {"client_order_id": f"n{number}"}).status_code == 200
    seq, release = whole.exchange.seq, threading.Event()

    def hangs(names: list[Any]) -> list[None]:
        release.wait(60)
        return [None] * len(names)

    monkeypatch.setattr(duplicates_module, "ASKED_S", 0.2)
    monkeypatch.setattr(whole.history, "named_orders", hangs)
    for _ in range(2):
        answer = client.post("/order", json=IOC | {"client_order_id": "new"})
        assert (answer.status_code, answer.get_json()["error_code"]) == (503, "HISTORY_BEHIND")
    monkeypatch.setattr(duplicates_module, "WAITING_MAX", 1)  # the second waits still
    answer = client.post("/order", json=IOC | {"client_order_id": "new"})
    assert (answer.status_code, answer.get_json()["error_code"]) == (503, "HISTORY_BEHIND")
    assert whole.exchange.seq == seq
    release.set()
    monkeypatch.undo()
    with eventlet.Timeout(60):
        while whole.duplicates._is_asking:
            eventlet.sleep(0.01)
    assert client.post("/order", json=IOC | {"client_order_id": "new"}).get_json()["repeated"] is False


def test_an_account_that_has_forgotten_nothing_never_asks_the_history(
    whole: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("nobody asks")

    monkeypatch.setattr(whole.history, "named_orders", broken)
    for number in range(REMEMBERED):
        answer = whole.app.test_client().post("/order", json=IOC | {"client_order_id": f"n{number}"})
        assert answer.get_json()["repeated"] is False


def test_a_restart_longer_than_anybodys_memory_makes_no_repetition_a_new_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, settings = IOC | {"client_order_id": "mine"}, Settings(data=tmp_path / "data")
    server = Server(settings)
    first = server.app.test_client().post("/order", json=order).get_json()
    server.close()
    now_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + 9 * 24 * recent.HOUR_NS)
    server = Server(settings)
    try:
        client, exchange = server.app.test_client(), server.exchange
        assert exchange.recent.forgotten_until(SANDBOX_ACCOUNT, time.time_ns()) > 0
        for _ in range(2):  # before and after the others of that age were dropped
            again = client.post("/order", json=order).get_json()
            assert (again["order_id"], again["repeated"]) == (first["order_id"], True)
            answers = client.post("/order", json=order | {"quantity": "0.6"})
            assert (answers.status_code, answers.get_json()["error_code"]) == (409, "DUPLICATE_CLIENT_ORDER_ID")
            assert client.post("/order", json=IOC).get_json()["repeated"] is False
    finally:
        server.close()
