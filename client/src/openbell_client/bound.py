"""One definition of each call for both clients: `Client.book(...)` answers, `AsyncClient.book(...)` is awaited.

A call is a function that makes a `Call` (in `calls/`). Put into a class by `method`, it becomes a method that sends
what the function makes; type checkers see its parameters, and its answer or a coroutine of it, by whose it is.
Layer: openbell_client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, Self, TypeVar, overload

from openbell_client.calls.call import Call

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class Sends:
    """What sends a call and gives its answer."""

    def send(self, call: Call[T]) -> T:
        """Carry out a call. Raises Refused, Unavailable, BadAnswer."""
        raise NotImplementedError


class SendsAsync:
    """What sends a call and gives its answer, in an event loop."""

    async def send(self, call: Call[T]) -> T:
        """Carry out a call. Raises Refused, Unavailable, BadAnswer."""
        raise NotImplementedError


class method(Generic[P, T]):  # noqa: N801 - it stands where a function would
    """A call as a method."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, owner: None, kind: Any = None) -> Self: ...
    @overload
    def __get__(self, owner: Sends, kind: Any = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, owner: SendsAsync, kind: Any = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """The method of one client."""
        if owner is None:
            return self
        make = self._make

        def send(*args: P.args, **kwargs: P.kwargs) -> Any:
            return owner.send(make(*args, **kwargs))

        return update_wrapper(send, make)


class pages(Generic[P, T, Item]):  # noqa: N801
    """A call whose answers are pages, as an iterator over what is on all of them."""

    def __init__(
        self, make: Callable[P, Call[T]], items: Callable[[T], Sequence[Item]], following: Callable[[T], dict[str, Any]]
    ) -> None:
        """`following`: what to ask for the next page with; empty after the last."""
        self._make = make
        self._items = items
        self._following = following
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, owner: None, kind: Any = None) -> Self: ...
    @overload
    def __get__(self, owner: Sends, kind: Any = None) -> Callable[P, Iterator[Item]]: ...
    @overload
    def __get__(self, owner: SendsAsync, kind: Any = None) -> Callable[P, AsyncIterator[Item]]: ...
    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """The method of one client."""
        if owner is None:
            return self
        make: Callable[..., Call[T]] = self._make
        items, following = self._items, self._following

        def iterate(*args: Any, **kwargs: Any) -> Iterator[Item]:
            while True:
                page = owner.send(make(*args, **kwargs))
                yield from items(page)
                if not (further := following(page)):
                    return
                kwargs |= further

        async def iterate_async(*args: Any, **kwargs: Any) -> AsyncIterator[Item]:
            while True:
                page = await owner.send(make(*args, **kwargs))
                for item in items(page):
                    yield item
                if not (further := following(page)):
                    return
                kwargs |= further

        return update_wrapper(iterate_async if isinstance(owner, SendsAsync) else iterate, make)
