"""Signing in and signing requests, as a client does it by the documentation alone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

import msgspec
import socketio

from tests.server import Answer, Http, eventually

PASSWORD = "correct horse"  # noqa: S105
NAMESPACE = "/market"
PATIENCE_S = 30  # with a busy machine
LEAST_WAIT_S = 2  # the first, which two requests may take
START_GRACE_S = 1.1  # signatures from before the start, and a second more, are refused

_numbers = count()
_one_at_a_time = threading.Lock()


def created(answer: Answer) -> Any:
    """The body of a 201."""
    assert answer.status == 201, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def sign_up(http: Http) -> dict[str, Any]:
    """A new user, signed in, with the refresh token in hand."""
    wanted = {"name": f"user{next(_numbers)}", "password": PASSWORD}
    body: dict[str, Any] = created(http.post("/auth/signup?refresh=body", wanted))
    return body


def funded(http: Http) -> dict[str, Any]:
    """A new user, signed in, with paper money to buy with."""
    signed_in = sign_up(http)
    http.call("POST", "/account/deposit", {"asset": "USDT", "amount": "100000"}, bearer(signed_in)).granted()
    return signed_in


def kept_waiting(guess: Callable[[], Answer], status: int, code: str) -> None:
    """Guess a password until the next guess has to wait, and for longer than a busy machine takes to send it.

    `status`, `code`: of the refusal of a guess that is wrong.
    """
    while True:
        answer = guess()
        if answer.status != 429:
            answer.refused(status, code)
            continue
        answer.refused(429, "TOO_MANY_REQUESTS")
        if (wait_s := int(answer.headers["Retry-After"])) > LEAST_WAIT_S:
            return
        time.sleep(wait_s)


def bearer(signed_in: dict[str, Any]) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {signed_in['token']}"}


def new_key(http: Http, *scopes: str, ip_list: tuple[str, ...] = ()) -> dict[str, Any]:
    """A key of a new user with money."""
    who = bearer(funded(http))
    wanted = {"label": "bot", "scopes": scopes, "ip_list": ip_list, "password": PASSWORD}
    body: dict[str, Any] = created(http.call("POST", "/auth/keys", wanted, who))
    return body


def now_ms(offset_ms: int = 0) -> str:
    """The time as a client writes it."""
    return str(time.time_ns() // 10**6 + offset_ms)


def signature(key: dict[str, Any], timestamp: str, method: str, target: str, content: bytes = b"") -> str:
    """What a client computes, from the documentation alone."""
    message = f"{timestamp}\n{method}\n{target}\n".encode() + content
    return hmac.new(key["secret"].encode(), message, hashlib.sha256).hexdigest()


def signed(
    key: dict[str, Any],
    method: str,
    target: str,
    content: bytes = b"",
    *,
    offset_ms: int = 0,
    window: str | None = None,
) -> dict[str, str]:
    """The headers of a signed request, whose time no other of this process has: the same one twice would be refused."""
    with _one_at_a_time:
        time.sleep(0.001)
        timestamp = now_ms(offset_ms)
    headers = {
        "X-Openbell-Key": key["key_id"],
        "X-Openbell-Timestamp": timestamp,
        "X-Openbell-Signature": signature(key, timestamp, method, target, content),
    }
    return headers | ({} if window is None else {"X-Openbell-Window": window})


def call_signed(http: Http, key: dict[str, Any], method: str, target: str, body: Any = None) -> Answer:
    """One signed request; signed anew where the server was started within the last second, from which it takes none."""
    content = b"" if body is None else msgspec.json.encode(body)
    answer = http.call(method, target, content or None, signed(key, method, target, content))
    if answer.status == 401 and answer.json["error_code"] == "TIMESTAMP_OUTSIDE_WINDOW":
        time.sleep(START_GRACE_S)
        answer = http.call(method, target, content or None, signed(key, method, target, content))
    return answer


def feed_signature(key: dict[str, Any]) -> dict[str, Any]:
    """`auth` of a client that signs."""
    timestamp = now_ms()
    return {
        "key": key["key_id"],
        "timestamp": timestamp,
        "signature": signature(key, timestamp, "CONNECT", "/market"),
        "window": "60000",
    }


class FeedClient:
    """A Socket.IO client, in a thread of its own, that remembers what it was told."""

    def __init__(
        self, url: str, auth: dict[str, Any] | None = None, *, transport: str = "websocket", **options: Any
    ) -> None:
        self.received: list[tuple[str, Any]] = []
        self.ended = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._io = socketio.AsyncClient(reconnection=False, handle_sigint=False, **options)
        self._io.on("*", lambda event, data=None: self.received.append((event, data)), namespace=NAMESPACE)
        self._io.on("disconnect", self._end, namespace=NAMESPACE)
        self._run(self._io.connect(url, auth=auth, namespaces=[NAMESPACE], transports=[transport], wait=False))
        eventually(lambda: self.ended or self.events("connected"), PATIENCE_S)

    def call(self, event: str, data: Any) -> Any:
        """What an event is acknowledged with."""
        return self._run(self._io.call(event, data, namespace=NAMESPACE, timeout=PATIENCE_S))

    def send(self, event: str, data: Any) -> None:
        """Send an event whose acknowledgement nobody waits for."""
        self._run(self._io.emit(event, data, namespace=NAMESPACE))

    def events(self, name: str) -> list[Any]:
        """What it was told under one name."""
        return [data for event, data in self.received if event == name]

    def close(self) -> None:
        """Go."""
        self._run(self._io.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _end(self, *_reason: Any) -> None:
        self.ended = True

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(2 * PATIENCE_S)
