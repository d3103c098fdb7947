"""The listening socket of a server: its port is its own, and whoever finds it taken gets a sentence with what to do.

Layer: api.http.
"""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any, Final

import eventlet
from eventlet.green.ssl import SSLContext

from api.settings import Settings
from openbell.programs import with_make

BACKLOG: Final = 1024
SEND_BUFFER_BYTES: Final = 131_072  # bytes, doubled by the kernel: bounds what a connection leaves unread
LAST_PORT: Final = 65_535


def listen(settings: Settings) -> Any:
    """The listening socket, with TLS where it is set. Raises OSError, named for people, where it cannot be.

    No other socket may listen on an address that overlaps: it would get a part of our requests. A port whose
    last server has just stopped is free, though connections of it linger.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    address = (settings.host, settings.port)
    try:
        # by default eventlet sets SO_REUSEPORT: a second server would start and silently share the port
        listener = eventlet.listen(address, family, BACKLOG, reuse_addr=True, reuse_port=False)
    except OSError as problem:
        raise OSError(f"cannot listen on {settings.host}:{settings.port}: {_advice(problem, settings.port)}") from None
    # accepted connections inherit both; without the first larger answers wait 44 ms for an acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if settings.tls_cert is None:
        return listener
    try:
        context = SSLContext(ssl.PROTOCOL_TLS_SERVER)  # eventlet.wrap_ssl asks for a protocol that is deprecated
        context.load_cert_chain(str(settings.tls_cert), str(settings.tls_key))
        return context.wrap_socket(listener, server_side=True)
    except OSError as problem:  # ssl.SSLError is one
        listener.close()
        raise OSError(f"cannot use {settings.tls_cert} with {settings.tls_key}: {problem}") from problem


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
