"""Traders of front doors: what they begin with, and what they ask for."""

from __future__ import annotations

import random
from typing import Protocol

from engine.commands import Command, Deposit, EnterOrder, ListInstrument
from engine.events import CommandResult
from engine.types import AccountId, Lots, OrderType, Side, Ticks, TimeInForce
from sequencer.port import Sequencing
from tests.sequencer.venue import COIN

KEY = b"sixteen bytes ok"


class Trading(Protocol):
    """Whoever has a sequencer."""

    @property
    def sequencer(self) -> Sequencing: ...


def opening(accounts: int) -> list[Command]:
    """A listing, and deposits for accounts 1 to `accounts`."""
    funds: list[Command] = [
        Deposit(AccountId(account), asset, "1000000")
        for account in range(1, accounts + 1)
        for asset in (COIN.base, COIN.quote)
    ]
    return [ListInstrument(COIN), *funds]


def order(account: int, rng: random.Random, name: str | None = None) -> EnterOrder:
    """An order near the others, so that some trade."""
    side, price, quantity = rng.choice(list(Side)), Ticks(rng.randint(98, 102)), Lots(rng.randint(1, 5))
    return EnterOrder(AccountId(account), "COIN", side, OrderType.LIMIT, TimeInForce.GTC, quantity, price, name)


def flood(door: Trading, account: int, count: int, answers: list[tuple[Command, CommandResult]]) -> None:
    """A trader that enters one order behind the other; every answer must be one."""
    rng = random.Random(account)
    for _ in range(count):
        command = order(account, rng)
        answers.append((command, door.sequencer.submit(command)))
        if not rng.randrange(20):
            pair = [order(account, rng), order(account, rng)]
            answers += zip(pair, door.sequencer.submit_all(pair), strict=True)
