"""The listening socket of a server, and its TLS. Its port is its own; whoever finds it taken reads what to do.

Layer: api.http.
"""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Final, NamedTuple

from api.settings import Settings
from openbell.programs import with_make

BACKLOG: Final = 1024
SEND_BUFFER_BYTES: Final = 131_072  # bytes, doubled by the kernel: bounds what a connection leaves unread
LAST_PORT: Final = 65_535


class Listening(NamedTuple):
    """A socket that listens, and the TLS that is spoken on it, where one is set."""

    socket: socket.socket
    context: ssl.SSLContext | None

    def close(self) -> None:
        """Listen no more."""
        self.socket.close()


def listen(settings: Settings) -> Listening:
    """Listen where the settings say. Raises OSError, named for people, where it cannot be.

    No other socket may listen on an address that overlaps: it would get a part of our requests. A port whose
    last server has just stopped is free, though connections of it linger.
    """
    listening = listen_at((settings.host, settings.port))
    try:
        return Listening(listening, tls_context(settings))
    except OSError:
        listening.close()
        raise


def listen_at(address: tuple[str, int]) -> socket.socket:
    """A listening socket, alone at its address. Raises OSError, named for people, where it cannot be."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not SO_REUSEPORT: a second server would share
        # accepted connections inherit both; without the first larger answers wait 44 ms for an acknowledgement
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as problem:
        listening.close()
        raise OSError(f"cannot listen on {host}:{port}: {_advice(problem, port)}") from None
    return listening


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS that is to be spoken; None where none is set. Raises OSError, named for people."""
    if settings.tls_cert is None:
        return None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(str(settings.tls_cert), str(settings.tls_key))
    except OSError as problem:  # ssl.SSLError is one
        raise OSError(f"cannot use {settings.tls_cert} with {settings.tls_key}: {problem}") from problem
    return context


def _advice(problem: OSError, port: int) -> str:
    """Why it could not, and what helps."""
    why = problem.strerror or str(problem)
    if problem.errno == errno.EADDRINUSE:
        other = port + 1 if port < LAST_PORT else port - 1
        helps = f"--port {other}{with_make(f'PORT={other}')}"
        return f"another server has that port. Stop it, or take another one: {helps}."
    if problem.errno == errno.EACCES:
        return f"{why}. Ports below 1024 are not everybody's: take one above with --port."
    return f"{why}. Give an address of this machine with --host."
