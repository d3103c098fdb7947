"""Everybody's orders are cancelled once under a key, however it is broken off or sent twice at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from api.http.idempotency import RequestKey
from api.orders.everybodys_cancels import cancel_everybodys_once
from api.orders.mass_cancels import ORDERS_A_PART, PARTS_AT_ONCE
from engine.commands import Command, Deposit, EnterOrder, ListInstrument
from engine.events import Cancelled, CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from projections.submissions import KeptSubmission
from sequencer.port import AlreadySubmitted, NotAccepting
from tests.journal.commands import BTC_USDT

MANY, FEW = AccountId(7), AccountId(8)
ORDERS = 2 * ORDERS_A_PART * PARTS_AT_ONCE
KEY = RequestKey(b"k" * 16, b"f" * 16)


class UnderKeys:
    """Stands for the sequencer: applies what comes under keys, once each, until it takes no more."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.takes = 10**6  # submissions
        self.kept: dict[bytes, list[CommandResult]] = {}
        self.before_each: Callable[[], object] = lambda: None

    def submit_as(self, key: bytes, commands: Sequence[Command], _fingerprint: bytes) -> list[CommandResult]:
        """As `Sequencing.submit_as`."""
        before, self.before_each = self.before_each, lambda: None
        before()
        if (known := self.submitted(key)) is not None:
            raise AlreadySubmitted(known)
        if not self.takes:
            raise NotAccepting("stopping")
        self.takes -= 1
        self.kept[key] = [apply(self._exchange, command) for command in commands]
        return self.kept[key]

    def submitted(self, key: bytes) -> KeptSubmission | None:
        """As `Sequencing.submitted`."""
        found = self.kept.get(key)
        return None if found is None else KeptSubmission(found[0].seq, len(found), KEY.fingerprint)

    def outcome(self, key: bytes) -> list[CommandResult] | None:
        """As `Sequencing.outcome`."""
        return self.kept.get(key)


def apply(exchange: Exchange, command: Command) -> CommandResult:
    """Apply one command as the next."""
    seq, ts_ns = Seq(exchange.seq + 1), exchange.ts_ns + 1
    return CommandResult(seq, ts_ns, command, exchange.apply(command, seq, ts_ns))


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


@pytest.mark.parametrize("between", [0, 1, 2])
def test_two_who_send_the_same_at_once_leave_nothing_open_and_are_answered_the_same(between: int) -> None:
    exchange = two_traders()
    sequencer = UnderKeys(exchange)
    others: list[int] = []

    def other() -> None:
        if between > len(others):
            others.append(0)
            sequencer.before_each = other
        else:
            others.append(cancel(exchange, sequencer)[0])

    sequencer.before_each = other
    assert cancel(exchange, sequencer)[0] == ORDERS + 3
    assert (others[-1], len(exchange.orders)) == (ORDERS + 3, 0)


def test_a_symbol_without_open_orders_is_answered_too() -> None:
    exchange = two_traders()
    assert cancel(exchange, UnderKeys(exchange), "ETH-USDT") == (0, False)
    assert len(exchange.orders) == ORDERS + 3
