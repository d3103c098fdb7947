"""A watch on one key, as a wake-up: a native thread that reads a stream and opens it anew wherever it ends.

A stream that is opened anew, or was lost, counts as a change: what was missed meanwhile is found by reading. No stream
lives long, so that one to a member that is paused or cut off, which nothing says, is not waited for.
Layer: cluster. Blocks: for native threads only.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any, Final

import grpc

from cluster.etcd.addresses import Members
from cluster.etcd.connections import Connections
from cluster.etcd.wire_pb2 import WatchCreateRequest, WatchRequest, WatchResponse

AGAIN_S: Final = 0.2  # after a stream that ended
STREAM_S: Final = 10.0  # then a stream is opened anew at the next member: one that is silent may be cut off

log = logging.getLogger(__name__)


class EtcdWatch:
    """Says that a key may have changed. `wait` is for one thread at a time."""

    def __init__(self, members: Members, first: int, key: str) -> None:
        self._connections = Connections(members)
        self._at = first
        self._key = key.encode()
        self._changed = threading.Event()
        self._closed = threading.Event()
        self._call: Any = None
        self._thread = threading.Thread(target=self._run, name="etcd-watch", daemon=True)
        self._thread.start()

    def wait(self, wait_s: float) -> bool:
        """Wait until something may have changed since the last call; at most so long."""
        if not self._changed.wait(wait_s):
            return False  # without clearing: it may be set by now
        self._changed.clear()
        return True

    def close(self) -> None:
        """Watch no more, and end the thread. Idempotent."""
        self._closed.set()
        call = self._call
        if call is not None:
            call.cancel()
        self._connections.close()
        self._changed.set()
        self._thread.join(5)

    def _run(self) -> None:
        addresses = self._connections.addresses
        while not self._closed.is_set():
            address = addresses[self._at % len(addresses)]
            try:
                self._follow(address)
            except (grpc.RpcError, ValueError) as error:  # ValueError: the channel was closed meanwhile
                if not self._closed.is_set():
                    log.debug("The watch at %s ended: %s", address, error)
            self._connections.close()  # the next is made anew
            self._changed.set()
            self._at += 1
            self._closed.wait(AGAIN_S)

    def _follow(self, address: str) -> None:
        """Wake up with everything that comes, until the stream ends."""
        ended = threading.Event()
        call = self._connections.channel(address).stream_stream(
            "/etcdserverpb.Watch/Watch",
            request_serializer=WatchRequest.SerializeToString,
            response_deserializer=WatchResponse.FromString,
        )(self._requests(ended), timeout=STREAM_S)
        self._call = call
        try:
            for answer in call:
                self._changed.set()
                if answer.canceled or self._closed.is_set():
                    return
        finally:
            ended.set()
            call.cancel()

    def _requests(self, ended: threading.Event) -> Iterator[WatchRequest]:
        """What the stream is asked; a thread of gRPC's takes it, and the stream stays open until this ends."""
        yield WatchRequest(create_request=WatchCreateRequest(key=self._key))
        ended.wait()
