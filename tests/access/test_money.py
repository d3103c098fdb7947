"""Money from deposit to withdrawal over REST, and what operators do to it and to trading."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.access.cast import Cast, Person, guest, with_operator
from tests.api.clients import FeedClient, sign_up
from tests.server import Answer, eventually

SYMBOL = "SOL-USDT"  # maker 2, taker 5 basis points; minor units: 10 decimals of USDT
NOTHING = {"available": "0", "held": "0", "total": "0"}


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """At a server of our own, with a low on-ramp."""
    arguments = ("--profile", "secured", "--onramp-limit", "5000.5")
    with with_operator(tmp_path_factory.mktemp("money") / "data", *arguments) as server:
        time.sleep(1.1)
        yield Cast(server)


def newcomer(cast: Cast) -> Person:
    """Somebody new, without money."""
    return Person(sign_up(cast.http), {})


def call(cast: Cast, who: Person, method: str, path: str, body: Any = None) -> Answer:
    return cast.http.call(method, path, body, who.bearer)


def transfer(cast: Cast, who: Person, kind: str, asset: str, amount: Any) -> Answer:
    return call(cast, who, "POST", f"/account/{kind}", {"asset": asset, "amount": amount})


def credit(cast: Cast, who: Person, asset: str, amount: str) -> None:
    """An operator gives money."""
    path = f"/admin/accounts/{who.account}/deposit"
    call(cast, cast.operator, "POST", path, {"asset": asset, "amount": amount}).granted()


def order(cast: Cast, who: Person, side: str, quantity: str, price: str, **fields: Any) -> Answer:
    body = {"symbol": SYMBOL, "side": side, "order_type": "limit", "quantity": quantity, "price": price}
    return call(cast, who, "POST", "/order", body | fields)


def operate(cast: Cast, method: str, path: str, body: Any = None) -> Any:
    """What an operator is granted."""
    return call(cast, cast.operator, method, f"/admin{path}", body).granted()


def balance(cast: Cast, who: Person, asset: str) -> dict[str, str]:
    """Available, held and total, as told."""
    rows = call(cast, who, "GET", "/account/balances").granted()["balances"]
    found = {row.pop("asset"): row for row in rows}
    return found.get(asset, NOTHING)


def check(cast: Cast) -> Any:
    """The books balance."""
    reply = operate(cast, "GET", "/check")
    assert reply["balanced"] is True
    return reply


def test_two_accounts_trade_and_the_venue_gets_exactly_the_fees(cast: Cast) -> None:
    buyer, seller = newcomer(cast), newcomer(cast)
    fees_before = Decimal(venue_fees(cast))
    transfer(cast, buyer, "deposit", "USDT", "1000.25").granted()
    transfer(cast, seller, "deposit", "SOL", "7").granted()
    resting = order(cast, seller, "sell", "5", "100.01").granted()
    assert balance(cast, seller, "SOL") == {"available": "2", "held": "5", "total": "7"}
    taken = order(cast, buyer, "buy", "3", "100.01").granted()
    assert taken["trades"][0]["maker_order_id"] == resting["order_id"]
    # 3 at 100.01: 300.03, maker 0.060006, taker 0.150015
    assert balance(cast, buyer, "USDT")["total"] == "700.069985"
    assert balance(cast, buyer, "SOL") == {"available": "3", "held": "0", "total": "3"}
    assert balance(cast, seller, "USDT") == {"available": "299.969994", "held": "0", "total": "299.969994"}
    assert balance(cast, seller, "SOL") == {"available": "2", "held": "2", "total": "4"}
    assert Decimal(venue_fees(cast)) - fees_before == Decimal("0.210021")
    check(cast)
    (fill,) = call(cast, seller, "GET", "/account/fills").granted()["fills"]
    assert (fill["liquidity"], fill["fee"], fill["price"], fill["quantity"]) == (
        "maker",
        "0.060006",
        "100.01",
        "3.000000",
    )
    for who, asset in ((buyer, "USDT"), (buyer, "SOL"), (seller, "USDT"), (seller, "SOL")):
        assert sum_of_postings(cast, who, asset) == Decimal(balance(cast, who, asset)["total"])
    call(cast, seller, "DELETE", "/orders").granted()
    assert balance(cast, seller, "SOL")["held"] == "0"
    transfer(cast, seller, "withdraw", "SOL", "4").granted()
    transfer(cast, seller, "withdraw", "SOL", "0.000001").refused(422, "INSUFFICIENT_FUNDS")
    check(cast)


def venue_fees(cast: Cast) -> str:
    """What the venue's fee account has of USDT."""
    rows = operate(cast, "GET", "/accounts/0")["balances"]
    return next((row["total"] for row in rows if row["asset"] == "USDT"), "0")


def sum_of_postings(cast: Cast, who: Person, asset: str) -> Decimal:
    """Every posting of an asset, from pages of two."""
    total, before = Decimal(0), ""
    while True:
        page = call(cast, who, "GET", f"/account/ledger?asset={asset}&limit=2{before}").granted()["postings"]
        total += sum((Decimal(row["amount"]) for row in page), Decimal(0))
        if len(page) < 2:
            return total
        before = f"&before={page[-1]['posting_id']}"


def test_a_rebate_is_paid_out_of_the_takers_fee(cast: Cast) -> None:
    maker, taker = newcomer(cast), newcomer(cast)
    credit(cast, maker, "SOL", "10")
    credit(cast, taker, "USDT", "2000")
    before = Decimal(venue_fees(cast))
    reply = operate(cast, "PUT", f"/accounts/{maker.account}", {"tier": "maker", "maker_fee_bps": "-1.5"})
    assert (reply["tier"], reply["fees"]["maker_percent"]) == ("maker", "-0.015")
    order(cast, maker, "sell", "10", "100.00").granted()
    (trade,) = order(cast, taker, "buy", "10", "100.00").granted()["trades"]
    assert (trade["maker_fee"], trade["taker_fee"]) == ("-0.15", "0.5")
    assert balance(cast, maker, "USDT")["total"] == "1000.15"
    assert balance(cast, taker, "USDT")["total"] == "999.5"
    assert Decimal(venue_fees(cast)) - before == Decimal("0.35")
    account = call(cast, maker, "GET", "/account").granted()
    assert (account["tier"], account["role"]) == ("maker", "trader")
    check(cast)


def test_the_on_ramp_gives_up_to_its_limit_in_all(cast: Cast) -> None:
    who = newcomer(cast)
    transfer(cast, who, "deposit", "USDT", "5000").granted()
    transfer(cast, who, "deposit", "USDT", "0.5000000001").refused(422, "DEPOSIT_LIMIT_EXCEEDED")
    transfer(cast, who, "withdraw", "USDT", "5000").granted()
    transfer(cast, who, "deposit", "USDT", "0.6").refused(422, "DEPOSIT_LIMIT_EXCEEDED")
    transfer(cast, who, "deposit", "USDT", "0.5").granted()
    transfer(cast, who, "deposit", "BTC", "1").granted()
    credit(cast, who, "USDT", "100000")
    assert balance(cast, who, "USDT")["total"] == "100000.5"


@pytest.mark.parametrize(
    ("asset", "amount", "status", "code"),
    [
        ("GOLD", "1", 404, "UNKNOWN_ASSET"),
        ("USDT", "0", 422, "BAD_AMOUNT"),
        ("USDT", "-1", 422, "BAD_AMOUNT"),
        ("USDT", "0.00000000001", 422, "BAD_AMOUNT"),
        ("USDT", "1e-11", 422, "BAD_AMOUNT"),
        ("USDT", "1e31", 400, "OUT_OF_RANGE"),
        ("USDT", "1e9999", 400, "OUT_OF_RANGE"),
        ("USDT", "NaN", 400, "NOT_FINITE"),
        ("USDT", "Infinity", 400, "NOT_FINITE"),
        ("USDT", "many", 400, "INVALID_VALUE"),
        ("USDT", None, 400, "INVALID_VALUE"),
        ("", "1", 400, "INVALID_VALUE"),
    ],
)
def test_an_amount_that_is_none_is_refused(cast: Cast, asset: str, amount: Any, status: int, code: str) -> None:
    for kind in ("deposit", "withdraw"):
        transfer(cast, cast.trader, kind, asset, amount).refused(status, code)


def test_the_kill_switch_cancels_everything_takes_nothing_and_is_told(cast: Cast) -> None:
    who = newcomer(cast)
    credit(cast, who, "USDT", "1000")
    feed = FeedClient(cast.server.url, {"token": who.signed_in["token"]})
    feed.call("subscribe", {"type": "orders"})
    entered = [order(cast, who, "buy", "1", price).granted()["order_id"] for price in ("95.00", "96.00")]
    assert operate(cast, "POST", f"/accounts/{who.account}/stop")["status"] == "stopped"
    eventually(lambda: {"cancelled"} <= {event["event_type"] for event in feed.events("order_event")})
    cancelled = [event for event in feed.events("order_event") if event["event_type"] == "cancelled"]
    assert sorted(event["order_id"] for event in cancelled) == sorted(entered)
    assert {event["reason"] for event in cancelled} == {"account_stopped"}
    eventually(lambda: feed.events("balances")[-1]["balances"][0]["held"] == "0")
    assert balance(cast, who, "USDT") == {"available": "1000", "held": "0", "total": "1000"}
    order(cast, who, "buy", "1", "95.00").refused(403, "ACCOUNT_STOPPED")
    transfer(cast, who, "withdraw", "USDT", "1").refused(403, "ACCOUNT_STOPPED")
    assert feed.call("order", {"symbol": SYMBOL, "side": "buy", "order_type": "market", "quantity": "1"})[
        "error_code"
    ] == ("ACCOUNT_STOPPED")
    assert call(cast, who, "GET", "/account").granted()["status"] == "stopped"
    operate(cast, "POST", f"/accounts/{who.account}/start")
    order(cast, who, "buy", "1", "95.00").granted()
    call(cast, who, "DELETE", "/orders").granted()
    feed.close()
    check(cast)


def test_a_halted_symbol_takes_no_orders_and_gives_back_those_it_has(cast: Cast) -> None:
    who = newcomer(cast)
    credit(cast, who, "USDT", "1000")
    resting = order(cast, who, "buy", "1", "95.00").granted()
    for action, status in (("halt", "halted"), ("close", "closed")):
        assert operate(cast, "POST", f"/symbols/{SYMBOL}/{action}")["status"] == status
        assert cast.http.get("/symbols")["symbol_info"][SYMBOL]["status"] == status
        order(cast, who, "buy", "1", "95.00").refused(400, "SYMBOL_NOT_TRADING")
    call(cast, who, "DELETE", f"/order/{resting['order_id']}").granted()
    assert operate(cast, "POST", f"/symbols/{SYMBOL}/resume")["status"] == "trading"
    order(cast, who, "buy", "1", "95.00").granted()
    call(cast, who, "DELETE", "/orders").granted()
    call(cast, cast.operator, "POST", "/admin/symbols/NOWHERE/halt").refused(404, "UNKNOWN_SYMBOL")


def test_an_account_has_a_mode_of_self_trade_prevention_and_an_order_may_have_another(cast: Cast) -> None:
    who = newcomer(cast)
    credit(cast, who, "USDT", "1000")
    credit(cast, who, "SOL", "10")
    assert call(cast, who, "GET", "/account").granted()["self_trade_prevention"] == "cancel_newest"
    for mode, left in (("cancel_both", 0), ("none", 0), (None, 1)):
        changed = operate(cast, "PUT", f"/accounts/{who.account}", {"tier": "x", "self_trade_prevention": mode})
        assert changed["self_trade_prevention"] == (mode or "cancel_newest")
        resting = order(cast, who, "buy", "1", "95.00").granted()
        answer = order(cast, who, "sell", "1", "95.00")
        if mode is None:
            answer.refused(400, "SELF_TRADE")
        else:
            assert (len(answer.granted()["trades"]), answer.json["reason"]) == (
                (0, "self_trade") if mode == "cancel_both" else (1, None)
            )
        assert len(call(cast, who, "GET", "/orders?status=open").granted()["orders"]) == left
        assert resting["status"] == "resting"
    call(cast, who, "DELETE", "/orders").granted()
    path = f"/accounts/{who.account}"
    call(cast, cast.operator, "PUT", f"/admin{path}", {"tier": "x", "self_trade_prevention": "some"}).refused(
        400, "INVALID_VALUE"
    )
    check(cast)


def test_limits_of_an_account_are_kept(cast: Cast) -> None:
    who = newcomer(cast)
    credit(cast, who, "USDT", "1000")
    path = f"/accounts/{who.account}"
    operate(cast, "PUT", path, {"tier": "small", "max_open_orders": 2, "max_notional": "150"})
    order(cast, who, "buy", "2", "95.00").refused(400, "NOTIONAL_TOO_LARGE")
    for _ in range(2):
        order(cast, who, "buy", "1", "95.00").granted()
    order(cast, who, "buy", "1", "95.00").refused(400, "TOO_MANY_OPEN_ORDERS")
    operate(cast, "PUT", path, {"tier": "slow", "max_orders_per_second": 2})
    answers = [order(cast, who, "buy", "0.01", "95.00") for _ in range(12)]
    refused = [answer for answer in answers if answer.status != 200]
    assert refused
    for answer in refused:
        answer.refused(429, "ORDER_RATE_EXCEEDED")
        assert int(answer.headers["Retry-After"]) >= 1
    call(cast, who, "DELETE", "/orders").granted()
    check(cast)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tier": "x", "colour": "red"},
        {"tier": "x", "maker_fee_bps": "NaN"},
        {"tier": "x", "maker_fee_bps": "1e400"},
        {"tier": "x", "taker_fee_bps": "0.001"},
        {"tier": "x", "max_open_orders": -1},
        {"tier": "x", "max_open_orders": 10**30},
        {"tier": "x", "max_orders_per_second": 2**64},
        {"tier": "x", "max_notional": "-5"},
        {"tier": "x", "max_notional": "Infinity"},
        {"tier": "x" * 10_000},
        {"tier": 5},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(cast: Cast, body: Any) -> None:
    answer = call(cast, cast.operator, "PUT", f"/admin/accounts/{cast.trader.account}", body)
    assert answer.status in (400, 422), answer.content
    assert cast.http.get("/health")["accepting"] is True


def test_an_order_that_names_no_mode_shows_that_of_its_account_as_it_was_then(cast: Cast) -> None:
    who = newcomer(cast)
    credit(cast, who, "USDT", "1000")
    first = order(cast, who, "buy", "1", "92", client_order_id="mine").granted()
    operate(cast, "PUT", f"/accounts/{who.account}", {"tier": "plain", "self_trade_prevention": "decrement"})
    again = order(cast, who, "buy", "1", "92", client_order_id="mine").granted()
    reply = (first, again, order(cast, who, "buy", "1", "92").granted())
    call(cast, who, "DELETE", "/orders").granted()
    done = [call(cast, who, "GET", f"/order/{view['order_id']}").granted() for view in reply]
    for views in (reply, done):
        assert [view["self_trade_prevention"] for view in views] == ["cancel_newest", "cancel_newest", "decrement"]


def test_an_operator_cancels_all_orders_of_one_account_which_trades_on(cast: Cast) -> None:
    one, other = newcomer(cast), newcomer(cast)
    for who in (one, other):
        credit(cast, who, "USDT", "1000")
    mine = [order(cast, one, "buy", "1", price).granted()["order_id"] for price in ("91", "92")]
    kept = order(cast, other, "buy", "1", "92").granted()["order_id"]
    cancelled = operate(cast, "DELETE", f"/accounts/{one.account}/orders")
    assert (cancelled["cancelled"], cancelled["count"]) == (mine, 2)
    assert call(cast, one, "GET", "/orders?status=open").granted()["orders"] == []
    assert [left["order_id"] for left in call(cast, other, "GET", "/orders?status=open").granted()["orders"]] == [kept]
    assert order(cast, one, "buy", "1", "91").granted()["status"] == "resting"
    for who in (one, other):
        call(cast, who, "DELETE", "/orders").granted()


@pytest.mark.parametrize("account", ["18446744073709551616", "9223372036854775808", "99999999999999999999999999"])
def test_an_account_number_beyond_all_is_refused(cast: Cast, account: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "", {"tier": "x"}),
        ("POST", "/stop", None),
        ("POST", "/deposit", {"asset": "USDT", "amount": "1"}),
    ):
        answer = call(cast, cast.operator, method, f"/admin/accounts/{account}{path}", body)
        assert answer.status == 404, answer.content
    assert cast.http.get("/health")["accepting"] is True


def test_what_operators_did_is_in_the_audit_trail_newest_first(cast: Cast) -> None:
    who = newcomer(cast)
    credit(cast, who, "USDT", "3")
    operate(cast, "PUT", f"/accounts/{who.account}", {"tier": "vip"})
    operate(cast, "POST", f"/accounts/{who.account}/stop")
    operate(cast, "POST", f"/accounts/{who.account}/start")
    entries = operate(cast, "GET", "/audit?limit=4")["entries"]
    assert [entry["action"] for entry in entries] == ["start", "stop", "configure", "credit"]
    assert {entry["subject"] for entry in entries} == {str(who.account)}
    older = operate(cast, "GET", f"/audit?limit=1&before={entries[0]['ts_ns']}")["entries"]
    assert older == entries[1:2]


def test_the_owner_hears_that_an_operator_cancelled(cast: Cast) -> None:
    who = newcomer(cast)
    credit(cast, who, "USDT", "1000")
    first, second = (order(cast, who, "buy", "1", price).granted()["order_id"] for price in ("95.00", "96.00"))
    operate(cast, "DELETE", f"/orders/{first}")
    operate(cast, "DELETE", f"/accounts/{who.account}/orders")
    for order_id in (first, second):
        eventually(lambda order_id=order_id: call(cast, who, "GET", f"/order/{order_id}").granted()["reason"])
        assert call(cast, who, "GET", f"/order/{order_id}").granted()["reason"] == "by_operator"
        reply = call(cast, who, "GET", f"/order/{order_id}/explain").granted()
        assert "This came of a cancel by the venue's operator." in reply["words"]


def test_without_the_on_ramp_only_operators_credit(tmp_path: Path) -> None:
    with with_operator(tmp_path / "data", "--profile", "secured", "--no-onramp") as server:
        time.sleep(1.1)
        cast = Cast(server)
        who = guest(server.http)
        transfer(cast, who, "deposit", "USDT", "1").refused(403, "ONRAMP_OFF")
        transfer(cast, cast.operator, "deposit", "USDT", "1").granted()
        credit(cast, who, "USDT", "1")
        assert balance(cast, who, "USDT")["total"] == "100001"
        check(cast)
