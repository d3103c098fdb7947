"""The kill switch in parts: an operator who lets the account trade again in between has the last word."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from api.orders.mass_cancels import ORDERS_A_PART, PARTS_AT_ONCE, MassCancels
from engine.commands import Command, Deposit, EnterOrder, ListInstrument, StopAccount
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from tests.journal.commands import BTC_USDT

TRADER = AccountId(7)
ORDERS = 3 * ORDERS_A_PART * PARTS_AT_ONCE


class Applying:
    """Stands for the sequencer: applies at once, and behind the `times`-th time lets the account trade again."""

    def __init__(self, exchange: Exchange, times: int | None) -> None:
        self._exchange = exchange
        self._times = times

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """Apply the commands."""
        results = [apply(self._exchange, command) for command in commands]
        if self._times is not None:
            self._times -= 1
            if not self._times:
                apply(self._exchange, StopAccount(TRADER, stopped=False))
        return results


def apply(exchange: Exchange, command: Command) -> CommandResult:
    """Apply one command as the next."""
    seq, ts_ns = Seq(exchange.seq + 1), exchange.ts_ns + 1
    return CommandResult(seq, ts_ns, command, exchange.apply(command, seq, ts_ns))


@pytest.mark.parametrize(("times", "left"), [(None, 0), (2, ORDERS - ORDERS_A_PART * PARTS_AT_ONCE)])
def test_a_stop_that_is_lifted_between_its_parts_goes_no_further(times: int | None, left: int) -> None:
    exchange = Exchange()
    apply(exchange, ListInstrument(BTC_USDT))
    apply(exchange, Deposit(TRADER, "USDT", "1000000000"))
    for number in range(ORDERS):
        price = Ticks(2_900_000 + number % 10)
        order = EnterOrder(TRADER, BTC_USDT.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(10**6), price)
        apply(exchange, order)
    assert len(exchange.orders) == ORDERS
    MassCancels(exchange, Applying(exchange, times)).stop(StopAccount(TRADER, stopped=True))  # type: ignore[arg-type]
    assert len(exchange.orders) == left
    assert exchange.accounts[TRADER].stopped is (times is None)
