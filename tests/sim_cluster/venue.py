"""What the writer of a simulated cluster submits by itself: the opening of the venue, and a heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.term import Term
from engine.commands import AdoptRulebook, AdvanceTime, Command, Deposit, ListInstrument
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from sequencer.port import NotAccepting, OutcomeUnknown
from sequencer.sequencer import Sequencer
from tests.sim.machine import sleep
from tests.sim.market import ACCOUNTS, FUNDS, INSTRUMENTS

if TYPE_CHECKING:
    from tests.sim_cluster.simulation import Simulation

HEARTBEAT_S = 1.0


def keep_venue(simulation: Simulation, writer: Sequencer, exchange: Exchange, term: Term) -> None:
    """Open the venue, once; then a record each second in which nothing else was, until the term is over."""
    try:
        opening = _opening(exchange)
        if opening:
            writer.submit_all(opening)
        seq = exchange.seq
        while not term.over.is_set():
            sleep(HEARTBEAT_S)
            if exchange.seq == seq and not simulation.is_quiet and not term.over.is_set():
                writer.submit(AdvanceTime())
            seq = exchange.seq
    except (NotAccepting, OutcomeUnknown):
        return


def _opening(exchange: Exchange) -> list[Command]:
    opening: list[Command] = []
    if exchange.rulebook < CURRENT_EDITION:
        opening.append(AdoptRulebook(CURRENT_EDITION))
    opening += [ListInstrument(each) for each in INSTRUMENTS if each.symbol not in exchange.books]
    for account in ACCOUNTS:
        if account not in exchange.ledger.accounts:
            opening += [Deposit(account, asset, amount) for asset, amount in FUNDS.items()]
    return opening
