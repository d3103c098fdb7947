"""What a route or an event does not read is refused by name and changes nothing: over the whole description of the API.

Nobody writes a row for a new route here: the OpenAPI document says what each takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from api.feed.requests import OPTIONS
from tests.access.cast import Cast
from tests.api.clients import FeedClient
from tests.server import Answer, Http, eventually

BOTH = ("symbol", "levels", "batch", "interval", "since")
VALUES = {"symbol": "BTC-USDT", "levels": 10, "batch": True, "interval": "1m", "since": 1}
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "28000.00"}
EVENTS: dict[str, dict[str, Any]] = {
    "subscribe": {"type": "bbo", "symbol": "BTC-USDT"},
    "unsubscribe": {"type": "bbo", "symbol": "BTC-USDT"},
    "order": ORDER,
    "order_test": ORDER,
    "cancel": {"order_id": "1"},
    "amend": {"order_id": "1", "price": "28000.00"},
    "batch": {"orders": [ORDER]},
    "cancel_all": {"symbol": "BTC-USDT"},
}


class Operation:
    """One operation of the document, with a path that leads somewhere."""

    def __init__(self, method: str, path: str, described: dict[str, Any], order_id: str, account: int) -> None:
        of_path = {"symbol": "BTC-USDT", "order_id": order_id, "account": str(account), "trade_id": "1", "seq": "1"}
        self.method = method.upper()
        self.path = path
        for item in described["parameters"]:
            if item["in"] == "path":
                choice = item["schema"].get("enum", ["x"])[0]
                self.path = self.path.replace(f"{{{item['name']}}}", of_path.get(item["name"], choice))
        self.query = [item["name"] for item in described["parameters"] if item["in"] == "query"]
        self.body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        answers = {kind for status, one in described["responses"].items() if status < "300" for kind in one["content"]}
        self.is_page = answers != {"application/json"}

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@pytest.fixture(scope="module")
def resting(sandbox_cast: Cast) -> str:
    """An order of the operator that every request could find."""
    order = sandbox_cast.http.call("POST", "/order", ORDER, sandbox_cast.trader.bearer).granted()
    return str(order["order_id"])


@pytest.fixture(scope="module")
def document(sandbox_cast: Cast) -> Any:
    return sandbox_cast.http.get("/openapi.json")


@pytest.fixture(scope="module")
def operations(sandbox_cast: Cast, document: Any, resting: str) -> list[Operation]:
    account = sandbox_cast.trader.account
    found = [
        Operation(method, path, described, resting, account)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if "binance" not in described["tags"]  # the second wire takes what it does not read, as its clients expect
    ]
    assert len(found) > 50
    return found


@pytest.fixture(autouse=True)
def nothing_changes(sandbox_cast: Cast, resting: str) -> Iterator[None]:
    """The state, its seq, the audit trail, sessions and keys are as before."""

    def everything() -> list[Any]:
        http, who = sandbox_cast.http, sandbox_cast.operator.bearer
        health = http.get("/health?digest=true")
        rest = [
            http.call("GET", path, headers=who).granted() for path in ("/admin/audit", "/auth/sessions", "/auth/keys")
        ]
        return [health["digest"], health["seq"], *rest]

    before = everything()
    yield
    assert everything() == before


def asked(cast: Cast, operation: Operation, query: str = "", body: bytes | None = None) -> Answer:
    """The operation, as somebody who may."""
    path = f"{operation.path}?{query}" if query else operation.path
    return cast.http.call(operation.method, path, body, cast.operator.bearer)


def names(answer: Answer, code: str, field: str) -> bool:
    """Whether an answer is a 400 that names a field, in its sentence and in its details."""
    described = answer.json
    found = (answer.status, described["error_code"], described["details"]["field"]) == (400, code, field)
    return found and field in described["error"]


def test_every_operation_refuses_a_parameter_that_it_does_not_have(
    sandbox_cast: Cast, operations: list[Operation]
) -> None:
    unread = [
        (str(operation), name)
        for operation in operations
        for name in ("nonsense", "asset", "symbol", "Symbol", "accoun\u0074s")
        if name not in operation.query and not operation.is_page
        if not names(asked(sandbox_cast, operation, f"{name}=BTC"), "UNKNOWN_FIELD", name)
    ]
    assert unread == []


def test_every_operation_refuses_each_parameter_that_is_given_twice(
    sandbox_cast: Cast, operations: list[Operation]
) -> None:
    taken = [
        (str(operation), name)
        for operation in operations
        for name in operation.query
        for again in (f"{name}=1&{name}=1", f"{name}=&{name}=2", f"{name}=1&%{ord(name[0]):x}{name[1:]}=2")
        if not names(asked(sandbox_cast, operation, again), "REPEATED_FIELD", name)
    ]
    assert taken == []
    assert sum(len(operation.query) for operation in operations) > 30


def test_every_operation_without_a_body_refuses_one(sandbox_cast: Cast, operations: list[Operation]) -> None:
    bodies = [(b'{"symbol": "BTC-USDT", "side": "buy"}', "symbol"), (b'{"x": 1, "x": 2}', "x"), (b"no JSON", "body")]
    bodies += [(b"symbol=BTC-USDT", "body"), (b"[]", "body"), (b"null", "body"), (b"\xff\xfe", "body")]
    unread = [
        (str(operation), body)
        for operation in operations
        for body, field in bodies
        if operation.body is None
        if not names(asked(sandbox_cast, operation, body=body), "UNREAD_BODY", field)
    ]
    assert unread == []


def test_an_empty_object_says_nothing_and_is_no_body(sandbox_cast: Cast) -> None:
    for body in (b"{}", b" { }\n", b"", b" "):
        assert sandbox_cast.http.call("GET", "/symbols", body).status == 200


def test_every_operation_with_a_body_refuses_a_field_that_it_does_not_have(
    sandbox_cast: Cast, operations: list[Operation]
) -> None:
    unread = [
        str(operation)
        for operation in operations
        if operation.body is not None
        if not names(asked(sandbox_cast, operation, body=b'{"nonsense": {"a": [1]}}'), "UNKNOWN_FIELD", "nonsense")
    ]
    assert unread == []


def test_every_operation_refuses_each_field_that_is_given_twice(
    sandbox_cast: Cast, operations: list[Operation], document: Any
) -> None:
    taken, tried = [], 0
    for operation in operations:
        if operation.body is None:
            continue
        schema = document["components"]["schemas"][operation.body["$ref"].rpartition("/")[2]]
        for name in schema["properties"]:
            escaped = f"\\u{ord(name[0]):04x}{name[1:]}"
            for body in (
                f'{{"{name}": "1", "{name}": "1"}}',
                f'{{"{name}": "a:b", "{escaped}" : null}}',
                f'{{"{escaped}"\n:\t1, "{name}": [{{"{name}": 1}}]}}',
            ):
                tried += 1
                if not names(asked(sandbox_cast, operation, body=body.encode()), "REPEATED_FIELD", name):
                    taken.append((str(operation), body))
    assert taken == []
    assert tried > 100


@pytest.mark.parametrize("element", ["enter", "cancel", "amend", "cancel_all"])
def test_an_element_of_a_batch_is_refused_for_what_its_single_call_is(sandbox_cast: Cast, element: str) -> None:
    def result(content: str) -> Any:
        body = f'{{"orders": [{{"op": "{element}", {content}}}]}}'.encode()
        return sandbox_cast.http.call("POST", "/orders/batch", body).granted()["results"][0]

    for content, code, field in (
        ('"nonsense": 1', "UNKNOWN_FIELD", "nonsense"),
        ('"symbol": "BTC-USDT", "symbol": "BTC-USDT"', "REPEATED_FIELD", "symbol"),
        ('"symbol": "BTC-USDT", "s\\u0079mbol": "ETH-USDT"', "REPEATED_FIELD", "symbol"),
        (f'"op": "{element}"', "REPEATED_FIELD", "op"),
    ):
        described = result(content)
        assert (described["status"], described["body"]["error_code"]) == (400, code), (content, described)
        assert described["body"]["details"]["field"] == field


def test_a_repeated_field_within_a_field_is_named_by_its_path(sandbox_cast: Cast) -> None:
    body = b'{"symbol": "N-USDT", "schedule": {"trading": "09:00", "trading": "10:00"}}'
    answer = sandbox_cast.http.call("POST", "/admin/symbols", body, sandbox_cast.operator.bearer)
    assert answer.refused(400, "REPEATED_FIELD")["details"] == {"field": "schedule.trading"}


def test_a_text_that_looks_like_repeated_fields_is_none(sandbox_cast: Cast) -> None:
    for name in (':":', '"price":"1","price":', '\\":', "a:b:c", '{"side":"buy","side":"sell"}'):
        order = ORDER | {"client_order_id": name.replace(" ", "")}
        assert sandbox_cast.http.call("POST", "/order/test", order).granted()["accepted"] is True


@pytest.fixture
def feed(sandbox_cast: Cast) -> Iterator[FeedClient]:
    client = FeedClient(sandbox_cast.server.url)
    yield client
    client.close()


@pytest.mark.parametrize("event", ["subscribe", "unsubscribe"])
def test_a_subscription_refuses_each_option_that_its_type_does_not_have(feed: FeedClient, event: str) -> None:
    for kind, options in OPTIONS.items():
        known = {name: VALUES[name] for name in options}
        for name in BOTH:
            if name in options:
                continue
            described = feed.call(event, {"type": kind, **known, name: VALUES[name]})
            assert (described["error_code"], described["details"]) == ("UNKNOWN_FIELD", {"field": name}), (kind, name)
            assert name in described["error"]
            assert kind in described["error"]
            eventually(
                lambda described=described: (
                    {**described, "message": described["error"], "event": event} in feed.events("error")
                )
            )
        assert feed.call("unsubscribe", {"type": kind, **known})["type"] == kind
    assert feed.events("subscribed") == []


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_refuses_a_field_that_it_does_not_have(feed: FeedClient, event: str) -> None:
    described = feed.call(event, EVENTS[event] | {"nonsense": 1})
    assert (described["error_code"], described["details"]["field"]) == ("UNKNOWN_FIELD", "nonsense")


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_refuses_a_second_object(feed: FeedClient, event: str) -> None:
    described = feed.call(event, (EVENTS[event], {"side": "buy"}))
    assert described["error_code"] == "UNKNOWN_FIELD", described


def test_ping_may_carry_anything_as_older_clients_send_it(feed: FeedClient) -> None:
    for data in (None, {}, {"timestamp": 1.5, "nonsense": 1}, "ping", ("a", "b")):
        assert feed.call("ping", data).keys() == {"timestamp"}


@pytest.mark.parametrize(
    ("auth", "code", "field"),
    [
        ({"cancel_on_disconect": True}, "UNKNOWN_FIELD", "cancel_on_disconect"),
        ({"cancel_on_disconnect": "yes"}, "INVALID_VALUE", "cancel_on_disconnect"),
        ({"flow": "made-up"}, "INVALID_VALUE", "flow"),
        ({"account": "7"}, "UNKNOWN_FIELD", "account"),
    ],
)
def test_what_is_said_at_connect_is_read_or_refused(
    sandbox_cast: Cast, auth: dict[str, Any], code: str, field: str
) -> None:
    client = FeedClient(sandbox_cast.server.url, auth)
    eventually(lambda: client.ended)
    (described,) = client.events("error")
    assert (described["error_code"], described["details"], described["event"]) == (code, {"field": field}, "connect")
    assert client.events("connected") == []
    client.close()


def test_each_key_of_an_order_is_counted_once_whatever_the_text(sandbox_cast: Cast) -> None:
    http: Http = sandbox_cast.http
    body = msgspec.json.encode(ORDER)[:-1]
    for further in (b',"side":"sell"}', b',"s\\u0069de":"sell"}', b', "price" : "1"}', b',"price":null}'):
        http.call("POST", "/order", body + further).refused(400, "REPEATED_FIELD")
