"""Whatever is sent, the answer is ours: never a 5xx, always the one error shape, and the server goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_from_bytes

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.orders.order_kinds import WireOrderType
from tests.server import INTERNAL, Answer, Http

FIELDS = (
    "symbol",
    "side",
    "order_type",
    "quantity",
    "price",
    "time_in_force",
    "client_order_id",
    "quote_quantity",
    "self_trade_prevention",
    "post_only",
    "display_quantity",
    "stop_price",
    "stop_limit_price",
    "trail_amount",
    "trail_percent",
    "expire_time",
    "take_profit",
    "stop_loss",
    "stop_loss_limit",
    "order_id",
    "cursor",
    "limit",
    "levels",
    "before",
    "interval",
    "start",
    "end",
    "status",
    "digest",
)
SYMBOL = "T399"  # nobody else trades there: the last of the pool

fuzzed = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

text = st.text(max_size=80) | st.text(st.characters(min_codepoint=0, max_codepoint=0x20), max_size=8)
plausible = st.sampled_from(
    [
        SYMBOL,
        "buy",
        "sell",
        "limit",
        "market",
        "ioc",
        "fok",
        "gtc",
        "gtd",
        "stop",
        "oco",
        "slide",
        "decrement",
        "4102444800",
        "2100-01-01T00:00:00Z",
        "1",
        "100.00",
        "0",
        "-1",
        "NaN",
        "1e400",
        "٣",
        "all",
        "1m",
    ]
)
numbers = st.integers() | st.integers(-(10**400), 10**400) | st.floats() | st.decimals().map(str)
values = st.recursive(
    st.none() | st.booleans() | numbers | text | plausible,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(FIELDS) | text, values, max_size=8)
orders = st.fixed_dictionaries(
    {
        "symbol": st.just(SYMBOL) | values,
        "side": st.sampled_from(["buy", "sell"]) | values,
        "order_type": st.sampled_from([kind.value for kind in WireOrderType]) | values,
    },
    optional=dict.fromkeys(FIELDS[3:19], plausible | values),
)


likely = st.fixed_dictionaries(
    {
        "symbol": st.just(SYMBOL),
        "side": st.sampled_from(["buy", "sell"]),
        "order_type": st.sampled_from([kind.value for kind in WireOrderType]),
    },
    optional={
        "quantity": st.sampled_from(["1", "0.1", "5", 2]),
        "price": st.sampled_from(["100", "101", "99", 98.5]),
        "time_in_force": st.sampled_from(["gtc", "ioc", "fok", "day", "gtd"]),
        "self_trade_prevention": st.sampled_from(
            ["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]
        ),
        "post_only": st.sampled_from([True, False, "slide"]),
        "expire_time": st.sampled_from(["4102444800", 4102444800, "2100-01-01T00:00:00Z", 1]),
        "display_quantity": st.sampled_from(["0.5", "1", "0.001"]),
        **dict.fromkeys(FIELDS[11:15] + FIELDS[16:19], st.sampled_from(["100", "95", "105", "1.5"])),
    },
)


def written(value: Any) -> str:
    """`value` as JSON with all the liberties people take: NaN, huge numbers, lone surrogates."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(str(key))}:{written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(each) for each in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(c if c.isalnum() else "".join(f"\\u{u:04x}" for u in units(c)) for c in value) + '"'
    if isinstance(value, float):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(value), repr(value))
    return {None: "null", True: "true", False: "false"}.get(value, str(value))


def units(character: str) -> Iterator[int]:
    """The UTF-16 code units of one character."""
    encoded = character.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2))


bodies = (
    st.binary(max_size=200)
    | (objects | orders | values).map(lambda value: written(value).encode("utf-8", "surrogatepass"))
    | st.sampled_from([b"[" * 100_000, b'{"a":' * 50_000, b'{"symbol":' + b"[" * 5000, b'"' + b"x" * 300_000 + b'"'])
    | orders.map(lambda order: msgspec.json.encode({name: str(value) for name, value in order.items()}))
)
segments = st.binary(max_size=40).map(lambda raw: quote_from_bytes(raw, safe="")) | st.sampled_from(
    ["%2F", "%2e%2e", "%00", "%ud800", "%ED%A0%80", "%", "%zz", "9" * 5000, "%D9%A3", "-1", SYMBOL, "1"]
)
queries = st.lists(st.tuples(st.sampled_from(FIELDS) | text, text | plausible | numbers.map(str)), max_size=4).map(
    lambda pairs: "&".join(f"{quote(k, errors='replace')}={quote(v, errors='replace')}" for k, v in pairs)
)
raw_queries = st.binary(max_size=40).map(lambda raw: quote_from_bytes(raw, safe="=&%+")) | queries

content_types = st.sampled_from(
    [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "\xff/;;",
    ]
)


def sound(answer: Answer) -> None:
    """An answer of ours that is no 5xx; when it is an error, in the one shape, and telling nothing."""
    assert answer.status < 500, answer
    assert len(answer.content) < 20_000 or answer.status == 200
    if answer.status >= 400:
        sentence = answer.error()["error"]
        assert not INTERNAL.search(sentence.replace(SYMBOL, "")) or answer.status == 404, sentence


@pytest.fixture(autouse=True)
def healthy_afterwards(http: Http) -> Iterator[None]:
    """The server takes orders as before."""
    yield
    assert http.get("/health")["accepting"] is True
    http.call("DELETE", f"/orders?symbol={SYMBOL}").granted()
    http.enter(SYMBOL, "buy", "1", "100")


@fuzzed
@given(body=bodies, path=st.sampled_from(["/order", "/order", "/order/test", "/cancel"]), content_type=content_types)
def test_any_body_is_answered(http: Http, body: bytes, path: str, content_type: str) -> None:
    sound(http.call("POST", path, body, {"Content-Type": content_type}))


@fuzzed
@given(order=likely)
def test_any_mixture_of_fields_that_make_sense_alone_is_answered(http: Http, order: dict[str, Any]) -> None:
    kind = order["order_type"]
    if kind in ("ioc", "fok") and order.get("time_in_force", kind) != kind:  # the two say different things: malformed
        for path in ("/order/test", "/order"):
            http.call("POST", path, order).refused(400, "UNSUPPORTED_COMBINATION")
        return
    tested = http.call("POST", "/order/test", order).granted()
    answer = http.call("POST", "/order", order)
    sound(answer)
    assert tested["accepted"] is (answer.status == 200)
    assert tested.get("error_code") == answer.json.get("error_code")
    if answer.status == 200:
        taken = [trade for trade in answer.json["trades"] if trade["taker_order_id"] == answer.json["order_id"]]
        assert (tested["trades"], tested["price"]) == (len(taken), answer.json["price"])


@fuzzed
@given(body=bodies, order_id=segments)
def test_any_amend_is_answered(http: Http, body: bytes, order_id: str) -> None:
    sound(http.call("PATCH", f"/order/{order_id}", body))


@fuzzed
@given(
    path=st.sampled_from(
        [
            "/order/{}",
            "/book/{}",
            "/book/{}/orders",
            "/bbo/{}",
            "/quote/{}",
            "/trades/{}",
            "/candles/{}",
            "/ticker/{}",
            "/orders",
            "/health",
            "/statistics",
            "/static/{}",
            "/{}",
        ]
    ),
    segment=segments,
    query=raw_queries,
    method=st.sampled_from(["GET", "GET", "GET", "DELETE", "PUT"]),
)
def test_any_path_and_query_is_answered(http: Http, path: str, segment: str, query: str, method: str) -> None:
    if method == "DELETE" and path == "/orders":
        method = "GET"  # other tests have orders there
    sound(http.call(method, f"{path.format(segment)}?{query}"))


@fuzzed
@given(
    path=st.sampled_from(
        [
            "/book/T399",
            "/book/T399/orders",
            "/quote/T399",
            "/trades/T399",
            "/candles/T399",
            "/orders",
            "/order/1",
        ]
    ),
    query=queries,
)
def test_any_query_of_a_known_symbol_is_answered(http: Http, path: str, query: str) -> None:
    sound(http.call("GET", f"{path}?{query}"))
