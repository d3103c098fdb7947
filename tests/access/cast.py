"""Everybody who may come to a venue: those it lets in, and every kind that it must not.

Layer: tests.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt

from identity.secrets import load_or_create
from tests.api.clients import PASSWORD, bearer, created, now_ms, signature, signed
from tests.server import ROOT, Answer, Http, RunningServer

OPERATOR: Final = "boss"
ALL_SCOPES: Final = ("read", "trade", "withdraw")
ELSEWHERE: Final = ("192.0.2.0/24",)  # reserved for documentation: nobody calls from there
WIDEST: Final = "60000"  # ms: the window of what is signed now and sent after much else


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in, with an API key of every scope."""

    signed_in: dict[str, Any]
    key: dict[str, Any]

    @property
    def account(self) -> int:
        """Whose orders and money they have."""
        return int(self.signed_in["account"])

    @property
    def bearer(self) -> dict[str, str]:
        """The header that shows their token."""
        return bearer(self.signed_in)


def appoint(data: Path, name: str = OPERATOR) -> None:
    """Make an operator with the project's own command; the password is `PASSWORD`."""
    subprocess.run(
        [sys.executable, "-m", "identity.operators", "create", name, "--data", str(data)],
        cwd=ROOT,
        input=f"{PASSWORD}\n",
        text=True,
        check=True,
        capture_output=True,
        timeout=60,
    )


def key_of(http: Http, signed_in: dict[str, Any], *scopes: str, ip_list: tuple[str, ...] = ()) -> dict[str, Any]:
    """A new API key of somebody who is signed in."""
    body = {"label": "cast", "scopes": scopes, "ip_list": ip_list, "password": PASSWORD}
    key: dict[str, Any] = created(http.call("POST", "/auth/keys", body, bearer(signed_in)))
    return key


def guest(http: Http) -> Person:
    """Somebody new, with paper money."""
    signed_in = created(http.post("/auth/guest", None))
    return Person(signed_in, key_of(http, signed_in, *ALL_SCOPES))


def operator(http: Http) -> Person:
    """The operator that `appoint` made, in a session of its own."""
    signed_in = http.post("/auth/login", {"name": OPERATOR, "password": PASSWORD}).granted()
    return Person(signed_in, key_of(http, signed_in, *ALL_SCOPES))


def expired(server: RunningServer, token: str) -> str:
    """A token of a good session as it will be when its time is up, signed with the server's own secret."""
    secret = load_or_create(server.data / "secret.key")
    options: Any = {"verify_signature": False}
    claims = jwt.decode(token, options=options)
    return jwt.encode(claims | {"exp": int(time.time()) - 1}, secret.token_key, algorithm="HS256")


class Cast:
    """The people at one server."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.http = http = server.http
        self.trader = guest(http)
        self.operator = operator(http)
        signed_in = self.trader.signed_in
        self.with_scopes: dict[tuple[str, ...], dict[str, Any]] = {
            scopes: key_of(http, signed_in, *scopes)
            for scopes in (("read",), ("trade",), ("withdraw",), ("read", "withdraw"), ("read", "trade"))
        }
        self.operator_with_scopes: dict[tuple[str, ...], dict[str, Any]] = {
            scopes: key_of(http, self.operator.signed_in, *scopes) for scopes in (("trade",), ("read", "withdraw"))
        }
        self.elsewhere = key_of(http, signed_in, *ALL_SCOPES, ip_list=ELSEWHERE)
        self.revoked_key = key_of(http, signed_in, *ALL_SCOPES)
        http.call("DELETE", f"/auth/keys/{self.revoked_key['key_id']}", headers=self.trader.bearer).granted()
        self.signed_out = guest(http)
        http.call("POST", "/auth/logout", headers=self.signed_out.bearer).granted()
        self.expired = expired(server, self.trader.signed_in["token"])

    def refused_headers(self, method: str, path: str, content: bytes) -> dict[str, tuple[dict[str, str], int, str]]:
        """Credentials that are good nowhere, by what is wrong with them: headers, status, error code."""
        key = self.trader.key
        sent = signed(key, method, path, content, window=WIDEST)
        return {
            "a forged token": ({"Authorization": "Bearer x.y.z"}, 401, "BAD_TOKEN"),
            "an expired token": ({"Authorization": f"Bearer {self.expired}"}, 401, "TOKEN_EXPIRED"),
            "a token of a session that was ended": (self.signed_out.bearer, 401, "SESSION_ENDED"),
            "an unknown key": (sent | {"X-Openbell-Key": "ob-none"}, 401, "UNKNOWN_KEY"),
            "a revoked key": (
                signed(self.revoked_key, method, path, content, window=WIDEST),
                401,
                "UNKNOWN_KEY",
            ),
            "a signature of another path": (
                signed(key, method, path + "x", content, window=WIDEST),
                401,
                "BAD_SIGNATURE",
            ),
            "a stale timestamp": (
                signed(key, method, path, content, offset_ms=-6_000),
                401,
                "TIMESTAMP_OUTSIDE_WINDOW",
            ),
            "a key that is good elsewhere": (
                signed(self.elsewhere, method, path, content, window=WIDEST),
                403,
                "ADDRESS_NOT_ALLOWED",
            ),
            "a token and a key": (self.trader.bearer | sent, 401, "AMBIGUOUS_CREDENTIALS"),
        }

    def refused_auth(self) -> dict[str, tuple[dict[str, Any], str]]:
        """The same for the feed, as `auth` of the connection: with the error code it is told."""
        key = self.trader.key
        return {
            "a forged token": ({"token": "x.y.z"}, "BAD_TOKEN"),
            "an expired token": ({"token": self.expired}, "TOKEN_EXPIRED"),
            "a token of a session that was ended": ({"token": self.signed_out.signed_in["token"]}, "SESSION_ENDED"),
            "an unknown key": (connecting(key) | {"key": "ob-none"}, "UNKNOWN_KEY"),
            "a revoked key": (connecting(self.revoked_key), "UNKNOWN_KEY"),
            "a wrong signature": (connecting(key) | {"signature": "0" * 64}, "BAD_SIGNATURE"),
            "a stale timestamp": (connecting(key, -6_000, window="5000"), "TIMESTAMP_OUTSIDE_WINDOW"),
            "a key that is good elsewhere": (connecting(self.elsewhere), "ADDRESS_NOT_ALLOWED"),
            "a token and a key": (connecting(key) | {"token": self.expired}, "AMBIGUOUS_CREDENTIALS"),
        }


def connecting(key: dict[str, Any], offset_ms: int = 0, window: str = WIDEST) -> dict[str, Any]:
    """`auth` of a feed client that signs."""
    timestamp = now_ms(offset_ms)
    return {
        "key": key["key_id"],
        "timestamp": timestamp,
        "signature": signature(key, timestamp, "CONNECT", "/market"),
        "window": window,
    }


def status_and_code(answer: Answer) -> tuple[int, str | None]:
    """Status and error code, the latter None where there is none."""
    if answer.status < 400:
        return answer.status, None
    return answer.status, answer.error()["error_code"]


def with_operator(data: Path, *arguments: str, environment: dict[str, str] | None = None) -> RunningServer:
    """A server, not started, whose data folder knows an operator; for `with`. Its tokens outlast any run of tests."""
    appoint(data)
    return RunningServer(data, "--login-rate", "off", "--token-minutes", "1440", *arguments, environment=environment)
