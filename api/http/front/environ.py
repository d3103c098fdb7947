"""A request -> the environ of WSGI (PEP 3333), and in it the target as the client sent it: that is what was signed.

Layer: api.http.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from io import BytesIO
from typing import Final
from urllib.parse import unquote_to_bytes

from api.http.front.forwarded import Believed
from api.http.front.parser import Request
from api.http.processing import PROCESSING, Processing
from api.http.wsgi import Environ
from api.json.errors import ApiError, Malformed

TARGET: Final = "openbell.target"  # in the environ: path and query, byte for byte, as text
UPGRADE: Final = "openbell.upgrade"  # in the environ of who asks for it: gives the connection to a WebSocket

NAME_KEPT_MAX: Final = 64  # bytes of a name of a header that is kept
TARGETS_KEPT: Final = 256
TARGET_KEPT_MAX: Final = 64  # bytes: of those that come again and again
_NAMES_MAX: Final = 1_000  # of headers, kept
_SINGLE: Final = ("HTTP_AUTHORIZATION", "HTTP_ORIGIN")  # two of them would contradict each other


class Peer:
    """What the environ of each request of a connection says of it."""

    __slots__ = ("address", "environ")

    def __init__(self, address: str, port: int, scheme: str, server: tuple[str, int]) -> None:
        self.address = address
        self.environ: Environ = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REMOTE_ADDR": address,
            "REMOTE_PORT": str(port),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }


class Environs:
    """Makes environs for the connections of one server."""

    def __init__(self, forwarded: Believed) -> None:
        self._forwarded = forwarded
        self._keys: dict[bytes, str] = {b"Content-Type": "CONTENT_TYPE", b"content-type": "CONTENT_TYPE"}

    def of(self, request: Request, peer: Peer) -> Environ:
        """The environ of a request. Raises ApiError 400 where its target or headers are none of HTTP/1.1."""
        target = request.target
        path, query, sent, host = _kept_parts(target) if len(target) <= TARGET_KEPT_MAX else _parts(target)
        environ = peer.environ.copy()
        environ["REQUEST_METHOD"] = request.method
        environ["PATH_INFO"] = path
        environ["QUERY_STRING"] = query
        environ["SERVER_PROTOCOL"] = f"HTTP/{request.version}"
        environ["wsgi.input"] = BytesIO(request.body)
        environ[PROCESSING] = Processing(request.received)
        environ[TARGET] = sent
        keys = self._keys
        for name, value in request.headers:
            key = keys.get(name) or self._key(name)
            if key in environ:
                if key in _SINGLE:
                    raise Malformed("MALFORMED_HEADERS", f"{name.decode('latin-1')} is given twice.", field="headers")
                environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
            else:
                environ[key] = value.decode("latin-1")
        # a coding is the connection's: what is behind sees the body
        if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None or "CONTENT_LENGTH" in environ:
            environ["CONTENT_LENGTH"] = str(len(request.body))
        if host is not None:
            environ["HTTP_HOST"] = host
        self._forwarded.apply(environ)
        return environ

    def _key(self, name: bytes) -> str:
        """The name in the environ of a header."""
        text = name.decode("latin-1").upper().replace("-", "_")
        key = text if text in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{text}"
        if len(self._keys) < _NAMES_MAX and len(name) <= NAME_KEPT_MAX:
            self._keys[name] = key
        return key


def path_in(target: bytes) -> str:
    """The path of a target as far as it has come, decoded; an empty text where there is none."""
    try:
        return _parts(target)[0]
    except ApiError:
        return ""


def _parts(target: bytes) -> tuple[str, str, str, str | None]:
    """The path decoded, the query, both as they were sent, and the host of a target in absolute form.

    Raises ApiError 400.
    """
    path, query, host = _split(target)
    decoded = (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")
    sent = b"%b?%b" % (path, query) if b"?" in target else path
    return decoded, query.decode("latin-1"), sent.decode("latin-1"), host


_kept_parts = lru_cache(TARGETS_KEPT)(_parts)


def _split(target: bytes) -> tuple[bytes, bytes, str | None]:
    """Path, query and, of a target in absolute form, the host. Raises ApiError 400."""
    host = None
    if not target.startswith(b"/") and target != b"*":
        scheme, separator, rest = target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            raise _strange_target()
        end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
        host = rest[:end].decode("latin-1")
        if not host or "@" in host:
            raise _strange_target()
        target = rest[end:] if rest[end : end + 1] == b"/" else b"/" + rest[end:]
    path, _, query = target.partition(b"?")
    return path, query, host


def _strange_target() -> ApiError:
    return Malformed("MALFORMED_REQUEST", "The target of a request is a path, or a whole URL with http or https.")
