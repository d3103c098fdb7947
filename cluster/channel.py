"""A connection in the event loop: bytes out without waiting, bytes in as they come, plain or by TLS.

What is sent in one turn of the loop leaves in one piece.
Layer: cluster. Cooperative; for the event loop's thread.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import eventlet
from eventlet import hubs

from replica import unix_sockets

OUT_BYTES_MAX: Final = 32 * 2**20  # that wait to be sent, before the channel counts as broken
RECEIVED_AT_ONCE: Final = 2**18
CONNECT_S: Final = 2.0
HANDSHAKE_S: Final = 5.0
BACKLOG: Final = 64


class ChannelClosed(Exception):
    """The connection is over. Says why."""


class _Waited(Exception):
    """Nothing came in time."""


class _Tls:
    """The TLS of one connection, which hands over bytes and takes them."""

    def __init__(self, context: ssl.SSLContext, *, is_server: bool, name: str | None) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_side=is_server, server_hostname=name)


class Channel:
    """One connection. What waits to be sent is bounded. One greenlet receives; any sends."""

    def __init__(self, connection: socket.socket) -> None:
        """Takes over `connection`, which is connected."""
        self._socket = connection
        connection.setblocking(False)
        self._tls: _Tls | None = None
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._is_flushing = self._is_receiving = False
        self._closed: str | None = None

    @property
    def waiting_bytes(self) -> int:
        """How much waits to be sent."""
        return self._out_bytes

    @property
    def is_closed(self) -> bool:
        """Whether it is over."""
        return self._closed is not None

    def send(self, data: bytes) -> None:
        """Have `data` sent, soon and in order. Never waits. Raises ChannelClosed."""
        if self._closed is not None:
            raise ChannelClosed(self._closed)
        if self._tls is None:
            self._put(data)
        else:
            try:
                self._tls.object.write(data)
            except ssl.SSLError as error:
                raise self._over(f"TLS: {error.reason or error}") from error
            self._put(self._tls.outgoing.read())

    def receive(self, wait_s: float) -> bytes:
        """What has come; waits at most so long. b"": nothing did. Cooperative. Raises ChannelClosed."""
        if self._tls is None:
            return self._receive(wait_s)
        until = time.monotonic() + wait_s
        while True:
            try:
                data: bytes = self._tls.object.read(RECEIVED_AT_ONCE)
            except ssl.SSLWantReadError:
                coming = self._receive(max(0.0, until - time.monotonic()))
                if not coming:
                    return b""
                self._tls.incoming.write(coming)
                continue
            except ssl.SSLError as error:
                raise self._over(f"TLS: {error.reason or error}") from error
            if not data:
                raise self._over("it has closed")
            return data

    def begin_tls(self, context: ssl.SSLContext, *, is_server: bool, name: str | None = None) -> None:
        """Speak TLS from here on, and wait for the handshake. Cooperative. Raises ChannelClosed; it is closed then."""
        tls, until = _Tls(context, is_server=is_server, name=name), time.monotonic() + HANDSHAKE_S
        while True:
            try:
                tls.object.do_handshake()
            except ssl.SSLWantReadError:
                self._put(tls.outgoing.read())
                coming = self._receive(max(0.0, until - time.monotonic()))
                if not coming:
                    raise self._over("no TLS handshake in time") from None
                tls.incoming.write(coming)
            except ssl.SSLError as error:
                self._put(tls.outgoing.read())
                self._flush()  # the alert, which names what is wrong
                raise self._over(f"TLS: {error.reason or error}") from error
            else:
                self._put(tls.outgoing.read())
                self._tls = tls
                return

    def close(self) -> None:
        """Let go of the connection. Idempotent."""
        self._over("it was closed here")

    # -- steps

    def _over(self, why: str) -> ChannelClosed:
        """End it; who receives wakes up."""
        if self._closed is None:
            self._closed = why
            if self._out and not self._is_flushing:
                self._write_some()
            self._out, self._out_bytes = [], 0
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._let_go()
        return ChannelClosed(self._closed)

    def _let_go(self) -> None:
        """Close the descriptor when no greenlet waits for it any more."""
        if self._closed is not None and not self._is_receiving and not self._is_flushing:
            self._socket.close()

    def _receive(self, wait_s: float) -> bytes:
        while True:
            if self._closed is not None:
                raise ChannelClosed(self._closed)
            try:
                data = self._socket.recv(RECEIVED_AT_ONCE)
            except BlockingIOError:
                if not self._wait(wait_s):
                    return b""
                continue
            except OSError as error:
                raise self._over(str(error)) from error
            if not data:
                raise self._over("it has closed")
            return data

    def _wait(self, wait_s: float) -> bool:
        """Wait until something has come, or the channel is over; whether that was in time."""
        if wait_s <= 0:
            return False
        self._is_receiving = True
        try:
            hubs.trampoline(self._socket, read=True, timeout=wait_s, timeout_exc=_Waited)
        except _Waited:
            return False
        finally:
            self._is_receiving = False
            self._let_go()
        return True

    def _put(self, data: bytes) -> None:
        if not data:
            return
        if self._out_bytes + len(data) > OUT_BYTES_MAX:
            raise self._over(f"{self._out_bytes} bytes wait to be sent")
        self._out.append(data)
        self._out_bytes += len(data)
        if not self._is_flushing and len(self._out) == 1:
            hubs.get_hub().schedule_call_global(0, self._flush)

    def _flush(self) -> None:
        """The hub's callback: send what waits; what is not taken has a greenlet of its own."""
        if self._closed is None and not self._is_flushing and self._out and not self._write_some():
            self._is_flushing = True
            eventlet.spawn_n(self._flush_rest)

    def _flush_rest(self) -> None:
        try:
            while self._closed is None and self._out:
                hubs.trampoline(self._socket, write=True)
                self._write_some()
        except OSError as error:
            self._over(str(error))
        finally:
            self._is_flushing = False
            self._let_go()

    def _write_some(self) -> bool:
        """Send as much as is taken; whether that was all."""
        data = b"".join(self._out)
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._out, self._out_bytes = [], 0
            self._over(str(error))
            return True
        rest = data[sent:]
        self._out, self._out_bytes = ([rest] if rest else []), len(rest)
        return not rest


def connect_unix(path: Path) -> Channel:
    """A channel to the Unix socket at `path`. Raises OSError."""
    return Channel(unix_sockets.connect(path))


def connect_tcp(host: str, port: int, context: ssl.SSLContext | None, wait_s: float = CONNECT_S) -> Channel:
    """A channel to a port, by TLS where there is a `context`. `host` is an address. Cooperative. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            connection.connect((host, port))
        hubs.trampoline(connection, write=True, timeout=wait_s, timeout_exc=TimeoutError)
        problem = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, os.strerror(problem))
        channel = Channel(connection)
        if context is not None:
            channel.begin_tls(context, is_server=False, name=host)
    except ChannelClosed as closed:
        raise ConnectionError(str(closed)) from closed
    except BaseException:
        connection.close()
        raise
    return channel


def accept(listening: socket.socket) -> Channel:
    """The next connection. Cooperative. Raises OSError, also when `listening` was closed meanwhile."""
    while True:
        try:
            connection, _ = listening.accept()
        except BlockingIOError:
            hubs.trampoline(listening, read=True)
            continue
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Channel(connection)


def listen_unix(path: Path) -> socket.socket:
    """A listening socket for its owner alone, in place of one that an earlier process left. Raises OSError."""
    listening = unix_sockets.listen(path, BACKLOG)
    listening.setblocking(False)
    return listening


def listen_tcp(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.setblocking(False)
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
