"""Every page of an answer that comes in pages."""

from __future__ import annotations

from typing import Any

from tests.server import Http


def every_page(http: Http, query: str) -> list[dict[str, Any]]:
    """All orders that GET /orders lists, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = http.get(f"/orders?{query}{cursor}")
        assert page.keys() == {"orders", "next_cursor", "seq"}
        found += page["orders"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
