"""Market data of the second wire: figures that were reckoned by hand, the first wire's book, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from api.binance.market_info import STATUSES
from engine.types import TradingStatus
from tests.api.binance.clients import refusal
from tests.server import Http, RunningServer

DAY_MS = 86_400_000


@pytest.fixture
def traded(http: Http, symbol: str) -> str:
    """A symbol in which a buyer took 2.5 at two prices and a seller 0.5, and three levels rest."""
    http.enter(symbol, "sell", "2", "80.25")
    http.enter(symbol, "sell", "1.5", "80.5")
    http.enter(symbol, "buy", "2.5", "81")  # 2 at 80.25, 0.5 at 80.5
    http.enter(symbol, "buy", "1", "79.75")
    http.enter(symbol, "buy", "0.75", "79.5")
    http.enter(symbol, "sell", "0.5", "79.75")  # at 79.75
    return symbol


QUOTE, BOUGHT_QUOTE, BASE = "240.6250000000", "200.7500000000", "3.000"  # 2 x 80.25 + 0.5 x 80.5, and 0.5 x 79.75


def get(http: Http, path: str, **params: Any) -> Any:
    """What a route of market data answers."""
    return http.get(f"/api/v3/{path}?" + "&".join(f"{name}={value}" for name, value in params.items()))


def test_depth_is_the_book_of_the_first_wire(http: Http, traded: str) -> None:
    book = http.get(f"/book/{traded}?levels=all")
    for limit in (1, 5, 100, 1000, 5000, 9999):
        depth = get(http, "depth", symbol=traded, limit=limit)
        assert depth == {"lastUpdateId": book["seq"], "bids": book["bids"][:limit], "asks": book["asks"][:limit]}
    assert book["asks"] == [["80.50", "1.000"]]
    assert book["bids"] == [["79.75", "0.500"], ["79.50", "0.750"]]


def test_many_levels_come_whole_and_in_order(http: Http, symbol: str) -> None:
    for start in range(1, 301, 100):
        orders = [
            {"symbol": symbol, "side": side, "order_type": "limit", "quantity": "1", "price": str(price)}
            for number in range(start, start + 100)
            for side, price in (("buy", 500 - number), ("sell", 500 + number))
        ]
        http.post("/orders/batch", {"orders": orders}).granted()
    book = http.get(f"/book/{symbol}?levels=all")
    for limit in (101, 128, 129, 299, 5000):
        depth = get(http, "depth", symbol=symbol, limit=limit)
        assert (depth["bids"], depth["asks"]) == (book["bids"][:limit], book["asks"][:limit])
    assert len(depth["bids"]) == 300


def test_trades_and_their_aggregates(http: Http, traded: str) -> None:
    first = [(each["trade_id"], each["price"], each["quantity"]) for each in http.get(f"/trades/{traded}")["trades"]]
    trades = get(http, "trades", symbol=traded)
    assert [(str(each["id"]), each["price"], each["qty"]) for each in trades] == first[::-1]
    assert [each["quoteQty"] for each in trades] == ["160.5000000000", "40.2500000000", "39.8750000000"]
    assert [each["isBuyerMaker"] for each in trades] == [False, False, True]
    assert get(http, "trades", symbol=traded, limit=1) == trades[-1:]
    assert get(http, "historicalTrades", symbol=traded, limit=2) == trades[-2:]
    assert get(http, "historicalTrades", symbol=traded, fromId=trades[1]["id"]) == trades[1:]
    assert get(http, "historicalTrades", symbol=traded, fromId=trades[2]["id"] + 1) == []
    aggregates = get(http, "aggTrades", symbol=traded)
    assert [(each["a"], each["p"], each["q"], each["m"]) for each in aggregates] == [
        (each["id"], each["price"], each["qty"], each["isBuyerMaker"]) for each in trades
    ]
    assert get(http, "aggTrades", symbol=traded, fromId=aggregates[1]["a"], limit=1) == aggregates[1:2]
    begin, end = aggregates[0]["T"], aggregates[-1]["T"]
    assert get(http, "aggTrades", symbol=traded, startTime=begin, endTime=end) == aggregates
    assert get(http, "aggTrades", symbol=traded, startTime=end + 1) == []


def test_one_order_that_meets_several_at_one_price_is_one_aggregate(http: Http, symbol: str) -> None:
    for quantity in ("1", "2", "3"):
        http.enter(symbol, "sell", quantity, "50")
    http.enter(symbol, "buy", "6", "50")
    trades = get(http, "trades", symbol=symbol)
    (aggregate,) = get(http, "aggTrades", symbol=symbol)
    assert (aggregate["f"], aggregate["l"], aggregate["a"]) == (trades[0]["id"], trades[-1]["id"], trades[0]["id"])
    assert (aggregate["q"], len(trades)) == ("6.000", 3)
    assert get(http, "aggTrades", symbol=symbol, fromId=trades[1]["id"]) == []


@pytest.mark.parametrize("path", ["klines", "uiKlines"])
def test_candles_have_volumes_counts_and_what_takers_bought(http: Http, traded: str, path: str) -> None:
    figures = ["80.25", "80.50", "79.75", "79.75", BASE]
    more = [QUOTE, 3, "2.500", BOUGHT_QUOTE, "0"]
    for interval, length_ms in (("3d", 3 * DAY_MS), ("1w", 7 * DAY_MS), ("12h", DAY_MS // 2), ("1h", 3_600_000)):
        row = get(http, path, symbol=traded, interval=interval)[0]
        if row[8] == 3:  # else the interval ended between two trades
            assert (row[1:6], row[7:]) == (figures, more)
        assert row[6] - row[0] + 1 == length_ms
    newest = get(http, path, symbol=traded, interval="1M", timeZone="-8")[-1]
    assert newest[0] % DAY_MS == 8 * 3_600_000
    assert get(http, path, symbol=traded, interval="1m", endTime=1) == []


def test_tickers_of_a_day(http: Http, traded: str) -> None:
    ticker = get(http, "ticker/24hr", symbol=traded)
    trades = get(http, "trades", symbol=traded)
    window = {
        "symbol": traded,
        "openPrice": "80.25",
        "highPrice": "80.50",
        "lowPrice": "79.75",
        "lastPrice": "79.75",
        "volume": BASE,
        "quoteVolume": QUOTE,
        "firstId": trades[0]["id"],
        "lastId": trades[-1]["id"],
        "count": 3,
    }
    further = {"priceChange": "-0.50", "priceChangePercent": "-0.623", "weightedAvgPrice": "80.20833333"}
    best = {"bidPrice": "79.75", "bidQty": "0.500", "askPrice": "80.50", "askQty": "1.000"}
    begin, end = ticker.pop("openTime"), ticker.pop("closeTime")
    assert ticker == window | further | best | {"prevClosePrice": "0.00", "lastQty": "0.500"}
    assert DAY_MS - 60_000 <= end - begin < DAY_MS
    (mini,) = get(http, "ticker/24hr", symbols=f"[%22{traded}%22]", type="MINI")
    assert {name: value for name, value in mini.items() if not name.endswith("Time")} == window
    for path, params in (("ticker", {"windowSize": "1h"}), ("ticker", {}), ("ticker/tradingDay", {"timeZone": "5:45"})):
        rolling = get(http, path, symbol=traded, **params)
        assert {name: value for name, value in rolling.items() if not name.endswith("Time")} == window | further
    assert get(http, "avgPrice", symbol=traded)["price"] == "80.20833333"
    assert get(http, "ticker/price", symbol=traded) == {"symbol": traded, "price": "79.75"}
    assert get(http, "ticker/bookTicker", symbol=traded) == {"symbol": traded} | best


def test_a_symbol_in_which_nothing_happened_has_zeros(http: Http, symbol: str) -> None:
    ticker = get(http, "ticker/24hr", symbol=symbol)
    assert (ticker["lastPrice"], ticker["count"], ticker["firstId"], ticker["lastId"]) == ("0.00", 0, -1, -1)
    assert get(http, "ticker/bookTicker", symbol=symbol)["bidQty"] == "0.000"
    assert get(http, "avgPrice", symbol=symbol)["price"] == "0.00000000"
    for path in ("trades", "historicalTrades", "aggTrades"):
        assert get(http, path, symbol=symbol) == []
    assert get(http, "klines", symbol=symbol, interval="1m") == []


def test_lists_are_of_all_or_of_those_that_are_named(http: Http, traded: str) -> None:
    listed = http.get("/symbols")["symbols"]
    for path in ("ticker/24hr", "ticker/price", "ticker/bookTicker"):
        found = [each["symbol"] for each in get(http, path)]
        assert found == [symbol.replace("-", "") for symbol in listed]
        named = get(http, path, symbols=f"[%22{traded}%22,%22BTCUSDT%22]")
        assert [each["symbol"] for each in named] == [traded, "BTCUSDT"]
    assert len(get(http, "exchangeInfo")["symbols"]) == len(listed)


def test_what_is_listed_says_its_steps_and_limits(http: Http) -> None:
    (strict,) = get(http, "exchangeInfo", symbol="STRICT")["symbols"]
    filters = {each.pop("filterType"): each for each in strict["filters"]}
    assert next(iter(filters)) == "PRICE_FILTER"
    assert filters["PRICE_FILTER"] == {"minPrice": "0.05", "maxPrice": "49999999999999999.95", "tickSize": "0.05"}
    assert filters["LOT_SIZE"] == {"minQty": "1.0", "maxQty": "10.0", "stepSize": "0.1"}
    assert filters["MARKET_LOT_SIZE"] == filters["LOT_SIZE"]
    assert filters["MAX_NUM_ORDERS"] == {"maxNumOrders": 3}
    notional = filters["NOTIONAL"]
    assert (notional["minNotional"], notional["maxNotional"]) == ("80.0000000000", "900.0000000000")
    assert "PERCENT_PRICE_BY_SIDE" not in filters
    assert (strict["baseAsset"], strict["quoteAsset"], strict["status"]) == ("METAL", "MONEY", "TRADING")
    assert {"LIMIT", "MARKET", "TAKE_PROFIT_LIMIT"} <= set(strict["orderTypes"])
    assert "contractType" not in strict
    assert [each["symbol"] for each in get(http, "exchangeInfo", symbols="[%22STRICT%22]")["symbols"]] == ["STRICT"]
    assert get(http, "exchangeInfo", permissions="MARGIN")["symbols"] == []
    assert get(http, "exchangeInfo", symbolStatus="HALT")["symbols"] == []


def test_every_status_has_its_word() -> None:
    assert STATUSES.keys() == set(TradingStatus)
    assert [status for status, word in STATUSES.items() if word == "TRADING"] == [TradingStatus.TRADING]


def test_times_are_the_venues_and_other_markets_are_empty(http: Http) -> None:
    assert get(http, "ping") == {}
    assert abs(get(http, "time")["serverTime"] / 1000 - http.get("/health")["timestamp"]) < 60
    assert http.get("/sapi/v1/system/status") == {"status": 0, "msg": "normal"}
    assert http.get("/sapi/v1/margin/allPairs") == http.get("/sapi/v1/margin/isolated/allPairs") == []
    for futures in ("/fapi/v1/exchangeInfo", "/dapi/v1/exchangeInfo"):
        assert http.get(futures)["symbols"] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("depth", -1102),
        ("depth?symbol=", -1121),
        ("depth?symbol=BTC-USDT", -1121),
        ("depth?symbol=btcusdt", -1121),
        ("depth?symbol=BTCUSDT&limit=0", -1130),
        ("depth?symbol=BTCUSDT&limit=-5", -1130),
        ("depth?symbol=BTCUSDT&limit=x", -1100),
        ("depth?symbol=BTCUSDT&symbol=ETHUSDT", -1101),
        ("trades?symbol=BTCUSDT&limit=1.5", -1100),
        ("historicalTrades?symbol=BTCUSDT&fromId=-1", -1100),
        ("historicalTrades?symbol=BTCUSDT&fromId=99999999999999999999999", -1100),
        ("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128),
        ("aggTrades?symbol=BTCUSDT&startTime=-1", -1100),
        ("klines?symbol=BTCUSDT", -1102),
        ("klines?symbol=BTCUSDT&interval=7m", -1120),
        ("klines?symbol=BTCUSDT&interval=1m&startTime=9e99", -1100),
        ("klines?symbol=BTCUSDT&interval=1m&timeZone=15", -1130),
        ("klines?symbol=BTCUSDT&interval=1m&timeZone=-13", -1130),
        ("klines?symbol=BTCUSDT&interval=1m&timeZone=5:99", -1130),
        ("ticker?symbol=BTCUSDT&windowSize=60m", -1130),
        ("ticker?symbol=BTCUSDT&windowSize=2d", -1130),
        ("ticker", -1102),
        ("ticker/24hr?symbol=BTCUSDT&type=HUGE", -1100),
        ("ticker/price?symbol=BTCUSDT&symbols=%5B%22ETHUSDT%22%5D", -1128),
        ("ticker/price?symbols=BTCUSDT", -1100),
        ("ticker/price?symbols=%5B%5D", -1130),
        ("ticker/price?symbols=%5B%22BTCUSDT%22,%22BTCUSDT%22%5D", -1101),
        ("ticker/price?symbols=%5B%22NONE%22%5D", -1121),
        ("exchangeInfo?symbol=NONE", -1121),
        ("exchangeInfo?symbolStatus=OPEN", -1122),
    ],
)
def test_what_cannot_be_answered_is_refused_by_its_number(http: Http, path: str, code: int) -> None:
    answer = http.call("GET", f"/api/v3/{path}")
    assert (answer.status, refusal(answer)[0]) == (400, code)


@pytest.mark.parametrize("time_ms", [9_999_999_999_999, 2**47])
def test_a_time_beyond_all_trades_is_one(http: Http, traded: str, time_ms: int) -> None:
    name = f"aggTrades?symbol={traded}&"
    assert http.call("GET", f"/api/v3/{name}startTime={time_ms}").granted() == []
    assert http.call("GET", f"/api/v3/{name}startTime=0&endTime={time_ms}").granted()
    assert http.call("GET", f"/api/v3/{name}endTime={time_ms}").granted()


def test_what_is_not_known_is_ignored(http: Http) -> None:
    assert get(http, "time", recvWindow=5000, whatever="x").keys() == {"serverTime"}


def test_what_is_used_of_the_limit_is_said_and_the_limit_is_that(secured: RunningServer) -> None:
    http = Http(secured.url, "127.0.0.9")
    (limit,) = http.get("/api/v3/exchangeInfo")["rateLimits"]
    asked = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 10_000}
    assert limit == asked
    used = [int(http.call("GET", "/api/v3/ping").headers["X-MBX-USED-WEIGHT-1M"] or -1) for _ in range(2)]
    assert used[1] == used[0] + 1 or used[1] < used[0]  # another minute
    http.close()


def test_what_no_handler_answers_has_the_error_shape_of_the_wire_that_was_asked(http: Http) -> None:
    for method, path, status in (
        ("GET", "/api/v3/nothing", 404),
        ("GET", "/sapi/v1/nothing", 404),
        ("PUT", "/api/v3/depth", 405),
    ):
        answer = http.call(method, path)
        assert (answer.status, refusal(answer)[0]) == (status, -1100)
        assert path in refusal(answer)[1]
    elsewhere = http.call("GET", "/api/v3/time", headers={"Host": "evil.example"})
    assert (elsewhere.status, refusal(elsewhere)[0]) == (421, -1100)
    assert http.call("GET", "/nothing").json["error_code"] == "NOT_FOUND"
