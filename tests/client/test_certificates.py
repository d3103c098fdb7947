"""What both clients say of a server whose certificate is not trusted here."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from openbell_client import AsyncClient, Client, NoConnection

WORDS = "certificate verify failed"


@pytest.fixture
def untrusted(certificate: tuple[Path, Path]) -> Iterator[str]:
    """The address of a server that signed its certificate itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_client_says_that_the_certificate_is_not_trusted(untrusted: str) -> None:
    with Client(untrusted, retry_for_s=0) as client, pytest.raises(NoConnection, match=WORDS):
        client.health()


def test_so_does_one_that_is_asynchronous(untrusted: str) -> None:
    async def ask() -> None:
        async with AsyncClient(untrusted, retry_for_s=0) as client:
            await client.health()

    with pytest.raises(NoConnection, match=WORDS):
        asyncio.run(ask())
