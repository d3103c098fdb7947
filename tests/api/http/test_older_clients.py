"""What clients of older matching engines get: each starred row, held against an answer of the shape that they read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.api.clients import FeedClient
from tests.server import ROOT, Http, RunningServer, eventually

GOLDEN: dict[str, Any] = msgspec.json.decode((Path(__file__).parents[2] / "golden" / "older_clients.json").read_bytes())
EVENTS_S = 10
OFF_TICK = {"order_type": "limit", "side": "buy", "quantity": "1.5", "price": "1.001"}


def kind(value: Any) -> str:
    """The JSON type of a value."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def differences(recorded: Any, ours: Any, at: str = "") -> Iterator[str]:
    """Where an answer has not all that was recorded: names, JSON types, and how many values a level has."""
    if kind(recorded) != kind(ours):
        yield f"{at}: {kind(ours)} instead of {kind(recorded)}"
    elif isinstance(recorded, dict):
        for name, value in recorded.items():
            if name in ours:
                yield from differences(value, ours[name], f"{at}.{name}")
            else:
                yield f"{at}.{name} is missing"
    elif isinstance(recorded, list) and recorded:
        if isinstance(recorded[0], list | dict | str) and not ours:
            yield f"{at} is empty"
        for item in ours:
            if isinstance(recorded[0], list) and [kind(each) for each in item] != [kind(each) for each in recorded[0]]:
                yield f"{at}: {item} does not unpack as {recorded[0]}"
            else:
                yield from differences(recorded[0], item, f"{at}[]")


@pytest.fixture(scope="module")
def answers(running_server: RunningServer) -> dict[str, Any]:
    """An answer to each starred row: of a symbol with an order that is filled in part, and one on each side."""
    symbol = "T399"
    http, client = Http(running_server.url), FeedClient(running_server.url)
    client.call("subscribe", {"type": "l2_updates", "symbol": symbol, "levels": 10})
    client.call("subscribe", {"type": "trades", "symbol": symbol})
    http.enter(symbol, "sell", "1", "100.10")
    http.enter(symbol, "sell", "2", "101")
    found = {"POST /order": http.enter(symbol, "buy", "1.5", "100.10", client_order_id="older-1")}
    found |= {
        "POST /order refused": http.post("/order", OFF_TICK | {"symbol": symbol}).refused(400, "BAD_TICK"),
        "GET /order/{order_id}": http.get(f"/order/{found['POST /order']['order_id']}"),
        "GET /health": http.get("/health"),
        "GET /symbols": named(http.get("/symbols"), symbol),
        "GET /book/{symbol}": http.get(f"/book/{symbol}"),
        "GET /bbo/{symbol}": http.get(f"/bbo/{symbol}"),
        "GET /statistics": renamed(http.get("/statistics"), symbol),
        "GET /statistics?symbol=": http.get(f"/statistics?symbol={symbol}"),
        "pong": client.call("ping", None),
    }
    eventually(lambda: client.events("trade"))
    end = time.monotonic() + EVENTS_S  # a row that is missing fails alone
    while time.monotonic() < end and not partly_filled(client):
        time.sleep(0.02)
    eventually(lambda: client.events("l2_update")[-1]["bids"] and client.events("l2_update")[-1]["asks"])
    client.call("unsubscribe", {"type": "l2_updates", "symbol": symbol, "levels": 10})
    found["order_event"] = next(iter(partly_filled(client)), None)
    for event in ("connected", "subscribed", "unsubscribed", "l2_update", "trade"):
        found[event] = client.events(event)[-1]
    body = {"symbol": symbol, "order_id": found["POST /order"]["order_id"]}
    http.enter(symbol, "buy", "1", "99")
    found["POST /cancel"] = http.post("/cancel", body).granted()
    http.post("/cancel", body).refused(409, "TOO_LATE")
    http.post("/cancel", body | {"order_id": "1000000000"}).refused(404, "UNKNOWN_ORDER")
    client.close()
    http.close()
    return found


def partly_filled(client: FeedClient) -> list[Any]:
    """What a client was told of orders that are filled in part."""
    return [event for event in client.events("order_event") if event["status"] == "partially_filled"]


def named(listed: dict[str, Any], symbol: str) -> dict[str, Any]:
    """GET /symbols, with what is said of `symbol` under the name that was recorded."""
    return listed | {"symbol_info": {"BTC-USDT": listed["symbol_info"][symbol]}}


def renamed(statistics: dict[str, Any], symbol: str) -> dict[str, Any]:
    """GET /statistics, with the volume of `symbol` under the name that was recorded."""
    return statistics | {"volume_by_symbol": {"BTC-USDT": statistics.get("volume_by_symbol", {}).get(symbol)}}


@pytest.mark.parametrize("row", GOLDEN)
def test_a_starred_row_has_every_name_and_type_that_older_clients_read(answers: dict[str, Any], row: str) -> None:
    assert list(differences(GOLDEN[row], answers[row], row)) == []


def test_every_starred_row_of_the_documentation_is_recorded() -> None:
    api = (ROOT / "Documentation" / "api.md").read_text(encoding="utf-8")
    feed = (ROOT / "Documentation" / "feed.md").read_text(encoding="utf-8")
    described = feed.partition("## What the server sends")[2].partition("### Order events")[0]
    starred = set(re.findall(r"^### ([A-Z]+ \S+) \*$", api, re.MULTILINE)) | set(
        re.findall(r"^\| `(\w+)` \*", described, re.MULTILINE)
    )
    assert len(starred) > 12
    assert starred <= GOLDEN.keys()


@pytest.mark.parametrize(
    ("lost", "found"),
    [
        ({"bids": [["99.00", "1.000", 1]]}, "does not unpack"),
        ({"bids": [[99.0, "1.000"]]}, "does not unpack"),
        ({"symbol": 7}, "number instead of string"),
        ({"timestamp": None}, "null instead of number"),
    ],
)
def test_what_would_break_an_older_client_is_seen(lost: dict[str, Any], found: str) -> None:
    recorded = GOLDEN["l2_update"]
    assert found in "; ".join(differences(recorded, recorded | lost))
    assert "missing" in "; ".join(differences(recorded, {}))
    assert list(differences(recorded, recorded | {"further": 1})) == []
