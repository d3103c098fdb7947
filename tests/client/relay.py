"""What stands between a client and a server in the tests, and loses connections when it is told to.

Layer: tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

Fate = Literal["before", "after", "pass"]  # the connection is cut before the server gets the request, or after


class Relay:
    """A relay of bytes to one server. `fates` are those of the next requests whose line begins with `line`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.fates: list[Fate] = []
        self.line = b"POST /order "
        self.requests = 0  # of those that had a fate
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Relay]:
        """Listen on a free port of loopback."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self.cut()
            self._server.close()

    def cut(self) -> None:
        """Cut every connection."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(self._host, self._port)
        self._open |= {writer, ours}
        fate: list[Fate] = []
        try:
            await asyncio.gather(
                self._pump(reader, ours, lambda content: self._asked(content, fate)),
                self._pump(theirs, writer, lambda content: fate != ["after"]),
            )
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for one in (writer, ours):
                one.transport.abort()
                self._open.discard(one)

    def _asked(self, content: bytes, fate: list[Fate]) -> bool:
        """Whether what a client sends is passed on; its answer goes by `fate`."""
        if content.startswith(self.line):
            self.requests += 1
            if self.fates:
                fate[:] = [self.fates.pop(0)]
                return fate != ["before"]
        return True

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passes: Callable[[bytes], bool]
    ) -> None:
        while content := await source.read(65_536):
            if not passes(content):
                raise ConnectionResetError
            sink.write(content)
            await sink.drain()
        raise ConnectionResetError  # either side has ended: so does the other
