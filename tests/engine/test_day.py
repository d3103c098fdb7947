"""One day with all of it: every session, every order type, a limit state, a halt. It replays to the same digest."""

from __future__ import annotations

from typing import Any

import pytest

from engine import digest
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
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, OrderType, PostOnly, SelfTradePrevention, Side, TimeInForce, TradingStatus
from journal.codec import GENESIS, open_batch, seal
from tests.engine.pair import ACCOUNTS, BOND, INSTRUMENTS, Pair

BUY, SELL = Side.BUY, Side.SELL
GTC, DAY, GTD = TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD
SECOND = 10**9


class Day(Pair):
    """A pair of exchanges with words for the orders of a day in BOND; every event is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[ev.Event] = []

    def apply(self, command: Any, step_ns: int = SECOND // 10) -> list[ev.Event]:
        events = super().apply(command, step_ns)
        self.events += events
        return events

    def enter(
        self, side: Side, quantity: Any, price: Any = None, kind: OrderType = OrderType.LIMIT, **asked: Any
    ) -> int:
        """Enter an order of account 1 unless another is named; its id."""
        names = set(OrderOptions.__struct_fields__)
        options = {name: asked.pop(name) for name in list(asked) if name in names}
        fields: dict[str, Any] = {"account": ACCOUNTS[0], "time_in_force": GTC, "self_trade_prevention": None} | asked
        given = OrderOptions(**options) if options else None
        command = EnterOrder(
            symbol=BOND.symbol, side=side, order_type=kind, quantity=quantity, price=price, options=given, **fields
        )
        refused = [event.reason for event in self.apply(command) if isinstance(event, ev.Rejected)]
        assert set(refused) <= {RejectReason.SELF_TRADE, RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED}, command
        return self.seq

    def status(self, status: TradingStatus) -> list[ev.Event]:
        return self.apply(SetStatus(BOND.symbol, status))

    def wait(self, seconds: int) -> list[ev.Event]:
        return self.apply(AdvanceTime(), seconds * SECOND)


def open_and_gather(day: Day) -> None:
    for instrument in INSTRUMENTS.values():
        day.apply(ListInstrument(instrument))
    for account in ACCOUNTS:
        for asset in ("BOND", "USD"):
            day.apply(Deposit(account, asset, "10"))
    day.apply(ConfigureAccount(ACCOUNTS[2], "maker", maker_fee=-100, self_trade_prevention=None))
    day.apply(Withdraw(ACCOUNTS[2], "USD", "1"))
    day.status(TradingStatus.PRE_OPEN)
    day.enter(BUY, 10, 39, time_in_force=DAY)
    day.enter(SELL, 20, 41, display_quantity=4)
    day.enter(BUY, 3, 38, time_in_force=GTD, expire_ns=day.ts_ns + 30 * SECOND)
    day.enter(SELL, 5, None, OrderType.STOP, stop_price=36)
    day.enter(BUY, 5, 43, OrderType.STOP_LIMIT, stop_price=42)
    day.enter(SELL, 4, None, OrderType.TRAILING_STOP, trail_amount=2)
    day.enter(SELL, 3, None, OrderType.TAKE_PROFIT, stop_price=43)
    day.enter(BUY, 3, 38, OrderType.TAKE_PROFIT_LIMIT, stop_price=39)
    day.enter(BUY, 6, 37, OrderType.OCO, stop_price=43, time_in_force=DAY)
    day.status(TradingStatus.AUCTION)
    day.enter(BUY, 12, 41, account=ACCOUNTS[1], take_profit=43, stop_loss=38)
    day.enter(SELL, 8, 39, account=ACCOUNTS[2])
    assert any(isinstance(event, ev.Uncrossed) for event in day.status(TradingStatus.TRADING))


def trade(day: Day) -> None:
    two = AccountId(2)
    post = day.enter(BUY, 5, 42, post_only=PostOnly.SLIDE, client_order_id="slides")
    day.enter(BUY, 5, 42, post_only=PostOnly.SLIDE, client_order_id="slides")  # the same again
    named = day.commands[post - 1][1]
    day.apply(named)
    day.apply(AmendOrder(ACCOUNTS[0], post, None, 3))
    day.enter(BUY, 9, None, OrderType.MARKET, time_in_force=TimeInForce.IOC)
    day.enter(SELL, 2, None, OrderType.MARKET, time_in_force=TimeInForce.FOK, account=ACCOUNTS[2])
    for mode in SelfTradePrevention:
        day.enter(SELL, 3, 42, account=two)
        day.enter(BUY, 30, 42, account=two, time_in_force=TimeInForce.IOC, self_trade_prevention=mode)
    day.apply(CancelOrder(ACCOUNTS[0], post))
    budget = EnterOrder(two, BOND.symbol, SELL, OrderType.MARKET, TimeInForce.IOC, None, None, None, 90_000, None)
    day.apply(budget)
    day.enter(SELL, 2, 40, account=ACCOUNTS[2])
    day.enter(BUY, 2, 43, account=ACCOUNTS[1])


def halt_and_reopen(day: Day) -> None:
    day.apply(CancelAll(ACCOUNTS[2], BOND.symbol))
    day.enter(SELL, 5, 47, account=ACCOUNTS[2])
    while day.naive.symbols[BOND.symbol].best(SELL) != 47:  # take what stands before the band's edge
        best = day.naive.symbols[BOND.symbol].best(SELL)
        day.enter(BUY, 50, best, account=ACCOUNTS[2], time_in_force=TimeInForce.IOC,
                  self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST)  # fmt: skip
    day.enter(BUY, 5, 47, account=ACCOUNTS[1])
    assert day.naive.symbols[BOND.symbol].limit_state is not None
    for seconds, status in ((6, "halted"), (5, "auction")):
        assert ev.StatusChanged(BOND.symbol, TradingStatus(status)) in day.wait(seconds)
    day.enter(SELL, 4, 40, account=ACCOUNTS[2])
    reopened = day.wait(7)
    assert ev.StatusChanged(BOND.symbol, TradingStatus.TRADING) in reopened
    assert any(isinstance(event, ev.Uncrossed) for event in reopened)


def close(day: Day) -> None:
    day.wait(60)
    day.enter(BUY, 3, 35, time_in_force=DAY)
    assert any(isinstance(event, ev.Expired) for event in day.status(TradingStatus.CLOSED))
    day.apply(StopAccount(ACCOUNTS[0], True))


def whole_day() -> Day:
    day = Day()
    open_and_gather(day)
    trade(day)
    halt_and_reopen(day)
    close(day)
    day.check()
    day.check_conserved()
    return day


def test_a_day_with_everything_replays_to_the_same_digest_and_events() -> None:
    day, replayed, events = whole_day(), Exchange(CURRENT_EDITION), []
    chain = GENESIS
    for seq, (ts_ns, command) in enumerate(day.commands, 1):
        record = seal(seq, ts_ns, seq, [command], chain)  # as the journal keeps it
        chain = record.chain
        events += replayed.apply(open_batch(record)[0], seq, record.ts_ns)
    assert events == day.events
    assert state_digest(replayed) == state_digest(day.fast)


def test_the_day_has_every_session_every_order_type_and_every_event() -> None:
    day = whole_day()
    sessions = [event.status.value for event in day.events if isinstance(event, ev.StatusChanged)]
    assert sessions == ["pre_open", "auction", "trading", "halted", "auction", "trading", "closed"]
    asked = {command.order_type for _, command in day.commands if isinstance(command, EnterOrder)}
    assert asked == set(OrderType)
    every = {kind for kind in vars(ev).values() if isinstance(kind, type) and issubclass(kind, ev.Event)}
    missing = every - {type(event) for event in day.events} - {ev.Event, ev.Ended, ev.Rejected}
    assert missing == set()


def test_the_digest_is_the_same_in_however_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    day = whole_day()
    at_once = state_digest(day.fast)
    monkeypatch.setattr(digest, "STEP", 1)
    assert state_digest(day.fast) == at_once
    assert sum(1 for _ in digest.digest_steps(day.fast)) > len(ACCOUNTS)
