"""Every route, against everybody who may come: who is let in, and how each of the others is refused.

A route without a row here fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

import msgspec
import pytest

from api.bootstrap import Server
from api.settings import Settings
from tests.access.cast import Cast, Person, guest, operator, status_and_code
from tests.api.clients import signed

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "29000.00"}
SIGNUP = {"name": "x", "password": "x"}
DEPOSIT = {"asset": "USDT", "amount": "1"}
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
SCHEDULE = {"time_zone": "UTC", "days": ["mon"], "trading": "09:00", "closed": "17:00"}


class Needs(Enum):
    """What a route asks for."""

    NOTHING = "nothing"
    SESSION = "a token"
    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"
    OPERATOR = "an operator"


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


NOTHING, SESSION, READ, TRADE, WITHDRAW, OPERATOR = Needs
STATUS_ROUTE = "POST /admin/symbols/<symbol>/<any(halt, resume, close, pre_open):action>"
SCHEDULE_ROUTE = "/admin/symbols/<symbol>/schedule"
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
    Row("GET /auth/sessions", "/auth/sessions", SESSION),
    Row("DELETE /auth/sessions/<session_id>", "/auth/sessions/none", SESSION, None, 404, "UNKNOWN_SESSION"),
    Row("POST /auth/keys", "/auth/keys", SESSION, {"scopes": ["read"]}, 201),
    Row("GET /auth/keys", "/auth/keys", SESSION),
    Row("DELETE /auth/keys/<key_id>", "/auth/keys/none", SESSION, None, 404, "UNKNOWN_KEY"),
    Row("GET /account", "/account", READ),
    Row("GET /account/balances", "/account/balances", READ),
    Row("GET /account/profit", "/account/profit", READ),
    Row("GET /account/fills", "/account/fills", READ),
    Row("GET /account/ledger", "/account/ledger", READ),
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
    Row("DELETE /admin/accounts/<int:account>/orders", "/admin/accounts/1000/orders", OPERATOR),
    Row("DELETE /admin/orders", "/admin/orders?confirm=all", OPERATOR),
    Row("DELETE /admin/orders/<order_id>", "/admin/orders/1", OPERATOR, None, *UNKNOWN),
    Row("GET /admin/check", "/admin/check", OPERATOR),
    Row("GET /admin/audit", "/admin/audit", OPERATOR),
]
# which scopes another key must have so that only the one that is needed is missing
OTHER_SCOPES = {READ: ("trade",), TRADE: ("read", "withdraw"), WITHDRAW: ("read", "trade")}


def each(rows: list[Row]) -> Any:
    """Run a test for each of these rows."""
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.route)


each_row = each(ROWS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole server without its port, to read its routes off."""
    server = Server(Settings(data=tmp_path_factory.mktemp("routes")))
    yield server
    server.close()


def test_every_route_has_its_row(server: Server) -> None:
    offered = [
        f"{method} {rule.rule}"
        for rule in server.app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    ]
    assert sorted(row.route for row in ROWS) == sorted(offered)


def outcome(cast: Cast, row: Row, headers: dict[str, str]) -> tuple[int, str | None]:
    """Status and error code of the row's request with these headers."""
    return status_and_code(cast.http.call(row.method, row.path, row.content or None, headers))


def rightful(cast: Cast, row: Row) -> Person:
    """Somebody, in a session of their own, whom the route must let in."""
    return operator(cast.http) if row.needs is OPERATOR else guest(cast.http)


def signed_for(row: Row, key: dict[str, Any]) -> dict[str, str]:
    """The headers of the row's request, signed."""
    return signed(key, row.method, row.path, row.content)


@each_row
def test_whoever_may_is_let_in(cast: Cast, row: Row) -> None:
    who = rightful(cast, row)
    if row.needs is not SESSION:
        assert outcome(cast, row, signed_for(row, who.key)) == row.outcome
    assert outcome(cast, row, who.bearer) == row.outcome


@each_row
def test_whoever_shows_nothing_gets_what_the_profile_gives(cast: Cast, sandbox_cast: Cast, row: Row) -> None:
    expected: tuple[int, str | None] = (401, "UNAUTHENTICATED")
    if row.needs is NOTHING:
        expected = row.outcome
    elif cast is sandbox_cast and row.needs is not SESSION:
        expected = (403, "OPERATOR_NEEDED") if row.needs is OPERATOR else row.outcome
        if row.path == "/account/deposit":  # the built-in account has more than the on-ramp gives
            expected = (422, "DEPOSIT_LIMIT_EXCEEDED")
    assert outcome(cast, row, {}) == expected


@each_row
def test_bad_credentials_are_refused_for_what_is_wrong_with_them(cast: Cast, row: Row) -> None:
    shown = cast.refused_headers(row.method, row.path, row.content)
    found = {what: outcome(cast, row, headers) for what, (headers, _, _) in shown.items()}
    public = row.needs is NOTHING
    expected = {what: row.outcome if public else (status, code) for what, (_, status, code) in shown.items()}
    assert found == expected


@each_row
def test_a_request_that_is_sent_again_is_refused(cast: Cast, row: Row) -> None:
    headers = signed_for(row, guest(cast.http).key)
    first = outcome(cast, row, headers)
    assert first[1] != "SIGNATURE_REPLAYED"
    assert outcome(cast, row, headers) == (first if row.needs is NOTHING else (401, "SIGNATURE_REPLAYED"))


@each([row for row in ROWS if row.needs is not NOTHING])
def test_a_key_without_the_scope_is_refused(cast: Cast, row: Row) -> None:
    if row.needs is SESSION:
        assert outcome(cast, row, signed_for(row, cast.trader.key)) == (403, "SESSION_NEEDED")
    elif row.needs is OPERATOR:
        needed = "read" if row.method == "GET" else "trade"
        key = cast.operator_with_scopes[("trade",) if needed == "read" else ("read", "withdraw")]
        assert outcome(cast, row, signed_for(row, key)) == (403, "SCOPE_MISSING")
    else:
        key = cast.with_scopes[OTHER_SCOPES[row.needs]]
        assert outcome(cast, row, signed_for(row, key)) == (403, "SCOPE_MISSING")
        right = cast.with_scopes[(row.needs.value,)]
        assert outcome(cast, row, signed_for(row, right)) == row.outcome


@each([row for row in ROWS if row.needs is OPERATOR])
def test_only_operators_operate(cast: Cast, row: Row) -> None:
    for headers in (cast.trader.bearer, signed_for(row, cast.trader.key)):
        assert outcome(cast, row, headers) == (403, "OPERATOR_NEEDED")
