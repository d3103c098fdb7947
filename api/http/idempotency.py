"""`Idempotency-Key`: by it a request that is sent again, to this server or another node, is done once.

A key belongs to an account, and is known for two minutes at least. Orders have a name of their own, `client_order_id`.
Layer: api.http.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, NamedTuple

from flask import Flask, request

from api.http.documented import documented_by
from api.http.wsgi import Environ
from api.json.errors import ApiError, Malformed
from engine.types import AccountId, Seq

HEADER: Final = "Idempotency-Key"
IN_ENVIRON: Final = "HTTP_IDEMPOTENCY_KEY"
KEY_BYTES: Final = 16
_READABLE: Final = re.compile(r"[!-~]{1,64}").fullmatch
_PERSON: Final = b"idempotency-key"  # of the hash, which is of nothing else


class RequestKey(NamedTuple):
    """By what a request is known again."""

    key: bytes  # 16 bytes
    fingerprint: bytes  # of what was asked, 16 bytes: the same key stands for nothing else

    def part(self, seq: Seq, number: int) -> RequestKey:
        """By what a part of the request is known, where it is carried out in several; from 1.

        `seq`: of its first command. Should the request begin anew, once its key is forgotten, its parts are others.
        """
        return RequestKey(_hash(self.key + seq.to_bytes(8, "big") + number.to_bytes(8, "big")), self.fingerprint)


def key_of(environ: Environ, account: AccountId, body: bytes) -> RequestKey | None:
    """What a request of `account` is known by; None where it has no key. Raises Malformed for a key that is none."""
    given = environ.get(IN_ENVIRON)
    if given is None:
        return None
    if not _READABLE(given):
        sentence = f"{HEADER} is 1 to 64 letters, digits or signs of ASCII, without spaces."
        raise Malformed("INVALID_VALUE", sentence, field=HEADER)
    asked = "\n".join((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), ""))
    return RequestKey(_hash(f"{account}\n{given}".encode()), _hash(asked.encode("utf-8", "surrogateescape") + body))


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=KEY_BYTES, person=_PERSON).digest()


def install(app: Flask) -> None:
    """Have a key refused where nothing would be known by it: who sends one relies on it."""

    @app.before_request
    def refuse_keys_that_are_not_read() -> None:
        if IN_ENVIRON not in request.environ or request.method in ("GET", "HEAD", "OPTIONS"):
            return
        about = documented_by(app.view_functions[request.endpoint]) if request.endpoint else None
        if about is None or about.keyed or about.lenient:
            return
        advice = " An order is known by its client_order_id." if request.path in ("/order", "/order/test") else ""
        sentence = f"{request.method} here takes no {HEADER}: it would be done again.{advice}"
        raise ApiError(400, "KEY_NOT_TAKEN", sentence, {"field": HEADER})
