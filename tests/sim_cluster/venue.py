"""What the writer of a simulated cluster submits by itself, once: the opening of the venue."""

from __future__ import annotations

from cluster.hosting import NodeHost
from engine.commands import AdoptRulebook, Command, Deposit, ListInstrument
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from tests.sim.market import ACCOUNTS, FUNDS, INSTRUMENTS


class VenueTasks:
    """`cluster.hosting.WriterTasks`."""

    def __init__(self, host: NodeHost, exchange: Exchange) -> None:
        self._host = host
        self._exchange = exchange

    def begin(self) -> None:
        """As `WriterTasks.begin`."""
        opening = _opening(self._exchange)
        if opening and self._host._local is not None:
            self._host._local.submit_all(opening)

    def end(self) -> None:
        """As `WriterTasks.end`."""


def _opening(exchange: Exchange) -> list[Command]:
    opening: list[Command] = []
    if exchange.rulebook < CURRENT_EDITION:
        opening.append(AdoptRulebook(CURRENT_EDITION))
    opening += [ListInstrument(each) for each in INSTRUMENTS if each.symbol not in exchange.books]
    for account in ACCOUNTS:
        if account not in exchange.ledger.accounts:
            opening += [Deposit(account, asset, amount) for asset, amount in FUNDS.items()]
    return opening
