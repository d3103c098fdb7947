"""Orders, pairs, accounts and trades of the second wire, as a client of that wire sees them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.binance.entering import KINDS
from tests.api.binance.clients import Trader, funded_user, key_of
from tests.api.clients import START_GRACE_S, bearer
from tests.server import Http, RunningServer

ORDER = "/api/v3/order"
FUNDS = (("CASH", "100000"), ("COIN", "100"))


class Market:
    """Two traders in a symbol of their own."""

    def __init__(self, http: Http, symbol: str) -> None:
        self.symbol = symbol
        self.user = funded_user(http, *FUNDS)
        self.maker, self.taker = (
            Trader(http, key_of(http, self.user)),
            Trader(http, key_of(http, funded_user(http, *FUNDS))),
        )

    def limit(self, who: Trader, side: str, quantity: str, price: str, **more: Any) -> Any:
        """Enter a limit order."""
        return who.granted("POST", ORDER, **self.asked(side, "LIMIT", quantity, price=price, timeInForce="GTC") | more)

    def asked(self, side: str, kind: str, quantity: str, **more: Any) -> dict[str, Any]:
        """The parameters of an order."""
        return {"symbol": self.symbol, "side": side, "type": kind, "quantity": quantity} | more

    def one(self, who: Trader, **which: Any) -> Any:
        """Look an order up."""
        return who.granted("GET", ORDER, symbol=self.symbol, **which)


@pytest.fixture(scope="module")
def started(running_server: RunningServer) -> RunningServer:
    """The shared server, a moment after its start."""
    time.sleep(START_GRACE_S)
    return running_server


@pytest.fixture
def market(started: RunningServer, http: Http, symbol: str) -> Market:
    return Market(http, symbol)


def test_an_order_is_entered_filled_in_part_looked_up_and_cancelled(market: Market) -> None:
    entered = market.limit(market.maker, "SELL", "0.5", "100.00", newClientOrderId="mine")
    assert entered["status"] == "NEW"
    (listed,) = market.maker.http.call("GET", f"/api/v3/exchangeInfo?symbol={market.symbol}").granted()["symbols"]
    assert entered["selfTradePreventionMode"] == listed["defaultSelfTradePreventionMode"]
    assert (entered["price"], entered["origQty"], entered["executedQty"]) == ("100.00", "0.500", "0.000")
    assert (entered["clientOrderId"], entered["orderListId"], entered["fills"]) == ("mine", -1, [])
    bought = market.taker.granted("POST", ORDER, **market.asked("BUY", "MARKET", "0.2"))
    assert (bought["status"], bought["cummulativeQuoteQty"]) == ("FILLED", "20.0000000000")
    (fill,) = bought["fills"]
    assert (fill["price"], fill["qty"], fill["commission"], fill["commissionAsset"]) == (
        "100.00",
        "0.200",
        "0.0100000000",
        "CASH",
    )
    shown = market.one(market.maker, orderId=entered["orderId"])
    assert shown == market.one(market.maker, origClientOrderId="mine")
    assert (shown["status"], shown["executedQty"], shown["isWorking"]) == ("PARTIALLY_FILLED", "0.200", True)
    assert shown["updateTime"] >= shown["time"] == entered["transactTime"]
    assert market.maker.granted("GET", "/api/v3/openOrders", symbol=market.symbol) == [shown]
    (row,) = market.maker.granted("GET", "/api/v3/myTrades", symbol=market.symbol)
    assert (row["id"], row["isMaker"], row["isBuyer"]) == (fill["tradeId"], True, False)
    assert (row["quoteQty"], row["commission"]) == ("20.0000000000", "0.0040000000")
    ended = market.maker.granted(
        "DELETE", ORDER, symbol=market.symbol, origClientOrderId="mine", newClientOrderId="end"
    )
    assert (ended["status"], ended["origClientOrderId"], ended["clientOrderId"]) == ("CANCELED", "mine", "end")
    assert market.one(market.maker, orderId=entered["orderId"])["status"] == "CANCELED"
    assert market.maker.refused("DELETE", ORDER, symbol=market.symbol, orderId=entered["orderId"])[0] == -2011
    (done,) = market.maker.granted("GET", "/api/v3/allOrders", symbol=market.symbol)
    assert (done["status"], done["executedQty"]) == ("CANCELED", "0.200")


def test_an_order_without_a_name_has_one_that_follows_from_its_id(market: Market) -> None:
    entered = market.limit(market.maker, "BUY", "0.1", "50.00")
    name = entered["clientOrderId"]
    assert market.one(market.maker, origClientOrderId=name)["orderId"] == entered["orderId"]
    assert (
        market.maker.granted("DELETE", ORDER, symbol=market.symbol, origClientOrderId=name)["origClientOrderId"] == name
    )
    assert market.one(market.maker, orderId=entered["orderId"])["clientOrderId"] == name


def test_a_name_that_looks_generated_names_no_other_order(market: Market, http: Http) -> None:
    foreign = market.limit(market.taker, "BUY", "0.1", "50.00")["clientOrderId"]
    asked = market.asked("BUY", "LIMIT", "0.1", price="51.00", timeInForce="GTC", newClientOrderId=foreign)
    assert market.maker.refused("POST", ORDER, **asked)[0] == -1130
    given = {"symbol": market.symbol, "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "52"}
    http.call("POST", "/order", given | {"client_order_id": foreign}, bearer(market.user)).granted()
    assert market.one(market.maker, origClientOrderId=foreign)["price"] == "52.00"
    assert market.one(market.taker, origClientOrderId=foreign)["price"] == "50.00"
    ended = market.maker.granted("DELETE", ORDER, symbol=market.symbol, origClientOrderId=foreign)
    assert (ended["price"], ended["origClientOrderId"]) == ("52.00", foreign)


def test_an_order_with_a_name_is_not_ended_by_the_one_that_would_be_generated(market: Market) -> None:
    entered = market.limit(market.maker, "BUY", "0.1", "50.00", newClientOrderId="mine")
    name = f"openbell-{entered['orderId']}"
    for which in ({"origClientOrderId": name}, {"origClientOrderId": name, "orderId": entered["orderId"]}):
        assert market.maker.refused("DELETE", ORDER, symbol=market.symbol, **which)[0] == -2011
        assert market.maker.refused("GET", ORDER, symbol=market.symbol, **which)[0] == -2013


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        ("STOP_LOSS", {"stopPrice": "90"}, {"stopPrice": "90.00", "price": "0.00"}),
        ("STOP_LOSS", {"trailingDelta": "100"}, {"trailingDelta": 100, "stopPrice": "99.00"}),
        ("STOP_LOSS_LIMIT", {"stopPrice": "90", "price": "89", "timeInForce": "GTC"}, {"price": "89.00"}),
        ("TAKE_PROFIT", {"stopPrice": "110"}, {"stopPrice": "110.00"}),
        ("TAKE_PROFIT_LIMIT", {"stopPrice": "110", "price": "109", "timeInForce": "GTC"}, {"price": "109.00"}),
        ("LIMIT_MAKER", {"price": "120"}, {"price": "120.00"}),
        ("LIMIT", {"price": "120", "timeInForce": "GTC", "icebergQty": "0.01"}, {"icebergQty": "0.010"}),
    ],
)
def test_every_type_is_taken_and_shown_as_it_was_asked_for(
    market: Market, kind: str, fields: dict[str, str], shown: dict[str, Any]
) -> None:
    market.limit(market.maker, "BUY", "0.01", "100.00")
    market.taker.granted("POST", ORDER, **market.asked("SELL", "MARKET", "0.01"))
    asked = market.asked("SELL", kind, "0.1", newOrderRespType="RESULT", **fields)
    entered = market.maker.granted("POST", ORDER, **asked)
    found = market.one(market.maker, orderId=entered["orderId"])
    waits = kind not in ("LIMIT", "LIMIT_MAKER")
    for view in (entered, found):
        assert {name: view[name] for name in shown} == shown
        assert (view["type"], view["status"], view["timeInForce"]) == (kind, "NEW", "GTC")
        assert (view["workingTime"] == -1) is waits
    assert found["isWorking"] is not waits


def test_the_types_that_are_tried_are_all_there_are() -> None:
    assert set(KINDS) == {
        "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"
    }  # fmt: skip


def test_what_is_wrong_is_refused_by_its_name_and_clients_find_the_words_that_they_match(market: Market) -> None:
    market.limit(market.maker, "SELL", "1", "100.00")
    limit = market.asked("BUY", "LIMIT", "0.1", price="99", timeInForce="GTC")
    for change, code, words in (
        ({"symbol": "NONE"}, -1121, "Invalid symbol."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "PEGGED"}, -1116, "Invalid orderType."),
        ({"timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
        ({"price": "x"}, -1100, "Illegal characters found in parameter 'price'"),
        ({"newClientOrderId": "a b"}, -1100, "newClientOrderId"),
        ({"stopPrice": "90"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"quoteOrderQty": "9"}, -1106, "quoteOrderQty"),
        ({"pegPriceType": "PRIMARY_PEG"}, -1106, "pegPriceType"),
        ({"selfTradePreventionMode": "TRANSFER"}, -1130, "selfTradePreventionMode"),
        ({"price": "99.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": "0.0001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0"}, -1013, "Invalid quantity."),
        ({"quantity": "9000000"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "5000"}, -2010, "Account has insufficient balance for requested action."),
        ({"icebergQty": "0.01", "timeInForce": "IOC"}, -1128, "never rests"),
    ):
        found = market.taker.refused("POST", ORDER, **limit | change)
        assert found[0] == code, (change, found)
        assert words in found[1], (change, found)
    for left_out in ("symbol", "side", "type", "price", "quantity", "timeInForce"):
        rest = {name: value for name, value in limit.items() if name != left_out}
        code, sentence = market.taker.refused("POST", ORDER, **rest)
        assert (code, f"'{left_out}'" in sentence) == (-1102, True)
    taking = market.asked("BUY", "LIMIT_MAKER", "0.1", price="100")
    assert market.taker.refused("POST", ORDER, **taking) == (-2010, "Order would immediately match and take.")
    assert market.taker.refused("POST", f"{ORDER}/test", **taking) == (-2010, "Order would immediately match and take.")
    assert market.taker.granted("POST", f"{ORDER}/test", **limit) == {}
    assert market.taker.granted("GET", "/api/v3/openOrders") == []
    assert market.taker.refused(
        "POST", ORDER, **market.asked("SELL", "STOP_LOSS", "1", trailingDelta="9", stopPrice="9")
    )[0] == (-1106)


def test_ids_times_and_windows_beyond_all_bounds_are_refused_by_name(market: Market) -> None:
    for number in ("-1", str(2**62), "9" * 5_000, "1.5", "x"):
        for method, path, name in (
            ("GET", ORDER, "orderId"),
            ("DELETE", ORDER, "orderId"),
            ("GET", "/api/v3/orderList", "orderListId"),
            ("GET", "/api/v3/allOrders", "startTime"),
            ("GET", "/api/v3/myTrades", "fromId"),
        ):
            code, words = market.maker.refused(method, path, **{"symbol": market.symbol, name: number})
            assert (code, f"'{name}'" in words) == (-1100, True), (path, number[:20])
    for window, code in (("60001", -1131), ("9" * 5_000, -1131), ("0", -1100), ("x", -1100), ("-5", -1100)):
        assert market.maker.refused("GET", "/api/v3/account", recvWindow=window)[0] == code
    for moment in ("", "x", "9" * 5_000, "1.5"):
        assert market.maker.refused("GET", "/api/v3/account", timestamp=moment)[0] in (-1100, -1102)
    assert market.maker.refused("GET", ORDER, symbol=market.symbol, orderId=2**62 - 1)[0] == -2013
    assert market.maker.refused("GET", "/api/v3/account", **{f"p{at}": at for at in range(64)})[0] == -1101


def test_a_retry_is_the_same_order_and_a_name_is_used_for_good(market: Market) -> None:
    asked = market.asked("BUY", "LIMIT", "0.1", price="60", timeInForce="GTC", newClientOrderId="again")
    first = market.maker.granted("POST", ORDER, **asked)
    assert market.maker.granted("POST", ORDER, **asked) == first
    assert market.maker.refused("POST", ORDER, **asked | {"price": "61"}) == (-2010, "Duplicate order sent.")
    assert len(market.maker.granted("GET", "/api/v3/openOrders")) == 1
    market.taker.granted("POST", ORDER, **market.asked("SELL", "MARKET", "0.1"))
    answered = market.maker.granted("POST", ORDER, **asked)  # within a minute: its first answer may have been lost
    assert (answered["orderId"], answered["status"], len(answered["fills"])) == (first["orderId"], "FILLED", 1)


def test_an_order_is_replaced_and_of_what_fails_both_outcomes_are_told(market: Market) -> None:
    old = market.limit(market.maker, "BUY", "0.1", "60")
    new = market.asked("BUY", "LIMIT", "0.2", price="61", timeInForce="GTC") | {"cancelReplaceMode": "STOP_ON_FAILURE"}
    done = market.maker.granted("POST", f"{ORDER}/cancelReplace", **new, cancelOrderId=old["orderId"])
    assert (done["cancelResult"], done["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert done["cancelResponse"]["orderId"] == old["orderId"]
    placed = done["newOrderResponse"]["orderId"]
    stopped = market.maker.ask("POST", f"{ORDER}/cancelReplace", **new, cancelOrderId=old["orderId"])
    assert (stopped.status, stopped.json["code"]) == (400, -2022)
    assert stopped.json["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    assert stopped.json["data"]["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    too_much = new | {"quantity": "5000", "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": placed}
    half = market.maker.ask("POST", f"{ORDER}/cancelReplace", **too_much)
    assert (half.status, half.json["code"]) == (409, -2021)
    assert (half.json["data"]["cancelResult"], half.json["data"]["newOrderResult"]) == ("SUCCESS", "FAILURE")
    kept = market.limit(market.maker, "BUY", "0.1", "60")
    bad = new | {"price": "x", "cancelOrderId": kept["orderId"]}
    assert market.maker.refused("POST", f"{ORDER}/cancelReplace", **bad)[0] == -1100
    assert market.one(market.maker, orderId=kept["orderId"])["status"] == "NEW"


def test_an_order_is_not_replaced_by_one_of_its_own_name(market: Market) -> None:
    entered = market.limit(market.maker, "BUY", "0.1", "50.00", newClientOrderId="kept")
    same = market.asked("BUY", "LIMIT", "0.1", price="50.00", timeInForce="GTC", newClientOrderId="kept")
    for which in ({"cancelOrigClientOrderId": "kept"}, {"cancelOrderId": entered["orderId"]}):
        asked = same | {"cancelReplaceMode": "STOP_ON_FAILURE"} | which
        assert market.maker.refused("POST", f"{ORDER}/cancelReplace", **asked)[0] == -2010
        assert market.one(market.maker, orderId=entered["orderId"])["status"] == "NEW"


def test_a_quantity_is_taken_down_in_its_place_and_never_up(market: Market) -> None:
    path, order = f"{ORDER}/amend/keepPriority", market.limit(market.maker, "BUY", "0.5", "60")
    which = {"symbol": market.symbol, "orderId": order["orderId"]}
    amended = market.maker.granted("PUT", path, **which, newQty="0.2")["amendedOrder"]
    assert (amended["qty"], amended["status"], amended["origClientOrderId"]) == ("0.200", "NEW", order["clientOrderId"])
    for quantity in ("0.2", "0.3"):
        assert market.maker.refused("PUT", path, **which, newQty=quantity)[0] == -2038
    assert market.one(market.maker, orderId=order["orderId"])["origQty"] == "0.200"


def test_of_a_pair_one_cancels_the_other(market: Market) -> None:
    market.limit(market.maker, "BUY", "0.01", "100.00")
    market.taker.granted("POST", ORDER, **market.asked("SELL", "MARKET", "0.01"))
    pair = {"symbol": market.symbol, "side": "SELL", "quantity": "0.1"}
    above = {"aboveType": "LIMIT_MAKER", "abovePrice": "110"}
    below = {"belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "90", "belowPrice": "89", "belowTimeInForce": "GTC"}
    entered = market.maker.granted("POST", "/api/v3/orderList/oco", **pair, **above, **below, listClientOrderId="both")
    assert entered["listOrderStatus"] == "EXECUTING"
    assert [report["type"] for report in entered["orderReports"]] == ["LIMIT_MAKER", "STOP_LOSS_LIMIT"]
    assert {report["orderListId"] for report in entered["orderReports"]} == {entered["orderListId"]}
    shown = market.maker.granted("GET", "/api/v3/orderList", origClientOrderId="both")
    assert market.maker.granted("GET", "/api/v3/openOrderList") == [shown]
    ended = market.maker.granted(
        "DELETE", "/api/v3/orderList", symbol=market.symbol, orderListId=entered["orderListId"]
    )
    assert [report["status"] for report in ended["orderReports"]] == ["CANCELED", "CANCELED"]
    assert [market.one(market.maker, orderId=leg["orderId"])["status"] for leg in ended["orders"]] == ["CANCELED"] * 2
    older = market.maker.granted("POST", f"{ORDER}/oco", **pair, price="110", stopPrice="90")
    market.taker.granted("POST", ORDER, **market.asked("BUY", "LIMIT", "0.1", price="110", timeInForce="GTC"))
    statuses = [market.one(market.maker, orderId=leg["orderId"])["status"] for leg in older["orders"]]
    assert statuses == ["FILLED", "EXPIRED"]
    everything = market.maker.granted("GET", "/api/v3/allOrderList")
    assert [each["orderListId"] for each in everything] == [entered["orderListId"], older["orderListId"]]
    assert {each["listOrderStatus"] for each in everything} == {"ALL_DONE"}
    wrong = above | {"belowType": "TAKE_PROFIT", "belowStopPrice": "90"}
    assert market.maker.refused("POST", "/api/v3/orderList/oco", **pair, **wrong)[0] == -1116
    named = pair | {"price": "110", "stopPrice": "90", "listClientOrderId": "a", "stopClientOrderId": "b"}
    assert market.maker.refused("POST", f"{ORDER}/oco", **named)[0] == -1106


def test_orders_and_trades_are_found_by_id_and_by_time(market: Market) -> None:
    ids = [market.limit(market.maker, "BUY", "0.1", f"{60 + at}")["orderId"] for at in range(4)]
    market.maker.granted("DELETE", ORDER, symbol=market.symbol, orderId=ids[1])
    market.taker.granted("POST", ORDER, **market.asked("SELL", "MARKET", "0.2"))  # takes two in two trades

    def found(**asked: Any) -> list[int]:
        rows = market.maker.granted("GET", "/api/v3/allOrders", symbol=market.symbol, **asked)
        return [row["orderId"] for row in rows]

    assert found() == ids
    assert found(limit=2) == ids[2:]
    assert found(orderId=ids[1], limit=2) == ids[1:3]
    pair = {"symbol": market.symbol, "side": "SELL", "quantity": "0.1", "price": "110", "stopPrice": "30"}
    legs = [leg["orderId"] for leg in market.maker.granted("POST", f"{ORDER}/oco", **pair)["orders"]]
    last = market.limit(market.maker, "BUY", "0.1", "50")["orderId"]
    assert found(orderId=last) == [last]
    assert found(orderId=max(legs)) == [*legs, last]
    market.maker.granted("DELETE", "/api/v3/openOrders", symbol=market.symbol)
    assert found(orderId=last) == [last]
    ids += [*legs, last]
    begun = market.one(market.maker, orderId=ids[0])["time"]
    assert found(startTime=begun) == ids
    assert found(endTime=begun - 1) == []
    trades = market.maker.granted("GET", "/api/v3/myTrades", symbol=market.symbol)
    assert [row["orderId"] for row in trades] == [ids[3], ids[2]]
    path = "/api/v3/myTrades"
    assert market.maker.granted("GET", path, symbol=market.symbol, orderId=ids[2]) == trades[1:]
    assert market.maker.granted("GET", path, symbol=market.symbol, fromId=trades[1]["id"]) == trades[1:]
    assert market.maker.granted("GET", path, symbol=market.symbol, limit=1) == trades[1:]
    assert market.maker.refused("GET", "/api/v3/allOrders", symbol=market.symbol, limit=5000)[0] == -1100


def test_an_account_shows_what_it_has_and_pays(market: Market) -> None:
    market.limit(market.maker, "BUY", "1", "60")
    info = market.maker.granted("GET", "/api/v3/account", omitZeroBalances="true")
    held = {row["asset"]: (row["free"], row["locked"]) for row in info["balances"]}
    assert held.keys() == {"CASH", "COIN"}
    assert float(held["CASH"][0]) + float(held["CASH"][1]) == 100_000
    assert float(held["CASH"][1]) >= 60
    assert (info["canTrade"], info["canWithdraw"], info["accountType"]) == (True, False, "SPOT")
    rates = market.maker.granted("GET", "/api/v3/account/commission", symbol=market.symbol)["standardCommission"]
    assert (rates["maker"], rates["taker"]) == ("0.00020000", "0.00050000")
    (fee,) = market.maker.granted("GET", "/sapi/v1/asset/tradeFee", symbol=market.symbol)
    assert (fee["makerCommission"], fee["takerCommission"]) == ("0.00020000", "0.00050000")
    assert len(market.maker.granted("GET", "/api/v3/account")["balances"]) > 2
    assert market.maker.granted("GET", "/api/v3/rateLimit/order") == []  # nothing is limited on one's own machine
    answer = market.maker.ask("DELETE", "/api/v3/openOrders", symbol=market.symbol)
    assert (answer.headers["X-MBX-USED-WEIGHT-1M"], answer.headers["X-MBX-ORDER-COUNT-10S"]) == ("0", "1")


def test_a_key_with_an_ed25519_half_of_its_own_trades_and_has_no_secret(market: Market, http: Http) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    key = key_of(http, market.user, public_key=pem)
    assert "secret" not in key
    signing = Trader(http, key | {"private": private})
    entered = market.limit(signing, "BUY", "0.1", "60")
    assert market.one(market.maker, orderId=entered["orderId"])["status"] == "NEW"
    listed = http.call("GET", "/auth/keys", None, bearer(market.user)).granted()["keys"]
    assert {each["key_id"]: each["algorithm"] for each in listed}[key["key_id"]] == "ed25519"
    signing.key = key | {"private": Ed25519PrivateKey.generate()}
    assert signing.refused("GET", "/api/v3/account")[0] == -1022
