"""What a page can make a browser send, and must not: bodies of other kinds than JSON, and polling as a script.

A form, or a request that the browser sends without asking us first, carries a body as text or as a form: where JSON
alone is taken, that is impossible. A form with the second wire's key header is none of those: a browser asks before it
sends a header that a form has not. Programs are not held to it: `curl -d` says that it sends a form. JSONP would let a
page of any site read the feed. Who a page belongs to is checked by `api.http.guard`.
Layer: api.http.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from api.json.errors import ApiError, Malformed

JSON: Final = "application/json"
FEED_PATH: Final = "/socket.io/"  # whose messages are text
SECOND_WIRE: Final = ("/api/", "/sapi/", "/fapi/", "/dapi/")  # whose bodies are forms
KEY_HEADER: Final = "HTTP_X_MBX_APIKEY"  # of its requests
# a program sends none of these by itself
SENT_BY_BROWSERS: Final = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_SEC_FETCH_MODE", "HTTP_COOKIE")


def refusal_of_body(environ: dict[str, Any]) -> ApiError | None:
    """Why the body of a request that may change something is not taken from a browser; None where it is."""
    if environ.keys().isdisjoint(SENT_BY_BROWSERS) or environ["PATH_INFO"].startswith(FEED_PATH):
        return None
    if KEY_HEADER in environ and environ["PATH_INFO"].startswith(
        SECOND_WIRE
    ):  # which a page can only add where it was allowed to ask: a form, never
        return None
    if not _has_body(environ) or environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() == JSON:
        return None
    sentence = f"A browser sends bodies here as {JSON}, and as nothing else."
    return ApiError(415, "UNSUPPORTED_MEDIA_TYPE", sentence, {"field": "Content-Type"})


def refusal_of_script(environ: dict[str, Any]) -> ApiError | None:
    """Why polling is not answered as a script; None where it is not wanted so."""
    query = environ.get("QUERY_STRING", "")
    if not query or not environ["PATH_INFO"].startswith(FEED_PATH):
        return None
    if any(name == "j" for name, _ in parse_qsl(query, keep_blank_values=True)):
        return Malformed("JSONP_NOT_SUPPORTED", "The feed is not given as a script; leave j out.", field="j")
    return None


def _has_body(environ: dict[str, Any]) -> bool:
    return environ.get("CONTENT_LENGTH", "") not in ("", "0")
