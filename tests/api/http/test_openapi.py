"""The description of the API is whole, true, valid OpenAPI 3.1, and a page that needs no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import openapi_spec_validator
import pytest

from api.bootstrap import Server
from api.http.openapi import UNLISTED_METHODS, path_of
from api.settings import Settings
from tests.server import Http

METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole server without its port, to read its routes off."""
    server = Server(Settings(data=tmp_path_factory.mktemp("described")))
    yield server
    server.close()


@pytest.fixture(scope="module")
def document(server: Server) -> Any:
    """The description, as a client gets it."""
    return server.app.test_client().get("/openapi.json").get_json()


def schemas(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(document, dict):
        yield document
        document = list(document.values())
    if isinstance(document, list):
        for each in document:
            yield from schemas(each)


def test_every_route_is_described_and_nothing_else(server: Server, document: Any) -> None:
    offered = {
        (method.lower(), path_of(rule))
        for rule in server.app.url_map.iter_rules()
        for method in (rule.methods or set()) - set(UNLISTED_METHODS)
    }
    assert {(method, path) for path, methods in document["paths"].items() for method in methods} == offered
    assert len(offered) > 40


def test_it_is_valid(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(document)


def test_every_operation_says_what_it_does_and_how_it_fails(document: Any) -> None:
    for path, methods in document["paths"].items():
        assert set(methods) <= METHODS
        for method, operation in methods.items():
            assert re.fullmatch(r"[A-Z].*\.", operation["summary"]), (method, path)
            assert any(status.startswith("2") for status in operation["responses"]), (method, path)
            second = ["BinanceErrorBody"] if operation["tags"] == ["binance"] else []  # of a route; the other before it
            for status, response in operation["responses"].items():
                for content in response["content"].values() if status >= "400" else ():
                    shapes = content["schema"].get("anyOf", [content["schema"]])
                    assert [shape["$ref"].rpartition("/")[2] for shape in shapes] == [*second, "ErrorBody"]
            in_path = {item["name"] for item in operation["parameters"] if item["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))


def test_every_operation_tells_that_it_refuses_what_it_does_not_read(document: Any) -> None:
    silent = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "400" not in operation["responses"]
    ]
    assert silent == []


def test_a_decimal_is_a_text_of_digits_or_a_number_in_requests_and_a_text_in_answers(document: Any) -> None:
    asked = document["components"]["schemas"]["OrderRequest"]["properties"]["price"]["anyOf"]
    answered = document["components"]["schemas"]["TradeView"]["properties"]["price"]
    assert {item["type"] for item in asked} == {"string", "number", "null"}
    assert answered["type"] == "string"
    (text,) = (item for item in asked if item["type"] == "string")
    for good in ("1", "0.10", "1e-8", "2.5E+3"):
        assert re.search(text["pattern"], good)
    for bad in ("", "NaN", "Infinity", "1,5", "0x1", "+5", ".5", "5.", "1_5", " 1", "٣"):
        assert not re.search(text["pattern"], bad)
    assert re.search(answered["pattern"], "30000.00")
    assert not re.search(answered["pattern"], "3e4")
    assert [item for item in schemas(document) if item.get("format") == "decimal"] == []


def test_patterns_are_of_the_dialect_that_openapi_speaks(document: Any) -> None:
    patterns = [item["pattern"] for item in schemas(document) if isinstance(item.get("pattern"), str)]
    assert patterns
    assert [pattern for pattern in patterns if r"\A" in pattern or r"\Z" in pattern] == []


@pytest.mark.parametrize(
    ("path", "method", "who"),
    [
        ("/health", "get", []),
        ("/order", "post", ["Token", "ApiKey", "nobody"]),
        ("/auth/keys", "get", ["Token"]),
        ("/admin/check", "get", ["Token", "ApiKey"]),
    ],
)
def test_who_may_call_is_said(document: Any, path: str, method: str, who: list[str]) -> None:
    security = document["paths"][path][method]["security"]
    assert [next(iter(sorted(needed)), "nobody") for needed in security] == who


def test_a_secured_venue_lets_nobody_trade_without_credentials(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(data=tmp_path_factory.mktemp("secured"), profile="secured")
    server = Server(settings)
    try:
        client = server.app.test_client()
        document = client.get("/openapi.json").get_json()
        assert client.get("/docs").status_code == 200
    finally:
        server.close()
    assert {} not in document["paths"]["/order"]["post"]["security"]


class Page(HTMLParser):
    """What a page links to, names and runs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.names: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "href":
                self.links.add(value or "")
            elif name == "id":
                self.names.append(value or "")


def test_the_page_names_every_route_and_struct_and_its_links_lead_somewhere(document: Any, http: Http) -> None:
    answer = http.call("GET", "/docs")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    text = answer.content.decode()
    page = Page(text)
    for path in document["paths"]:
        assert f"<code>{path}</code>" in text
    assert set(document["components"]["schemas"]) <= set(page.names)
    assert len(page.names) == len(set(page.names))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.names)
    for link in page.links:
        if link.startswith("/"):
            assert http.call("GET", link).status == 200, link


def test_the_page_runs_nothing_and_is_under_the_strict_policy(http: Http) -> None:
    answer = http.call("GET", "/docs")
    page = Page(answer.content.decode())
    assert not page.tags & {"script", "style", "iframe", "object", "form"}
    assert [name for name in page.attributes if name == "style" or name.startswith("on")] == []
    of_the_page = http.call("GET", "/").headers["Content-Security-Policy"]  # which has an import map, by its hash
    assert answer.headers["Content-Security-Policy"] == re.sub(r" 'sha256-\S+'", "", of_the_page)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("path", "status"), [("/account", 200), ("/bbo/BTC-USDT", 200), ("/nothing", 404)])
def test_no_json_is_cached_or_sniffed(http: Http, path: str, status: int) -> None:
    answer = http.call("GET", path)
    assert answer.status == status
    assert answer.headers.get_all("Content-Type") == ["application/json"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
