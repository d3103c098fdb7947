"""Who may ask what on the second wire: a row for every route."""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.access.cast import Cast
from tests.api.clients import now_ms
from tests.server import Answer

PREFIXES = ("/api/", "/sapi/", "/fapi/", "/dapi/", "/ws", "/stream")
Key = dict[str, Any]


class Needs(Enum):
    """What a route asks for."""

    NOTHING = "nothing"
    KEY = "the header of a key, unsigned"
    READ = "read"
    TRADE = "trade"


class Row(NamedTuple):
    """One route: a request to it, what it needs, and the answer to whoever may ask: None, or the code of an error."""

    route: str
    needs: Needs
    params: dict[str, Any] | None = None
    code: int | None = None

    @property
    def method(self) -> str:
        return self.route.split()[0]

    @property
    def path(self) -> str:
        return self.route.split()[1]


NOTHING, KEY, READ, TRADE = Needs
PAIR = {"symbol": "BTCUSDT"}
LIMIT = PAIR | {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001", "price": "29000"}
OCO = PAIR | {"side": "BUY", "quantity": "0.001"}
NEVER = {"orderId": 2**52}
ROWS = [
    Row("POST /api/v3/order", TRADE, LIMIT),
    Row("POST /api/v3/order/test", TRADE, LIMIT),
    Row("GET /api/v3/order", READ, PAIR | NEVER, -2013),
    Row("DELETE /api/v3/order", TRADE, PAIR | NEVER, -2011),
    Row(
        "POST /api/v3/order/cancelReplace",
        TRADE,
        LIMIT | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 2**52},
        -2022,
    ),
    Row("PUT /api/v3/order/amend/keepPriority", TRADE, PAIR | NEVER | {"newQty": "0.001"}, -2013),
    Row("GET /api/v3/openOrders", READ),
    Row("DELETE /api/v3/openOrders", TRADE, {"symbol": "SOLUSDT"}, -2011),
    Row("GET /api/v3/allOrders", READ, PAIR),
    Row("GET /api/v3/myTrades", READ, PAIR),
    Row(
        "POST /api/v3/orderList/oco",
        TRADE,
        OCO | {"aboveType": "STOP_LOSS", "aboveStopPrice": "31000", "belowType": "LIMIT_MAKER", "belowPrice": "29000"},
    ),
    Row("POST /api/v3/order/oco", TRADE, OCO | {"price": "29000", "stopPrice": "31000"}),
    Row("GET /api/v3/orderList", READ, {"orderListId": 2**52}, -2018),
    Row("DELETE /api/v3/orderList", TRADE, PAIR | {"orderListId": 2**52}, -2018),
    Row("GET /api/v3/openOrderList", READ),
    Row("GET /api/v3/allOrderList", READ),
    Row("GET /api/v3/account", READ),
    Row("GET /api/v3/account/commission", READ, PAIR),
    Row("GET /api/v3/rateLimit/order", READ),
    Row("GET /sapi/v1/asset/tradeFee", READ, PAIR),
    Row("GET /sapi/v1/capital/config/getall", READ),
    Row("POST /api/v3/userDataStream", KEY),
    Row("PUT /api/v3/userDataStream", KEY, {"listenKey": "none"}, -1125),
    Row("DELETE /api/v3/userDataStream", KEY, {"listenKey": "none"}, -1125),
    Row("GET /api/v3/ping", NOTHING),
    Row("GET /api/v3/time", NOTHING),
    Row("GET /api/v3/exchangeInfo", NOTHING),
    Row("GET /api/v3/depth", NOTHING, PAIR),
    Row("GET /api/v3/trades", NOTHING, PAIR),
    Row("GET /api/v3/historicalTrades", NOTHING, PAIR),
    Row("GET /api/v3/aggTrades", NOTHING, PAIR),
    Row("GET /api/v3/klines", NOTHING, PAIR | {"interval": "1m"}),
    Row("GET /api/v3/uiKlines", NOTHING, PAIR | {"interval": "1m"}),
    Row("GET /api/v3/avgPrice", NOTHING, PAIR),
    Row("GET /api/v3/ticker", NOTHING, PAIR),
    Row("GET /api/v3/ticker/tradingDay", NOTHING, PAIR),
    Row("GET /api/v3/ticker/24hr", NOTHING, PAIR),
    Row("GET /api/v3/ticker/price", NOTHING, PAIR),
    Row("GET /api/v3/ticker/bookTicker", NOTHING, PAIR),
    Row("GET /sapi/v1/system/status", NOTHING),
    Row("GET /sapi/v1/margin/allPairs", NOTHING),
    Row("GET /sapi/v1/margin/isolated/allPairs", NOTHING),
    Row("GET /fapi/v1/exchangeInfo", NOTHING),
    Row("GET /dapi/v1/exchangeInfo", NOTHING),
]


def signature_of(secret: str, text: str) -> str:
    """What a client computes."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def signed_query(row: Row, key: Key, offset_ms: int = 0) -> str:
    """The row's parameters, signed with a key."""
    text = urlencode({**(row.params or {}), "timestamp": now_ms(offset_ms)})
    return f"{text}&signature={signature_of(key['secret'], text)}"


def send(cast: Cast, row: Row, query: str, key_id: str | None, *, form: bool = False) -> Answer:
    """The row's request with this query, or with it as a form."""
    headers = {} if key_id is None else {"X-MBX-APIKEY": key_id}
    if form:
        return cast.http.call(row.method, row.path, query.encode(), headers)
    return cast.http.call(row.method, f"{row.path}?{query}" if query else row.path, None, headers)


def outcome(answer: Answer) -> tuple[int, int | None]:
    """Status, and the code of an error."""
    return answer.status, None if answer.status < 400 else answer.json["code"]
