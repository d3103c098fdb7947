"""What a reader of the messages comes to: the rules of Documentation/publishing.md, and nothing of the venue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from engine.events import CommandResult
from engine.exchange import Exchange
from journal.codec import BatchRecord
from listings.grid import grid_of
from publish.message_maker import MessageMaker
from publish.messages import Message
from publish.target import Topic
from replica.follower import Follower

Levels = dict[str, tuple[str, int]]  # by price: quantity, orders


def made(records: Iterable[BatchRecord], topics: Iterable[Topic] = Topic) -> list[Message]:
    """The messages of records from the first on."""
    follower, found = Follower(), list[Message]()
    maker = MessageMaker(follower.exchange, list(topics))
    for record in records:
        found += maker.of(record, follower.follow(record))
    return found


def followed(records: Iterable[BatchRecord]) -> Iterator[tuple[BatchRecord, list[CommandResult], Exchange]]:
    """Each record with what it caused, and the exchange behind it."""
    follower = Follower()
    for record in records:
        yield record, follower.follow(record), follower.exchange


def new_ones(messages: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key and content of those of one topic that did not come before."""
    last: dict[str, tuple[int, int]] = {}
    for key, body in messages:
        content: dict[str, Any] = msgspec.json.decode(body)
        place = content["seq"], content["number"]
        if place > last.get(key, (-1, -1)):
            last[key] = place
            yield key, content


class Books:
    """The books that messages come to; of a symbol from its first reset on."""

    def __init__(self) -> None:
        self.bids: dict[str, Levels] = {}
        self.asks: dict[str, Levels] = {}

    def fold(self, content: dict[str, Any]) -> None:
        symbol = content["symbol"]
        if content.get("reset"):
            self.bids[symbol], self.asks[symbol] = {}, {}
        if symbol not in self.bids:
            return
        for levels, changed in ((self.bids[symbol], content["bids"]), (self.asks[symbol], content["asks"])):
            for price, quantity, orders in changed:
                levels[price] = quantity, orders
                if not orders:
                    del levels[price]

    def agree_with(self, exchange: Exchange) -> None:
        """Fail where a book is another one."""
        for symbol in self.bids:
            book = exchange.books[symbol]
            grid = grid_of(book.instrument)
            for levels, side in ((self.bids[symbol], book.bids), (self.asks[symbol], book.asks)):
                assert levels == {
                    grid.price(level.price): (grid.quantity(level.quantity), level.count) for level in side
                }, symbol
