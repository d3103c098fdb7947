"""An older journal comes to the state that it came to when it was written; a newer edition's rules begin with it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from engine.commands import (
    AdoptRulebook,
    AdvanceTime,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    OrderOptions,
    SetStatus,
)
from engine.digest import state_digest
from engine.events import Filled, Rejected, Triggered
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rejects import RejectReason
from engine.types import (
    SANDBOX_ACCOUNT,
    AccountId,
    Amount,
    Lots,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)

SHARE = Instrument(
    symbol="X-USD",
    base="X",
    quote="USD",
    tick_size="1",
    lot_size="1",
    quote_scale=4,
    lot_tick_amount=Amount(10_000),
    max_quantity=Lots(1000),
    max_notional=Amount(10**12),
    maker_fee=-50,
    taker_fee=700,
    collar=200_000,
    reference_price=Ticks(100),
    max_open_orders=1000,
    band=60_000,
    band_window_ns=50,
)
ACCOUNTS = [SANDBOX_ACCOUNT, AccountId(1000), AccountId(1001)]
# The state that seeds 0 and 1 of `flow` came to with the engine of the first edition, before there was a second.
FIRST_STATES = [
    "ac97cf6b540f2c0fc0ec06e6cff79a61d09798475eede1cfe93659ebdbd20933",
    "eb5175437f5b18ae83ac5741462f77ab941ca9191bf19992a65bb59780e976df",
]


def flow(seed: int) -> Iterator[Command]:
    """Some thousand commands, self-trades, stops, icebergs and auctions among them."""
    rng = random.Random(seed)
    yield ListInstrument(SHARE)
    for account in ACCOUNTS:
        yield Deposit(account, "USD", "1000000")
        yield Deposit(account, "X", "10000")
    for _ in range(3000):
        if rng.random() < 0.03:
            yield rng.choice([AdvanceTime(), SetStatus("X-USD", rng.choice(list(TradingStatus)))])
            yield SetStatus("X-USD", rng.choice([TradingStatus.TRADING, TradingStatus.AUCTION]))
        kind = rng.choice([OrderType.LIMIT] * 4 + [OrderType.MARKET, OrderType.STOP])
        limit, lots = kind is OrderType.LIMIT, Lots(rng.randint(1, 12))
        options = None
        if kind is OrderType.STOP:
            options = OrderOptions(stop_price=Ticks(rng.randint(90, 110)))
        elif limit and rng.random() < 0.3:
            options = OrderOptions(display_quantity=Lots(rng.randint(1, lots)))
        yield EnterOrder(
            rng.choice(ACCOUNTS), "X-USD", rng.choice(list(Side)), kind,
            TimeInForce.IOC if kind is OrderType.MARKET else TimeInForce.GTC, lots,
            Ticks(rng.randint(92, 108)) if limit else None, f"c{rng.randint(1, 1000)}" if rng.random() < 0.2 else None,
            None, rng.choice([None, SelfTradePrevention.NONE, *SelfTradePrevention]), options,
        )  # fmt: skip


def played(seed: int) -> Exchange:
    """An exchange of the first edition after a flow."""
    exchange = Exchange()
    for seq, command in enumerate(flow(seed), 1):
        exchange.apply(command, seq, seq * 10)
    return exchange


@pytest.mark.parametrize("seed", range(len(FIRST_STATES)))
def test_a_journal_of_the_first_edition_comes_to_the_state_it_came_to(seed: int) -> None:
    assert state_digest(played(seed)) == FIRST_STATES[seed]


def test_from_the_second_edition_on_a_trade_with_oneself_is_no_price_and_none_is_not_for_everybody() -> None:
    exchange, seq = Exchange(), 0

    def apply(command: Command) -> list[object]:
        nonlocal seq
        seq += 1
        return list(exchange.apply(command, seq, seq))

    def enter(account: AccountId, side: Side, price: int, mode: SelfTradePrevention | None = None) -> list[object]:
        order = (account, "X-USD", side, OrderType.LIMIT, TimeInForce.GTC, Lots(1), Ticks(price), None, None, mode)
        return apply(EnterOrder(*order))

    guest, none = ACCOUNTS[1], SelfTradePrevention.NONE
    apply(ListInstrument(SHARE))
    for account in ACCOUNTS:
        apply(Deposit(account, "USD", "1000000"))
        apply(Deposit(account, "X", "10000"))
    book = exchange.books["X-USD"]
    stop = OrderOptions(stop_price=Ticks(104))
    waits = EnterOrder(ACCOUNTS[2], "X-USD", Side.BUY, OrderType.STOP, TimeInForce.GTC, Lots(1), options=stop)
    apply(waits)
    enter(guest, Side.SELL, 103)
    (fill,) = (event for event in enter(guest, Side.BUY, 103, none) if isinstance(event, Filled))
    assert (fill.self_trade, book.last_price) == (False, 103)  # as it was when such journals were written

    apply(AdoptRulebook(2))
    apply(ConfigureAccount(ACCOUNTS[2], "own", self_trade_prevention=none))
    enter(guest, Side.SELL, 105)
    (refused,) = enter(guest, Side.BUY, 105, none)
    assert isinstance(refused, Rejected)
    assert refused.reason is RejectReason.SELF_TRADE_PREVENTION_NOT_ALLOWED
    enter(ACCOUNTS[2], Side.SELL, 104)
    events = enter(ACCOUNTS[2], Side.BUY, 104)
    assert [event.self_trade for event in events if isinstance(event, Filled)] == [True]
    assert not any(isinstance(event, Triggered) for event in events)
    assert book.last_price == 103
    enter(SANDBOX_ACCOUNT, Side.SELL, 104)
    events = enter(SANDBOX_ACCOUNT, Side.BUY, 104, none)  # it stands for many people
    assert [event.self_trade for event in events if isinstance(event, Filled)] == [False, False]
    assert any(isinstance(event, Triggered) for event in events)
    assert book.last_price != 103
