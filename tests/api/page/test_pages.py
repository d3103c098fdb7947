"""The files of the page: packed for those who take that, and not sent again when they have not changed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest

from tests.server import Http

FRONTEND = Path(__file__).parents[3] / "frontend"
LIBRARY = "vendor/lightweight-charts.mjs"
PACKED = {"Accept-Encoding": "br, gzip, deflate"}


def test_a_browser_gets_a_script_packed_and_others_get_it_plain(http: Http) -> None:
    content = (FRONTEND / LIBRARY).read_bytes()
    packed = http.call("GET", f"/static/{LIBRARY}", headers=PACKED)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == content
    assert len(packed.content) < len(content) / 2
    plain = http.call("GET", f"/static/{LIBRARY}", headers={"Accept-Encoding": "identity"})
    assert plain.headers["Content-Encoding"] is None
    assert plain.content == content
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for answer in (packed, plain):
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["/", f"/static/{LIBRARY}", "/static/css/theme.css"])
def test_what_has_not_changed_is_not_sent_again(http: Http, path: str) -> None:
    first = http.call("GET", path, headers=PACKED)
    again = http.call("GET", path, headers={**PACKED, "If-None-Match": first.headers["ETag"]})
    assert (again.status, again.content) == (304, b"")
    other = http.call("GET", path, headers={**PACKED, "If-None-Match": '"another"'})
    assert (other.status, other.content) == (200, first.content)


def test_the_policy_allows_the_import_map_that_is_served_by_its_hash(http: Http) -> None:
    page = http.call("GET", "/")
    found = re.search(rb'<script type="importmap">(.*?)</script>', page.content, re.DOTALL)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1]).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in page.headers["Content-Security-Policy"]


def test_answers_of_the_api_are_not_packed(http: Http) -> None:
    assert http.call("GET", "/symbols", headers=PACKED).headers["Content-Encoding"] is None


@pytest.mark.parametrize("path", ["nothing.js", "../api/app.py", "..%2fapi%2fapp.py", "css"])
def test_what_is_not_a_file_of_the_page_is_not_found(http: Http, path: str) -> None:
    assert http.call("GET", f"/static/{path}").status == 404
