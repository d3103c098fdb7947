"""The API described: the OpenAPI document, and a page made of it for people.

Layer: api.page.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response

from api.http import openapi
from api.http.bodies import HEADERS, body_of
from api.http.documented import HTML, Access, documented
from api.page.routes import PAGE_HEADERS

TEMPLATE = Path(__file__).resolve().parent / "templates" / "docs.html"
TITLES = {  # of the tags, in the order of the page
    "orders": "Orders",
    "market": "Market data",
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


def blueprint(app: Flask, *, sandbox: bool) -> Blueprint:
    """The routes of the description of `app`, made when it is first asked for."""
    routes = Blueprint("docs", __name__)

    @cache
    def described() -> bytes:
        return body_of(openapi.document(app, sandbox=sandbox))

    @cache
    def rendered() -> str:
        described_as = openapi.document(app, sandbox=sandbox)
        template = app.jinja_env.from_string(TEMPLATE.read_text(encoding="utf-8"))  # escapes what it is given
        return template.render(document=described_as, groups=_groups(described_as))

    @routes.get("/openapi.json")
    @documented(Access.PUBLIC, OpenApiDocument)
    def document() -> Response:
        """The OpenAPI 3.1 description of this server."""
        return Response(described(), 200, {**HEADERS, "Cache-Control": "no-cache"})

    @routes.get("/docs")
    @documented(Access.PUBLIC, HTML)
    def page() -> Response:
        """The same description, to read."""
        return Response(rendered(), 200, PAGE_HEADERS, mimetype=HTML)

    return routes


def _groups(document: openapi.Json) -> list[tuple[str, str, list[tuple[str, str, openapi.Json]]]]:
    """Tag, title and operations (method, path, description) of each part of the page."""
    groups: dict[str, list[tuple[str, str, openapi.Json]]] = {tag: [] for tag in TITLES}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    return [(tag, TITLES.get(tag, tag), operations) for tag, operations in groups.items() if operations]
