"""Who asks: a session with its tokens, or an API key that signs each request.

Secrets are in no repr, and in no error.
Layer: openbell_client.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Protocol

KEY_HEADER: Final = "X-Openbell-Key"
TIMESTAMP_HEADER: Final = "X-Openbell-Timestamp"
SIGNATURE_HEADER: Final = "X-Openbell-Signature"
SIGNATURES_KEPT: Final = 4_096  # as many of the last as are never made again

Signer = Callable[[bytes], str]


class Credentials(Protocol):
    """What a request or a connection of the feed shows."""

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """The headers of one request; `target` is the path with its query, as sent."""
        ...

    def feed_auth(self) -> dict[str, str]:
        """What a connection of the feed shows when it begins."""
        ...


class Session:
    """Somebody who is signed in. The tokens change when they are refreshed; `on_change` is called then."""

    def __init__(
        self,
        token: str,
        refresh_token: str | None = None,
        *,
        expires_at: float | None = None,
        on_change: Callable[[Session], None] | None = None,
    ) -> None:
        self.token = token
        self.refresh_token = refresh_token
        self.expires_at = expires_at  # epoch seconds; None: not known
        self._on_change = on_change

    def renew(self, token: str, refresh_token: str | None, expires_at: float | None) -> None:
        """Take the next tokens."""
        self.token, self.expires_at = token, expires_at
        if refresh_token is not None:
            self.refresh_token = refresh_token
        if self._on_change is not None:
            self._on_change(self)

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """The token."""
        return {"Authorization": f"Bearer {self.token}"}

    def feed_auth(self) -> dict[str, str]:
        """The token."""
        return {"token": self.token}

    def __repr__(self) -> str:
        return "Session(...)"


class ApiKey:
    """An API key: its id, and what signs: HMAC-SHA256 under its secret, or an Ed25519 key."""

    def __init__(
        self, key_id: str, secret: str | None = None, *, signer: Signer | None = None, window_ms: int | None = None
    ) -> None:
        """`signer` makes a signature of bytes, in place of a secret. Raises ValueError unless one of both is given."""
        if (secret is None) == (signer is None):
            raise ValueError("give the key's secret or a signer, and not both")
        self.key_id = key_id
        self.window_ms = window_ms  # for how long a request is good; None: the server's five seconds
        self.ahead_ms = 0  # of the venue's clock before ours
        self._sign = signer if signer is not None else hmac_signer(secret or "")
        self._made: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()  # of two threads with one request, the second signs another time

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """A signature over the time, the method, the path with its query, and the body; never the same again."""
        timestamp, signature = self._signature(method, target, body)
        headers = {KEY_HEADER: self.key_id, TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature}
        return headers if self.window_ms is None else headers | {"X-Openbell-Window": str(self.window_ms)}

    def feed_auth(self) -> dict[str, str]:
        """A signature over the connection."""
        timestamp, signature = self._signature("CONNECT", "/market", b"")
        return {"key": self.key_id, "timestamp": timestamp, "signature": signature}

    def set_clock(self, server_time_ms: int) -> None:
        """Sign from now on as of the venue's clock."""
        self.ahead_ms = server_time_ms - time.time_ns() // 1_000_000

    def _signature(self, method: str, target: str, body: bytes) -> tuple[str, str]:
        timestamp = time.time_ns() // 1_000_000 + self.ahead_ms
        with self._lock:
            signature = self._sign(message(timestamp, method, target, body))
            while signature in self._made:  # the same request in the same millisecond: a signature is good once
                timestamp += 1
                signature = self._sign(message(timestamp, method, target, body))
            self._made[signature] = None
            if len(self._made) > SIGNATURES_KEPT:
                self._made.popitem(last=False)
        return str(timestamp), signature

    def __repr__(self) -> str:
        return f"ApiKey({self.key_id!r}, ...)"


def message(timestamp_ms: int, method: str, target: str, body: bytes) -> bytes:
    """What is signed: time, method, path with query, and body, joined by newlines."""
    return f"{timestamp_ms}\n{method}\n{target}\n".encode() + body


def hmac_signer(secret: str) -> Signer:
    """HMAC-SHA256 in hex, under a key's secret."""
    key = secret.encode()
    return lambda content: hmac.new(key, content, hashlib.sha256).hexdigest()


def ed25519_signer(private_key_pem: bytes, password: bytes | None = None) -> Signer:
    """Ed25519 in base64, with a private key in PEM. Needs cryptography: `pip install openbell-client[ed25519]`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - optional
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    key: Any = load_pem_private_key(private_key_pem, password)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("that is no Ed25519 key")
    return lambda content: base64.b64encode(key.sign(content)).decode()
