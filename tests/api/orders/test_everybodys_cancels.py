"""Everybody's orders are cancelled once under a key, however it is broken off or sent twice at a time."""

from __future__ import annotations

import pytest

from api.orders.everybodys_cancels import cancel_everybodys_once
from api.orders.keyed import OutcomeForgotten
from api.orders.mass_cancels import ORDERS_A_PART, PARTS_AT_ONCE
from engine.commands import CancelOrder, Deposit, EnterOrder, ListInstrument
from engine.events import Cancelled
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderType, Side, Ticks, TimeInForce
from loop import turns
from sequencer.port import NotAccepting
from tests.api.orders.under_keys import KEY, UnderKeys, apply, before_submission
from tests.journal.commands import BTC_USDT

MANY, FEW = AccountId(7), AccountId(8)
ORDERS = 2 * ORDERS_A_PART * PARTS_AT_ONCE


def enter(exchange: Exchange, account: AccountId) -> None:
    """Have somebody enter an order that rests."""
    symbol, price = BTC_USDT.symbol, Ticks(2_900_000)
    apply(exchange, EnterOrder(account, symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(10**6), price))


def two_traders() -> Exchange:
    """Two with orders, one with many."""
    exchange = Exchange()
    apply(exchange, ListInstrument(BTC_USDT))
    for account, orders in ((MANY, ORDERS), (FEW, 3)):
        apply(exchange, Deposit(account, "USDT", "1000000000"))
        for _ in range(orders):
            enter(exchange, account)
    assert len(exchange.orders) == ORDERS + 3
    return exchange


def cancel(exchange: Exchange, sequencer: UnderKeys, symbol: str | None = None) -> tuple[int, bool]:
    """How many orders are cancelled by the key, and whether it came before."""
    outcomes = list(cancel_everybodys_once(exchange, sequencer, symbol, KEY))  # type: ignore[arg-type]
    count = sum(isinstance(event, Cancelled) for outcome in outcomes for event in outcome.applied.events)
    return count, outcomes[0].repeated


def test_everybodys_orders_go_and_are_answered_again_and_what_came_since_stays() -> None:
    exchange = two_traders()
    sequencer = UnderKeys(exchange)
    assert cancel(exchange, sequencer) == (ORDERS + 3, False)
    enter(exchange, FEW)
    assert cancel(exchange, sequencer) == (ORDERS + 3, True)
    assert len(exchange.orders) == 1


@pytest.mark.parametrize("takes", [1, 2, 3])
def test_one_that_was_broken_off_goes_on_with_what_there_was_when_it_began(takes: int) -> None:
    exchange = two_traders()
    sequencer = UnderKeys(exchange)
    sequencer.takes = takes
    with pytest.raises(NotAccepting):
        cancel(exchange, sequencer, BTC_USDT.symbol)
    enter(exchange, FEW)
    sequencer.takes = 10**6
    assert cancel(exchange, sequencer, BTC_USDT.symbol) == (ORDERS + 3, True)
    assert len(exchange.orders) == 1


@pytest.mark.parametrize("gone", ["the first", "a part", "all"])
def test_one_that_was_broken_off_goes_on_also_when_what_became_of_it_is_not_kept(gone: str) -> None:
    exchange = two_traders()
    sequencer = UnderKeys(exchange)
    sequencer.takes = 2
    with pytest.raises(NotAccepting):
        cancel(exchange, sequencer)
    enter(exchange, FEW)  # it is no part of it
    keys = list(sequencer.kept)
    sequencer.takes, sequencer.gone = 10**6, set({"the first": keys[:1], "a part": keys[1:], "all": keys}[gone])
    for _ in range(2):
        with pytest.raises(OutcomeForgotten):
            cancel(exchange, sequencer)
        assert len(exchange.orders) == 1


@pytest.mark.parametrize("between", [0, 1, 2])
def test_two_who_send_the_same_at_once_leave_nothing_open_and_are_answered_the_same(between: int) -> None:
    exchange = two_traders()
    sequencer = UnderKeys(exchange)
    others = before_submission(sequencer, between, lambda: cancel(exchange, sequencer)[0])
    assert cancel(exchange, sequencer)[0] == ORDERS + 3
    assert (others[-1], len(exchange.orders)) == (ORDERS + 3, 0)


def test_a_symbol_without_open_orders_is_answered_too() -> None:
    exchange = two_traders()
    assert cancel(exchange, UnderKeys(exchange), "ETH-USDT") == (0, False)
    assert len(exchange.orders) == ORDERS + 3


def test_others_have_their_turns_while_the_orders_of_one_with_many_are_gone_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One of these orders ends in such a turn."""
    exchange = two_traders()
    pauses: list[turns.Turn] = []

    def pause(turn: turns.Turn) -> None:
        if not pauses:
            apply(exchange, CancelOrder(MANY, list(exchange.accounts[MANY].open_orders)[-1]))
        pauses.append(turn)

    monkeypatch.setattr(turns, "TURN_S", 0.0)
    monkeypatch.setattr(turns.Turn, "pause", pause)
    assert cancel(exchange, UnderKeys(exchange), BTC_USDT.symbol) == (ORDERS + 3 - 1, False)
    assert len(pauses) >= ORDERS // turns.CHECK_EVERY
    assert exchange.orders == {}
