"""What each account's memory of done orders holds, for how long, and that nobody else's orders shorten it."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from audit import naive_memory
from engine import recent
from engine.commands import (
    AdoptRulebook,
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    EnterOrder,
    ListInstrument,
    SetStatus,
    StopAccount,
)
from engine.digest import state_digest
from engine.events import Accepted, DuplicateRequest, Rejected
from engine.exchange import Exchange
from engine.recent import HOUR_NS
from engine.rejects import RejectReason
from engine.rulebook import CURRENT_EDITION, FIRST_EDITION
from engine.types import AccountId, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce, TradingStatus
from tests.engine.pair import COIN, Pair

ANN, BEN, GUEST = AccountId(1), AccountId(2), AccountId(3)


class Market:
    """An exchange with COIN and three accounts, and the next seq and time."""

    def __init__(self) -> None:
        self.exchange = Exchange(CURRENT_EDITION)
        self.ts_ns = 1_000 * HOUR_NS
        self.apply(ListInstrument(COIN))
        for account in (ANN, BEN, GUEST):
            for asset in (COIN.base, COIN.quote):
                self.apply(Deposit(account, asset, "1"))

    def apply(self, command: Command) -> object:
        """The first event of what a command causes, or None."""
        events = self.exchange.apply(command, Seq(self.exchange.seq + 1), self.ts_ns)
        return events[0] if events else None

    def finish(self, account: AccountId, name: str | None = None) -> OrderId:
        """Enter an order that is done when this returns."""
        event = self.apply(order(account, name, TimeInForce.IOC))
        assert isinstance(event, Accepted), event
        return event.order_id


def order(
    account: AccountId, name: str | None, tif: TimeInForce = TimeInForce.IOC, looked_until: int | None = None
) -> EnterOrder:
    until = None if looked_until is None else Seq(looked_until)
    return EnterOrder(
        account,
        COIN.symbol,
        Side.BUY,
        OrderType.LIMIT,
        tif,
        Lots(2),
        Ticks(10),
        name,
        self_trade_prevention=None,
        looked_until=until,
    )


def test_a_guests_flood_makes_nobody_elses_orders_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "REMEMBERED_MAX", 5)
    monkeypatch.setattr(recent, "SHARED_WINDOW", 5)
    market = Market()
    first = market.finish(ANN, "mine")
    for number in range(100):
        market.finish(GUEST, f"flood-{number}" if number % 2 else None)
    assert market.apply(order(ANN, "mine")) == DuplicateRequest(first, ANN, COIN.symbol, "mine")
    rejected = market.apply(CancelOrder(ANN, first))
    assert isinstance(rejected, Rejected)
    assert rejected.reason is RejectReason.TOO_LATE
    assert market.exchange.recent.forgotten_until(ANN, market.ts_ns) == 0
    assert market.exchange.recent.forgotten_until(GUEST, market.ts_ns) > 0


def test_a_done_order_is_remembered_for_a_day_at_least_and_for_an_hour_more_at_most() -> None:
    market = Market()
    market.ts_ns += HOUR_NS // 2
    ended_ns = market.ts_ns
    market.finish(ANN, "mine")
    ended_seq = market.exchange.seq
    memory = market.exchange.recent
    market.ts_ns = ended_ns + 24 * HOUR_NS
    assert isinstance(market.apply(order(ANN, "mine")), DuplicateRequest)
    assert memory.forgotten_until(ANN, market.ts_ns) == 0
    market.ts_ns = ended_ns + 25 * HOUR_NS
    assert market.exchange.order_id_of(ANN, "mine") == ended_seq  # nobody has come since
    market.apply(order(BEN, None))
    assert market.exchange.order_id_of(ANN, "mine") is None
    assert memory.forgotten_until(ANN, market.ts_ns) == ended_seq


def test_a_name_that_may_have_been_forgotten_since_it_was_looked_for_is_not_entered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recent, "REMEMBERED_MAX", 2)
    market = Market()
    before = market.exchange.seq
    first = market.finish(ANN, "mine")  # another client of the account enters it while this one looks ...
    for _ in range(2):
        market.finish(ANN)  # ... and its memory has no room for it any more
    refused = market.apply(order(ANN, "mine", looked_until=before))
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.MAYBE_REPEATED
    assert market.exchange.order_id_of(ANN, "mine") is None
    assert isinstance(market.apply(order(ANN, "mine", looked_until=first)), Accepted)  # it was looked for behind that
    market.finish(ANN, "other")
    assert isinstance(
        market.apply(order(ANN, "other", looked_until=0)), DuplicateRequest
    )  # memory knows, whoever looked


def test_where_was_looked_is_no_part_of_what_is_asked_for() -> None:
    market = Market()
    market.apply(order(ANN, "mine", TimeInForce.GTC, looked_until=0))
    again = [market.apply(order(ANN, "mine", TimeInForce.GTC, looked_until=until)) for until in (None, 0, 3)]
    assert all(isinstance(event, DuplicateRequest) for event in again)


def test_what_is_too_old_is_dropped_whosever_it_is() -> None:
    market = Market()
    for number in range(300):
        market.finish(ANN, f"n{number}" if number % 2 else None)
    assert len(market.exchange.recent) == 300
    market.ts_ns += 26 * HOUR_NS
    for _ in range(150):  # Ann never comes again
        market.finish(BEN)
    assert len(market.exchange.recent) == 150
    assert market.exchange.recent.forgotten_until(ANN, market.ts_ns) == 7 + 300


def test_an_open_order_keeps_its_name_for_days() -> None:
    market = Market()
    market.apply(order(ANN, "open", TimeInForce.GTC))
    for _ in range(5):
        market.ts_ns += 20 * HOUR_NS
        market.finish(ANN)
    assert isinstance(market.apply(order(ANN, "open", TimeInForce.GTC)), DuplicateRequest)
    market.apply(CancelOrder(ANN, None, "open"))
    market.ts_ns += 20 * HOUR_NS
    assert isinstance(market.apply(order(ANN, "open", TimeInForce.GTC)), DuplicateRequest)


def test_with_the_second_edition_everybody_keeps_what_was_remembered_in_common() -> None:
    exchange = Exchange()
    commands: list[Command] = [ListInstrument(COIN)]
    commands += [Deposit(who, asset, "1") for who in (ANN, BEN) for asset in (COIN.base, COIN.quote)]
    commands += [order(ANN, "a"), order(BEN, "b"), order(BEN, None), AdoptRulebook(CURRENT_EDITION)]
    for command in commands:
        exchange.apply(command, Seq(exchange.seq + 1), 50 * HOUR_NS)
    assert len(exchange.recent) == 3
    for who, name in ((ANN, "a"), (BEN, "b")):
        (event,) = exchange.apply(order(who, name), Seq(exchange.seq + 1), 60 * HOUR_NS)
        assert isinstance(event, DuplicateRequest)
    before = state_digest(exchange)
    exchange.apply(AdoptRulebook(CURRENT_EDITION), Seq(exchange.seq + 1), 60 * HOUR_NS)
    assert len(exchange.recent) == 3
    assert state_digest(exchange) != before  # by its seq alone


def test_of_all_memories_together_the_largest_has_to_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "REMEMBERED_IN_ALL", 20)
    monkeypatch.setattr(recent, "REMEMBERED_LEAST", 5)
    market = Market()
    memory = market.exchange.recent
    for number in range(5):
        market.finish(ANN, f"a{number}")
    for number in range(200):  # a crowd's flood
        for guest in (GUEST, BEN):
            market.finish(guest, f"g{number}")
    assert len(memory) == 20
    assert all(isinstance(market.apply(order(ANN, f"a{number}")), DuplicateRequest) for number in range(5))
    assert memory.forgotten_until(ANN, market.ts_ns) == 0
    assert memory.forgotten_until(BEN, market.ts_ns) > 0
    for who in range(4, 54):  # however many come, the least is remembered of each
        for asset in (COIN.base, COIN.quote):
            market.apply(Deposit(AccountId(who), asset, "1"))
        for number in range(7):
            market.finish(AccountId(who), f"n{number}")
    assert len(memory) == (3 + 50) * 5
    assert all(isinstance(market.apply(order(AccountId(53), f"n{number}")), DuplicateRequest) for number in range(2, 7))
    market.ts_ns += 30 * HOUR_NS
    market.finish(ANN)
    assert len(memory) == 20  # what is too old goes first, all that is too much at once
    for number in range(19):
        market.finish(ANN, f"z{number}")
    assert memory.forgotten_until(ANN, market.ts_ns) < market.exchange.seq - 19  # of those of today none


@pytest.mark.slow
@pytest.mark.parametrize("in_all", [10**6, 9])
@pytest.mark.parametrize("rulebook", [FIRST_EDITION, CURRENT_EDITION])
@pytest.mark.parametrize("seed", range(4))
def test_memories_forget_as_the_naive_ones_do(
    seed: int, rulebook: int, in_all: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, common, each, everything, least in (
        (recent, "SHARED_WINDOW", "REMEMBERED_MAX", "REMEMBERED_IN_ALL", "REMEMBERED_LEAST"),
        (naive_memory, "ALL_TOGETHER", "OF_EACH", "OF_ALL", "STEP"),
    ):
        monkeypatch.setattr(module, common, 12)
        monkeypatch.setattr(module, each, 5)
        monkeypatch.setattr(module, everything, in_all)
        monkeypatch.setattr(module, least, 2)
    rng, pair, seen = random.Random(seed), Pair(rulebook), Counter[str]()
    pair.apply(ListInstrument(COIN))
    for account in (ANN, BEN, GUEST):
        for asset in (COIN.base, COIN.quote):
            pair.apply(Deposit(account, asset, "10"))
    for number in range(4_000):
        if number == 2_000:
            pair.apply(AdoptRulebook(CURRENT_EDITION))
        step_ns = rng.choice([0, 1, 1, HOUR_NS // 10, HOUR_NS, 9 * HOUR_NS, 30 * HOUR_NS])
        for event in pair.apply(a_command(rng, pair.seq), step_ns):
            seen[getattr(event, "reason", None) or type(event).__name__] += 1
        if number % 50 == 0:
            pair.check()
    pair.check_replay()
    assert {"DuplicateRequest", "Accepted", *REFUSED} <= seen.keys()


REFUSED = (
    RejectReason.DUPLICATE_CLIENT_ORDER_ID,
    RejectReason.MAYBE_REPEATED,
    RejectReason.SYMBOL_NOT_TRADING,
    RejectReason.ACCOUNT_STOPPED,
    RejectReason.TOO_LATE,
    RejectReason.UNKNOWN_ORDER,
)


def a_command(rng: random.Random, seq: int) -> Command:
    """Mostly an order under one of few names."""
    who, kind, name = rng.choice([ANN, BEN, GUEST]), rng.random(), rng.choice("abcdefgh")
    if kind < 0.75:
        until = rng.choice([None, None, 0, seq, max(0, seq - rng.randint(0, 30))])
        return EnterOrder(
            who, COIN.symbol, rng.choice(list(Side)), OrderType.LIMIT, rng.choice([TimeInForce.GTC, TimeInForce.IOC]),
            Lots(2), Ticks(rng.choice([9, 10])), rng.choice([None, name, name]),
            self_trade_prevention=None, looked_until=until,
        )  # fmt: skip
    if kind < 0.9:
        order_id = OrderId(rng.randint(max(1, seq - 30), seq))
        return CancelOrder(who, order_id) if rng.random() < 0.5 else CancelOrder(who, None, name)
    if kind < 0.94:
        return CancelAll(who)
    if kind < 0.97:
        return StopAccount(who, rng.random() < 0.3)
    return SetStatus(COIN.symbol, rng.choice([TradingStatus.TRADING, TradingStatus.TRADING, TradingStatus.HALTED]))
