"""Every no has its status, its code and its sentence, in the one shape, and tells nothing of what is inside."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from api.http import limits
from api.http.errors import install
from api.json.errors import rejected
from api.settings import Settings
from engine.rejects import RejectReason
from explain.reasons import REJECTS
from listings.instruments_file import DEFAULT_INSTRUMENTS, read_instruments
from sequencer.port import NotAccepting, OutcomeUnknown
from tests.api.clients import new_key, signed
from tests.server import INTERNAL, Answer, Http, RunningServer

# Nobody can halt, list, stop or configure by HTTP yet, nor deposit; the sandbox account never runs out, and may trade
# with itself.
NOT_OVER_HTTP = {
    RejectReason.SYMBOL_NOT_TRADING,
    RejectReason.INSTRUMENT_CONFLICT,
    RejectReason.ACCOUNT_STOPPED,
    RejectReason.ORDER_RATE_EXCEEDED,
    RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED,
    RejectReason.INSUFFICIENT_FUNDS,
    RejectReason.UNKNOWN_ASSET,
    RejectReason.BAD_AMOUNT,
    RejectReason.DEPOSIT_LIMIT_EXCEEDED,
    RejectReason.BAD_CONFIGURATION,
}
STRICT_ORDER = {"symbol": "STRICT", "side": "buy", "order_type": "limit", "quantity": "2", "price": "100.00"}

CHUNKED = {"Transfer-Encoding": "chunked"}

# reason, what to change in STRICT_ORDER, the status of POST /order
ENTRY_REJECTS: list[tuple[RejectReason, dict[str, Any], int]] = [
    (RejectReason.UNKNOWN_SYMBOL, {"symbol": "LAX"}, 400),
    (RejectReason.UNSUPPORTED_COMBINATION, {"order_type": "market", "time_in_force": "gtc"}, 400),
    (RejectReason.BAD_TICK, {"price": "100.01"}, 400),
    (RejectReason.BAD_LOT, {"quantity": "2.05"}, 400),
    (RejectReason.QUANTITY_TOO_SMALL, {"quantity": "0.9"}, 400),
    (RejectReason.QUANTITY_TOO_LARGE, {"quantity": "10.1"}, 400),
    (RejectReason.NOTIONAL_TOO_SMALL, {"quantity": "1", "price": "79.95"}, 400),
    (RejectReason.NOTIONAL_TOO_LARGE, {"quantity": "10", "price": "90.05"}, 400),
    (RejectReason.BAD_DISPLAY_QUANTITY, {"display_quantity": "2.1"}, 400),
    (RejectReason.EXPIRE_TIME_PASSED, {"time_in_force": "gtd", "expire_time": 1}, 400),
    (RejectReason.BAD_TRIGGER, {"order_type": "oco", "stop_price": "90"}, 400),
    (RejectReason.PRICE_OUTSIDE_COLLAR, {"price": "110.05"}, 400),
]
SENTENCES = {
    "UNKNOWN_SYMBOL": "There is no symbol LAX; GET /symbols lists them.",
    "BAD_TICK": "price must be a multiple of 0.05, the tick size, and 100.01 is not.",
    "BAD_LOT": "quantity must be a multiple of 0.1, the lot size, and 2.05 is not.",
    "QUANTITY_TOO_SMALL": "The quantity is below the smallest allowed, 1.0.",
    "QUANTITY_TOO_LARGE": "The quantity is above the largest allowed, 10.0.",
    "NOTIONAL_TOO_SMALL": "Price times quantity is below the smallest allowed, 80.",
    "NOTIONAL_TOO_LARGE": "Price times quantity is above the largest allowed: 900, or less "
    "where your account has a limit of its own.",
    "PRICE_OUTSIDE_COLLAR": "The price is too far from the market: at most 110.00 for a buy, since the collar is 10 % "
    "from the reference price 100.00.",
}


@pytest.fixture(autouse=True)
def an_empty_strict_book(http: Http) -> None:
    """No order rests in STRICT when a test begins."""
    http.call("DELETE", "/orders?symbol=STRICT").granted()


def test_every_reject_reason_has_a_status_and_a_sentence() -> None:
    assert REJECTS.keys() == set(RejectReason)
    (instrument, *_) = read_instruments(DEFAULT_INSTRUMENTS)
    for reason in RejectReason:
        for known in (instrument, None):
            if known is None and "{" in REJECTS[reason].sentence.replace("{symbol}", ""):
                continue
            error = rejected(reason, known, symbol="BTC-USDT")
            assert error.status in (403, 404, 409, 422, 429, 503)
            assert (error.retry_after_s is not None) == (error.status in (429, 503))
            assert error.code == reason.value.upper()
            assert "{" not in error.sentence


@pytest.mark.parametrize(
    ("reason", "status", "legacy_status"),
    [
        (RejectReason.INSUFFICIENT_FUNDS, 422, 400),
        (RejectReason.ACCOUNT_STOPPED, 403, 403),
        (RejectReason.ORDER_RATE_EXCEEDED, 429, 429),
        (RejectReason.UNKNOWN_ASSET, 404, 404),
        (RejectReason.BAD_AMOUNT, 422, 400),
        (RejectReason.DEPOSIT_LIMIT_EXCEEDED, 422, 400),
    ],
)
def test_a_reason_about_accounts_has_its_status_in_either_style(
    reason: RejectReason, status: int, legacy_status: int
) -> None:
    assert rejected(reason, None).status == status
    assert rejected(reason, None, legacy_status=True).status == legacy_status


def test_every_other_reject_reason_is_reached_over_http() -> None:
    others = {
        RejectReason.DUPLICATE_CLIENT_ORDER_ID,  # test_orders
        RejectReason.MAYBE_REPEATED,  # test_duplicates
        RejectReason.TOO_MANY_OPEN_ORDERS,
        RejectReason.UNKNOWN_ORDER,
        RejectReason.TOO_LATE,
        RejectReason.POST_ONLY_WOULD_TAKE,  # test_order_types
        RejectReason.SELF_TRADE,
        RejectReason.MAYBE_REPEATED,  # test_duplicates
    }
    assert {reason for reason, _, _ in ENTRY_REJECTS} | others | NOT_OVER_HTTP == set(RejectReason)


@pytest.mark.parametrize(("reason", "change", "status"), ENTRY_REJECTS)
def test_a_rejected_order_says_which_rule_it_breaks(
    http: Http, reason: RejectReason, change: dict[str, Any], status: int
) -> None:
    error = http.post("/order", STRICT_ORDER | change | {"client_order_id": "r-1"}).refused(status, reason.upper())
    assert error["details"]["symbol"] == change.get("symbol", "STRICT")
    assert error["details"]["client_order_id"] == "r-1"
    assert error["error"] == SENTENCES.get(reason.upper(), error["error"])
    assert http.depth("STRICT") == ([], [])


@pytest.mark.parametrize(
    ("reason", "change"),
    [(reason, change) for reason, change, _ in ENTRY_REJECTS if change.keys() <= {"price", "quantity"}],
)
def test_a_rejected_amend_says_422(http: Http, reason: RejectReason, change: dict[str, Any]) -> None:
    order = http.post("/order", STRICT_ORDER).granted()
    http.call("PATCH", f"/order/{order['order_id']}", change).refused(422, reason.upper())
    assert http.depth("STRICT") == ([["100.00", "2.0", 1]], [])


def test_open_orders_are_limited(http: Http) -> None:
    for _ in range(3):
        http.post("/order", STRICT_ORDER).granted()
    error = http.post("/order", STRICT_ORDER).refused(400, "TOO_MANY_OPEN_ORDERS")
    assert (
        error["error"]
        == "You have as many open orders as allowed: 3 in STRICT, or fewer where your account has a limit of its own."
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("POST", "/orders", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/order", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/health", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/static/../app.py", 404, "NOT_FOUND"),
        ("GET", "/static/%2e%2e/config/default.toml", 404, "NOT_FOUND"),
        ("GET", "/static//etc/passwd", 404, "NOT_FOUND"),
        ("GET", "/static/%00", 404, "NOT_FOUND"),
        ("GET", "/static/css", 404, "NOT_FOUND"),
        ("GET", "/health?verbose=1", 400, "UNKNOWN_FIELD"),
        ("GET", "/order/1/fills", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_there_is_said_in_the_one_shape(http: Http, method: str, path: str, status: int, code: str) -> None:
    answer = http.call(method, path)
    if answer.status != 308:  # `//` is one slash, at another address
        answer.refused(status, code)
    if status == 405:
        assert answer.headers["Allow"]


@pytest.mark.parametrize("body", [b"", b" \n", b"nonsense", b'{"symbol":', b"\xff\xfe", b"'{}'", b"{a:1}"])
@pytest.mark.parametrize("path", ["/order", "/cancel"])
def test_a_body_that_is_no_json_is_malformed(http: Http, path: str, body: bytes) -> None:
    http.post(path, body).refused(400, "MALFORMED_JSON")


@pytest.mark.parametrize("body", [[], [1], "text", 1, None, True])
def test_a_body_that_is_no_object_is_an_invalid_value(http: Http, body: Any) -> None:
    http.post("/order", b"null" if body is None else body).refused(400, "INVALID_VALUE")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_the_content_type_does_not_matter(http: Http, symbol: str, content_type: str) -> None:
    order = {"symbol": symbol, "side": "buy", "order_type": "limit", "quantity": "1", "price": "1"}
    assert http.call("POST", "/order", order, {"Content-Type": content_type}).granted()["status"] == "resting"


def test_a_body_that_is_too_large_is_413(http: Http) -> None:
    http.post("/order", b" " * (1_048_576 + 1)).refused(413, "REQUEST_ENTITY_TOO_LARGE")
    assert http.get("/health")["accepting"] is True


def test_a_body_that_is_too_large_is_413_though_it_is_signed(secured: RunningServer) -> None:
    key = new_key(secured.http, "trade")
    order = b'{"symbol":"BTC-USDT","side":"buy","order_type":"limit","quantity":"1","price":"1"}' + b" " * 20_000
    answer = secured.http.call("POST", "/order", order, signed(key, "POST", "/order", order))
    answer.refused(413, "REQUEST_ENTITY_TOO_LARGE")


def test_a_chunked_body_is_read(http: Http, symbol: str) -> None:
    order = b'{"symbol":"%b","side":"buy","order_type":"limit","quantity":"1","price":"1"}' % symbol.encode()
    connection = http._connection
    connection.request("POST", "/order", iter([order[:20], order[20:]]), encode_chunked=True, headers=CHUNKED)
    response = connection.getresponse()
    assert Answer(response.status, response.headers, response.read()).granted()["status"] == "resting"


def test_a_chunked_body_that_is_too_large_is_cut_and_refused(http: Http) -> None:
    connection = http._connection
    connection.request("POST", "/order", iter([b"[" * 65536] * 20), encode_chunked=True, headers=CHUNKED)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    assert (answer.status, answer.error()["error_code"]) in ((400, "MALFORMED_JSON"), (413, "REQUEST_ENTITY_TOO_LARGE"))


def test_a_failed_journal_is_503_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "1", "price": "30000"}
        acknowledged = [server.http.post("/order", order).granted()["order_id"]]
        server.limit_files(200_000)  # as a full disk
        while (answer := server.http.post("/order", order)).status == 200:
            acknowledged.append(answer.granted()["order_id"])
        error = answer.refused(503, "NOT_ACCEPTING")
        assert error["details"] == {"why": "the journal failed"}
        assert answer.headers["Retry-After"] == "1"
        server.http.post("/order", order).refused(503, "NOT_ACCEPTING")
        server.http.post("/cancel", {"order_id": acknowledged[0]}).refused(503, "NOT_ACCEPTING")
        health = server.http.get("/health")
        assert (health["status"], health["accepting"]) == ("not_accepting", False)
        shown = server.http.get("/book/BTC-USDT")
        assert shown["bids"] == [["30000.00", f"{len(acknowledged)}.00000000"]]
        assert shown["bid_orders"] == [len(acknowledged)]
        assert "no more orders are taken" in server.log
        server.stop()
        server.start()
        assert server.http.get("/book/BTC-USDT")["bids"] == shown["bids"]


# -- in a process of our own: what a real server does only when something is broken


@pytest.fixture
def app() -> Flask:
    """An application whose handlers fail."""
    app = Flask("openbell", static_folder=None)
    install(app)

    @app.get("/bug")
    def bug() -> str:
        raise KeyError("secret_of_the_house")

    @app.get("/refused")
    def refused() -> str:
        raise NotAccepting("the exchange is stopping")

    @app.get("/unknown")
    def unknown() -> str:
        raise OutcomeUnknown(b"sixteen bytes ok", "mine")

    return app


def test_an_outcome_that_nobody_knows_is_a_504_that_says_what_to_ask_for(app: Flask) -> None:
    error = answer_of(app, "/unknown").refused(504, "OUTCOME_UNKNOWN")
    assert error["details"] == {"key": b"sixteen bytes ok".hex(), "client_order_id": "mine"}


def answer_of(app: Flask, path: str, **further: Any) -> Answer:
    """What `app` answers to a GET."""
    response = app.test_client().get(path, **further)
    return Answer(response.status_code, response.headers, response.data)  # type: ignore[arg-type]


def test_a_bug_is_a_500_that_names_only_the_line_in_the_log(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = answer_of(app, "/bug")
    error = answer.refused(500, "INTERNAL_ERROR")
    assert not INTERNAL.search(answer.content.decode())
    assert b"secret" not in answer.content
    assert error["request_id"] in caplog.text
    assert "secret_of_the_house" in caplog.text


def test_a_refusal_of_the_sequencer_is_a_503_to_come_back_from(app: Flask) -> None:
    answer = answer_of(app, "/refused")
    assert answer.refused(503, "NOT_ACCEPTING")["details"] == {"why": "the exchange is stopping", "reason": "stopping"}
    assert answer.headers["Retry-After"] == "1"


def limited(rate_limit: str, host: str = "::") -> Flask:
    """An application with a rate limit as a server on `host` would have."""
    app = Flask("openbell", static_folder=None)
    install(app)
    limits.install(app, Settings(host=host, allow_remote=True, rate_limit=rate_limit))
    app.add_url_rule("/health", view_func=lambda: "{}", endpoint="health")
    app.add_url_rule("/symbols", view_func=lambda: "{}", endpoint="symbols")
    return app


def from_address(address: str) -> dict[str, Any]:
    """The arguments of a request that comes from `address`."""
    return {"environ_base": {"REMOTE_ADDR": address}}


def test_a_client_above_its_rate_is_told_when_to_come_back() -> None:
    app = limited("3/minute")
    statuses = [answer_of(app, path, **from_address("192.0.2.1")).status for path in ("/health", "/symbols", "/health")]
    assert statuses == [200, 200, 200]
    answer = answer_of(app, "/symbols", **from_address("192.0.2.1"))
    error = answer.refused(429, "TOO_MANY_REQUESTS")
    assert error["error"] == "Too many requests: at most 3 per 1 minute are answered."
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert answer_of(app, "/health", **from_address("192.0.2.2")).status == 200


def test_loopback_is_never_limited_in_a_sandbox() -> None:
    app = limited("3/minute")
    for address in ("127.0.0.1", "::1"):
        assert {answer_of(app, "/health", **from_address(address)).status for _ in range(10)} == {200}


@pytest.mark.parametrize(("rate_limit", "host"), [("3/minute", "127.0.0.1"), ("3/minute", "localhost"), ("off", "::")])
def test_where_nothing_is_to_be_limited_nothing_is_installed(rate_limit: str, host: str) -> None:
    app = limited(rate_limit, host)
    assert app.before_request_funcs == {}
    assert {answer_of(app, "/health", **from_address("192.0.2.1")).status for _ in range(10)} == {200}
