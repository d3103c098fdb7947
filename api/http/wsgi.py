"""The types of WSGI (PEP 3333), for all that stands between a connection and Flask.

Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

Environ = dict[str, Any]
Headers = Sequence[tuple[str, str]]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]


class Answer(NamedTuple):
    """Status line, headers and body of an answer that is whole."""

    status: str
    headers: Headers
    body: bytes
    further: Headers = ()  # that stand behind the others: they differ from answer to answer, and none is a date


class Shortcut(Protocol):
    """Answers some requests itself, of which the application then never knows."""

    def answer(self, environ: Environ, body: bytes) -> Answer | None:
        """The answer; None where the application is to give it. Cooperative."""
