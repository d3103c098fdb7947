"""Connections to the members, and what their failures mean.

One channel a member, made when it is first spoken to. No channel is shared between clients: one that is stuck holds up
nobody else. A member that comes back is tried again within a second, where gRPC by itself would wait up to two minutes;
and where calls went unanswered the connection is made anew, since one that was cut off goes on only when TCP next
tries, which may be as long again as the cut was.
Retries are off: whether a request may have been carried out is for the protocol to say.
Layer: cluster. Blocks: for native threads only.
"""

from __future__ import annotations

from typing import Any, Final

import grpc

from cluster.etcd.addresses import Members, read_certificates
from cluster.store import Busy, NoAnswer, OutOfSpace, Refused, StoreError, TooLarge, Unreachable

ANSWER_BYTES_MAX: Final = 64 * 2**20
SILENT_CALLS: Final = 2  # in a row, until a connection is made anew

_OPTIONS: Final = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),  # a connection that is not made by then is given up, too
    ("grpc.max_reconnect_backoff_ms", 1000),
)
_NOT_CONNECTED: Final = "failed to connect to all addresses"
_NO_SPACE: Final = "database space exceeded"
_TOO_MANY: Final = "too many requests"

# Said of a request before it is carried out, or because it cannot be.
_DEFINITE: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)


class Connections:
    """The channels of one client. `call` is used by one thread at a time."""

    def __init__(self, members: Members) -> None:
        """Raises BadAddresses when certificates cannot be read. Connects to nobody yet."""
        self._members = members
        self._credentials = None
        if members.certificates is not None:
            self._credentials = grpc.ssl_channel_credentials(*read_certificates(members.certificates))
        self._channels: dict[str, grpc.Channel] = {}
        self._calls: dict[tuple[str, str], Any] = {}
        self._silent: dict[str, int] = {}  # calls in a row that were not answered in time, by address

    @property
    def addresses(self) -> tuple[str, ...]:
        """The members, as host:port."""
        return self._members.addresses

    def channel(self, address: str) -> grpc.Channel:
        """The channel to that member."""
        if address not in self._channels:
            if self._credentials is None:
                channel = grpc.insecure_channel(address, _OPTIONS)
            else:
                channel = grpc.secure_channel(address, self._credentials, _OPTIONS)
            self._channels[address] = channel
        return self._channels[address]

    def call(self, address: str, method: str, request: Any, answer: Any, timeout_s: float) -> Any:
        """Send `request` to that member and return its answer, a message of the class `answer`.

        `method`: as `KV/Txn`. Raises StoreError.
        """
        key = (address, method)
        if key not in self._calls:
            self._calls[key] = self.channel(address).unary_unary(
                f"/etcdserverpb.{method}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=answer.FromString,
            )
        try:
            answered = self._calls[key](request, timeout=timeout_s)
        except grpc.RpcError as error:
            raise self.failure(error, address) from None
        self._silent.pop(address, None)
        return answered

    def failure(self, error: grpc.RpcError, address: str) -> StoreError:
        """What a call's failure means, taken down: after the second silence a connection is made anew."""
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            self._silent[address] = self._silent.get(address, 0) + 1
            if self._silent[address] >= SILENT_CALLS:
                self._drop(address)
        else:
            self._silent.pop(address, None)
        return store_error(error, address)

    def close(self) -> None:
        """Close all channels; calls under way are not answered any more. Idempotent."""
        channels, self._channels, self._calls = list(self._channels.values()), {}, {}
        for channel in channels:
            channel.close()

    def _drop(self, address: str) -> None:
        self._silent.pop(address, None)
        self._calls = {key: call for key, call in self._calls.items() if key[0] != address}
        channel = self._channels.pop(address, None)
        if channel is not None:
            channel.close()


def store_error(error: grpc.RpcError, address: str) -> StoreError:
    """What a call's failure means for who called."""
    code, details = error.code(), error.details() or ""
    text = f"etcd at {address}: {code.name.lower()}: {details}"
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        if _NO_SPACE in details:
            return OutOfSpace(f"etcd is out of space: its quota is used up ({address}).")
        return Busy(text) if _TOO_MANY in details else TooLarge(text)
    if code is grpc.StatusCode.INVALID_ARGUMENT and "too large" in details:
        return TooLarge(text)
    if code is grpc.StatusCode.UNAVAILABLE and details.startswith(_NOT_CONNECTED):
        return Unreachable(text)  # gRPC had no connection to send it on
    return Refused(text) if code in _DEFINITE else NoAnswer(text)
