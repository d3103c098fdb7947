"""The client and the server's own description of itself: the same structs, the same routes, the same parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from api.feed.messages import OrderEvent as ServersOrderEvent
from openbell_client import ConfigureRequest, ListingRequest, OrderEvent, OrderRequest, ScheduleTable
from openbell_client.calls import accounts, auth, explanations, faults, market, operator, orders
from openbell_client.calls.call import Call
from openbell_client.methods import OperatorMethods, VenueMethods
from openbell_client.requests import ClassRequest, Plan
from tests.server import ROOT, RunningServer
from tools.setup.generate_client import PACKAGE, TAGS, files

MODULES = (accounts, auth, explanations, faults, market, operator, orders)
NO_CALLS = {"GET /docs", "DELETE /order/{order_id}"}  # a page for people; what POST /cancel does
ORDER = OrderRequest(symbol="X", side="buy", order_type="market", quantity=1)
SAMPLES: dict[str, Any] = {
    "order": ORDER,
    "elements": [ORDER],
    "listing": ListingRequest(
        symbol="X", base="B", quote="Q", tick_size=1, lot_size=1, quote_scale=2, max_quantity=1, max_notional=1
    ),
    "settings": ConfigureRequest(tier="t"),
    "table": ScheduleTable(time_zone="UTC", days=("mon",), trading="09:00", closed="17:00"),
    "scopes": ["read"],
    "balances": {"USDT": "1"},
    "users": ClassRequest(users=()),
    "account": 7,
    "side": "buy",
    "order_type": "limit",
    "digest": True,
    "post_only": True,
    "check": True,
    "every": True,
    "plan": Plan(step=()),
    "ip_list": ["::1"],
}
ACTIONS = {"set_status": "halt", "change_user": "promote"}


def made() -> Iterator[tuple[str, Call[Any]]]:
    """Each call, with every parameter that it has."""
    for module in MODULES:
        for name, function in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            if "Call[" in str(inspect.signature(function).return_annotation):
                given = {key: SAMPLES.get(key, "1") for key in inspect.signature(function).parameters}
                if name in ACTIONS:
                    given["action"] = ACTIONS[name]
                yield f"{module.__name__.rpartition('.')[2]}.{name}", function(**given)


CALLS = dict(made())


@pytest.fixture(scope="module")
def document(server: RunningServer) -> dict[str, Any]:
    """The server's OpenAPI document."""
    found: dict[str, Any] = server.http.get("/openapi.json")
    return found


@pytest.fixture(scope="module")
def routes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What the client is there for: method and path, and the operation."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if set(operation["tags"]) & {*TAGS, "docs"}
    }


def route_of(call: Call[Any], routes: dict[str, Any]) -> str:
    """The most literal route that a call's path fits."""
    path = urlsplit(call.target).path
    fitting = [route for route in routes if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route), f"{call.method} {path}")]
    assert fitting, (call.method, path)
    return min(fitting, key=lambda route: route.count("{"))


def test_the_structs_are_those_of_this_server(document: dict[str, Any]) -> None:
    differing = [
        path.relative_to(PACKAGE).as_posix()
        for path, text in files(document).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert differing == [], "write them with python -m tools.setup.generate_client URL"
    written = {path.name for path in files(document)}
    assert {path.name for path in (PACKAGE / "answers").glob("*.py")} <= written


def test_every_route_has_its_call(routes: dict[str, Any]) -> None:
    called = {route_of(call, routes) for call in CALLS.values()}
    assert sorted(set(routes) - called) == sorted(NO_CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_has_the_parameters_of_its_route(name: str, routes: dict[str, Any]) -> None:
    call = CALLS[name]
    operation = routes[route_of(call, routes)]
    taken = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    sent = {key for key, _ in parse_qsl(urlsplit(call.target).query)}
    fewer = taken == {"refresh"} or name == "market.statistics"  # a cookie is of no use here; two calls of one route
    assert sent == taken or (fewer and sent <= taken)
    assert bool(call.body) == ("requestBody" in operation)


def test_both_clients_have_every_call() -> None:
    made_by_client = {"auth.guest", "auth.sign_up", "auth.log_in", "auth.refresh", "auth.log_out"}  # keep a session
    methods: dict[int, str] = {}
    for kind in (*VenueMethods.__mro__, OperatorMethods):
        for value in vars(kind).values():
            if (function := getattr(value, "_make", None)) is not None:
                methods[id(function)] = function.__name__
    functions: dict[str, Callable[..., Any]] = {
        f"{module.__name__.rpartition('.')[2]}.{name}": function
        for module in MODULES
        for name, function in vars(module).items()
    }
    assert {name for name in CALLS if id(functions[name]) not in methods} == made_by_client


def test_every_call_is_documented() -> None:
    page = (ROOT / "Documentation" / "client.md").read_text(encoding="utf-8")
    methods = {name for kind in (*VenueMethods.__mro__, OperatorMethods) for name in vars(kind) if name[0] != "_"}
    assert sorted(name for name in methods if f"`{name}`" not in page) == []


def test_an_order_is_entered_with_any_field_that_an_order_has() -> None:
    assert set(inspect.signature(orders.enter_order).parameters) == set(OrderRequest.__struct_fields__)


def test_an_order_event_has_the_fields_of_the_servers() -> None:
    assert set(OrderEvent.__struct_fields__) == set(ServersOrderEvent.__struct_fields__)
