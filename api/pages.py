"""The trading page and its files: compressed once, with a validator each and a strict content security policy.

Layer: api.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Response, abort, request
from werkzeug.security import safe_join

from api.documented import ANY_FILE, HTML, Access, documented

FRONTEND = Path(__file__).resolve().parent.parent / "frontend"
INDEX = "index.html"
CACHED_FILES = 512
COMPRESSIBLE = ("text/", "application/json", "image/svg+xml")
IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)

mimetypes.add_type("text/javascript", ".mjs")  # which Python before 3.12 does not know


def content_security_policy(page: bytes) -> str:
    """Nothing inline and nothing from elsewhere, but for the import maps that stand in `page`, by their hashes."""
    hashes = [base64.b64encode(hashlib.sha256(found).digest()).decode() for found in IMPORT_MAP.findall(page)]
    scripts = " ".join(["'self'", *(f"'sha256-{digest}'" for digest in hashes)])
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


PAGE_HEADERS = {
    "Content-Security-Policy": content_security_policy((FRONTEND / INDEX).read_bytes()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Asset(NamedTuple):
    """One file as it is served."""

    mimetype: str
    plain: bytes
    packed: bytes | None  # by gzip; None where that would not make it smaller
    etag: str


@lru_cache(maxsize=CACHED_FILES)
def _asset(path: Path, _changed_ns: int) -> Asset:
    plain = path.read_bytes()
    mimetype = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(plain, 9, mtime=0) if mimetype.startswith(COMPRESSIBLE) else plain
    return Asset(mimetype, plain, packed if len(packed) < len(plain) else None, hashlib.sha256(plain).hexdigest()[:32])


def _asset_at(path: Path) -> Asset:
    """Packed when it is first asked for, and again only when the file has changed."""
    return _asset(path, path.stat().st_mtime_ns)


def _served(name: str) -> Response:
    """A file below the page's folder, packed where the browser takes that. Aborts with 404."""
    path = safe_join(str(FRONTEND), name)
    if path is None or not Path(path).is_file():
        abort(404)
    asset = _asset_at(Path(path))
    packed = asset.packed is not None and request.accept_encodings.quality("gzip") > 0
    response = Response(asset.packed if packed else asset.plain, mimetype=asset.mimetype, headers=PAGE_HEADERS)
    response.vary.add("Accept-Encoding")
    response.set_etag(asset.etag + ("-gzip" if packed else ""))
    if packed:
        response.content_encoding = "gzip"
    response.make_conditional(request)
    return response


def blueprint() -> Blueprint:
    """The routes of the page. Reads and packs its files, so that no first visitor waits for that."""
    for path in FRONTEND.rglob("*"):
        if path.is_file():
            _asset_at(path)
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    @documented(Access.PUBLIC, HTML)
    def index() -> Response:
        """The trading page."""
        return _served(INDEX)

    @routes.get("/favicon.ico")
    @documented(Access.PUBLIC, "image/svg+xml")
    def favicon() -> Response:
        """What browsers ask for unasked."""
        return _served("favicon.svg")

    @routes.get("/static/<path:path>")
    @documented(Access.PUBLIC, ANY_FILE, errors=(404,))
    def static_file(path: str) -> Response:
        """Scripts, styles and images of the page."""
        return _served(path)

    return routes
