"""A journal of an earlier edition of the rules comes to the very state that it came to when it was written."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest

from engine import recent
from engine.commands import (
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
)
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.types import (
    AccountId,
    Lots,
    OrderId,
    OrderType,
    SelfTradePrevention,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)
from tests.engine.pair import COIN

NAMES = [f"n{number}" for number in range(40)]
DIGESTED_FIELDS = ("order_id", "reason", "client_order_id", "price", "quantity", "cum", "trade_id")
NAMES_THEN = {"StopPriceMoved": "Trailed", "DuplicateRequest": "Repeated"}  # of events that have another name now
START_NS = 1_700_000_000_000_000_000

# Worked out by the engine as it was before rules had editions: (done orders remembered) -> state, events
RECORDED = {
    200_000: (
        "b9df7497b97e8d84bb8fc4e6a132fcd18e9ed1a3c853a17a916c63b02e741e67",
        "9c679a24bf04c92bc89e44344924a5e8ce51b0bf9686cf66ea0db9f8d1a9e14a",
    ),
    3: (
        "306e1deefdff4a2a99603caad6946c5897897c87468bc0a2109b58faa5a301d4",
        "3e75e1c2452f0ab31011010a400c5775059a73ce6352482ccb0b21bd09b10620",
    ),
}


def flow(count: int = 3_000) -> list[Command]:
    """Orders with few names, so that they repeat each other, in a symbol that halts and with accounts that stop."""
    rng = random.Random(9)
    commands: list[Command] = [ListInstrument(COIN)]
    commands += [Deposit(AccountId(who), asset, "1") for who in (1, 2, 3) for asset in (COIN.base, COIN.quote)]
    commands.append(ConfigureAccount(AccountId(3), "slow", max_orders_per_second=4))
    while len(commands) < count:
        who, kind = AccountId(rng.randint(1, 3)), rng.random()
        if kind < 0.7:
            market, priced = rng.random() < 0.1, rng.random() < 0.9
            commands.append(
                EnterOrder(
                    who,
                    COIN.symbol,
                    rng.choice(list(Side)),
                    OrderType.MARKET if market else OrderType.LIMIT,
                    rng.choice([TimeInForce.GTC, TimeInForce.IOC]) if not market else TimeInForce.IOC,
                    Lots(rng.randint(2, 3)),
                    None if market else Ticks(rng.randint(9, 11)) if priced else "9.5",
                    rng.choice([None, *NAMES[:20], *NAMES]),
                    self_trade_prevention=rng.choice([None, SelfTradePrevention.NONE]),
                    options=None if market or rng.random() < 0.9 else OrderOptions(take_profit=Ticks(20)),
                )
            )
        elif kind < 0.9:
            named = rng.random() < 0.5
            order_id = OrderId(rng.randint(max(1, len(commands) - 20), len(commands)))
            commands.append(CancelOrder(who, None if named else order_id, rng.choice(NAMES) if named else None))
        elif kind < 0.93:
            commands.append(CancelAll(who))
        elif kind < 0.96:
            commands.append(StopAccount(who, rng.random() < 0.1))
        else:
            status = rng.choice([*[TradingStatus.TRADING] * 12, *TradingStatus])
            commands.append(SetStatus(COIN.symbol, status))
    return commands


@pytest.mark.parametrize("remembered", RECORDED)
def test_a_journal_from_before_the_rules_had_editions_comes_to_the_state_that_it_came_to(
    remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "SHARED_WINDOW", remembered)
    exchange, digest = Exchange(), sha256()
    for seq, command in enumerate(flow(), 1):
        for event in exchange.apply(command, seq, START_NS + seq * 50_000_000):
            name = NAMES_THEN.get(type(event).__name__, type(event).__name__)
            digest.update(f"{name} {[getattr(event, field, None) for field in DIGESTED_FIELDS]}".encode())
    assert (state_digest(exchange), digest.hexdigest()) == RECORDED[remembered]
