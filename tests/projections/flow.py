"""An exchange with one symbol, and commands at random."""

from __future__ import annotations

from random import Random

from engine.commands import AmendOrder, CancelOrder, Command, Deposit, EnterOrder, ListInstrument, SetStatus
from engine.depth import l2
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce, TradingStatus
from projections.levels import LevelKey
from tests.listings.instruments import instrument

COIN = instrument("0.01", "0.001")
ACCOUNTS = (AccountId(1), AccountId(2), AccountId(3))

Shown = dict[LevelKey, tuple[int, int]]


class Flow:
    """An exchange with one symbol, and commands at random."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.exchange = Exchange()
        self.apply(ListInstrument(COIN))
        for account in ACCOUNTS:
            for asset in (COIN.base, COIN.quote):
                self.apply(Deposit(account, asset, "1000000000"))

    def apply(self, command: Command) -> CommandResult:
        """Apply one command as the next."""
        seq = Seq(self.exchange.seq + 1)
        return CommandResult(seq, seq * 10**8, command, self.exchange.apply(command, seq, seq * 10**8))

    def step(self) -> CommandResult:
        """Apply one at random."""
        chance, account = self.random.random(), self.random.choice(ACCOUNTS)
        if chance < 0.01:
            auction = self.exchange.books["ANY"].status is TradingStatus.TRADING
            return self.apply(SetStatus("ANY", TradingStatus.AUCTION if auction else TradingStatus.TRADING))
        if chance < 0.25:
            return self.apply(CancelOrder(account, OrderId(self.random.randint(1, self.exchange.seq))))
        if chance < 0.4:
            order_id = OrderId(self.random.randint(1, self.exchange.seq))
            return self.apply(AmendOrder(account, order_id, price=Ticks(self.random.randint(90, 110))))
        side = self.random.choice((Side.BUY, Side.SELL))
        price, lots = Ticks(self.random.randint(90, 110)), Lots(self.random.randint(1, 20) * 1_000)
        force = self.random.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK))
        return self.apply(EnterOrder(account, "ANY", side, OrderType.LIMIT, force, lots, price))

    def shown(self) -> Shown:
        """The levels of its book."""
        book = self.exchange.books["ANY"]
        return {
            LevelKey("ANY", side, price): (quantity, orders)
            for side in (Side.BUY, Side.SELL)
            for price, quantity, orders in l2(book.own_side(side), None)
        }
