"""User data streams: what an owner is sent of their orders and money, and that it ends with the key."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import InvalidStatus

from tests.api.binance.streams.socket_client import SocketClient, signed_params
from tests.api.clients import PASSWORD, bearer, created, funded
from tests.server import Http, RunningServer, eventually

SYMBOL = "ETHUSDT"


class Trader(NamedTuple):
    """A user with money, and a key of theirs."""

    http: Http
    key: dict[str, Any]
    token: dict[str, str]

    def deposit(self, asset: str, amount: str) -> None:
        self.http.call("POST", "/account/deposit", {"asset": asset, "amount": amount}, self.token).granted()

    def listen_key(self, method: str = "POST", listen_key: str = "") -> Any:
        query = f"?listenKey={listen_key}" if listen_key else ""
        return self.http.call(method, f"/api/v3/userDataStream{query}", None, {"X-MBX-APIKEY": self.key["key_id"]}).json

    def sent(self, client: SocketClient, method: str, **params: Any) -> Any:
        """The result of a method of the ws-api."""
        answer = client.ask(method, signed_params(self.key, **params))
        assert answer["status"] == 200, answer
        return answer["result"]

    def refused(self, client: SocketClient, method: str, **params: Any) -> int:
        """The code of the error that a method is answered with."""
        answer = client.ask(method, signed_params(self.key, **params))
        assert answer["status"] >= 400, answer
        return int(answer["error"]["code"])


def with_new_key(http: Http, token: dict[str, str]) -> Trader:
    wanted = {"label": "bot", "scopes": ("read", "trade"), "password": PASSWORD}
    return Trader(http, created(http.call("POST", "/auth/keys", wanted, token)), token)


def trader(http: Http) -> Trader:
    made = with_new_key(http, bearer(funded(http)))
    made.deposit("ETH", "50")
    return made


@pytest.fixture(scope="module")
def owner(secured: RunningServer) -> Trader:
    return trader(secured.http)


@pytest.fixture(scope="module")
def other(secured: RunningServer) -> Trader:
    return trader(secured.http)


@pytest.fixture
def short_lived(owner: Trader) -> Trader:
    """The owner with a further key, which is revoked by the test."""
    return with_new_key(owner.http, owner.token)


@pytest.fixture
def api(secured: RunningServer) -> Iterator[SocketClient]:
    with SocketClient(secured.url, "/ws-api/v3") as client:
        yield client


def order(client: SocketClient, who: Trader, side: str, quantity: str, price: str, **further: Any) -> Any:
    limit = {"symbol": SYMBOL, "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity}
    return who.sent(client, "order.place", **{**limit, "price": price, **further})


def reports(client: SocketClient, count: int) -> list[dict[str, Any]]:
    return [client.event("executionReport") for _ in range(count)]


def seen(report: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(report[field] for field in ("x", "X", "c", "l", "z", "q"))


def test_an_owner_is_sent_what_happens_to_their_orders(
    secured: RunningServer, owner: Trader, other: Trader, api: SocketClient
) -> None:
    with SocketClient(secured.url, f"/ws/{owner.listen_key()['listenKey']}") as mine:
        resting = order(api, owner, "BUY", "0.500000", "1500.00", newClientOrderId="mine-1")
        taken = order(api, other, "SELL", "0.200000", "1500.00")
        owner.sent(api, "order.amend.keepPriority", symbol=SYMBOL, orderId=resting["orderId"], newQty="0.400000")
        owner.sent(api, "order.cancel", symbol=SYMBOL, origClientOrderId="mine-1")
        order(api, owner, "BUY", "0.100000", "1400.00", timeInForce="IOC", newClientOrderId="mine-2")
        found = reports(mine, 6)
        position = mine.event("outboundAccountPosition")
    assert taken["status"] == "FILLED"
    assert [seen(report) for report in found] == [
        ("NEW", "NEW", "mine-1", "0.000000", "0.000000", "0.500000"),
        ("TRADE", "PARTIALLY_FILLED", "mine-1", "0.200000", "0.200000", "0.500000"),
        ("REPLACED", "PARTIALLY_FILLED", "mine-1", "0.000000", "0.200000", "0.400000"),
        ("CANCELED", "CANCELED", "mine-1", "0.000000", "0.200000", "0.400000"),
        ("NEW", "NEW", "mine-2", "0.000000", "0.000000", "0.100000"),
        ("EXPIRED", "EXPIRED", "mine-2", "0.000000", "0.000000", "0.100000"),
    ]
    fill = found[1]
    assert (fill["i"], fill["m"], fill["L"], fill["w"]) == (resting["orderId"], True, "1500.00", True)
    assert (fill["N"], float(fill["Y"]), float(fill["Z"])) == ("USDT", 300, 300)
    assert fill["t"] == taken["fills"][0]["tradeId"]
    assert (found[3]["C"], found[3]["w"]) == ("mine-1", False)
    balances = {row["a"]: (Decimal(row["f"]), Decimal(row["l"])) for row in position["B"]}
    assert balances["ETH"] == (Decimal("50.2"), Decimal(0))
    assert balances["USDT"][0] + balances["USDT"][1] == 100_000 - 300 - Decimal(fill["n"])


def test_a_pair_is_reported_when_it_begins_and_when_it_is_done(
    secured: RunningServer, owner: Trader, api: SocketClient
) -> None:
    with SocketClient(secured.url, f"/stream?streams={owner.listen_key()['listenKey']}") as mine:
        pair = owner.sent(
            api, "orderList.place.oco", symbol=SYMBOL, side="SELL", quantity="0.100000", aboveType="LIMIT_MAKER",
            abovePrice="2500.00", belowType="STOP_LOSS", belowStopPrice="900.00",
        )  # fmt: skip
        begun = mine.event("listStatus")
        cancelled = owner.sent(api, "openOrders.cancelAll", symbol=SYMBOL)
        ends = [(report["x"], report["X"]) for report in reports(mine, 2)]
        done = mine.event("listStatus")
    assert [each["status"] for each in cancelled] == ["CANCELED", "CANCELED"]
    assert ends == [("CANCELED", "CANCELED")] * 2
    assert [begun["g"], done["g"]] == [pair["orderListId"]] * 2
    assert [(each["l"], each["L"]) for each in (begun, done)] == [
        ("EXEC_STARTED", "EXECUTING"),
        ("ALL_DONE", "ALL_DONE"),
    ]
    assert begun["C"] == pair["listClientOrderId"]
    assert {leg["i"]: leg["c"] for leg in begun["O"]} == {
        leg["orderId"]: leg["clientOrderId"] for leg in pair["orders"]
    }


def test_both_legs_of_a_pair_that_its_owner_ends_are_cancelled(
    secured: RunningServer, owner: Trader, api: SocketClient
) -> None:
    with SocketClient(secured.url, f"/stream?streams={owner.listen_key()['listenKey']}") as mine:
        owner.sent(
            api, "orderList.place.oco", symbol=SYMBOL, side="SELL", quantity="0.100000", aboveType="LIMIT_MAKER",
            abovePrice="2500.00", belowType="STOP_LOSS", belowStopPrice="900.00",
        )  # fmt: skip
        owner.sent(api, "openOrders.cancelAll", symbol=SYMBOL)
        ended: dict[int, tuple[str, str]] = {}
        while len(ended) < 2:
            report = mine.event("executionReport")
            if report["x"] != "NEW":
                ended[report["i"]] = report["x"], report["X"]
    assert set(ended.values()) == {("CANCELED", "CANCELED")}


def test_money_that_comes_is_reported_and_an_order_that_is_refused_is_not(
    owner: Trader, other: Trader, api: SocketClient
) -> None:
    subscription = owner.sent(api, "userDataStream.subscribe.signature")["subscriptionId"]
    owner.deposit("USDT", "12.5")
    update = api.event("balanceUpdate")
    assert (update["a"], Decimal(update["d"])) == ("USDT", Decimal("12.5"))
    code = owner.refused(
        api, "order.place", symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="900000.0",
        price="1500.00", newClientOrderId="too-much",
    )  # fmt: skip
    assert code in (-2010, -1013)
    order(api, other, "BUY", "0.100000", "1300.00")
    order(api, owner, "BUY", "0.100000", "1300.00", newClientOrderId="last")
    message = api.until(lambda each: each.get("event", {}).get("e") == "executionReport")
    assert message["event"]["c"] == "last"
    assert message["subscriptionId"] == subscription
    assert owner.sent(api, "userDataStream.unsubscribe", subscriptionId=subscription) == {}
    owner.sent(api, "openOrders.cancelAll", symbol=SYMBOL)
    other.sent(api, "openOrders.cancelAll", symbol=SYMBOL)


def test_a_session_is_logged_on_to_and_ends_with_its_key(short_lived: Trader, api: SocketClient) -> None:
    owner = short_lived
    assert api.ask("userDataStream.subscribe", {})["error"]["code"] == -2015
    assert api.ask("order.status", {"symbol": SYMBOL, "orderId": 1})["error"]["code"] in (-2014, -1102)
    assert owner.sent(api, "session.logon")["apiKey"] == owner.key["key_id"]
    assert api.ask("account.status", {"omitZeroBalances": True})["result"]["balances"][0]["asset"]
    assert api.ask("userDataStream.subscribe", {})["result"] == {"subscriptionId": 0}
    assert api.ask("session.status")["result"]["userDataStream"] is True
    assert api.ask("session.logout")["result"]["apiKey"] is None
    assert api.ask("session.subscriptions")["result"] == []
    owner.sent(api, "session.logon")
    api.ask("userDataStream.subscribe", {})
    owner.http.call("DELETE", f"/auth/keys/{owner.key['key_id']}", None, owner.token)
    assert api.event("eventStreamTerminated")["E"]
    assert api.ask("account.status", {})["error"]["code"] == -2015


def test_a_listen_key_is_its_owners_alone_and_ends(secured: RunningServer, owner: Trader, other: Trader) -> None:
    made = owner.listen_key()["listenKey"]
    assert owner.listen_key()["listenKey"] == made
    assert other.listen_key()["listenKey"] != made
    assert other.listen_key("PUT", made)["code"] == other.listen_key("DELETE", made)["code"] == -1125
    assert owner.listen_key("PUT", made) == {}
    assert owner.listen_key("PUT")["code"] == -1102
    with SocketClient(secured.url, f"/ws/{made}") as mine, SocketClient(secured.url, "/stream") as combined:
        combined.subscribe(made)
        assert combined.ask("SUBSCRIBE", ["0" * 64])["error"]["code"] == 2
        assert owner.listen_key("DELETE", made) == {}
        assert mine.receive() == combined.receive()["data"] | {"listenKey": made}
        assert combined.ask("LIST_SUBSCRIPTIONS")["result"] == []
    with pytest.raises(InvalidStatus), SocketClient(secured.url, f"/ws/{made}"):
        pass


def test_a_listen_key_ends_with_the_key_that_made_it(secured: RunningServer, short_lived: Trader) -> None:
    owner = short_lived
    made = owner.listen_key()["listenKey"]
    with SocketClient(secured.url, f"/ws/{made}") as mine:
        owner.http.call("DELETE", f"/auth/keys/{owner.key['key_id']}", None, owner.token)
        assert mine.event("eventStreamTerminated")["E"]
        assert mine.ask("LIST_SUBSCRIPTIONS")["result"] == []
    assert owner.listen_key()["code"] == -2015
    assert made not in secured.log


def test_a_listen_key_that_nobody_follows_ends_with_the_key_that_made_it(
    secured: RunningServer, short_lived: Trader
) -> None:
    made = short_lived.listen_key()["listenKey"]
    short_lived.http.call("DELETE", f"/auth/keys/{short_lived.key['key_id']}", None, short_lived.token)
    with SocketClient(secured.url) as anybody:
        assert anybody.ask("SUBSCRIBE", [made])["error"]["code"] == 2


def test_nobody_is_sent_what_happens_to_others(
    secured: RunningServer, owner: Trader, other: Trader, api: SocketClient
) -> None:
    with SocketClient(secured.url, f"/ws/{other.listen_key()['listenKey']}") as theirs:
        order(api, owner, "BUY", "0.100000", "1200.00")
        owner.sent(api, "openOrders.cancelAll", symbol=SYMBOL)
        order(api, other, "BUY", "0.100000", "1100.00", newClientOrderId="theirs")
        assert theirs.receive()["c"] == "theirs"
    eventually(lambda: other.sent(api, "openOrders.cancelAll", symbol=SYMBOL))
