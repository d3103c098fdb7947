"""The API described: the OpenAPI document, and a page made of it for people.

Layer: api.page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
from flask import Blueprint, Flask, Response

from api.http import openapi
from api.http.bodies import HEADERS, body_of
from api.http.documented import HTML, Access, documented
from api.page.routes import PAGE_HEADERS
from loop.workers import Workers

TEMPLATE = Path(__file__).resolve().parent / "templates" / "docs.html"
WAITING_MAX: Final = 100  # requests that may wait for it to be made
TITLES = {  # of the tags, in the order of the page
    "orders": "Orders",
    "market": "Market data",
    "metrics": "Monitoring",
    "binance": "The second wire: Binance Spot",
    "auth": "Signing in",
    "accounts": "Accounts",
    "admin": "Operators",
    "docs": "This description",
    "pages": "The trading page",
}


class OpenApiDocument(msgspec.Struct, frozen=True):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]


class Description:
    """The description of an application, as JSON and as a page: made when it is first asked for, in tenths of a second.

    In a thread of its own meanwhile, so that nobody waits but who asked. For the event loop's thread.
    """

    def __init__(self, app: Flask, *, sandbox: bool) -> None:
        """`sandbox`: no credentials are needed to trade."""
        self._app = app
        self._sandbox = sandbox
        self._document = b""
        self._page = ""
        self._workers = Workers("description", 1, WAITING_MAX)

    def document(self) -> bytes:
        """The body of the OpenAPI document. Cooperative. Raises Busy, StoreClosed."""
        return self._document or self._workers.run(self._make_document)

    def page(self) -> str:
        """The page in HTML. Cooperative. Raises Busy, StoreClosed."""
        return self._page or self._workers.run(self._make_page)

    def close(self) -> None:
        """Stop its thread. Idempotent."""
        self._workers.close()

    def _make_document(self) -> bytes:
        if not self._document:
            self._document = body_of(openapi.document(self._app, sandbox=self._sandbox))
        return self._document

    def _make_page(self) -> str:
        if not self._page:
            described_as = openapi.document(self._app, sandbox=self._sandbox)
            template = self._app.jinja_env.from_string(TEMPLATE.read_text(encoding="utf-8"))  # escapes what it is given
            self._page = template.render(document=described_as, groups=_groups(described_as))
        return self._page


def blueprint(description: Description) -> Blueprint:
    """The routes of the description."""
    routes = Blueprint("docs", __name__)

    @routes.get("/openapi.json")
    @documented(Access.PUBLIC, OpenApiDocument)
    def document() -> Response:
        """The OpenAPI 3.1 description of this server."""
        return Response(description.document(), 200, {**HEADERS, "Cache-Control": "no-cache"})

    @routes.get("/docs")
    @documented(Access.PUBLIC, HTML)
    def page() -> Response:
        """The same description, to read."""
        return Response(description.page(), 200, PAGE_HEADERS, mimetype=HTML)

    return routes


def _groups(document: openapi.Json) -> list[tuple[str, str, list[tuple[str, str, openapi.Json]]]]:
    """Tag, title and operations (method, path, description) of each part of the page."""
    groups: dict[str, list[tuple[str, str, openapi.Json]]] = {tag: [] for tag in TITLES}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    return [(tag, TITLES.get(tag, tag), operations) for tag, operations in groups.items() if operations]
