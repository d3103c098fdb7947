"""The fast exchange does what the naive one does, whatever comes."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from audit.search import Search
from engine import events as ev
from engine.commands import (
    AdvanceTime,
    AmendOrder,
    CancelAll,
    CancelOrder,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    OrderOptions,
    SetStatus,
    StopAccount,
    Withdraw,
)
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce, TradingStatus
from tests.engine.pair import ACCOUNTS, ASSETS, INSTRUMENTS, Pair
from tests.journal.recorded import known

pytestmark = pytest.mark.slow

LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET

# Few prices and names, so that orders collide; now and then one that breaks a rule.
symbols = st.sampled_from([*INSTRUMENTS, *INSTRUMENTS, "NONE-USD"])
listed = st.sampled_from([*INSTRUMENTS])
accounts = st.sampled_from(ACCOUNTS)
sides = st.sampled_from(Side)
prices = st.integers(8, 12) | st.sampled_from([-1, 0, 1, 7, 13, 100, "10.001"])
parts = st.none() | st.lists(st.integers(0, 15), max_size=4)
near = st.integers(7, 13)
quantities = st.integers(2, 9) | st.sampled_from([-1, 0, 1, 12, 13, 1000, 1001, "2.0001"])
lots = st.integers(2, 9)
budgets = st.integers(1, 600) | st.integers(1000, 600_000) | st.sampled_from([-1, 0, 10**9, 10**9 + 1, "1.000000001"])
names = st.none() | st.sampled_from(["a", "b", "c", "d"])
modes = st.none() | st.sampled_from(SelfTradePrevention)
resting_tifs = st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD])
assets = st.sampled_from(ASSETS)
wrong_amounts = st.sampled_from(["0", "0.000000001", "1e3", "-1", "", ".", "five", "1" * 41])
amounts = st.integers(1, 30).map(lambda n: f"0.{n:03}") | st.sampled_from(["0.0102", "1.", ".5"]) | wrong_amounts
rates = st.none() | st.sampled_from([-999, -250, 0, 333, 2900, 500_000, 1_000_000, 1_000_001, -1_000_001])
any_price = st.none() | prices
any_options = st.builds(
    OrderOptions, st.none() | st.sampled_from(PostOnly), st.none() | quantities, any_price, any_price, any_price,
    st.none() | st.sampled_from([0, 1, 200_000, 999_999, 1_000_000, "0.5"]), st.none() | st.integers(0, 10**11),
    any_price, any_price, any_price,
)  # fmt: skip
one_option = st.one_of(
    st.builds(OrderOptions, post_only=st.sampled_from(PostOnly)),
    st.builds(OrderOptions, display_quantity=st.integers(1, 4)),
    st.builds(OrderOptions, take_profit=near),
    st.builds(OrderOptions, stop_loss=near, stop_loss_limit=st.none() | near),
    st.builds(OrderOptions, take_profit=near, stop_loss=near),
)


class ExchangeMachine(RuleBasedStateMachine):
    """Random commands to both exchanges; what is compared is in `Pair`."""

    @initialize()
    def open_market(self) -> None:
        self.pair = Pair()
        for instrument in INSTRUMENTS.values():
            self.pair.apply(ListInstrument(instrument))
        # all about the same prices; the band begins there too
        self.pair.apply(ListInstrument(msgspec.structs.replace(INSTRUMENTS["BOND-USD"], reference_price=10)))
        for account in ACCOUNTS:  # a few orders' worth each, so that funds run out
            for asset in ASSETS:
                self.pair.apply(Deposit(account, asset, "0.01"))

    def enter(self, account, symbol, side, kind, tif, quantity, price=None, name=None, budget=None, mode=None, **given):
        if tif is TimeInForce.GTD and "expire_ns" not in given:
            given["expire_ns"] = self.pair.ts_ns + 5 * 10**9
        options = OrderOptions(**given) if any(value is not None for value in given.values()) else None
        self.pair.apply(EnterOrder(account, symbol, side, kind, tif, quantity, price, name, budget, mode, options))

    @rule(account=accounts, asset=assets | st.just("NONE"), amount=amounts,
          limit=st.none() | st.sampled_from(["0.02", "0.0251", "0.0250000001", "1", "", "x"]))  # fmt: skip
    def deposit(self, account, asset, amount, limit):
        self.pair.apply(Deposit(account, asset, amount, limit))

    @rule(account=accounts, asset=assets | st.just("NONE"), amount=amounts, over=st.none() | st.integers(0, 1))
    def withdraw(self, account, asset, amount, over):
        if over is not None and asset != "NONE":  # everything, or a minor unit more
            minor, scale = self.pair.naive.available(account, asset) + over, self.pair.naive.scales[asset]
            amount = f"{minor // 10**scale}.{minor % 10**scale:0{scale}}"
        self.pair.apply(Withdraw(account, asset, amount))

    @rule(command=st.builds(
        ConfigureAccount, accounts, st.just("tier"), rates, rates, st.none() | st.integers(-1, 5),
        st.none() | st.integers(-1, 3), st.none() | st.sampled_from(["0.001", "0.0012345", "0.00123450001", "x"]),
        modes,
    ) | st.builds(ConfigureAccount, accounts, st.just("standard")))  # fmt: skip
    def configure(self, command):
        self.pair.apply(command)

    def among(self, backs):
        """Some of the orders that are open, of whichever account, or None for all."""
        opened = self.pair.naive.open
        return None if backs is None else tuple(opened[-1 - back % len(opened)].order_id for back in backs if opened)

    @rule(account=accounts, stopped=st.sampled_from([True, False, False, False]), backs=parts)
    def stop(self, account, stopped, backs):
        self.pair.apply(StopAccount(account, stopped, self.among(backs)))

    @rule(account=accounts, symbol=symbols, side=sides, tif=st.sampled_from(TimeInForce), quantity=quantities,
          price=prices, name=names, mode=modes)  # fmt: skip
    def enter_limit(self, account, symbol, side, tif, quantity, price, name, mode):
        self.enter(account, symbol, side, LIMIT, tif, quantity, price, name, None, mode)

    @rule(account=accounts, symbol=listed, side=sides, tif=resting_tifs, quantity=lots, price=near, mode=modes,
          options=one_option)  # fmt: skip
    def enter_with_an_option(self, account, symbol, side, tif, quantity, price, mode, options):
        given = {name: getattr(options, name) for name in options.__struct_fields__}
        del given["expire_ns"]
        self.enter(account, symbol, side, LIMIT, tif, quantity, price, None, None, mode, **given)

    @rule(account=accounts, symbol=listed, side=sides, offset=st.integers(0, 3), quantity=lots)
    def rest(self, account, symbol, side, offset, quantity):
        price = 10 - offset if side is Side.BUY else 10 + offset
        self.enter(account, symbol, side, LIMIT, TimeInForce.GTC, quantity, price)

    @rule(account=accounts, symbol=symbols, side=sides, tif=st.sampled_from(TimeInForce), quantity=quantities,
          mode=modes)  # fmt: skip
    def enter_market(self, account, symbol, side, tif, quantity, mode):
        self.enter(account, symbol, side, MARKET, tif, quantity, mode=mode)

    @rule(account=accounts, symbol=symbols, side=sides, budget=budgets, name=names, mode=modes)
    def spend(self, account, symbol, side, budget, name, mode):
        self.enter(account, symbol, side, MARKET, TimeInForce.IOC, None, None, name, budget, mode)

    @rule(account=accounts, symbol=listed, side=sides, tif=resting_tifs, quantity=lots, stop=near,
          price=st.none() | near)  # fmt: skip
    def enter_stop(self, account, symbol, side, tif, quantity, stop, price):
        kind = OrderType.STOP if price is None else OrderType.STOP_LIMIT
        self.enter(account, symbol, side, kind, tif, quantity, price, stop_price=stop)

    @rule(account=accounts, symbol=listed, side=sides, tif=resting_tifs, quantity=lots, stop=near,
          price=st.none() | near, mode=modes)  # fmt: skip
    def enter_take_profit(self, account, symbol, side, tif, quantity, stop, price, mode):
        kind = OrderType.TAKE_PROFIT if price is None else OrderType.TAKE_PROFIT_LIMIT
        self.enter(account, symbol, side, kind, tif, quantity, price, mode=mode, stop_price=stop)

    @rule(account=accounts, symbol=listed, side=sides, quantity=lots, trail=st.integers(1, 4), percent=st.booleans())
    def enter_trailing_stop(self, account, symbol, side, quantity, trail, percent):
        given = {"trail_percent": trail * 90_000} if percent else {"trail_amount": trail}
        self.enter(account, symbol, side, OrderType.TRAILING_STOP, TimeInForce.GTC, quantity, **given)

    @rule(account=accounts, symbol=listed, side=sides, tif=resting_tifs, quantity=lots, price=near,
          away=st.integers(-1, 4), limit=st.none() | near, name=names)  # fmt: skip
    def enter_pair(self, account, symbol, side, tif, quantity, price, away, limit, name):
        stop = price + away if side is Side.BUY else price - away
        given = {"stop_price": stop, "stop_limit_price": limit}
        self.enter(account, symbol, side, OrderType.OCO, tif, quantity, price, name, **given)

    @rule(order_type=st.sampled_from(OrderType), tif=st.sampled_from(TimeInForce), price=any_price,
          quantity=st.none() | quantities, budget=st.none() | budgets, options=st.none() | any_options)  # fmt: skip
    def combine_anything(self, order_type, tif, price, quantity, budget, options):
        self.pair.apply(
            EnterOrder(
                ACCOUNTS[0], "COIN-USD", Side.BUY, order_type, tif, quantity, price, None, budget, options=options
            )
        )

    @rule(back=st.integers(1, 40))
    def send_again(self, back):
        if back <= self.pair.seq:
            self.pair.apply(self.pair.commands[-back][1])

    @rule(account=accounts, back=st.integers(0, 15), symbol=st.none() | symbols)
    def cancel(self, account, back, symbol):
        self.pair.apply(CancelOrder(account, self.pair.seq - back, None, symbol))

    @rule(back=st.integers(0, 15))
    def cancel_own(self, back):
        if self.pair.naive.open:
            order = self.pair.naive.open[-1 - back % len(self.pair.naive.open)]
            self.pair.apply(CancelOrder(order.account, order.order_id))

    @rule(account=accounts, name=names, symbol=st.none() | symbols)
    def cancel_by_name(self, account, name, symbol):
        self.pair.apply(CancelOrder(account, None, name, symbol))

    @rule(account=accounts, symbol=st.none() | symbols, side=st.none() | sides, backs=parts)
    def cancel_all(self, account, symbol, side, backs):
        self.pair.apply(CancelAll(account, symbol, side, among=self.among(backs)))

    @rule(back=st.integers(0, 15), price=any_price, quantity=st.none() | quantities, stop=st.none() | any_price)
    def amend(self, back, price, quantity, stop):
        if self.pair.naive.open:
            order = self.pair.naive.open[-1 - back % len(self.pair.naive.open)]
            self.pair.apply(AmendOrder(order.account, order.order_id, price, quantity, stop))

    @rule(account=accounts, back=st.integers(0, 15), quantity=quantities)
    def amend_any(self, account, back, quantity):
        self.pair.apply(AmendOrder(account, self.pair.seq - back, None, quantity))

    @rule(symbol=symbols, status=st.sampled_from([TradingStatus.TRADING] * 4 + list(TradingStatus)))
    def set_status(self, symbol, status):
        self.pair.apply(SetStatus(symbol, status))

    @rule(seconds=st.sampled_from([0, 1, 6, 3600, 86_400]), limit=st.none() | st.integers(0, 2))
    def advance_time(self, seconds, limit):
        self.pair.apply(AdvanceTime(limit), seconds * 10**9)

    @rule(symbol=listed, collar=st.sampled_from([None, 100_000, 400_000]), band=st.sampled_from([None, 100_000, 0]),
          taker_fee=st.integers(-500, 3000) | st.just(1_000_001), tick_size=st.sampled_from(["0.01", "0.05"]),
          new_symbol=st.none() | st.just("NEW-USD"), base=st.none() | st.sampled_from(["USD", "NEW"]))  # fmt: skip
    def list_again(self, symbol, collar, band, taker_fee, tick_size, new_symbol, base):
        changes = {"collar": collar, "band": band, "taker_fee": taker_fee, "tick_size": tick_size}
        if new_symbol is not None:
            changes |= {"symbol": new_symbol, "base": base or "COIN"}
        self.pair.apply(ListInstrument(msgspec.structs.replace(INSTRUMENTS[symbol], **changes)))

    @invariant()
    def both_are_alike(self) -> None:
        if hasattr(self, "pair"):
            self.pair.check()
            self.pair.check_conserved()

    def teardown(self) -> None:
        if hasattr(self, "pair"):
            self.pair.check_views()
            self.pair.check_replay()


TestRandomCommands = ExchangeMachine.TestCase
TestRandomCommands.settings = settings(
    max_examples=150, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)

EVERY_EVENT = {kind.__name__ for kind in vars(ev).values() if isinstance(kind, type) and issubclass(kind, ev.Event)} - {
    "Event",
    "Ended",
}


@pytest.fixture(scope="module")
def searches() -> list[Search]:
    """A short search of several seeds; `python -m audit.search` makes long ones."""
    found = [Search(seed) for seed in (1, 2, 3)]
    for search in found:
        search.run(6_000)
    return found


def test_a_random_search_finds_no_difference_and_no_broken_promise(searches: list[Search]) -> None:
    assert [search.problem for search in searches] == [None, None, None]


def test_the_search_meets_every_event_and_every_reason(searches: list[Search]) -> None:
    events = {name for search in searches for name in search.auditor.tally.events}
    reasons = {reason for search in searches for reason in search.auditor.tally.reasons}
    assert EVERY_EVENT - events == set()
    # no search fills a memory: with a short one they are tried in test_recent.py
    with_example = known()  # newer reasons have scenarios, which the naive exchange carries out, too
    every = {*with_example.reject_reasons, *with_example.cancel_reasons}
    assert every - reasons == {RejectReason.MAYBE_REPEATED}


def test_the_search_reaches_deep_books_and_every_protection(searches: list[Search]) -> None:
    for search in searches:
        assert search.deepest > 40
        counts = search.auditor.tally.counts
        for what in ("auctions", "halts", "icebergs refilled", "self-trades prevented", "stops triggered"):
            assert counts[what] >= 3, what


def test_what_was_searched_replays_to_the_same_digest(searches: list[Search]) -> None:
    for search in searches:
        replayed = Exchange()  # the commands adopt the newer edition, some of them in the middle
        for seq, (ts_ns, command) in enumerate(search.commands, 1):
            replayed.apply(command, seq, ts_ns)
        assert state_digest(replayed) == state_digest(search.exchange)
