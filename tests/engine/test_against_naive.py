"""The fast exchange does what the naive one does, whatever comes."""

from __future__ import annotations

import random
from collections import Counter

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    SetStatus,
    StopAccount,
    Withdraw,
)
from engine.events import Rejected
from engine.rejects import CancelReason, RejectReason
from engine.types import OrderType, Side, TimeInForce, TradingStatus
from tests.engine.pair import ACCOUNTS, ASSETS, COIN, INSTRUMENTS, SHARE, Pair

LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET

# Few prices and names, so that orders collide; now and then one that breaks a rule.
symbols = st.sampled_from([*INSTRUMENTS, *INSTRUMENTS, "NONE-USD"])
accounts = st.sampled_from(ACCOUNTS)
sides = st.sampled_from(Side)
prices = st.integers(8, 12) | st.sampled_from([-1, 0, 1, 7, 13, 100, "10.001"])
quantities = st.integers(2, 9) | st.sampled_from([-1, 0, 1, 12, 13, 1000, 1001, "2.0001"])
budgets = st.integers(1, 600) | st.integers(1000, 600_000) | st.sampled_from([-1, 0, 10**9, 10**9 + 1, "1.000000001"])
names = st.none() | st.sampled_from(["a", "b", "c", "d"])
assets = st.sampled_from(ASSETS)
wrong_amounts = st.sampled_from(["0", "0.000000001", "1e3", "-1", "", ".", "five", "1" * 41])
amounts = st.integers(1, 30).map(lambda n: f"0.{n:03}") | st.sampled_from(["0.0102", "1.", ".5"]) | wrong_amounts
rates = st.none() | st.sampled_from([-999, -250, 0, 333, 2900, 500_000, 1_000_000, 1_000_001, -1_000_001])


class ExchangeMachine(RuleBasedStateMachine):
    """Random commands to both exchanges; what is compared is in `Pair`."""

    @initialize()
    def open_market(self) -> None:
        self.pair = Pair()
        for instrument in INSTRUMENTS.values():
            self.pair.apply(ListInstrument(instrument))
        for account in ACCOUNTS:  # a few orders' worth each, so that funds run out
            for asset in ASSETS:
                self.pair.apply(Deposit(account, asset, "0.01"))

    @rule(account=accounts, asset=assets | st.just("NONE"), amount=amounts,
          limit=st.none() | st.sampled_from(["0.02", "0.0251", "0.0250000001", "1", "", "x"]))  # fmt: skip
    def deposit(self, account, asset, amount, limit):
        self.pair.apply(Deposit(account, asset, amount, limit))

    @rule(account=accounts, asset=assets | st.just("NONE"), amount=amounts)
    def withdraw(self, account, asset, amount):
        self.pair.apply(Withdraw(account, asset, amount))

    @rule(account=accounts, asset=assets, over=st.integers(0, 1))
    def withdraw_everything(self, account, asset, over):
        minor = self.pair.naive.available(account, asset) + over
        scale = self.pair.naive.scales[asset]
        self.pair.apply(Withdraw(account, asset, f"{minor // 10**scale}.{minor % 10**scale:0{scale}}"))

    @rule(command=st.builds(
        ConfigureAccount, accounts, st.just("tier"), rates, rates, st.none() | st.integers(-1, 5),
        st.none() | st.integers(-1, 3), st.none() | st.sampled_from(["0.001", "0.0012345", "0.00123450001", "x"]),
    ))  # fmt: skip
    def configure(self, command):
        self.pair.apply(command)

    @rule(account=accounts)
    def lift_limits(self, account):
        self.pair.apply(ConfigureAccount(account, "standard"))

    @rule(account=accounts, stopped=st.sampled_from([True, False, False, False]))
    def stop(self, account, stopped):
        self.pair.apply(StopAccount(account, stopped))

    @rule(command=st.builds(
        EnterOrder, accounts, symbols, sides, st.just(LIMIT), st.sampled_from(TimeInForce), quantities, prices, names
    ))  # fmt: skip
    def enter_limit(self, command):
        self.pair.apply(command)

    @rule(account=accounts, symbol=st.sampled_from([*INSTRUMENTS]), side=sides, offset=st.integers(0, 3),
          quantity=st.integers(2, 9))  # fmt: skip
    def rest(self, account, symbol, side, offset, quantity):
        price = 10 - offset if side is Side.BUY else 10 + offset
        self.pair.apply(EnterOrder(account, symbol, side, LIMIT, TimeInForce.GTC, quantity, price))

    @rule(account=accounts, symbol=symbols, side=sides, tif=st.sampled_from(TimeInForce), quantity=quantities)
    def enter_market(self, account, symbol, side, tif, quantity):
        self.pair.apply(EnterOrder(account, symbol, side, MARKET, tif, quantity))

    @rule(account=accounts, symbol=symbols, side=sides, budget=budgets, name=names)
    def spend(self, account, symbol, side, budget, name):
        self.pair.apply(EnterOrder(account, symbol, side, MARKET, TimeInForce.IOC, None, None, name, budget))

    @rule(order_type=st.sampled_from(OrderType), tif=st.sampled_from(TimeInForce), price=st.none() | prices,
          quantity=st.none() | quantities, budget=st.none() | budgets)  # fmt: skip
    def combine_anything(self, order_type, tif, price, quantity, budget):
        command = EnterOrder(ACCOUNTS[0], "COIN-USD", Side.BUY, order_type, tif, quantity, price, None, budget)
        self.pair.apply(command)

    @rule(back=st.integers(1, 40))
    def send_again(self, back):
        if back <= self.pair.seq:
            self.pair.apply(self.pair.commands[-back])

    @rule(account=accounts, back=st.integers(0, 15), symbol=st.none() | symbols)
    def cancel(self, account, back, symbol):
        self.pair.apply(CancelOrder(account, self.pair.seq - back, None, symbol))

    @rule(back=st.integers(0, 15))
    def cancel_own(self, back):
        if self.pair.naive.open:
            order = self.pair.naive.open[-1 - back % len(self.pair.naive.open)]
            self.pair.apply(CancelOrder(order.asked.account, order.order_id))

    @rule(account=accounts, name=names, symbol=st.none() | symbols)
    def cancel_by_name(self, account, name, symbol):
        self.pair.apply(CancelOrder(account, None, name, symbol))

    @rule(account=accounts, symbol=st.none() | symbols, side=st.none() | sides)
    def cancel_all(self, account, symbol, side):
        self.pair.apply(CancelAll(account, symbol, side))

    @rule(back=st.integers(0, 15), price=st.none() | prices, quantity=st.none() | quantities)
    def amend(self, back, price, quantity):
        if self.pair.naive.open:
            order = self.pair.naive.open[-1 - back % len(self.pair.naive.open)]
            self.pair.apply(AmendOrder(order.asked.account, order.order_id, price, quantity))

    @rule(account=accounts, back=st.integers(0, 15), quantity=quantities)
    def amend_any(self, account, back, quantity):
        self.pair.apply(AmendOrder(account, self.pair.seq - back, None, quantity))

    @rule(symbol=symbols, status=st.sampled_from([TradingStatus.TRADING] * 4 + list(TradingStatus)))
    def set_status(self, symbol, status):
        self.pair.apply(SetStatus(symbol, status))

    @rule(symbol=st.sampled_from([*INSTRUMENTS]), collar=st.sampled_from([None, 100_000, 400_000]),
          taker_fee=st.integers(-500, 3000) | st.just(1_000_001), tick_size=st.sampled_from(["0.01", "0.05"]),
          new_symbol=st.none() | st.just("NEW-USD"), base=st.none() | st.sampled_from(["USD", "NEW"]))  # fmt: skip
    def list_again(self, symbol, collar, taker_fee, tick_size, new_symbol, base):
        changes = {"collar": collar, "taker_fee": taker_fee, "tick_size": tick_size}
        if new_symbol is not None:
            changes |= {"symbol": new_symbol, "base": base or "COIN"}
        self.pair.apply(ListInstrument(changed(INSTRUMENTS[symbol], changes)))

    @invariant()
    def both_are_alike(self) -> None:
        if hasattr(self, "pair"):
            self.pair.check()
            self.pair.check_conserved()

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            self.pair.check_views()
            self.pair.check_replay()


def changed(instrument, changes):
    """A copy of `instrument` with some fields changed."""
    fields = {name: getattr(instrument, name) for name in instrument.__struct_fields__}
    return type(instrument)(**fields | changes)


TestRandomCommands = ExchangeMachine.TestCase
TestRandomCommands.settings = settings(
    max_examples=300, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)


def random_command(rng: random.Random, pair: Pair) -> Command:
    """One command of a long run: mostly orders near the price, cancels and amends of open ones."""
    symbol, account, side = rng.choice([COIN.symbol, SHARE.symbol]), rng.choice(ACCOUNTS), rng.choice(list(Side))
    away = rng.randint(-1, 8)
    middle = 20 if symbol == COIN.symbol else 10
    price = middle - away if side is Side.BUY else middle + away
    quantity = rng.randint(1, 13)
    name = f"n{rng.randint(1, 3000)}" if rng.random() < 0.3 else None
    open_order = rng.choice(pair.naive.open) if pair.naive.open else None
    dice = rng.random()
    if pair.naive.symbols[symbol].status is not TradingStatus.TRADING and dice < 0.1:
        return SetStatus(symbol, TradingStatus.TRADING)
    if pair.naive.account(account).stopped and dice < 0.3:
        return StopAccount(account, False)
    if dice > 0.96:
        return random_account_command(rng, account)
    if dice < 0.52 or open_order is None:
        tif = rng.choice([TimeInForce.GTC] * 5 + list(TimeInForce))
        return EnterOrder(account, symbol, side, LIMIT, tif, quantity, price, name)
    if dice < 0.58:
        tif = rng.choice([TimeInForce.IOC, TimeInForce.IOC, TimeInForce.FOK])
        return EnterOrder(account, symbol, side, MARKET, tif, quantity, None, name)
    if dice < 0.63:
        budget = rng.randint(1, 1_000_000 if symbol == SHARE.symbol else 200_000)
        return EnterOrder(account, symbol, side, MARKET, TimeInForce.IOC, None, None, name, budget)
    if dice < 0.72:
        return CancelOrder(open_order.asked.account, open_order.order_id)
    if dice < 0.77:
        return CancelOrder(account, rng.randint(1, pair.seq + 1), None, None)
    if dice < 0.8:
        return CancelOrder(account, None, f"n{rng.randint(1, 3000)}", rng.choice([None, symbol]))
    if dice < 0.93:
        new_price = rng.choice([None, rng.randint(middle - 4, middle + 4)])
        return AmendOrder(open_order.asked.account, open_order.order_id, new_price, rng.choice([None, quantity]))
    if dice < 0.932:
        return CancelAll(account, rng.choice([None, symbol]), rng.choice([None, side]))
    if dice < 0.942:
        return SetStatus(symbol, rng.choice([TradingStatus.TRADING] * 3 + list(TradingStatus)))
    return EnterOrder(account, symbol, side, LIMIT, TimeInForce.GTC, quantity, price, name)


def random_account_command(rng: random.Random, account: int) -> Command:
    """Money in and out, limits and tiers, now and then a kill switch."""
    asset, amount = rng.choice(ASSETS), f"0.0{rng.randint(0, 99):02}{rng.choice(['', '', '', '00000001'])}"
    dice = rng.random()
    if dice < 0.4:
        return Deposit(account, asset, amount, rng.choice([None, None, None, "0.9"]))
    if dice < 0.8:
        return Withdraw(account, asset, rng.choice([amount, f"0.{rng.randint(0, 3)}"]))
    if dice < 0.83:
        return StopAccount(account, True)
    if dice < 0.9:
        maker, taker = rng.choice([None, -1500, -200, 0, 700]), rng.choice([None, -900, 0, 1100, 250_000])
        most = rng.choice([None, 1]), rng.choice([None, None, 20]), rng.choice([None, None, "0.0015"])
        return ConfigureAccount(account, "special", maker, taker, most[1], most[0], most[2])
    return ConfigureAccount(account, "standard")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_long_random_run_equals_the_naive_exchange(seed):
    rng, pair = random.Random(seed), Pair()
    for instrument in INSTRUMENTS.values():
        pair.apply(ListInstrument(instrument))
    for account in ACCOUNTS:
        for asset, amount in zip(ASSETS, ["0.35", "0.03", "0.055"], strict=True):
            pair.apply(Deposit(account, asset, amount))
    seen: set[object] = set()
    deepest = 0  # open orders
    unpaid: Counter[type] = Counter()  # commands refused for want of funds
    while pair.seq < 20_000:
        command = random_command(rng, pair)
        events = pair.apply(command)
        seen.update(getattr(event, "reason", type(event)) for event in events)
        unpaid[type(command)] += any(
            isinstance(event, Rejected) and event.reason is RejectReason.INSUFFICIENT_FUNDS for event in events
        )
        deepest = max(deepest, len(pair.naive.open))
        if pair.seq % 500 == 0:
            pair.check()
            pair.check_views()
    pair.check_conserved()
    pair.check_replay()
    assert pair.naive.trades > 2000
    assert deepest > 50
    assert 20 < unpaid[EnterOrder] < 5000
    assert unpaid[AmendOrder] > 0
    expected = (set(RejectReason) | set(CancelReason)) - {
        RejectReason.UNKNOWN_SYMBOL,
        RejectReason.UNSUPPORTED_COMBINATION,
        RejectReason.BAD_TICK,
        RejectReason.BAD_LOT,
        RejectReason.UNKNOWN_ASSET,
        RejectReason.BAD_CONFIGURATION,
        RejectReason.INSTRUMENT_CONFLICT,
    }
    assert expected - seen == set()
