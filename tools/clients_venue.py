"""What `tools.clients` asks a server for: an API key, and what is listed on the second wire.

A key is made in the session of a user who signs in, or of a new guest, and the session is ended afterwards: the key
lives on without it.
Layer: tools.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, Self

from openbell_client import BadAnswer, Client, OpenbellError, Refused, Session
from openbell_client.requests import Scope
from tools.credentials import log_in

TIMEOUT_S: Final = 30.0
EXCHANGE_INFO: Final = "/api/v3/exchangeInfo"


class VenueProblem(Exception):
    """The server could not be asked, or said no. The message is for the terminal."""


class Key(NamedTuple):
    """What a client signs with. The secret is shown once, by the request that makes it."""

    key_id: str
    secret: str


class Market(NamedTuple):
    """One symbol as the second wire names it: BTCUSDT, of BTC and USDT."""

    symbol: str
    base: str
    quote: str


class Venue:
    """One server, as a context manager. Raises VenueProblem wherever it does not answer as asked."""

    def __init__(self, url: str) -> None:
        try:
            self._client = Client(url, timeout_s=TIMEOUT_S, retry_for_s=0)  # somebody waits, and may ask again
        except ValueError as problem:
            raise VenueProblem(str(problem)) from problem
        self.url = self._client.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def websocket_url(self) -> str:
        """Where WebSockets connect, without a path."""
        return f"ws{self.url.removeprefix('http')}"

    def markets(self) -> list[Market]:
        """What is listed, in the server's order."""
        with self._answered():
            listed: list[dict[str, Any]] = self._client.ask("GET", EXCHANGE_INFO)["symbols"]
        return [Market(one["symbol"], one["baseAsset"], one["quoteAsset"]) for one in listed]

    @contextmanager
    def guest(self) -> Iterator[None]:
        """Be a new guest, whose session ends behind it."""
        with self._answered():
            self._client.guest()
        with self._ended():
            yield

    @contextmanager
    def user(self, name: str, password: str) -> Iterator[None]:
        """Be a user who signs in, whose session ends behind it."""
        with self._answered():
            log_in(self._client, name, password)
        with self._ended():
            yield

    @contextmanager
    def session(self, token: str) -> Iterator[None]:
        """Be whoever a token is of, whose session goes on."""
        self._client.credentials = Session(token)
        yield

    def new_key(self, label: str, scopes: Sequence[Scope], ip_list: Sequence[str]) -> Key:
        """A key of whoever this is now."""
        with self._answered():
            made = self._client.create_key(scopes, label=label, ip_list=ip_list)
        if made.secret is None:
            raise VenueProblem("the server made a key without a secret")
        return Key(made.key_id, made.secret)

    @contextmanager
    def _ended(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._answered():
                self._client.log_out()

    @contextmanager
    def _answered(self) -> Iterator[None]:
        try:
            yield
        except Refused as refusal:
            raise VenueProblem(refusal.message) from refusal
        except BadAnswer as problem:
            raise VenueProblem(f"what answers at {self.url} is no Openbell") from problem
        except OpenbellError as problem:
            raise VenueProblem(f"no answer from {self.url}: {problem}") from problem
