"""Faults over REST: each kind does what it says, to whose requests it was set for, and the journal stays the truth."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.rejects import RejectReason
from tests.access.cast import Person, guest
from tests.server import Answer, Http, RunningServer

HEADER = "X-Openbell-Fault"
BUY = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.010", "price": "29000.00"}
ALONE = BUY | {"symbol": "SOL-USDT", "price": "150.00"}  # where one test trades


class Trader:
    """Somebody with faults of its own, over a connection of its own."""

    def __init__(self, server: RunningServer) -> None:
        self.who = guest(server.http)
        self.http = Http(server.url)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """One request with its token."""
        return self.http.call(method, path, body, self.who.bearer)

    def put(self, *steps: dict[str, Any], seed: int = 7) -> Any:
        """Set its faults."""
        return self.call("PUT", "/account/faults", {"seed": seed, "step": steps}).granted()

    def end(self) -> None:
        """End them."""
        self.call("DELETE", "/account/faults").granted()

    def order(self, order_id: str) -> Any:
        """One of its orders."""
        return self.call("GET", f"/order/{order_id}").granted()


@pytest.fixture
def trader(server: RunningServer) -> Iterator[Trader]:
    """Somebody new."""
    somebody = Trader(server)
    yield somebody
    somebody.end()
    somebody.http.close()


@pytest.fixture
def other(server: RunningServer) -> Iterator[Trader]:
    """Somebody else."""
    somebody = Trader(server)
    yield somebody
    somebody.http.close()


REFUSALS = [
    ({"kind": "rate_limit", "retry_after_s": 9}, 429, "TOO_MANY_REQUESTS", "9"),
    ({"kind": "timestamp"}, 401, "TIMESTAMP_OUTSIDE_WINDOW", None),
    ({"kind": "error", "status": 502}, 502, "BAD_GATEWAY", None),
    ({"kind": "error", "status": 503, "retry_after_s": 4, "when": "after"}, 503, "SERVICE_UNAVAILABLE", "4"),
]
REQUESTS = [
    ("POST", "/order", BUY),  # the lane's
    ("POST", "/order/test", BUY),
    ("GET", "/account/balances", None),
    ("GET", "/book/BTC-USDT", None),
]


@pytest.mark.parametrize(("step", "status", "code", "retry_after"), REFUSALS)
def test_a_refusal_touches_every_area_of_its_account_and_says_so(
    trader: Trader, other: Trader, step: dict[str, Any], status: int, code: str, retry_after: str | None
) -> None:
    trader.put(step)
    for method, path, body in REQUESTS:
        answer = trader.call(method, path, body)
        assert answer.refused(status, code)["details"] == {"fault": step["kind"]}
        assert (answer.headers[HEADER], answer.headers["Retry-After"]) == (f"{step['kind']}; seed=7", retry_after)
        untouched = other.call(method, path, body)
        assert (untouched.status, untouched.headers[HEADER]) == (200, None)


@pytest.mark.parametrize(("when", "taken"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["error", "drop"])
def test_an_order_is_taken_or_not_and_a_retry_by_its_client_order_id_finds_that(
    trader: Trader, kind: str, when: str, taken: int
) -> None:
    named = BUY | {"client_order_id": "once"}
    trader.put({"kind": kind, "when": when, "routes": ["POST /order"]})
    if kind == "drop":
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            trader.call("POST", "/order", named)
    else:
        trader.call("POST", "/order", named).refused(503, "SERVICE_UNAVAILABLE")
    assert len(trader.call("GET", "/orders").granted()["orders"]) == taken
    trader.end()
    answer = trader.call("POST", "/order", named).granted()
    (order,) = trader.call("GET", "/orders").granted()["orders"]
    assert (order["order_id"], order["client_order_id"]) == (answer["order_id"], "once")


def test_nothing_acknowledged_is_lost_or_doubled_by_a_client_that_retries_through_all_of_it(trader: Trader) -> None:
    trader.put(
        {"kind": "error", "when": "after", "probability": "0.4"},
        {"kind": "drop", "when": "after", "probability": "0.2"},
        {"kind": "rate_limit", "every": 5, "burst": 2, "retry_after_s": 0},
        {"kind": "drop", "probability": "0.1"},
        seed=11,
    )
    acknowledged: dict[str, str] = {}
    for number in range(30):
        named = BUY | {"client_order_id": f"n-{number}"}
        while named["client_order_id"] not in acknowledged:
            try:
                answer = trader.call("POST", "/order", named)
            except (http.client.RemoteDisconnected, ConnectionError):
                continue
            if answer.status == 200:
                acknowledged[str(named["client_order_id"])] = answer.json["order_id"]
            else:
                assert answer.headers[HEADER], answer.content
    trader.end()
    orders = trader.call("GET", "/orders").granted()["orders"]
    assert {order["client_order_id"]: order["order_id"] for order in orders} == acknowledged
    assert len(orders) == 30


def test_the_same_seed_gives_the_same_faults_for_the_same_requests(trader: Trader, other: Trader) -> None:
    steps = ({"kind": "error", "probability": "0.3"}, {"kind": "rate_limit", "probability": "0.3"})

    def outcomes(who: Trader) -> list[int]:
        who.put(*steps)
        return [who.call("GET", "/account/balances").status for _ in range(30)]

    first = outcomes(trader)
    assert first == outcomes(trader) == outcomes(other)
    assert set(first) == {200, 429, 503}
    other.end()


def test_a_latency_delays_an_answer_and_ends_with_its_plan(trader: Trader, other: Trader) -> None:
    trader.put({"latency_ms": 60_000})
    waiting = Http(trader.http.url)
    waiting.send("GET", "/account/balances", trader.who.bearer)
    assert other.call("GET", "/account/balances").headers[HEADER] is None  # meanwhile
    assert trader.call("GET", "/account/faults").granted()["own"]["kinds"] == ["latency"]
    trader.end()
    assert waiting.received().headers[HEADER] == "latency; seed=7"
    waiting.close()
    trader.put({"latency_ms": 30, "distribution": "uniform", "spread_ms": 10, "when": "after"})
    answer = trader.call("POST", "/order", BUY)
    answer.granted()
    assert answer.headers[HEADER] == "latency; seed=7"


def test_an_order_is_refused_with_any_chosen_reason_without_being_sequenced(trader: Trader) -> None:
    seq = trader.call("GET", "/health").granted()["seq"]
    for reason in RejectReason:
        trader.put({"kind": "reject", "reason": reason})
        refusal = trader.call("POST", "/order", BUY).error()
        assert (refusal["error_code"], refusal["details"]["fault"]) == (reason.upper(), "reject")
    assert trader.call("GET", "/health").granted()["seq"] == seq


def test_a_refused_order_of_a_batch_leaves_the_others(trader: Trader) -> None:
    reason = RejectReason.INSUFFICIENT_FUNDS
    trader.put({"kind": "reject", "reason": reason})
    seq = trader.call("GET", "/health").granted()["seq"]
    batch = trader.call("POST", "/orders/batch", {"orders": [BUY, {"op": "cancel", "order_id": "1"}]}).granted()
    assert batch["results"][0]["body"]["error_code"] == reason.upper()
    assert batch["results"][1]["body"]["error_code"] == "UNKNOWN_ORDER"
    assert trader.call("GET", "/health").granted()["seq"] - seq == 1  # the cancel
    trader.call("POST", "/order/test", BUY).granted()


def test_an_order_entered_in_part_is_a_smaller_order_wherever_it_is_read(trader: Trader, other: Trader) -> None:
    resting = other.call("POST", "/order", ALONE | {"side": "sell"}).granted()
    trader.put({"kind": "partial", "fraction": "0.4"})
    passive = trader.call("POST", "/order", ALONE | {"price": "140.00"})
    assert (passive.granted()["quantity"], passive.headers[HEADER]) == ("0.010000", None)  # it trades with nobody
    named = ALONE | {"client_order_id": "part"}
    answer = trader.call("POST", "/order", named)
    entered = answer.granted()
    assert answer.headers[HEADER] == "partial; seed=7"
    assert (entered["quantity"], entered["filled_quantity"], entered["status"]) == (
        "0.004000",
        "0.004000",
        "filled",
    )
    again = trader.call("POST", "/order", named).granted()
    assert again["order_id"] == entered["order_id"]
    read = trader.order(entered["order_id"])
    assert (read["quantity"], read["filled"], read["remaining"]) == ("0.004000", "0.004000", "0.000000")
    assert other.order(resting["order_id"])["filled"] == "0.004000"
    (fill,) = trader.call("GET", "/account/fills").granted()["fills"]
    assert fill["quantity"] == "0.004000"
    other.call("DELETE", f"/order/{resting['order_id']}").granted()


@pytest.fixture
def outage(server: RunningServer, boss: Person) -> Iterator[None]:
    """Everybody is answered 503 meanwhile."""
    plan = {"name": "outage", "step": [{"kind": "error", "status": 503}]}
    server.http.call("PUT", "/admin/faults", plan, boss.bearer).granted()
    yield
    server.http.call("DELETE", "/admin/faults", None, boss.bearer).granted()


@pytest.mark.usefixtures("outage")
def test_faults_of_the_venue_touch_everybody_but_not_what_ends_them(
    server: RunningServer, boss: Person, trader: Trader
) -> None:
    server.http.call("GET", "/symbols").refused(503, "SERVICE_UNAVAILABLE")  # nobody asks
    trader.call("POST", "/order", BUY).refused(503, "SERVICE_UNAVAILABLE")
    assert trader.call("GET", "/account/faults").granted()["venue"]["name"] == "outage"
    assert trader.call("DELETE", "/account/faults").granted() == {"ended": 0}
    for path in ("/health", "/", "/openapi.json"):
        assert server.http.call("GET", path).status == 200
    assert server.http.call("GET", "/health").granted()["faults"]["active"] == 1
    figures = server.http.call("GET", "/metrics", None, boss.bearer).content.decode()
    assert "openbell_faults_active 1.0" in figures
    assert server.http.call("DELETE", "/admin/faults", None, boss.bearer).granted() == {"ended": 1}
    trader.call("POST", "/order", BUY).granted()


def test_operators_set_show_and_end_the_faults_of_any_account(
    server: RunningServer, boss: Person, trader: Trader
) -> None:
    def ask(method: str, path: str, body: Any = None) -> Answer:
        return server.http.call(method, path, body, boss.bearer)

    path = f"/admin/faults/{trader.who.account}"
    plan = {"seed": 3, "step": [{"kind": "rate_limit", "on": ["account"]}]}
    ask("GET", path).refused(404, "NO_FAULTS")
    assert ask("PUT", f"{path}?check=true", plan).granted()["steps"] == [{"kind": "rate_limit", "on": ["account"]}]
    ask("GET", path).refused(404, "NO_FAULTS")
    ask("PUT", path, plan).granted()
    trader.call("GET", "/account/balances").refused(429, "TOO_MANY_REQUESTS")
    trader.call("POST", "/order", BUY).granted()
    assert ask("GET", path).granted()["injected"] == {"rate_limit": 1}
    assert [row["account"] for row in ask("GET", "/admin/faults").granted()["accounts"]] == [trader.who.account]
    assert ask("DELETE", "/admin/faults?all=true").granted() == {"ended": 1}
    trader.call("GET", "/account/balances").granted()
    ask("PUT", "/admin/faults/999999", plan).refused(404, "UNKNOWN_ACCOUNT")
    entries = ask("GET", "/admin/audit?limit=2").granted()["entries"]
    assert [entry["action"] for entry in entries] == ["end_faults", "faults"]


def test_no_trader_sets_or_sees_the_faults_of_others(trader: Trader, other: Trader) -> None:
    plan = {"step": [{"kind": "error"}]}
    for path in ("/admin/faults", f"/admin/faults/{other.who.account}"):
        for method, body in (("GET", None), ("PUT", plan), ("DELETE", None)):
            trader.call(method, path, body).refused(403, "OPERATOR_NEEDED")
    trader.put({"latency_ms": 1})
    assert other.call("GET", "/account/faults").granted() == {"allowed": True, "own": None, "venue": None}
    for method, body in (("GET", None), ("PUT", plan), ("DELETE", None)):
        trader.http.call(method, "/account/faults", body).refused(401, "UNAUTHENTICATED")


def test_a_plan_runs_by_its_times_and_is_gone_when_its_last_step_is_over(trader: Trader) -> None:
    trader.put({"kind": "rate_limit", "for": "2"}, {"kind": "error", "at": "2", "for": "2"})  # longer than any answer
    seen: list[int] = []
    until = time.monotonic() + 20
    while not seen or seen[-1] != 200:
        status = trader.call("GET", "/account/balances").status
        seen += [] if seen and seen[-1] == status else [status]
        assert time.monotonic() < until
    assert seen == [429, 503, 200]
    assert trader.call("GET", "/account/faults").granted()["own"] is None


def test_where_the_setting_is_off_only_operators_set_faults(secured: RunningServer) -> None:
    somebody = Trader(secured)
    assert somebody.call("GET", "/account/faults").granted()["allowed"] is False
    plan = {"step": [{"kind": "error"}]}
    for method, body in (("PUT", plan), ("DELETE", None)):
        somebody.call(method, "/account/faults", body).refused(403, "OWN_FAULTS_OFF")
    somebody.http.close()
