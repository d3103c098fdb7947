"""The trading page and its files, with a strict content security policy.

Layer: api.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from api.documented import ANY_FILE, HTML, Access, documented

FRONTEND = Path(__file__).resolve().parent.parent / "frontend"

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def blueprint() -> Blueprint:
    """The routes of the page."""
    routes = Blueprint("pages", __name__)

    def served(path: str) -> Response:
        response = send_from_directory(FRONTEND, path)
        response.headers.update(PAGE_HEADERS)
        return response

    @routes.get("/")
    @documented(Access.PUBLIC, HTML)
    def index() -> Response:
        """The trading page."""
        return served("index.html")

    @routes.get("/favicon.ico")
    @documented(Access.PUBLIC, "image/svg+xml")
    def favicon() -> Response:
        """What browsers ask for unasked."""
        return served("favicon.svg")

    @routes.get("/static/<path:path>")
    @documented(Access.PUBLIC, ANY_FILE, errors=(404,))
    def static_file(path: str) -> Response:
        """Scripts, styles and images of the page."""
        return served(path)

    return routes
