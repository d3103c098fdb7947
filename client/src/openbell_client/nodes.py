"""The addresses of one venue: of a server by itself one, of a cluster those of its nodes, of which one is asked.

Layer: openbell_client.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from openbell_client.errors import NoAnswer, NoConnection, OpenbellError, Refused

ELSEWHERE = (503, 504)  # another node may do what this one does not


class NodeUrls:
    """Where a venue is asked. The next address takes the place of one that does not answer. For any thread."""

    def __init__(self, urls: str) -> None:
        """`urls`: one, or several with commas in between. Raises ValueError for what is none of a server."""
        self._urls = tuple(_origin(url) for url in urls.split(","))
        self._place = 0

    @property
    def several(self) -> bool:
        """Whether there is another one to ask."""
        return len(self._urls) > 1

    @property
    def current(self) -> str:
        """The one that is asked."""
        return self._urls[self._place]

    def add(self, urls: Iterable[str]) -> None:
        """Those that are not known yet come behind the others; no plain ones to those by TLS. Raises ValueError."""
        secured = all(url.startswith("https:") for url in self._urls)
        new = tuple(origin for origin in map(_origin, urls) if origin not in self._urls)
        if secured:  # who asks shows credentials
            new = tuple(origin for origin in new if origin.startswith("https:"))
        self._urls = (*self._urls, *new)

    def leave(self, url: str) -> None:
        """`url` did not answer: the next one is asked from now on, where nobody has left it before."""
        if url == self.current:
            self._place = (self._place + 1) % len(self._urls)


def may_be_done_elsewhere(error: OpenbellError) -> bool:
    """Whether another node may answer what failed so."""
    return isinstance(error, NoConnection | NoAnswer) or (isinstance(error, Refused) and error.status in ELSEWHERE)


def _origin(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
        raise ValueError(f"{url!r} is no address: write http://HOST:PORT or https://HOST:PORT")
    return f"{parts.scheme}://{parts.netloc}"
