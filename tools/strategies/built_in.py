"""Strategies to begin with: a market maker, momentum, mean reversion, noise, and the simulated traders of `run`.

Each is meant to be read and changed; none is meant to earn. Layer: tools. No I/O, no clock.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Final

from tools.strategies.strategy import Fill, Strategy, Trade
from tools.traders import Enter, Outcome, Traders

VALUE: Final = Decimal(3000)  # of one order, in the quote asset
FORGETFUL: Final = Enter("buy", "market", 0, None, "")  # an order of nobody, with which fills of quotes are noted


class MarketMaker(Strategy):
    """Quotes a level on each side around the middle, further away the more it owns, and moves both when it moved."""

    half_spread = Decimal("0.00005")
    lean = Decimal("0.00002")  # of the price, for each order's worth that it owns
    threshold = Decimal("0.00002")  # of the price, by which the middle moves until the quotes do

    def on_start(self) -> None:
        """Nothing is quoted."""
        self.quoted: Decimal | None = None

    def on_tick(self, now: int) -> None:
        """Quote around the middle less what is owned."""
        middle = self.book.middle or self.last_price or self.market.home
        size = self.quantity(VALUE / middle)
        fair = middle * (1 - self.lean * self.position / size)
        if self.quoted is not None and len(self.orders) == 2 and abs(fair - self.quoted) < self.threshold * fair:
            return
        self.cancel_all()
        self.quoted = fair
        self.enter("buy", size, fair * (1 - self.half_spread), post_only=True)
        self.enter("sell", size, fair * (1 + self.half_spread), post_only=True)


class Momentum(Strategy):
    """Buys when prices rise and sells when they fall: by the last trade against one of some trades ago."""

    window = 20  # trades
    step = Decimal("0.0001")  # of the price
    most = 5  # orders' worth, either way

    def on_start(self) -> None:
        """No trade was seen."""
        self.prices: deque[Decimal] = deque(maxlen=self.window)

    def on_trade(self, trade: Trade) -> None:
        """Follow a move that is large enough, as far as is wanted."""
        self.prices.append(trade.price)
        if len(self.prices) < self.window:
            return
        move = (self.prices[-1] - self.prices[0]) / self.prices[0]
        if abs(move) < self.step:
            return
        size = self.quantity(VALUE / trade.price)
        if abs(self.position + (size if move > 0 else -size)) <= self.most * size:
            self.enter("buy" if move > 0 else "sell", size)
        self.prices.clear()


class MeanReversion(Strategy):
    """Sells what is dear and buys what is cheap, against the average of the last trades."""

    window = 50  # trades
    step = Decimal("0.0001")  # of the price
    most = 5  # orders' worth, either way

    def on_start(self) -> None:
        """No trade was seen."""
        self.prices: deque[Decimal] = deque(maxlen=self.window)

    def on_trade(self, trade: Trade) -> None:
        """Trade against what is far from the average, as far as is wanted."""
        self.prices.append(trade.price)
        average = sum(self.prices, Decimal(0)) / len(self.prices)
        away = (trade.price - average) / average
        if len(self.prices) < self.window or abs(away) < self.step:
            return
        size = self.quantity(VALUE / trade.price)
        if abs(self.position + (size if away < 0 else -size)) <= self.most * size:
            self.enter("buy" if away < 0 else "sell", size, average, "ioc")  # no worse than that


class Noise(Strategy):
    """Comes now and then, either way, with a market order or one that rests a little away and is cancelled later."""

    chance = 20  # of a hundred ticks, those in which it does something
    reach = 20  # of ten thousandths of the price: how far away it rests at most
    most_open = 10

    def on_tick(self, now: int) -> None:
        """Something, or mostly nothing."""
        if self.random.randrange(100) >= self.chance:
            return
        price = self.book.middle or self.last_price or self.market.home
        size = VALUE / price * self.random.randint(5, 100) / 100
        side = self.random.choice(("buy", "sell"))
        if len(self.orders) >= self.most_open:
            self.cancel(next(iter(self.orders)))
        elif self.random.randrange(3) == 0:
            self.enter("buy" if side == "buy" else "sell", size)
        else:
            away = price * self.random.randint(1, self.reach) / 10_000
            self.enter("buy" if side == "buy" else "sell", size, price - away if side == "buy" else price + away)


class SimulatedTraders(Strategy):
    """The makers and takers that `run` starts (`tools.traders`), all of one symbol as one."""

    decisions = 6  # of a tick

    def on_start(self) -> None:
        """Nothing is quoted."""
        home = int(self.market.home / self.tick)
        typical = int(VALUE / self.market.home / self.lot)
        seed = self.random.randrange(2**62)
        self.traders = Traders(self.symbol, seed, home=home, start=home, typical=typical, prefix="")
        self.entering: dict[str, Enter] = {}

    def on_tick(self, now: int) -> None:
        """So many decisions; the next are made when these were carried out."""
        for _ in range(self.decisions):
            for action in self.traders.decide():
                if isinstance(action, Enter):
                    self._enter(action)
                else:
                    self.cancel(action.order_id)
                    self.traders.withdrawn(action)

    def _enter(self, action: Enter) -> None:
        price = None if action.price is None else action.price * self.tick
        display = None if action.display is None else action.display * self.lot
        size = action.quantity * self.lot
        known_as = self.enter(action.side, size, price, action.order_type, display_quantity=display)
        if action.slot is not None:
            self.traders.entered(action, Outcome(known_as, action.quantity, []))
            self.entering[known_as] = action

    def on_fill(self, fill: Fill) -> None:
        """A quote was taken, or a taker took."""
        self.traders.entered(FORGETFUL, Outcome("", 0, [(fill.client_order_id, int(fill.quantity / self.lot))]))

    def on_entered(self, client_order_id: str, rests: Decimal) -> None:
        """What does not rest is no quote any more."""
        action = self.entering.pop(client_order_id, None)
        if action is not None and not rests:
            self._forget(client_order_id)

    def on_reject(self, client_order_id: str, reason: str) -> None:
        """A quote that was refused is none."""
        self.entering.pop(client_order_id, None)
        self._forget(client_order_id)

    def _forget(self, client_order_id: str) -> None:
        for quote in self.traders.quotes.values():
            if quote.order_id == client_order_id:
                self.traders.entered(FORGETFUL, Outcome("", 0, [(client_order_id, quote.leaves)]))
                return


BUILT_IN: Final[dict[str, type[Strategy]]] = {
    "market-maker": MarketMaker,
    "momentum": Momentum,
    "mean-reversion": MeanReversion,
    "noise": Noise,
    "traders": SimulatedTraders,
}
