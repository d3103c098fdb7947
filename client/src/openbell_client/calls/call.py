"""One call: method, path, query, body, how its answer is read, and when it may be sent again.

Layer: openbell_client.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from openbell_client.errors import BadAnswer

T = TypeVar("T")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Repeat(Enum):
    """When a call may be sent again."""

    ALWAYS = "always"  # twice is as once, whatever became of the first attempt
    UNTAKEN = "untaken"  # only when the first attempt was certainly not carried out


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request that can be sent. `target` is the path with its query, as it is sent and signed."""

    method: Method
    target: str
    body: bytes = field(repr=False)  # it may hold a password
    answer: Any  # the type of the body that is answered
    repeat: Repeat
    credentials: bool = True  # whether they are shown, when there are any
    feed: tuple[str, Any] | None = None  # the event and its data that ask the same of the feed
    key: str | None = None  # by which the venue knows it again: it is done once, whoever is asked
    finish: Callable[[Any], T] | None = None  # makes of the body what is given to the caller

    def read(self, content: bytes) -> T:
        """The answer in the body of a response. Raises BadAnswer, without the body: it may hold a secret."""
        if self.answer is str:
            return self._finished(content.decode(errors="replace"))
        try:
            return self._finished(_decoder(self.answer).decode(content))
        except msgspec.DecodeError as error:
            raise BadAnswer(f"{self.method} {self.target.partition('?')[0]}: {error}") from error

    def converted(self, body: Any) -> T:
        """The answer in an acknowledgement of the feed. Raises BadAnswer."""
        try:
            return self._finished(msgspec.convert(body, self.answer))
        except msgspec.ValidationError as error:
            raise BadAnswer(str(error)) from error

    def _finished(self, body: Any) -> T:
        if self.finish is not None:
            return self.finish(body)
        answer: T = body
        return answer


_encode: Final = msgspec.json.Encoder(decimal_format="string").encode
_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def _decoder(answer: Any) -> msgspec.json.Decoder[Any]:
    known = _decoders.get(answer)
    if known is None:
        known = _decoders[answer] = msgspec.json.Decoder(answer)
    return known


def get(path: str, answer: type[T], **query: Any) -> Call[T]:
    """A question, which changes nothing."""
    return Call("GET", target(path, query), b"", answer, Repeat.ALWAYS)


def change(
    method: Method,
    path: str,
    answer: type[T],
    body: Any = None,
    *,
    repeat: Repeat = Repeat.UNTAKEN,
    credentials: bool = True,
    query: dict[str, Any] | None = None,
    feed: tuple[str, Any] | None = None,
    key: str | None = None,
) -> Call[T]:
    """A call that changes something; done once under a `key`."""
    return Call(method, target(path, query or {}), encoded(body), answer, repeat, credentials, feed, key)


def fresh_key() -> str:
    """An Idempotency-Key that nobody has used."""
    return secrets.token_hex(16)


def segment(text: object) -> str:
    """One part of a path, quoted."""
    return quote(str(text), safe="")


def target(path: str, query: dict[str, Any]) -> str:
    """A path with what of the query is not None."""
    given = [(name, _query_text(value)) for name, value in query.items() if value is not None]
    return f"{path}?{urlencode(given)}" if given else path


def _query_text(value: Any) -> str:
    refuse_floats([value])
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def encoded(body: Any) -> bytes:
    """A body in JSON, nothing for None. Raises TypeError for a float, which nobody can see to its last digit."""
    if body is None:
        return b""
    if isinstance(body, msgspec.Struct):
        refuse_floats(getattr(body, name) for name in body.__struct_fields__)
    return _encode(body)


def refuse_floats(values: Iterable[Any]) -> None:
    """Raise TypeError when one of the values, or of a mapping among them, is a float."""
    for value in values:
        if isinstance(value, dict):
            refuse_floats(value.values())
        if isinstance(value, float):
            raise TypeError(f"{value!r} is a float: write a number as text, Decimal or int")
