"""An exchange with one symbol in which trades happen, and what is folded from them."""

from __future__ import annotations

from engine.commands import Command, Deposit, EnterOrder, ListInstrument
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from projections.activity import Activity
from projections.fold import Fold
from projections.profits import Profits
from tests.listings.instruments import instrument

COIN = instrument("0.01", "0.001")


class Market:
    """An exchange with one symbol, and its activity."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.activity = Activity(self.exchange)
        self._fold = Fold(self.exchange, self.activity, Profits(), lambda: False)
        self.apply(ListInstrument(COIN), 0)
        for asset in (COIN.base, COIN.quote):
            self.apply(Deposit(AccountId(1), asset, "1000000000000"), 0)

    def apply(self, command: Command, ts_ns: int) -> CommandResult:
        """Carry out `command` and fold it."""
        seq = Seq(self.exchange.seq + 1)
        applied = CommandResult(seq, ts_ns, command, self.exchange.apply(command, seq, ts_ns))
        self._fold.fold([applied])
        return applied

    def enter(self, side: Side, quantity: int, price: int, ts_ns: int) -> CommandResult:
        """Enter a limit order."""
        order = EnterOrder(AccountId(1), "ANY", side, OrderType.LIMIT, TimeInForce.GTC, Lots(quantity), Ticks(price))
        return self.apply(order, ts_ns)

    def trade(self, quantity: int, price: int, ts_ns: int) -> None:
        """Have two orders meet."""
        self.enter(Side.BUY, quantity, price, ts_ns)
        self.enter(Side.SELL, quantity, price, ts_ns)
