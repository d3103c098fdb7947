"""What cannot be understood is told by name, with what is allowed, and without a word of how we are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from api.accounts import requests as account_requests
from api.auth import requests as auth_wire
from api.feed import order_entry as feed_orders
from api.feed.requests import Subscription
from api.json.errors import Malformed
from api.json.requests import SymbolQuery, converted, decoded
from api.market.requests import (
    BookQuery,
    CandlesQuery,
    HealthQuery,
    QueueQuery,
    QuoteQuery,
    TradesQuery,
)
from api.operator import requests as admin
from api.orders import batch as batch_wire
from api.orders.requests import AmendRequest, CancelAllQuery, CancelRequest, OrderRequest, OrdersQuery
from listings import instruments_file as listing
from tests.api.clients import FeedClient
from tests.server import Http, RunningServer

ORDER: dict[str, Any] = {"symbol": "S", "side": "buy", "order_type": "limit", "quantity": "1", "price": "1"}
TOO_SHORT = "hunter2"
SENTENCES: list[tuple[type, Any, str]] = [
    (OrderRequest, ORDER | {"side": "long"}, "side must be buy or sell, not 'long'."),
    (OrderRequest, ORDER | {"side": None}, "side must be buy or sell, not null."),
    (
        OrderRequest,
        ORDER | {"order_type": "stopp"},
        "order_type must be market, limit, ioc, fok, stop, stop_limit, trailing_stop, take_profit, take_profit_limit "
        "or oco, not 'stopp'.",
    ),
    (OrderRequest, ORDER | {"price": ["1"]}, "price must be a decimal number, not a list."),
    (OrderRequest, ORDER | {"price": "1,5"}, "price must be a decimal number, not '1,5'."),
    (OrderRequest, ORDER | {"price": True}, "price must be a decimal number, not true."),
    (OrderRequest, ORDER | {"post_only": "always"}, "post_only must be true, false or slide, not 'always'."),
    (OrderRequest, ORDER | {"side": "x" * 1000}, f"side must be buy or sell, not '{'x' * 40}...'."),
    (OrderRequest, ORDER | {"side": "long\n"}, "side must be buy or sell."),
    (OrderRequest, ORDER | {"symbol": 7}, "symbol must be 1 to 32 printable ASCII characters without spaces, not a number."),  # noqa: E501
    (OrderRequest, [], "The request must be an object, not an empty list."),
    (OrderRequest, 7, "The request must be an object, not a number."),
    (CancelRequest, {"order_id": [1]}, "order_id must be a text or a whole number, not a list."),
    (Subscription, {"type": "bbo", "levels": 7}, "levels must be 5, 10, 20, 50, 100, 500 or 1000, not 7."),
    (
        auth_wire.SignupRequest,
        {"name": "ada", "password": TOO_SHORT},
        "password must be a text of 12 to 256 characters.",
    ),
    (auth_wire.SignupRequest, TOO_SHORT, "The request must be an object."),
    (auth_wire.KeyRequest, {"scopes": ["read", "reed"]}, "scopes[1] must be read, trade or withdraw, not 'reed'."),
    (auth_wire.KeyRequest, {"scopes": []}, "scopes must be a list of 1 to 3 elements, not an empty list."),
    (account_requests.ConfigureRequest, {"tier": ""}, "tier must be a text of 1 to 32 characters."),
]  # fmt: skip
REQUESTS = [
    OrderRequest, CancelRequest, AmendRequest, OrdersQuery, BookQuery, QueueQuery,
    QuoteQuery, TradesQuery, SymbolQuery, CancelAllQuery, HealthQuery,
    CandlesQuery, QueueQuery, Subscription, feed_orders.AmendMessage,
    batch_wire.BatchEnter, batch_wire.BatchCancel, batch_wire.BatchAmend, batch_wire.BatchRequest,
    auth_wire.SignupRequest, auth_wire.LoginRequest, auth_wire.RefreshRequest, auth_wire.KeyRequest,
    account_requests.TransferRequest, account_requests.FillsQuery, account_requests.LedgerQuery,
    admin.AuditQuery, admin.AuctionQuery,
    account_requests.ConfigureRequest, listing.Listing,
]  # fmt: skip


def sentence(kind: type, value: Any) -> str:
    """What a request is told that cannot be understood, parsed and as JSON alike."""
    with pytest.raises(Malformed) as parsed:
        converted(value, kind)
    with pytest.raises(Malformed) as read:
        decoded(msgspec.json.encode(value), kind)
    assert parsed.value.sentence == read.value.sentence
    return parsed.value.sentence


@pytest.mark.parametrize(("kind", "value", "words"), SENTENCES)
def test_what_is_wrong_is_named_with_what_is_allowed(kind: type, value: Any, words: str) -> None:
    assert sentence(kind, value) == words


def test_a_number_in_a_query_is_told_its_range() -> None:
    with pytest.raises(Malformed) as problem:
        converted({"limit": "5000"}, OrdersQuery, lax=True)
    assert problem.value.sentence == "limit must be a whole number from 1 to 1000, not '5000'."
    with pytest.raises(Malformed) as problem:
        converted({"levels": "most"}, BookQuery, lax=True)
    assert problem.value.sentence == "levels must be a whole number from 1 to 1000 or all, not 'most'."


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_field_of_every_request_has_words_for_what_it_must_be(kind: type) -> None:
    tried = 0
    for field in msgspec.structs.fields(kind):
        for value in ({"an": "object"}, [[7]]):
            try:
                msgspec.convert({field.encode_name: value}, kind)
            except msgspec.ValidationError as problem:
                if "missing required" in str(problem):
                    continue
                words = sentence(kind, {field.encode_name: value})
                assert words.startswith(f"{field.encode_name}"), words
                assert " must be " in words, words
                assert not any(word in words for word in ("`", "Expected", "something else", "another form")), words
                tried += 1
    assert tried or any(field.required for field in msgspec.structs.fields(kind))


def test_a_number_beyond_reading_is_told_without_itself() -> None:
    with pytest.raises(Malformed) as problem:
        decoded(b'{"order_id": [' + b"9" * 5000 + b"]}", CancelRequest)
    assert problem.value.sentence == "order_id must be a text or a whole number."
    with pytest.raises(Malformed) as problem:
        converted(ORDER | {"side": "\ud800"}, OrderRequest)
    assert problem.value.sentence == "The request holds a text or a number that cannot be read."


@pytest.fixture(scope="module")
def feed(running_server: RunningServer) -> Iterator[FeedClient]:
    """A client of the feed, without credentials."""
    client = FeedClient(running_server.url)
    yield client
    client.close()


def test_it_is_told_alike_on_every_way_in(http: Http, feed: FeedClient) -> None:
    words = "side must be buy or sell, not 'long'."
    order = ORDER | {"side": "long"}
    assert http.post("/order", order).refused(400, "INVALID_VALUE")["error"] == words
    (result,) = http.post("/orders/batch", {"orders": [order]}).granted()["results"]
    assert result["body"]["error"] == words
    assert feed.call("order", order)["error"] == words
    (result,) = feed.call("batch", {"orders": [order]})["results"]
    assert result["body"]["error"] == words
    assert http.call("DELETE", "/orders?side=long").refused(400, "INVALID_VALUE")["error"] == words
