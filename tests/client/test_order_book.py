"""The folded book against a naive one, with messages that are lost, doubled and overtaken."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from openbell_client import OrderBook
from openbell_client.feed.book import Folded

Side = dict[str, tuple[str, int]]  # price text -> quantity text, orders


def checksum(bids: Side, asks: Side) -> int:
    """As Documentation/feed.md says, the slow way."""
    best = sorted(bids, key=Decimal, reverse=True)[:10], sorted(asks, key=Decimal)[:10]
    texts = [f"{price}:{side[price][0]}" for side, prices in zip((bids, asks), best, strict=True) for price in prices]
    return zlib.crc32("|".join(texts).encode())


class Venue:
    """What a server sends: its whole book, and each change."""

    def __init__(self) -> None:
        self.sides: tuple[Side, Side] = ({}, {})
        self.seq = 0

    def snapshot(self) -> dict[str, Any]:
        """The whole book."""
        rows = [[[price, *level] for price, level in side.items()] for side in self.sides]
        return {
            "timestamp": 1.5,
            "seq": self.seq,
            "bids": rows[0],
            "asks": rows[1],
            "checksum": checksum(*self.sides),
        }

    def change(self, side: int, price: str, quantity: str, skipped: int = 0) -> dict[str, Any]:
        """Set a level; the delta that says so. `skipped` commands changed other books."""
        before, self.seq = self.seq, self.seq + 1 + skipped
        if Decimal(quantity) == 0:
            self.sides[side].pop(price, None)
        else:
            self.sides[side][price] = quantity, 1
        rows: list[list[Any]] = [[], []]
        rows[side] = [[price, quantity, 1 if Decimal(quantity) else 0]]
        return {
            "timestamp": 1.5,
            "prev_seq": before,
            "seq": self.seq,
            "bids": rows[0],
            "asks": rows[1],
            "checksum": checksum(*self.sides),
        }


PRICES = st.integers(95, 115).map(lambda price: f"{price}.00")
QUANTITIES = st.sampled_from(["0.000", "1.000", "2.500"])


class FollowedBook(RuleBasedStateMachine):
    """A book behind a wire that loses, doubles and reorders, and a follower that asks for snapshots."""

    def __init__(self) -> None:
        super().__init__()
        self.venue = Venue()
        self.book = OrderBook("X")
        self.book.snapshot(self.venue.snapshot())
        self.kept: list[dict[str, Any]] = []  # deltas that are late

    def change(self, side: int, price: str, quantity: str) -> dict[str, Any]:
        return self.venue.change(side, price, quantity)

    @rule(side=st.integers(0, 1), price=PRICES, quantity=QUANTITIES)
    def arrives(self, side: int, price: str, quantity: str) -> None:
        folded = self.book.delta(self.change(side, price, quantity))
        assert folded is (Folded.TAKEN if self.book.valid else Folded.MISSED)

    @rule(side=st.integers(0, 1), price=PRICES, quantity=QUANTITIES)
    def is_lost(self, side: int, price: str, quantity: str) -> None:
        self.kept.append(self.change(side, price, quantity))

    @rule(side=st.integers(0, 1), price=PRICES, quantity=QUANTITIES)
    def is_doubled(self, side: int, price: str, quantity: str) -> None:
        delta = self.change(side, price, quantity)
        self.book.delta(delta)
        assert self.book.delta(delta) is (Folded.OLD if self.book.valid else Folded.MISSED)

    @precondition(lambda self: self.kept)
    @rule()
    def comes_late(self) -> None:
        valid, seq = self.book.valid, self.book.seq
        late = self.kept.pop()
        if self.book.delta(late) is Folded.OLD:
            assert (self.book.valid, self.book.seq) == (valid, seq)

    @rule()
    def is_asked_for_again(self) -> None:
        assert self.book.snapshot(self.venue.snapshot()) is Folded.TAKEN
        assert self.book.valid

    @invariant()
    def a_valid_book_is_what_the_venue_had_at_its_seq(self) -> None:
        if self.book.valid and self.book.seq == self.venue.seq:
            for levels, side, best_first in (
                (self.book.bids(), self.venue.sides[0], True),
                (self.book.asks(), self.venue.sides[1], False),
            ):
                prices = sorted(map(Decimal, side), reverse=best_first)
                assert [level.price for level in levels] == prices
                assert [level.quantity for level in levels] == [Decimal(side[f"{price:.2f}"][0]) for price in prices]
            assert self.book.checksum() == checksum(*self.venue.sides)


FollowedBook.TestCase.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
TestFollowedBook = FollowedBook.TestCase


def test_a_book_that_missed_a_delta_is_invalid_until_a_snapshot_comes() -> None:
    venue, book = Venue(), OrderBook("X")
    assert (book.valid, book.best_bid, book.mid_price) == (False, None, None)
    book.snapshot(venue.snapshot())
    venue.change(0, "100.00", "1.000")
    assert book.delta(venue.change(1, "101.00", "1.000")) is Folded.MISSED
    assert not book.valid
    book.snapshot(venue.snapshot())
    assert book.mid_price == Decimal("100.5")
    assert [len(book.bids(3)), len(book.asks(0))] == [1, 0]


def test_a_change_that_no_checksum_is_over_is_missed_by_its_number() -> None:
    venue, book = Venue(), OrderBook("X")
    for price in range(89, 101):
        venue.change(0, f"{price}.00", "1.000")
    book.snapshot(venue.snapshot())
    venue.change(0, "88.00", "1.000")  # behind the best ten, and lost
    assert book.delta(venue.change(0, "87.00", "1.000")) is Folded.MISSED


def test_a_wrong_checksum_makes_a_book_invalid() -> None:
    venue, book = Venue(), OrderBook("X")
    book.snapshot(venue.snapshot())
    assert book.delta(venue.change(0, "100.00", "1.000") | {"checksum": 1}) is Folded.MISSED
    assert not book.valid


@pytest.mark.parametrize("skipped", [0, 7])
def test_commands_of_other_books_are_no_gap(skipped: int) -> None:
    venue, book = Venue(), OrderBook("X")
    book.snapshot(venue.snapshot())
    assert book.delta(venue.change(0, "100.00", "1.000", skipped)) is Folded.TAKEN
    assert book.seq == 1 + skipped
