"""What every answer says to browsers, for every route and whoever asks."""

from __future__ import annotations

import pytest

from tests.access.cast import Cast, guest
from tests.access.routes import ROWS, Row

PUBLIC_FILES = ("/", "/favicon.ico", "/docs", "/openapi.json")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.route)
def test_no_answer_of_a_route_is_kept_or_taken_for_something_else(secured_cast: Cast, row: Row) -> None:
    http, content = secured_cast.http, row.content or None
    for headers in ({}, guest(http).bearer, {"Authorization": "Bearer forged"}):
        answer = http.call(row.method, row.path, content, headers)
        assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
        kept = "no-cache" if row.path in PUBLIC_FILES and answer.status == 200 else "no-store"
        assert answer.headers.get_all("Cache-Control") == [kept]
        assert answer.headers["Content-Type"] in (
            "application/json",
            "image/svg+xml; charset=utf-8",
            "text/html; charset=utf-8",
        )
        if answer.headers.get_content_type() == "text/html":
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Referrer-Policy"] == "no-referrer"
