"""A long book is read in turns and is of one moment all the same, whatever is done to it meanwhile."""

from __future__ import annotations

from random import Random

import eventlet
import pytest

from api.market import book_reader
from api.market.book_reader import BookReader, WholeBook
from engine.commands import SetStatus
from engine.depth import l2
from engine.types import Side, TradingStatus
from loop import turns
from tests.api.market.one_symbol import Market
from tests.api.market.touched import touched

LEVELS = 300
COMMANDS = 60


def moment(market: Market) -> WholeBook:
    """The book as it is now, read at once."""
    book = market.exchange.books["ANY"]
    return WholeBook(l2(book.bids, None), l2(book.asks, None), book.changed_seq, book.status, book.band.limit_side)


def test_a_book_that_changes_while_it_is_read_is_told_as_at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_S", 0.0)  # others have a turn whenever they may
    monkeypatch.setattr(book_reader, "STEP", 8)
    market, random = Market(), Random(7)
    for price in range(1, LEVELS + 1):
        market.enter(Side.BUY, 5, price, 1)
        market.enter(Side.SELL, 5, 2 * LEVELS + price, 1)
    reader = BookReader()
    moments = {found.seq: found for found in [moment(market)]}

    def trade() -> None:
        for _ in range(COMMANDS):
            eventlet.sleep(0)
            side = random.choice((Side.BUY, Side.SELL))
            applied = market.enter(side, random.randint(1, 20), random.randint(LEVELS // 2, 2 * LEVELS + 20), 1)
            reader.on_touched(touched(applied, market.exchange))
            found = moment(market)
            moments[found.seq] = found
        while reader._readings:
            eventlet.sleep(0)
        reader.on_touched(touched(market.apply(SetStatus("ANY", TradingStatus.HALTED), 1), market.exchange))

    trading = eventlet.spawn(trade)
    whole = reader.whole(market.exchange.books["ANY"])
    trading.wait()
    assert len(moments) > COMMANDS // 2
    assert whole == moments[whole.seq]
