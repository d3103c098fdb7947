"""What the simulated traders of one symbol decide: pure, seeded, no I/O.

Market makers keep quotes on several levels around a price that wanders and is pulled home;
takers come with market, immediate-or-cancel and now and then fill-or-kill orders; quotes are
pulled and put anew. The same seed and the same answers give the same decisions.
Units: prices in ticks, quantities in lots, both whole; the wandering price in millionths of a tick.
Layer: tools.
"""

from __future__ import annotations

import random
from typing import Final, Literal

import msgspec

from openbell_client.answers import Side

MAKERS: Final = 4
LEVELS: Final = 10  # quotes of each maker on each side
SIDES: Final[tuple[Side, Side]] = ("buy", "sell")

MICRO: Final = 1_000_000
STEP_PPM: Final = 12  # the furthest the price wanders in one decision, in millionths
PULL: Final = 50_000  # decisions in which the pull home would close the whole distance
UNIT_PPM: Final = 15  # distance of neighbouring quotes, in millionths of the price; at least a tick

ICEBERG_EVERY: Final = 8  # each so many-th quote of a side hides most of itself
ICEBERG_SLICES: Final = 5

# how many of a hundred decisions do this; the others maintain quotes
MARKET_SHARE, IOC_SHARE, FOK_SHARE, PULL_SHARE = 18, 12, 3, 5

Slot = tuple[Side, int]  # side, place from the touch


class Enter(msgspec.Struct, frozen=True):
    """Enter an order; `slot` when it is a maker's quote."""

    side: Side
    order_type: Literal["limit", "market", "ioc", "fok"]
    quantity: int
    price: int | None
    client_order_id: str
    slot: Slot | None = None
    display: int | None = None  # of a quote that is an iceberg


class Withdraw(msgspec.Struct, frozen=True):
    """Cancel the quote in a slot."""

    slot: Slot
    order_id: str


Action = Enter | Withdraw


class Outcome(msgspec.Struct, frozen=True):
    """What the venue answered to an `Enter`: the order's id, what rests, what it took from whom."""

    order_id: str
    rests: int
    fills: list[tuple[str, int]]  # maker order id, quantity


class Quote(msgspec.Struct):
    """A maker's resting order, as far as the traders know."""

    order_id: str
    price: int
    leaves: int


class Traders:
    """The traders of one symbol and what they know of their quotes."""

    def __init__(self, symbol: str, seed: int, *, home: int, start: int, typical: int, prefix: str) -> None:
        """Prices in ticks: `home` pulls, `start` is now. `typical` lots a quote. Order ids begin with `prefix`."""
        self._random = random.Random(f"{seed}/{symbol}")  # nosec B311 # to be repeated, not secret
        self._home = home * MICRO
        self._mid = start * MICRO
        self._typical = max(typical, 2)
        self._prefix = prefix
        self._entered = 0
        self._quotes: dict[Slot, Quote] = {}
        self._slot_of: dict[str, Slot] = {}
        self._drift = 0  # the last step, in millionths: takers follow it

    @property
    def mid(self) -> int:
        """Where the traders believe the price is, in ticks."""
        return self._mid // MICRO

    @property
    def opening(self) -> bool:
        """Whether less than half of the quotes stand: the book is being built."""
        return len(self._quotes) < MAKERS * LEVELS

    @property
    def quotes(self) -> dict[Slot, Quote]:
        """The quotes that are thought to stand."""
        return self._quotes

    def decide(self) -> list[Action]:
        """What happens next: one to two actions, to be carried out in order. O(quotes)."""
        self._wander()
        if self.opening:
            return self._maintain()
        roll = self._random.randrange(100)
        if roll < MARKET_SHARE:
            return [self._take("market")]
        if roll < MARKET_SHARE + IOC_SHARE:
            return [self._take("ioc")]
        if roll < MARKET_SHARE + IOC_SHARE + FOK_SHARE:
            return [self._take("fok")]
        if roll < MARKET_SHARE + IOC_SHARE + FOK_SHARE + PULL_SHARE:
            return [self._withdraw(self._random.choice(sorted(self._quotes)))]
        return self._maintain()

    def pause_s(self, rate: float) -> float:
        """Seconds until the next action, at `rate` actions a second: exponential, as arrivals are."""
        return self._random.expovariate(rate)

    def entered(self, action: Enter, outcome: Outcome) -> None:
        """Learn what became of an order: what it took from our quotes, and whether it rests."""
        for maker_order_id, quantity in outcome.fills:
            slot = self._slot_of.get(maker_order_id)
            if slot is not None:
                quote = self._quotes[slot]
                quote.leaves -= quantity
                if quote.leaves <= 0:
                    self._forget(slot)
        if action.slot is not None and action.price is not None and outcome.rests > 0:
            self._quotes[action.slot] = Quote(outcome.order_id, action.price, outcome.rests)
            self._slot_of[outcome.order_id] = action.slot

    def withdrawn(self, action: Withdraw) -> None:
        """Learn that a quote is gone: cancelled now, or done before."""
        if self._slot_of.get(action.order_id) == action.slot:
            self._forget(action.slot)

    def saw_price(self, price: int) -> None:
        """Learn that the market is elsewhere, at `price` ticks: others moved it."""
        self._mid = price * MICRO

    def saw_open_orders(self, order_ids: set[str]) -> None:
        """Learn which orders still stand; quotes that are not among them are gone."""
        for slot in [slot for slot, quote in self._quotes.items() if quote.order_id not in order_ids]:
            self._forget(slot)

    # -- steps

    def _wander(self) -> None:
        self._drift = self._random.randint(-STEP_PPM, STEP_PPM)
        self._mid += self._mid * self._drift // MICRO + (self._home - self._mid) // PULL
        self._mid = max(self._mid, (MAKERS * LEVELS + 2) * self._unit * MICRO)

    @property
    def _unit(self) -> int:
        return max(1, self._mid * UNIT_PPM // (MICRO * MICRO))

    def _target(self, slot: Slot) -> int:
        """Where the quote of a slot belongs, in ticks."""
        side, level = slot
        away = (1 + level) * self._unit
        return self.mid - away if side == "buy" else self.mid + away

    def _maintain(self) -> list[Action]:
        """Put the missing quote nearest the touch, else move the one that is furthest out of place."""
        missing = [slot for slot in _SLOTS if slot not in self._quotes]
        if missing:
            return [self._quote(missing[0])]
        worst = max(_SLOTS, key=self._displaced)
        return [self._withdraw(worst), self._quote(worst)]

    def _displaced(self, slot: Slot) -> int:
        """How far a quote is out of place, in hundredths of what is tolerated at its depth."""
        return 100 * abs(self._quotes[slot].price - self._target(slot)) // ((4 + slot[1]) * self._unit)

    def _quote(self, slot: Slot) -> Enter:
        jitter = self._random.randint(-(self._unit // 2), self._unit // 2)
        quantity = self._size(40, 180)
        display = max(1, quantity // ICEBERG_SLICES) if slot[1] % ICEBERG_EVERY == ICEBERG_EVERY - 1 else None
        return Enter(slot[0], "limit", quantity, max(1, self._target(slot) + jitter), self._next_id(), slot, display)

    def _withdraw(self, slot: Slot) -> Withdraw:
        return Withdraw(slot, self._quotes[slot].order_id)

    def _take(self, order_type: Literal["market", "ioc", "fok"]) -> Enter:
        """Buy more often when the price rises, sell when it falls; mostly small, sometimes several levels."""
        with_drift = self._random.randrange(100) < 70
        side: Side = "buy" if (self._drift >= 0) == with_drift else "sell"
        quantity = self._size(10, 120) if self._random.randrange(100) < 85 else self._size(120, 600)
        if order_type == "market":
            return Enter(side, "market", quantity, None, self._next_id())
        reach = self._random.randint(1, 8) * self._unit
        price = self.mid + reach if side == "buy" else max(1, self.mid - reach)
        return Enter(side, order_type, quantity, price, self._next_id())

    def _size(self, least_percent: int, most_percent: int) -> int:
        """A quantity in lots, to about three significant digits."""
        lots = max(1, self._typical * self._random.randint(least_percent, most_percent) // 100)
        grain = int("1" + "0" * max(0, len(str(lots)) - 3))
        return max(1, lots // grain * grain)

    def _next_id(self) -> str:
        self._entered += 1
        return f"{self._prefix}{self._entered}"

    def _forget(self, slot: Slot) -> None:
        del self._slot_of[self._quotes.pop(slot).order_id]


_SLOTS: Final[list[Slot]] = [(side, level) for level in range(MAKERS * LEVELS) for side in SIDES]
