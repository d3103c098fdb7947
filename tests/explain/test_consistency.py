"""Over random runs: every fill of every order is told once, sums agree, and nothing of others is given away."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from engine.events import Accepted, Ended, Filled
from engine.exchange import Exchange
from engine.rules import collar_limit
from engine.types import (
    LEG_UNIT,
    AccountId,
    OrderId,
    Seq,
    Side,
    TradingStatus,
)
from explain.folded_book import FoldedBook
from listings.grid import grid_of
from tests.explain.market import SYMBOL
from tests.explain.random_market import ACCOUNTS, random_market


@pytest.mark.parametrize("seed", [1, 2])
def test_every_fill_of_an_order_is_told_and_sums_to_what_the_order_says(seed: int) -> None:
    market = random_market(seed)
    fills: dict[int, list[Filled]] = {}
    owners: dict[int, AccountId] = {}
    ends: dict[int, Ended] = {}
    for event in (event for events in market.events for event in events):
        if isinstance(event, Filled):
            for order_id in (event.maker_order_id, event.taker_order_id):
                fills.setdefault(order_id, []).append(event)
        elif isinstance(event, Accepted):
            owners[event.order_id] = event.account
        elif isinstance(event, Ended):
            ends[event.order_id] = event
    grid = grid_of(market.exchange.books[SYMBOL].instrument)
    rng = random.Random(seed)
    for number in rng.sample(sorted(owners), 40):
        order_id = OrderId(number)
        explanation = market.order(order_id, owners[order_id])
        mine = fills.get(order_id, [])
        found = [fill for chapter in explanation.chapters for fill in chapter.fills]
        assert [int(fill.trade_id) for fill in found] == [fill.trade_id for fill in mine]
        assert explanation.filled == grid.quantity(sum(fill.quantity for fill in mine))
        assert explanation.notional == grid.amount(sum(fill.notional for fill in mine))
        fees = [fill.maker_fee if fill.maker_order_id == order_id else fill.taker_fee for fill in mine]
        assert explanation.fees == grid.amount(sum(fees))
        for chapter in explanation.chapters:
            walked = sum(int(level.taken) for level in chapter.levels)
            assert walked == sum(
                int(fill.quantity) for fill in chapter.fills if fill.role == "taker" and not fill.auction
            )
            for level in chapter.levels:
                assert int(level.taken) == sum(int(line.taken) for line in level.queue)
        if order_id in ends:
            assert explanation.chapters[-1].stopped_because in (
                "filled", "expired", getattr(ends[order_id], "reason", None),
            )  # fmt: skip


def test_nothing_of_another_account_is_told() -> None:
    market = random_market(3)
    owners = {e.order_id: e.account for events in market.events for e in events if isinstance(e, Accepted)}
    for order_id in random.Random(3).sample(sorted(owners), 40):
        own = owners[order_id]
        body = msgspec.json.encode(market.order(order_id, own)).decode()
        assert [account for account in ACCOUNTS if str(account) in body] == []
        named = {line["order_id"] for line in every_line(msgspec.json.decode(body)) if line["order_id"]}
        assert {owners[OrderId(int(number))] for number in named} <= {own}
        foreign = [str(other) for other, owner in owners.items() if owner != own and other > LEG_UNIT]
        assert [other for other in foreign if other in body] == []


def every_line(explanation: dict[str, Any]) -> list[dict[str, Any]]:
    """Every order of every level that was walked."""
    return [line for chapter in explanation["chapters"] for level in chapter["levels"] for line in level["queue"]]


def test_a_look_changes_nothing_that_a_command_then_decides() -> None:
    """The explaining copy makes the same events as the exchange itself."""
    market = random_market(4)
    owners = {e.order_id: e.account for events in market.events for e in events if isinstance(e, Accepted)}
    for order_id in random.Random(4).sample(sorted(owners), 20):
        market.order(order_id, owners[order_id])
        assert market.copy_digest == market.digest


@pytest.mark.parametrize("seed", [5, 6])
def test_the_folded_book_follows_the_events_to_the_very_book_that_they_left(seed: int) -> None:
    market, copy = random_market(seed), Exchange()
    for (seq, ts_ns, command), expected in zip(market.commands, market.events, strict=True):
        folded = None if SYMBOL not in copy.books else FoldedBook(copy.books[SYMBOL])
        events = copy.apply(command, Seq(seq), ts_ns)
        assert events == expected
        if folded is None:
            continue
        for event in events:
            if getattr(event, "symbol", None) == SYMBOL:
                folded.fold(event)
        folded.settle()
        book = copy.books[SYMBOL]
        for side in Side:
            found = [(price, [(o.order_id, o.shown, o.leaves) for o in queue]) for price, queue in folded.depth(side)]
            levels = [(level.price, [(o.order_id, o.shown, o.leaves) for o in level]) for level in book.own_side(side)]
            assert found == levels, f"seq {seq}: {command}"
            if book.status is TradingStatus.TRADING:
                assert folded.collar(side) == collar_limit(book, side)
