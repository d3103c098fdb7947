"""Nanoseconds are beyond 2^53, where JavaScript's numbers lose digits: beside each stands the same as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.clients import FeedClient, bearer, created
from tests.server import RunningServer, eventually
from tests.tidy.pages import WIRE_STRUCTS

JAVASCRIPT_EXACT = 2**53
SYMBOL = "T398"


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in an answer."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from objects(each)


def whole_numbers(value: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """Every whole number in an answer, by its name."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from whole_numbers(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from whole_numbers(each, name)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield name, value


def test_no_answer_or_event_has_nanoseconds_without_their_text() -> None:
    timed = [struct for struct in WIRE_STRUCTS if "ts_ns" in struct.__struct_fields__]
    assert len(timed) >= 9
    assert [struct.__name__ for struct in timed if "ts_ns_text" not in struct.__struct_fields__] == []


@pytest.fixture(scope="module")
def answers(running_server: RunningServer) -> list[Any]:
    """Answers of every kind that tell nanoseconds, and the feed's events."""
    http, client = running_server.http, FeedClient(running_server.url)
    guest = bearer(created(http.post("/auth/guest", None)))
    client.call("subscribe", {"type": "orders"})
    client.call("subscribe", {"type": "trades", "symbol": SYMBOL})
    exits = {"take_profit": "120", "stop_loss": "80"}
    http.enter(SYMBOL, "sell", "1", "100")
    entered = http.enter(SYMBOL, "buy", "1", "100", **exits)
    http.call("POST", "/account/deposit", {"asset": "CASH", "amount": "5"}, guest).granted()
    eventually(lambda: client.events("trade") and len(client.events("order_event")) > 4)
    paths: tuple[str, ...] = (f"/order/{entered['order_id']}", f"/trades/{SYMBOL}", f"/orders?symbol={SYMBOL}")
    paths += (f"/order/{entered['order_id']}/explain", "/account/fills", "/account/ledger?limit=5")
    bodies = [entered, *(http.get(path) for path in paths), client.events("trade"), client.events("order_event")]
    preview = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "1", "price": "90"}
    bodies += [
        http.post("/order/test", preview).granted(),
        http.call("GET", "/account/ledger", headers=guest).granted(),
    ]
    client.close()
    return bodies


def test_the_text_is_the_number_everywhere(answers: list[Any]) -> None:
    for answer in answers:
        timed = [each for each in objects(answer) if "ts_ns" in each]
        assert timed
        assert [each["ts_ns_text"] for each in timed] == [str(each["ts_ns"]) for each in timed]


def test_no_other_whole_number_is_beyond_what_javascript_holds(answers: list[Any]) -> None:
    large = {name for answer in answers for name, number in whole_numbers(answer) if number > JAVASCRIPT_EXACT}
    assert large == {"ts_ns"}
