"""Commands by which given trades come about."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from engine.commands import Command, Deposit, EnterOrder, ListInstrument
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from tests.history.runs import HUGE, START_NS, SYMBOLS, instrument

Deal = tuple[int, int, int, int]  # nanoseconds since the one before, symbol, price, quantity

DEALS: list[Deal] = [(index**4 * 10**6, index % 2, 90 + index * 7 % 20, 1 + index % 9) for index in range(120)]


def trading(deals: Sequence[Deal]) -> list[CommandResult]:
    """The commands, as the exchange applied them, by which the deals come about: two orders each."""
    commands: list[tuple[int, Command]] = [(0, ListInstrument(instrument(symbol))) for symbol in SYMBOLS]
    commands += [(0, Deposit(AccountId(1), asset, "1" + 30 * "0")) for asset in ("BTC", "ETH", "USDT")]
    for gap, symbol, price, quantity in deals:
        for number, side in enumerate(Side if price % 2 else reversed(Side)):  # either may be the taker
            account, lots = AccountId(1), Lots(quantity * HUGE)
            limit, gtc = OrderType.LIMIT, TimeInForce.GTC
            order = EnterOrder(account, SYMBOLS[symbol], side, limit, gtc, lots, Ticks(price))
            commands.append((0 if number else gap, order))
    exchange = Exchange()
    times = accumulate((gap for gap, _ in commands), initial=START_NS)
    next(times)
    return [
        CommandResult(Seq(seq), ts_ns, command, exchange.apply(command, Seq(seq), ts_ns))
        for seq, ((_, command), ts_ns) in enumerate(zip(commands, times, strict=True), 1)
    ]
