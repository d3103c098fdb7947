"""Random flow of every command, order type, option and status, for searches: `Mix.next` gives one after the other.

Few prices and small quantities, so that orders collide; funds, limits and names within reach; the same seed
gives the same commands as long as the venue answers the same.
Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec

from audit.naive_exchange import NaiveExchange
from audit.naive_order import TAKE_PROFITS, NaiveOrder
from audit.naive_rules import ASKED, waits_for_trigger
from engine.commands import (
    AdoptRulebook,
    AdvanceTime,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    OrderOptions,
    SetStatus,
    StopAccount,
    Withdraw,
    WriterChanged,
)
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from engine.types import (
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderType,
    PostOnly,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)

STEP_NS = 400_000_000  # between two commands, so that two or three of them share a second
HOUR_NS = 3600 * 10**9

# A maker rebate and a taker fee that divide nothing evenly; no collar, no tight limits.
COIN = Instrument(
    symbol="COIN-USD",
    base="COIN",
    quote="USD",
    tick_size="0.01",
    lot_size="0.001",
    quote_scale=8,
    lot_tick_amount=Amount(1000),
    base_scale=4,
    lot_amount=Amount(10),
    max_quantity=Lots(1000),
    max_notional=Amount(10**9),
    maker_fee=-333,
    taker_fee=707,
    max_open_orders=10**6,
)
# Every limit within reach of a few small orders.
SHARE = Instrument(
    symbol="SHARE-USD",
    base="SHARE",
    quote="USD",
    tick_size="0.05",
    lot_size="0.001",
    quote_scale=8,
    lot_tick_amount=Amount(5000),
    base_scale=3,
    min_quantity=Lots(2),
    max_quantity=Lots(12),
    min_notional=Amount(100_000),
    max_notional=Amount(500_000),
    maker_fee=1100,
    taker_fee=2900,
    collar=200_000,
    reference_price=Ticks(10),
    max_open_orders=3,
)
# A band within the collar, that halts soon; sessions that open and close it.
BOND = Instrument(
    symbol="BOND-USD",
    base="BOND",
    quote="USD",
    tick_size="0.01",
    lot_size="0.001",
    quote_scale=8,
    lot_tick_amount=Amount(1000),
    base_scale=3,
    max_quantity=Lots(500),
    max_notional=Amount(10**9),
    maker_fee=200,
    taker_fee=500,
    collar=300_000,
    reference_price=Ticks(40),
    max_open_orders=60,
    band=100_000,
    band_window_ns=60 * 10**9,
    limit_state_ns=5 * 10**9,
    halt_ns=4 * 10**9,
    auction_ns=6 * 10**9,
    scheduled=True,
)
INSTRUMENTS = {instrument.symbol: instrument for instrument in (COIN, SHARE, BOND)}
MIDDLE = {COIN.symbol: 20, SHARE.symbol: 10, BOND.symbol: 40}
ACCOUNTS = [AccountId(1), AccountId(2), AccountId(3)]
ASSETS = ["COIN", "SHARE", "BOND", "USD"]
FUNDS = ["0.5", "0.05", "0.5", "0.1"]
TYPES = [kind for kind in OrderType if waits_for_trigger(kind) and kind is not OrderType.OCO]
GTC = TimeInForce.GTC
MOST_OPEN = 250


class Mix:
    """A source of commands for a venue that it watches. Every other seed has prices with gaps between them."""

    def __init__(self, seed: int, venue: NaiveExchange) -> None:
        self.rng = random.Random(seed)  # nosec B311 # reproducible, not secret
        self.venue = venue
        self.seq = 0
        self.ts_ns = 0
        self._named: list[Command] = []  # the latest orders with a client order id, to send again
        self._gaps = 1 if seed % 2 else 5  # ticks between two prices, in the symbols whose limits allow it
        middles = {symbol: MIDDLE[symbol] * self._gap(symbol) for symbol in MIDDLE}
        self.middles = middles
        self.instruments = dict(INSTRUMENTS)
        if seed % 2 == 0:
            self.instruments[BOND.symbol] = msgspec.structs.replace(BOND, reference_price=Ticks(middles[BOND.symbol]))
        self._opening: list[Command] = []
        if seed % 3:  # otherwise the edition changes later, as when a newer program starts an older venue
            self._opening.append(AdoptRulebook(CURRENT_EDITION))
        self._opening += [ListInstrument(instrument) for instrument in self.instruments.values()]
        for account in ACCOUNTS:
            self._opening += [Deposit(account, asset, amount) for asset, amount in zip(ASSETS, FUNDS, strict=True)]

    def next(self) -> tuple[int, int, Command]:
        """Seq, time and command of the next."""
        command = self._opening.pop(0) if self._opening else self._any()
        if isinstance(command, EnterOrder) and command.client_order_id is not None:
            self._named = [*self._named[-9:], command]
        self.seq += 1
        self.ts_ns += STEP_NS
        if isinstance(command, AdvanceTime) and self.rng.random() < 0.05:
            self.ts_ns += self.rng.randint(1, 8) * HOUR_NS
        return self.seq, self.ts_ns, command

    def _opens(self) -> int | None:
        """When an auction is to end by itself, if it is."""
        return self.ts_ns + self.rng.randint(0, 50) * STEP_NS if self.rng.random() < 0.5 else None

    def _any(self) -> Command:
        rng = self.rng
        symbol, account, side = rng.choice([*INSTRUMENTS]), rng.choice(ACCOUNTS), rng.choice(list(Side))
        status = self.venue.symbols[symbol].status
        if status is not TradingStatus.TRADING and rng.random() < 0.06:
            return SetStatus(symbol, TradingStatus.TRADING)
        if self.venue.account(account).stopped and rng.random() < 0.3:
            return StopAccount(account, False)
        if len(self.venue.open) > MOST_OPEN:
            return CancelAll(account, symbol)
        dice = rng.random()
        for share, make in (
            (0.36, self._limit),
            (0.06, self._market),
            (0.09, self._waiting),
            (0.04, self._oco),
            (0.13, self._cancel),
            (0.13, self._amend),
            (0.05, self._bracket),
        ):
            if dice < share:
                return make(symbol, account, side)
            dice -= share
        if dice < 0.0005:
            return AdoptRulebook(CURRENT_EDITION) if self.seq % 2 else WriterChanged(f"node-{self.seq % 3}", self.seq)
        if dice < 0.025:
            return AdvanceTime()
        if dice < 0.034:
            return SetStatus(symbol, rng.choice(list(TradingStatus)), self._opens())
        if dice < 0.045:
            return self._anything(symbol, account, side)
        if dice < 0.05:
            return self._list_again(symbol)
        if dice < 0.08:
            return self._account(account)
        if dice < 0.085 and self._named:
            return rng.choice(self._named)
        return self._limit(symbol, account, side)

    # -- orders

    def _enter(
        self,
        symbol: str,
        account: int,
        side: Side,
        kind: OrderType,
        tif: TimeInForce,
        quantity: Any,
        price: Any = None,
        budget: Any = None,
        **options: Any,
    ) -> EnterOrder:
        rng = self.rng
        if tif is TimeInForce.GTD and "expire_ns" not in options:
            options["expire_ns"] = self.ts_ns + rng.randint(-1, 200) * STEP_NS
        name = f"n{rng.randint(1, 3000)}" if rng.random() < 0.3 else None
        mode = rng.choice([None, None, SelfTradePrevention.NONE, *SelfTradePrevention])
        if mode is SelfTradePrevention.NONE and not self.venue.account(account).may_ask_for_none():
            mode = rng.choice([None, None, None, mode])  # refused, but before the second edition
        given = OrderOptions(**options) if any(value is not None for value in options.values()) else None
        return EnterOrder(AccountId(account), symbol, side, kind, tif, quantity, price, name, budget, mode, given)

    def _gap(self, symbol: str) -> int:
        return 1 if symbol == SHARE.symbol else self._gaps

    def _price(self, symbol: str, side: Side, deep: int = 8) -> int:
        gap = self._gap(symbol)
        away = self.rng.randint(-2, deep) * gap + (self.rng.randint(0, 1) if gap > 1 else 0)
        middle = self.middles[symbol]
        last = self.venue.symbols[symbol].last_price
        if last is not None and self.rng.random() < 0.5:
            middle = last
        return max(1, middle - away if side is Side.BUY else middle + away)

    def _lots(self) -> int:
        return self.rng.randint(1, 13)

    def _limit(self, symbol: str, account: int, side: Side) -> Command:
        rng = self.rng
        tif = rng.choice([GTC] * 6 + list(TimeInForce))
        quantity = self._lots()
        options: dict[str, Any] = {}
        if rng.random() < 0.3 and tif not in (TimeInForce.IOC, TimeInForce.FOK):
            if rng.random() < 0.5:
                options["post_only"] = rng.choice(list(PostOnly))
            else:
                quantity = rng.choice([quantity, quantity + 20])
                options["display_quantity"] = rng.randint(1, min(quantity, 6))
        price, lots = self._price(symbol, side), rng.choice([quantity] * 199 + ["1.5"])
        return self._enter(symbol, account, side, OrderType.LIMIT, tif, lots, price, **options)

    def _market(self, symbol: str, account: int, side: Side) -> Command:
        rng = self.rng
        if rng.random() < 0.4:
            budget = rng.randint(1, 1_000_000 if symbol == SHARE.symbol else 400_000)
            return self._enter(symbol, account, side, OrderType.MARKET, TimeInForce.IOC, None, None, budget)
        tif = rng.choice([TimeInForce.IOC, TimeInForce.IOC, TimeInForce.FOK])
        return self._enter(symbol, account, side, OrderType.MARKET, tif, self._lots())

    def _waiting(self, symbol: str, account: int, side: Side) -> Command:
        rng = self.rng
        kind = rng.choice(TYPES)
        tif = rng.choice([GTC, GTC, TimeInForce.DAY, TimeInForce.GTD])
        if kind is OrderType.TRAILING_STOP:
            trail: dict[str, Any] = {"trail_amount": rng.randint(1, 6) * self._gap(symbol)}
            if rng.random() < 0.4:
                trail = {"trail_percent": rng.choice([1, 30_000, 100_000, 250_000, 1_000_000])}
            return self._enter(symbol, account, side, kind, tif, self._lots(), **trail)
        ahead = Side.SELL if side is Side.BUY else Side.BUY
        stop_price = self._price(symbol, side if kind in TAKE_PROFITS else ahead, 6)
        if "price" not in ASKED[kind][0]:
            return self._enter(symbol, account, side, kind, tif, self._lots(), stop_price=stop_price)
        quantity, price = self._lots(), max(1, stop_price + rng.randint(-3, 3))
        display = rng.choice([None, None, 1, 3])
        return self._enter(
            symbol, account, side, kind, tif, quantity, price, stop_price=stop_price, display_quantity=display
        )

    def _oco(self, symbol: str, account: int, side: Side) -> Command:
        rng = self.rng
        price = self._price(symbol, side)
        up = 1 if side is Side.BUY else -1
        stop_price = price + up * rng.randint(-1 if rng.random() < 0.1 else 1, 6) * self._gap(symbol)
        limit = rng.choice([None, max(1, stop_price + rng.randint(-2, 3))])
        tif = rng.choice([GTC, GTC, TimeInForce.DAY, TimeInForce.GTD])
        return self._enter(
            symbol,
            account,
            side,
            OrderType.OCO,
            tif,
            self._lots(),
            price,
            stop_price=stop_price,
            stop_limit_price=limit,
        )

    def _bracket(self, symbol: str, account: int, side: Side) -> Command:
        rng = self.rng
        up = 1 if side is Side.BUY else -1
        price = self._price(symbol, side, 2)
        gap = self._gap(symbol)
        profit, loss = price + up * rng.randint(0, 5) * gap, price - up * rng.randint(0, 5) * gap
        exits: dict[str, Any] = rng.choice(
            [{"take_profit": profit}, {"stop_loss": loss}, {"take_profit": profit, "stop_loss": loss}]
        )
        if "stop_loss" in exits and rng.random() < 0.4:
            exits["stop_loss_limit"] = loss - up * rng.randint(-1, 3)
        exits = {name: max(1, price) for name, price in exits.items()}
        if rng.random() < 0.3:
            return self._enter(symbol, account, side, OrderType.MARKET, TimeInForce.IOC, self._lots(), **exits)
        tif = rng.choice([GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.GTD])
        return self._enter(symbol, account, side, OrderType.LIMIT, tif, self._lots(), price, **exits)

    def _anything(self, symbol: str, account: int, side: Side) -> Command:
        """Whatever fields there are, most of which do not go together."""
        rng = self.rng
        price = [None, None, None, 0, 1, "10.001", self._price(symbol, side), self._price(symbol, side)]
        lots = [None, 0, 3, 5, 5, 13, "2.5", 1001]
        options = {
            "post_only": rng.choice([None, None, None, *PostOnly]),
            "display_quantity": rng.choice([None, None, None, 0, 1, 4, "1.5"]),
            "trail_percent": rng.choice([None, None, None, 0, 50_000, "0.5"]),
            "expire_ns": rng.choice([None, None, self.ts_ns, self.ts_ns + 10**10]),
        }
        for name in ("stop_price", "stop_limit_price", "trail_amount", "take_profit", "stop_loss", "stop_loss_limit"):
            options[name] = rng.choice([*price, None, None, None])
        if rng.random() < 0.8:
            chosen = set(rng.sample(sorted(options), 2))
            options = {name: value for name, value in options.items() if name in chosen}
        kind, tif = rng.choice(list(OrderType)), rng.choice(list(TimeInForce))
        budget = rng.choice([None, None, None, 0, 100, "1.5"])
        symbol = rng.choice([symbol, symbol, symbol, "NONE-USD"])
        options.setdefault("expire_ns", self.ts_ns + 10**10 if tif is TimeInForce.GTD else None)
        return self._enter(symbol, account, side, kind, tif, rng.choice(lots), rng.choice(price), budget, **options)

    # -- changes

    def _open_order(self) -> NaiveOrder | None:
        return self.rng.choice(self.venue.open) if self.venue.open else None

    def _cancel(self, symbol: str, account: int, side: Side) -> Command:
        rng, order = self.rng, self._open_order()
        dice = rng.random()
        if dice < 0.6 and order is not None:
            asked_by = (None, False, True)[self.seq % 3]
            return CancelOrder(AccountId(order.account), OrderId(order.order_id), by_operator=asked_by)
        if dice < 0.8:
            return CancelOrder(AccountId(account), OrderId(rng.randint(1, self.seq + 1)))
        if dice < 0.96:
            name = f"n{rng.randint(1, 3000)}"
            return CancelOrder(AccountId(account), None, name, rng.choice([None, symbol]))
        return CancelAll(AccountId(account), rng.choice([None, symbol]), rng.choice([None, side]), self.seq % 2 == 0)

    def _amend(self, symbol: str, account: int, side: Side) -> Command:
        rng, order = self.rng, self._open_order()
        if order is None:
            return self._limit(symbol, account, side)
        price: Any = rng.choice([None, self._price(order.symbol, order.side, 4)])
        quantity: Any = rng.choice([None, self._lots(), order.quantity - 1, order.quantity + 1])
        stop_price: Any = None
        if order.waiting and rng.random() < 0.8:
            stop_price = rng.choice([None, self._price(order.symbol, order.side, 4)])
            price = None if order.market_like else price
        if rng.random() < 0.02:
            price, quantity, stop_price = rng.choice(
                [(0, None, None), ("1.5", None, None), (None, "1.5", 3), (3, 9, 3)]
            )
        if rng.random() < 0.03:
            quantity = 700
        return AmendOrder(AccountId(order.account), OrderId(order.order_id), price, quantity, stop_price)

    # -- operators and accounts

    def _list_again(self, symbol: str) -> Command:
        """Other fees, another collar or band; now and then something that must not change."""
        rng = self.rng
        instrument = self.instruments[symbol]
        if rng.random() < 0.5:
            return ListInstrument(instrument)
        change: dict[str, Any] = rng.choice(
            [
                {"taker_fee": rng.randint(-500, 3000)},
                {"maker_fee": rng.randint(-500, 3000)},
                {"collar": rng.choice([None, 100_000, 400_000])},
                {"band": rng.choice([None, 50_000, 200_000])},
                {"tick_size": "0.2"},
                {"base_scale": 6},
                {"base": "USD"},
                {"taker_fee": 1_000_001},
                {"scheduled": rng.random() < 0.5},
                {"reference_price": None},
                {"limit_state_ns": rng.choice([0, 2 * 10**9]), "halt_ns": 0, "auction_ns": rng.choice([0, 10**9])},
                {"band_window_ns": rng.choice([0, 10**10])},
            ]
        )
        return ListInstrument(msgspec.structs.replace(instrument, **change))

    def _account(self, account: AccountId) -> Command:
        """Money in and out, limits and tiers, now and then a kill switch."""
        rng = self.rng
        asset, amount = rng.choice(ASSETS), f"0.0{rng.randint(0, 99):02}{rng.choice(['', '', '', '00000001'])}"
        dice = rng.random()
        if dice < 0.4:
            return Deposit(
                account, rng.choice([asset, asset, asset, "NONE"]), amount, rng.choice([None, None, "0.9", "0.05"])
            )
        if dice < 0.75:
            return Withdraw(account, asset, rng.choice([amount, f"0.{rng.randint(0, 3)}"]))
        if dice < 0.79:
            return StopAccount(account, True)
        if dice < 0.86:
            maker, taker = (
                rng.choice([None, -1500, -200, 0, 700]),
                rng.choice([None, -900, 0, 1100, 250_000, 1_000_001]),
            )
            most = rng.choice([None, 1]), rng.choice([None, None, 20]), rng.choice([None, None, "0.0015"])
            mode = rng.choice([None, *[SelfTradePrevention.NONE] * 6, *SelfTradePrevention])  # trades alone are rare
            return ConfigureAccount(account, "special", maker, taker, most[1], most[0], most[2], mode)
        return ConfigureAccount(account, "standard")
