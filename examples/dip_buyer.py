"""Buys a dip, and offers what it bought ten ticks higher."""

from tools.strategies import Fill, Strategy, Trade


class DipBuyer(Strategy):
    seen = None

    def on_trade(self, trade: Trade) -> None:
        if self.seen is None or trade.price <= self.seen - 10 * self.tick:
            self.seen = trade.price
            self.buy(100 * self.lot)

    def on_fill(self, fill: Fill) -> None:
        if fill.side == "buy":
            self.sell(fill.quantity, fill.price + 10 * self.tick)
