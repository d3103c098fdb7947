"""Who may ask what: a row for every route."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

import msgspec

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "29000.00"}
SIGNUP = {"name": "x", "password": "x"}
PASSWORDS = {"password": "x", "new_password": "long enough, I hope"}
DEPOSIT = {"asset": "USDT", "amount": "1"}
RESET = {"balances": {"USDT": "1000000000000"}}
SYMBOL = {
    "symbol": "NEW-USDT",
    "base": "NEW",
    "quote": "USDT",
    "tick_size": "0.01",
    "lot_size": "1",
    "quote_scale": 10,
    "max_quantity": "1000",
    "max_notional": "1000000",
}
FAULTS = {"step": [{"latency_ms": 1}]}
SCHEDULE = {"time_zone": "UTC", "days": ["mon"], "trading": "09:00", "closed": "17:00"}


class Needs(Enum):
    """What a route asks for."""

    NOTHING = "nothing"
    SESSION = "a token"
    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"
    OPERATOR = "an operator"
    OPERATOR_SESSION = "an operator's token"


class Row(NamedTuple):
    """One route: a request to it, what it needs, and the answer to whoever may ask."""

    route: str
    path: str
    needs: Needs
    body: Any = None
    status: int = 200
    code: str | None = None

    @property
    def method(self) -> str:
        return self.route.split()[0]

    @property
    def content(self) -> bytes:
        """The body in bytes, none when there is none."""
        return b"" if self.body is None else msgspec.json.encode(self.body)

    @property
    def outcome(self) -> tuple[int, str | None]:
        return self.status, self.code


NOTHING, SESSION, READ, TRADE, WITHDRAW, OPERATOR, OPERATOR_SESSION = Needs
STATUS_ROUTE = "POST /admin/symbols/<symbol>/<any(halt, resume, close, pre_open):action>"
SCHEDULE_ROUTE = "/admin/symbols/<symbol>/schedule"
USER_ROUTE = "POST /admin/users/<name>/<any(disable, enable, promote, demote, revoke, reset_totp):action>"
USER_UNKNOWN = (404, "UNKNOWN_USER")
AUCTION_ROUTE = "POST /admin/symbols/<symbol>/auction"
SWITCH_ROUTE = "POST /admin/accounts/<int:account>/<any(stop, start):action>"
UNKNOWN = (404, "UNKNOWN_ORDER")
MALFORMED = (400, "INVALID_VALUE")
ROWS = [
    Row("GET /", "/", NOTHING),
    Row("GET /favicon.ico", "/favicon.ico", NOTHING),
    Row("GET /static/<path:path>", "/static/nowhere", NOTHING, None, 404, "NOT_FOUND"),
    Row("GET /docs", "/docs", NOTHING),
    Row("GET /openapi.json", "/openapi.json", NOTHING),
    Row("GET /health", "/health", NOTHING),
    Row("GET /health/live", "/health/live", NOTHING),
    Row("GET /health/ready", "/health/ready", NOTHING),
    Row("GET /node", "/node", NOTHING),
    Row("GET /metrics", "/metrics", OPERATOR),
    Row("GET /symbols", "/symbols", NOTHING),
    Row("GET /status/<symbol>", "/status/BTC-USDT", NOTHING),
    Row("GET /book/<symbol>", "/book/BTC-USDT", NOTHING),
    Row("GET /book/<symbol>/orders", "/book/BTC-USDT/orders", NOTHING),
    Row("GET /bbo/<symbol>", "/bbo/BTC-USDT", NOTHING),
    Row("GET /quote/<symbol>", "/quote/BTC-USDT?side=buy&quantity=1", NOTHING),
    Row("GET /trades/<symbol>", "/trades/BTC-USDT", NOTHING),
    Row("GET /candles/<symbol>", "/candles/BTC-USDT", NOTHING),
    Row("GET /ticker", "/ticker", NOTHING),
    Row("GET /ticker/<symbol>", "/ticker/BTC-USDT", NOTHING),
    Row("GET /statistics", "/statistics", NOTHING),
    Row("POST /auth/signup", "/auth/signup", NOTHING, SIGNUP, *MALFORMED),
    Row("POST /auth/login", "/auth/login", NOTHING, SIGNUP, 401, "BAD_LOGIN"),
    Row("POST /auth/guest", "/auth/guest", NOTHING, None, 201),
    Row("POST /auth/refresh", "/auth/refresh", NOTHING, {"refresh_token": "x.y"}, 401, "BAD_REFRESH_TOKEN"),
    Row("POST /auth/logout", "/auth/logout", SESSION),
    Row("GET /auth/user", "/auth/user", SESSION),
    Row("POST /auth/password", "/auth/password", SESSION, PASSWORDS, 403, "NO_PASSWORD"),
    Row("POST /auth/totp", "/auth/totp", SESSION, {"password": "x"}, 403, "NO_PASSWORD"),
    Row("POST /auth/totp/confirm", "/auth/totp/confirm", SESSION, {"code": "000000"}, 409, "TOTP_OFF"),
    Row("POST /auth/totp/off", "/auth/totp/off", SESSION, {"password": "x", "code": "000000"}, 403, "NO_PASSWORD"),
    Row("GET /auth/sessions", "/auth/sessions", SESSION),
    Row("DELETE /auth/sessions", "/auth/sessions", SESSION),
    Row("DELETE /auth/sessions/<session_id>", "/auth/sessions/none", SESSION, None, 404, "UNKNOWN_SESSION"),
    Row("POST /auth/keys", "/auth/keys", SESSION, {"scopes": ["read"]}, 201),
    Row("GET /auth/keys", "/auth/keys", SESSION),
    Row("DELETE /auth/keys/<key_id>", "/auth/keys/none", SESSION, None, 404, "UNKNOWN_KEY"),
    Row("GET /account", "/account", READ),
    Row("GET /account/balances", "/account/balances", READ),
    Row("GET /account/profit", "/account/profit", READ),
    Row("GET /account/fills", "/account/fills", READ),
    Row("GET /account/ledger", "/account/ledger", READ),
    Row("GET /account/ranking", "/account/ranking", READ, None, 403, "RANKING_OFF"),
    Row("POST /account/reset", "/account/reset", WITHDRAW, {"balances": {"USDT": "x"}}, *MALFORMED),
    Row("POST /account/deposit", "/account/deposit", TRADE, DEPOSIT),
    Row("POST /account/withdraw", "/account/withdraw", WITHDRAW, DEPOSIT),
    Row("POST /order", "/order", TRADE, ORDER),
    Row("POST /order/test", "/order/test", TRADE, ORDER),
    Row("POST /cancel", "/cancel", TRADE, {"order_id": "1"}, *UNKNOWN),
    Row("POST /orders/batch", "/orders/batch", TRADE, {"orders": [ORDER]}),
    Row("GET /order/<order_id>", "/order/1", READ, None, *UNKNOWN),
    Row("GET /order/<order_id>/explain", "/order/1/explain", READ, None, *UNKNOWN),
    Row("GET /trade/<trade_id>/explain", "/trade/99/explain", READ, None, 404, "UNKNOWN_TRADE"),
    Row("GET /command/<seq>/explain", "/command/0/explain", READ, None, 404, "UNKNOWN_COMMAND"),
    Row("DELETE /order/<order_id>", "/order/1", TRADE, None, *UNKNOWN),
    Row("PATCH /order/<order_id>", "/order/1", TRADE, {"quantity": "1"}, *UNKNOWN),
    Row("GET /orders", "/orders?limit=1", READ),
    Row("DELETE /orders", "/orders", TRADE),
    Row("POST /admin/symbols", "/admin/symbols", OPERATOR, SYMBOL),
    Row("GET " + SCHEDULE_ROUTE, "/admin/symbols/BTC-USDT/schedule", OPERATOR),
    Row("PUT " + SCHEDULE_ROUTE, "/admin/symbols/SOL-USDT/schedule", OPERATOR, SCHEDULE),
    Row("DELETE " + SCHEDULE_ROUTE, "/admin/symbols/SOL-USDT/schedule", OPERATOR),
    Row("DELETE /admin/symbols/<symbol>/orders", "/admin/symbols/SOL-USDT/orders", OPERATOR),
    Row(AUCTION_ROUTE, "/admin/symbols/BTC-USDT/auction", OPERATOR),
    Row(STATUS_ROUTE, "/admin/symbols/BTC-USDT/resume", OPERATOR),
    Row("GET /admin/accounts", "/admin/accounts?name=gue", OPERATOR),
    Row("GET /admin/accounts/<int:account>", "/admin/accounts/1000", OPERATOR),
    Row("PUT /admin/accounts/<int:account>", "/admin/accounts/1000", OPERATOR, {"tier": "vip"}),
    Row(SWITCH_ROUTE, "/admin/accounts/1000/start", OPERATOR),
    Row("POST /admin/accounts/<int:account>/deposit", "/admin/accounts/1000/deposit", OPERATOR, DEPOSIT),
    Row("POST /admin/accounts/<int:account>/reset", "/admin/accounts/1000/reset", OPERATOR, RESET),
    Row("DELETE /admin/accounts/<int:account>/orders", "/admin/accounts/1000/orders", OPERATOR),
    Row("GET /admin/ranking", "/admin/ranking", OPERATOR),
    Row("POST /admin/users", "/admin/users", OPERATOR_SESSION, {"users": [{"name": "pupil"}]}),
    Row("GET /admin/users/<name>", "/admin/users/boss", OPERATOR_SESSION),
    Row(USER_ROUTE, "/admin/users/nobody/revoke", OPERATOR_SESSION, None, *USER_UNKNOWN),
    Row("POST /admin/users/<name>/password", "/admin/users/nobody/password", OPERATOR_SESSION, None, *USER_UNKNOWN),
    Row(
        "DELETE /admin/users/<name>/sessions/<session_id>",
        "/admin/users/nobody/sessions/x",
        OPERATOR_SESSION,
        None,
        *USER_UNKNOWN,
    ),
    Row("DELETE /admin/orders", "/admin/orders?confirm=all", OPERATOR),
    Row("DELETE /admin/orders/<order_id>", "/admin/orders/1", OPERATOR, None, *UNKNOWN),
    Row("GET /admin/check", "/admin/check", OPERATOR),
    Row("POST /admin/node/stand-down", "/admin/node/stand-down", OPERATOR, None, 409, "NO_CLUSTER"),
    Row("POST /admin/clock", "/admin/clock", OPERATOR, {"follow": "machine"}, 409, "CLOCK_NOT_HELD"),
    Row("GET /account/faults", "/account/faults", READ),
    Row("PUT /account/faults", "/account/faults?check=true", TRADE, FAULTS),
    Row("DELETE /account/faults", "/account/faults", TRADE),
    Row("GET /admin/faults", "/admin/faults", OPERATOR),
    Row("PUT /admin/faults", "/admin/faults?check=true", OPERATOR, FAULTS),
    Row("DELETE /admin/faults", "/admin/faults", OPERATOR),
    Row("GET /admin/faults/<int:account>", "/admin/faults/1", OPERATOR, None, 404, "NO_FAULTS"),
    Row("PUT /admin/faults/<int:account>", "/admin/faults/1?check=true", OPERATOR, FAULTS),
    Row("DELETE /admin/faults/<int:account>", "/admin/faults/1", OPERATOR),
    Row("GET /admin/audit", "/admin/audit", OPERATOR),
]
