"""The trading page and its files: compressed, kept by the browser, under a strict content security policy.

Layer: api.page.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from api.http.documented import ANY_FILE, HTML, Access, documented
from api.nodes.addresses import connectable
from api.nodes.membership import Membership
from api.page.files import FRONTEND, Asset, asset_named, composed_page, content_security_policy, is_named_by_content

IMMUTABLE = "public, max-age=31536000, immutable"
CHECKED_EACH_TIME = "no-cache"


# Of every page and file; a page with an import map names it in a policy of its own.
PAGE_HEADERS = {
    "Content-Security-Policy": content_security_policy(b""),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": CHECKED_EACH_TIME,
}


def _served(asset: Asset, changed_headers: dict[str, str]) -> Response:
    """A file, packed where the browser takes that, or that it has not changed."""
    packed = asset.packed is not None and request.accept_encodings.quality("gzip") > 0
    response = Response(
        asset.packed if packed else asset.plain, mimetype=asset.mimetype, headers=PAGE_HEADERS | changed_headers
    )
    response.vary.add("Accept-Encoding")
    response.set_etag(asset.etag + ("-gzip" if packed else ""))
    if packed:
        response.content_encoding = "gzip"
    response.make_conditional(request)
    return response


def _file(name: str) -> Response:
    """A file below the page's folder. Aborts with 404."""
    asset = asset_named(name)
    if asset is None:
        abort(404)
    named = is_named_by_content(asset, request.args.get("v"))
    return _served(asset, {"Cache-Control": IMMUTABLE} if named else {})


def blueprint(membership: Membership) -> Blueprint:
    """The routes of the page. Reads and packs its files, so that no first visitor waits for that."""
    composed_page()
    for path in FRONTEND.rglob("*.*"):
        asset_named(path.relative_to(FRONTEND).as_posix())
    routes = Blueprint("pages", __name__)

    @routes.get("/")
    @documented(Access.PUBLIC, HTML)
    def index() -> Response:
        """The trading page."""
        page = composed_page(connectable(membership.nodes))
        return _served(page.asset, {"Content-Security-Policy": page.policy})

    @routes.get("/favicon.ico")
    @documented(Access.PUBLIC, "image/svg+xml")
    def favicon() -> Response:
        """What browsers ask for unasked."""
        return _file("favicon.svg")

    @routes.get("/static/<path:path>")
    @documented(Access.PUBLIC, ANY_FILE, errors=(404,))
    def static_file(path: str) -> Response:
        """Scripts, styles and images of the page."""
        return _file(path)

    return routes
