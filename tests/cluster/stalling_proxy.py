"""A TCP proxy whose connections stall for good when a test says so, as after a cut that TCP has not noticed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class StallingProxy:
    """Passes bytes on to a port on loopback, both ways."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """From now on the connections that there are pass nothing on; new ones do."""
        self._flows.clear()
        self._flows = threading.Event()
        self._flows.set()

    def close(self) -> None:
        """Close all of it."""
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self.connections += 1
                self._sockets += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(source, target, self._flows), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, flows: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if not flows.is_set():
                return  # both sockets stay open
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def stalling_proxy(port: int) -> Iterator[StallingProxy]:
    """A proxy to that port meanwhile."""
    proxy = StallingProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
