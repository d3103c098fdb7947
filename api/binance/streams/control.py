"""What clients of streams ask over their socket: to subscribe, to unsubscribe, what they follow, in which form.

Answers are `{"result", "id"}`, or `{"error": {"code", "msg"}, "id"}`; a request that fails changes nothing.
Layer: api.binance.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec

from api.binance.errors import BinanceError
from api.binance.streams.channels import Channels, Follower

STREAMS_MAX: Final = 1_024  # of one socket
NAMES_A_MESSAGE: Final = 50  # so many streams that are joined at once count for a message more
ID_MAX: Final = 64  # characters
METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
UNKNOWN_PROPERTY: Final = 0
WRONG_VALUE: Final = 1
INVALID: Final = 2
NO_JSON: Final = 3

_encode: Final = msgspec.json.Encoder().encode


class StreamControl:
    """The requests of one socket."""

    def __init__(self, follower: Follower, channels: Channels) -> None:
        self._follower = follower
        self._channels = channels

    def receive(self, text: str) -> None:
        """Answer one request. Cooperative."""
        request_id: Any = None
        joins: list[str] = []
        try:
            asked = _request(text)
            request_id = _id_of(asked)
            method, params = asked.get("method"), asked.get("params")
            if method not in METHODS:
                raise _invalid(_unknown_method(asked))
            result: Any = None
            match method:
                case "SUBSCRIBE":
                    joins = self._new_names(_names(params))
                case "UNSUBSCRIBE":
                    self._unsubscribe(_names(params))
                case "LIST_SUBSCRIPTIONS":
                    result = list(self._follower.streams)
                case "SET_PROPERTY":
                    self._set_property(params)
                case _:
                    result = self._get_property(params)
        except BinanceError as problem:
            answer: dict[str, Any] = {"error": {"code": problem.code, "msg": problem.message}, "id": request_id}
        else:
            answer = {"result": result, "id": request_id}
        self._follower.socket.send(_encode(answer))
        self._follower.socket.count(len(joins) // NAMES_A_MESSAGE)
        join_all(self._follower, self._channels, joins)

    def _new_names(self, names: list[str]) -> list[str]:
        """Those of `names` that are not followed yet. Raises BinanceError where one is no stream, or they are many.

        Cooperative.
        """
        for name in self._follower.socket.in_turns(names):
            if not self._channels.exists(name):
                raise _invalid(f"Invalid request: invalid stream {name[:ID_MAX]}")
        new = [name for name in dict.fromkeys(names) if name not in self._follower.streams]
        if len(new) + len(self._follower.streams) > STREAMS_MAX:
            raise _invalid(f"Invalid request: too many parameters; at most {STREAMS_MAX} streams on one connection")
        return new

    def _unsubscribe(self, names: list[str]) -> None:
        for name in names:
            channel = self._follower.streams.get(name)
            if channel is not None:
                channel.leave(self._follower, name)

    def _set_property(self, params: Any) -> None:
        _check_property(params, 2)
        if not isinstance(params[1], bool):
            raise BinanceError(WRONG_VALUE, "Invalid value type: expected Boolean")
        self._follower.combined = params[1]

    def _get_property(self, params: Any) -> bool:
        _check_property(params, 1)
        return self._follower.combined


def join_all(follower: Follower, channels: Channels, names: Iterable[str]) -> None:
    """Follow streams that existed a moment ago; a listen key may have ended since. Cooperative."""
    for name in follower.socket.in_turns(names):
        with suppress(BinanceError):
            channels.join(follower, name)


def _request(text: str) -> dict[str, Any]:
    """Raises BinanceError 2 or 3."""
    try:
        asked = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise BinanceError(NO_JSON, "Invalid JSON: a request is an object, as text") from None
    if not isinstance(asked, dict):
        raise _invalid("Invalid request: an object is expected")
    return asked


def _id_of(asked: dict[str, Any]) -> Any:
    """The id that the answer repeats. Raises BinanceError 2."""
    given = asked.get("id")
    if given is None or (isinstance(given, str) and len(given) <= ID_MAX):
        return given
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < 2**64:
        return given
    raise _invalid("Invalid request: request ID must be an unsigned integer")


def _names(params: Any) -> list[str]:
    """Raises BinanceError 2."""
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise _invalid("Invalid request: params must be a list of stream names")
    if not params:
        raise _invalid("Invalid request: missing field `params`")
    if len(params) > STREAMS_MAX:
        raise _invalid("Invalid request: too many parameters")
    return params


def _check_property(params: Any, count: int) -> None:
    """Raises BinanceError 0 or 2."""
    if not isinstance(params, list) or len(params) != count:
        raise _invalid("Invalid request: too many or too few parameters")
    if not isinstance(params[0], str):
        raise _invalid("Invalid request: property name must be a string")
    if params[0] != "combined":
        raise BinanceError(UNKNOWN_PROPERTY, "Unknown property")


def _unknown_method(asked: dict[str, Any]) -> str:
    if "method" not in asked:
        return "Invalid request: missing field `method`"
    expected = ", ".join(f"`{method}`" for method in METHODS)
    return f"Invalid request: unknown variant `{str(asked['method'])[:ID_MAX]}`, expected one of {expected}"


def _invalid(message: str) -> BinanceError:
    return BinanceError(INVALID, message)
