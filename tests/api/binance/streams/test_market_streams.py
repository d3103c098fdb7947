"""Market streams of the second wire: what each says, and that levels add up to the book."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.api.binance.streams.socket_client import SocketClient
from tests.api.feed.flow import Flow
from tests.server import Http, RunningServer

CHANGES = 2_400  # requests of the flow


def levels(side: dict[str, str]) -> list[list[str]]:
    return [[price, side[price]] for price in sorted(side, key=Decimal)]


class FoldedDepth:
    """A book as its client keeps it: a snapshot of REST, and the changes behind it, by the rules of that wire."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
        self.seq = 0
        self.updates = 0

    def start(self, snapshot: dict[str, Any]) -> None:
        self.sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        self.seq = snapshot["lastUpdateId"]

    def take(self, update: dict[str, Any]) -> None:
        """Fold in one message; the first may have begun before the snapshot, every other follows the one before."""
        if update["u"] <= self.seq:
            return
        assert update["U"] == self.seq + 1 or (self.updates == 0 and update["U"] <= self.seq + 1), update
        for name, side in self.sides.items():
            for price, quantity in update[name]:
                if Decimal(quantity):
                    side[price] = quantity
                else:
                    side.pop(price, None)
        self.seq = update["u"]
        self.updates += 1
        if self.sides["b"] and self.sides["a"]:
            assert max(map(Decimal, self.sides["b"])) < min(map(Decimal, self.sides["a"])), "crossed"


@pytest.mark.parametrize("stream", ["depth@100ms", "depth"])
def test_levels_add_up_to_the_book_after_thousands_of_changes(
    running_server: RunningServer, http: Http, symbol: str, stream: str
) -> None:
    book = FoldedDepth()
    with SocketClient(running_server.url, f"/ws/{symbol.lower()}@{stream}") as client:
        flow = Flow(running_server.url, symbol, "100", 11)
        asyncio.run(flow.run(CHANGES // 8))
        book.start(http.get(f"/api/v3/depth?symbol={symbol}&limit=5000"))
        asyncio.run(flow.run(CHANGES if stream == "depth@100ms" else CHANGES // 8))
        there = http.get(f"/api/v3/depth?symbol={symbol}&limit=5000")
        first = http.get(f"/book/{symbol}?levels=all")
        while book.seq < there["lastUpdateId"]:
            book.take(client.receive())
    assert book.seq == there["lastUpdateId"] == first["seq"]
    assert levels(book.sides["b"]) == levels(dict(there["bids"])) == levels(dict(first["bids"]))
    assert levels(book.sides["a"]) == levels(dict(there["asks"])) == levels(dict(first["asks"]))
    assert book.updates >= 1


def test_every_stream_says_what_happened(running_server: RunningServer, http: Http, symbol: str) -> None:
    name = symbol.lower()
    wanted = ("trade", "aggTrade", "kline_1m", "miniTicker", "ticker", "bookTicker", "depth5@100ms")
    with SocketClient(running_server.url, "/stream?streams=" + "/".join(f"{name}@{each}" for each in wanted)) as client:
        assert client.receive()["stream"] == f"{name}@miniTicker"  # the first that has a state
        resting = [http.enter(symbol, "sell", "0.5", "100.01"), http.enter(symbol, "sell", "1", "100.01")]
        taker = http.enter(symbol, "buy", "1", "100.02")
        assert {each["status"] for each in (*resting, taker)} == {"resting", "filled"}
        last = {"bids": [], "asks": [["100.01", "0.500"]]}
        assert client.until(lambda message: message["data"].items() >= last.items())["stream"] == f"{name}@depth5@100ms"
    with SocketClient(running_server.url, f"/ws/{name}@trade") as client:
        client.subscribe(
            f"{name}@aggTrade", f"{name}@kline_1m", f"{name}@miniTicker", f"{name}@bookTicker", "!bookTicker"
        )
        http.enter(symbol, "sell", "0.25", "100.01")
        http.enter(symbol, "buy", "0.75", "100.03")
        trades = [client.event("trade") for _ in range(2)]
        aggregate = client.event("aggTrade")
        http.enter(symbol, "sell", "0.125", "100.04")
        http.enter(symbol, "buy", "0.125", "100.04")
        alone = client.event("aggTrade")
    assert [(trade["s"], trade["p"], trade["q"], trade["m"]) for trade in trades] == [
        (symbol, "100.01", "0.500", False),
        (symbol, "100.01", "0.250", False),
    ]
    assert (aggregate["p"], aggregate["q"], aggregate["f"], aggregate["l"]) == (
        "100.01",
        "0.750",
        trades[0]["t"],
        trades[1]["t"],
    )
    newest = http.get(f"/api/v3/aggTrades?symbol={symbol}&limit=2")
    assert [{field: each[field] for field in newest[0]} for each in (aggregate, alone)] == newest
    with SocketClient(running_server.url, f"/ws/{name}@kline_1h") as client:
        candle = client.receive()["k"]
        row = http.get(f"/api/v3/klines?symbol={symbol}&interval=1h&limit=1")[0]
    fields = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
    assert [candle[field] for field in fields] == row
    assert (candle["L"], candle["x"]) == (alone["l"], False)
    with SocketClient(running_server.url, f"/ws/{name}@ticker") as client:
        ticker = client.receive()
    day = http.get(f"/api/v3/ticker/24hr?symbol={symbol}")
    assert (ticker["c"], ticker["v"], ticker["q"], ticker["n"], ticker["L"]) == (
        day["lastPrice"],
        day["volume"],
        day["quoteVolume"],
        day["count"],
        day["lastId"],
    )


def test_tickers_of_a_window_are_those_of_rest_over_the_websocket_api(
    running_server: RunningServer, http: Http, symbol: str
) -> None:
    http.enter(symbol, "sell", "1", "55")
    http.enter(symbol, "buy", "0.4", "55")
    name = symbol.replace("-", "")
    with SocketClient(running_server.url, "/ws-api/v3") as client:
        for method, path, further in (
            ("ticker", "ticker", {"windowSize": "1h", "type": "MINI"}),
            ("ticker", "ticker", {}),
            ("ticker.tradingDay", "ticker/tradingDay", {"timeZone": "5:45"}),
        ):
            result = client.ask(method, {"symbol": name, **further})["result"]
            query = "&".join(f"{field}={value}" for field, value in {"symbol": name, **further}.items())
            same = http.get(f"/api/v3/{path}?{query}")
            for answer in (result, same):
                del answer["openTime"], answer["closeTime"]
            assert (result, result["volume"]) == (same, "0.400")
            assert client.ask(method)["error"]["code"] == -1102


def test_streams_of_all_symbols_have_those_that_changed(running_server: RunningServer, http: Http, symbol: str) -> None:
    with SocketClient(running_server.url, "/stream") as client:
        client.subscribe("!ticker@arr", "!miniTicker@arr", "!bookTicker")
        http.enter(symbol, "sell", "1", "55")
        http.enter(symbol, "buy", "0.4", "55")
        seen: dict[str, Any] = {}
        while len(seen) < 3:
            message = client.receive()
            rows = message["data"] if isinstance(message["data"], list) else [message["data"]]
            for row in rows:
                if row["s"] == symbol and row.get("v", "0.400") == "0.400" and row.get("A", "0.600") == "0.600":
                    seen[message["stream"]] = row
    assert seen["!miniTicker@arr"]["c"] == seen["!ticker@arr"]["c"] == "55.00"
    assert (seen["!bookTicker"]["a"], seen["!bookTicker"]["b"]) == ("55.00", "0.00")


def test_a_client_asks_for_streams_and_properties_over_its_socket(running_server: RunningServer, symbol: str) -> None:
    name = symbol.lower()
    with SocketClient(running_server.url) as client:
        client.subscribe(f"{name}@trade", f"{name}@depth")
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == [f"{name}@trade", f"{name}@depth"]
        assert client.ask("UNSUBSCRIBE", [f"{name}@trade", "never@subscribed"])["result"] is None
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == [f"{name}@depth"]
        assert client.ask("GET_PROPERTY", ["combined"])["result"] is False
        assert client.ask("SET_PROPERTY", ["combined", True])["result"] is None
        assert client.ask("GET_PROPERTY", ["combined"])["result"] is True
        client.subscribe(f"{name}@bookTicker")
        assert client.receive()["stream"] == f"{name}@bookTicker"


BAD = {
    "{": 3,
    "[]": 2,
    "{}": 2,
    '{"method":"SUBSCRIBE","id":1}': 2,
    '{"method":"SUBSCRIBE","params":[],"id":1}': 2,
    '{"method":"SUBSCRIBE","params":[1],"id":1}': 2,
    '{"method":"SUBSCRIBE","params":["nobody@trade"],"id":1}': 2,
    '{"method":"SUBSCRIBE","params":["t000@kline_7m"],"id":1}': 2,
    '{"method":"SUBSCRIBE","params":["t000@depth6"],"id":1}': 2,
    '{"method":"SUBSCRIBE","params":["t000"],"id":1}': 2,
    '{"method":"SUBSCRIBE","params":["t000@trade"],"id":-1}': 2,
    '{"method":"SUBSCRIBE","params":["t000@trade"],"id":{}}': 2,
    '{"method":"GIVE","params":[],"id":1}': 2,
    '{"method":"SET_PROPERTY","params":["combined",1],"id":1}': 1,
    '{"method":"SET_PROPERTY","params":["other",true],"id":1}': 0,
    '{"method":"GET_PROPERTY","params":[],"id":1}': 2,
    "[" * 5_000: 3,
}


def test_what_cannot_be_done_is_an_error_and_changes_nothing(running_server: RunningServer) -> None:
    with SocketClient(running_server.url) as client:
        for sent, code in BAD.items():
            client.send(sent)
            answer = client.receive()
            assert answer["error"]["code"] == code, (sent[:80], answer)
            assert answer["error"]["msg"]
        too_many = [f"t{number:03}@depth{depth}" for number in range(345) for depth in (5, 10, 20)]
        assert client.ask("SUBSCRIBE", too_many)["error"]["code"] == 2
        assert client.ask("LIST_SUBSCRIPTIONS")["result"] == []
