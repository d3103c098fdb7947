"""How one call is carried out, without doing it: what to send, what to wait for, when to give up.

A generator yields what is to be done and is sent what came of it; `Client` does it with threads' sockets and
`AsyncClient` in an event loop. The rules of sending again are here alone:

- where there are several nodes, the next attempt is made at the next one
- no connection, 429, or a server that says that it starts: nothing was done, so any call is sent again
- a lost connection, time that ran out, 5xx: it may have been done, so only what twice is as once is sent again. An
  order is: its client order id is the same in each attempt, and the venue enters it once.

Layer: openbell_client.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from openbell_client.answers import SignedIn
from openbell_client.calls import auth
from openbell_client.calls.call import Call, Repeat
from openbell_client.credentials import ApiKey, Credentials, Session
from openbell_client.errors import NoAnswer, NoConnection, Refused, Unavailable, refusal_of
from openbell_client.nodes import NodeUrls, may_be_done_elsewhere

URL: Final = "http://127.0.0.1:5000"
CONNECTIONS: Final = 16  # that are kept
FIRST_PAUSE_S: Final = 0.1  # before the second attempt; each further pause is twice as long
LONGEST_PAUSE_S: Final = 5.0
SHORT_PAUSE_S: Final = 0.5  # the longest where there are several nodes: the next attempt is another one's
RENEW_BEFORE_S: Final = 5.0  # a token that ends so soon is renewed first
SIGNED_WRONG: Final = ("TIMESTAMP_OUTSIDE_WINDOW", "SIGNATURE_REPLAYED")  # to be signed anew; nothing was done
START_GRACE_S: Final = 1.2  # how long a server that has just started takes no signatures
CLOCK_OFF_MS: Final = 500  # by which clocks may differ before we go by the venue's

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """To be sent. `target` is the path with its query, exactly as signed."""

    method: str
    target: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


@dataclass(frozen=True)
class Wait:
    """To be waited for, in seconds."""

    seconds: float


Result = Response | Unavailable
OnWait = Callable[[Unavailable | Refused, float], None]  # why, and for how many seconds
Conversation = Generator[Request | Wait, Result | None, T]


class Retries:
    """How long calls are sent again. `for_s` 0: never; None: for ever. `on_wait` is called with why, how long."""

    def __init__(
        self,
        for_s: float | None = 30.0,
        *,
        on_wait: OnWait | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.for_s = for_s
        self._on_wait = on_wait
        self._clock = clock

    def begin(self, longest_pause_s: float = LONGEST_PAUSE_S) -> Attempts:
        """The attempts of one call, with so long a pause between two at most, unless the venue asks for more."""
        deadline = None if self.for_s is None else self._clock() + self.for_s
        return Attempts(deadline, self._clock, self._on_wait, longest_pause_s)


class Attempts:
    """The attempts of one call until now."""

    def __init__(
        self, deadline: float | None, clock: Callable[[], float], on_wait: OnWait | None, longest_pause_s: float
    ) -> None:
        self.made = 0
        self.resigned = 0  # how often it was signed anew
        self._deadline = deadline
        self._clock = clock
        self._on_wait = on_wait
        self._pause = FIRST_PAUSE_S
        self._longest_pause = longest_pause_s

    def pause_after(self, error: Unavailable | Refused) -> Wait:
        """How long to wait before the next attempt. Raises the error when that would be beyond the deadline."""
        least = error.retry_after_s or 0.0 if isinstance(error, Refused) else 0.0
        # spread, so that clients that lost one server do not come back at one moment
        seconds = max(least, self._pause) * random.uniform(1.0, 1.3)  # noqa: S311  # nosec B311 # no secret
        if self._deadline is not None and self._clock() + seconds > self._deadline:
            raise error
        self._pause = min(2 * self._pause, self._longest_pause)
        if self._on_wait is not None:
            self._on_wait(error, seconds)
        return Wait(seconds)


def session_of(answer: SignedIn) -> Session:
    """The session that somebody was answered who signed in."""
    return Session(answer.token, answer.refresh_token, expires_at=answer.expires_at)


class Conversations:
    """What the calls of one client have in common: whom they ask, as whom, and how long they try."""

    def __init__(self, url: str, credentials: Credentials | None, retries: Retries) -> None:
        """`url`: of a server, or of several nodes of one venue. Raises ValueError for what is none."""
        self.nodes = NodeUrls(url)
        self.credentials = credentials
        self._retries = retries

    @property
    def url(self) -> str:
        """Who is asked."""
        return self.nodes.current

    def begin(self, call: Call[T]) -> Conversation[T]:
        """Carry out one call. Raises Refused, Unavailable, BadAnswer."""
        attempts = self.attempts()
        if call.credentials and self._soon_over():
            yield from self._renewed()
        renewed = False
        while True:
            attempts.made += 1
            asked = self.url
            result = yield self._request(call)
            if isinstance(result, Response):
                if 200 <= result.status < 300:
                    return call.read(result.body)
                error: Refused | Unavailable = refusal_of(result.status, result.body, result.retry_after)
            elif result is not None:
                error = result
            else:
                raise RuntimeError("a request was answered with nothing")
            if isinstance(error, Refused):
                error.attempts = attempts.made
                if error.error_code == "TOKEN_EXPIRED" and not renewed and self._renewable() is not None:
                    renewed = True
                    yield from self._renewed()
                    continue
                if error.error_code in SIGNED_WRONG and (wait := self._signed_anew(error, attempts)) is not None:
                    yield wait
                    continue
            if may_be_done_elsewhere(error):
                self.nodes.leave(asked)
            if not may_repeat(call.repeat if call.key is None else Repeat.ALWAYS, error):
                raise error
            yield attempts.pause_after(error)

    def attempts(self) -> Attempts:
        """Of one call, over the feed as well."""
        return self._retries.begin(SHORT_PAUSE_S if self.nodes.several else LONGEST_PAUSE_S)

    def _request(self, call: Call[T]) -> Request:
        headers = {"Content-Type": "application/json"} if call.body else {}
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        if call.credentials and self.credentials is not None:
            headers |= self.credentials.headers(call.method, call.target, call.body)
        return Request(call.method, call.target, call.body, headers)

    # -- the session's tokens

    def _renewable(self) -> Session | None:
        session = self.credentials
        return session if isinstance(session, Session) and session.refresh_token is not None else None

    def _soon_over(self) -> bool:
        session = self._renewable()
        return session is not None and (session.expires_at or float("inf")) < time.time() + RENEW_BEFORE_S

    def renewal(self, *, now: bool = False) -> Conversation[bool]:
        """Renew the token where it soon ends, or `now`: before a connection of the feed. Whether it was renewed."""
        if self._renewable() is not None and (now or self._soon_over()):
            yield from self._renewed()
            return True
        return False

    def _renewed(self) -> Conversation[None]:
        session = self._renewable()
        if session is None or session.refresh_token is None:
            raise RuntimeError("there is no session to renew")
        following = yield from self.begin(auth.refresh(session.refresh_token))
        session.renew(following.token, following.refresh_token, following.expires_at)

    def _signed_anew(self, error: Refused, attempts: Attempts) -> Wait | None:
        """The pause before a request is signed anew, by the venue's clock; None when that was tried already."""
        key = self.credentials
        attempts.resigned += 1
        if not isinstance(key, ApiKey) or attempts.resigned > 2:
            return None
        server_time = error.details.get("server_time_ms")
        if isinstance(server_time, int):
            ahead = server_time - time.time_ns() // 1_000_000
            if abs(ahead - key.ahead_ms) > CLOCK_OFF_MS:
                key.set_clock(server_time)
                return Wait(0)
        return Wait(0 if error.error_code == "SIGNATURE_REPLAYED" else START_GRACE_S)


def may_repeat(repeat: Repeat, error: Refused | Unavailable) -> bool:
    """Whether a call that failed so may be sent again."""
    if isinstance(error, NoConnection):
        return True
    if isinstance(error, NoAnswer):
        return repeat is Repeat.ALWAYS
    if not isinstance(error, Refused):
        return False
    if error.status == 429 or error.details.get("reason") == "starting":
        return True  # nothing was done
    return error.status >= 500 and repeat is Repeat.ALWAYS
