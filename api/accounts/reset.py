"""Resetting an account: its orders are cancelled, its balances become what is asked, its profit counts from then on.

The account is stopped first, and its orders are cancelled, which releases what they held; while it is stopped it
neither trades nor is credited, so what it owns cannot change. Then one batch lets it trade again, withdraws everything
and deposits what is asked: nothing comes in between. All of it are commands of the journal.
The command that stops it is a mark, too. So where a server ends between the two, the next start lets the account trade
again, with what it owned; and where the second was not taken, the next reset goes on.
Layer: api.accounts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import eventlet
import msgspec
from eventlet.event import Event

from api.accounts.views import BalanceView, balances_view
from api.json.errors import ApiError, Malformed, rejected
from api.orders.mass_cancels import MassCancels
from engine.commands import Command, Deposit, StopAccount, Withdraw
from engine.events import Cancelled, CommandResult, Rejected
from engine.exchange import Exchange
from engine.ledger import FEE_ACCOUNT
from engine.rejects import RejectReason
from engine.types import AccountId
from listings.grid import amount_text
from listings.texts import IdText
from projections.profits import Profits, begin_of_reset, mark_of_reset
from sequencer.port import NotAccepting, Sequencing

WAIT_S: Final = 10.0  # for the queue to take the second step, or for a reset to be over
RETRY_S: Final = 0.05

log = logging.getLogger(__name__)


class ResetView(msgspec.Struct, frozen=True):
    """POST /account/reset and POST /admin/accounts/{account}/reset."""

    account: IdText
    balances: list[BalanceView]
    cancelled: int  # orders
    timestamp: float
    seq: int  # from which on the profit counts


class AccountReset:
    """Resets accounts of one venue, each at most once at a time."""

    def __init__(self, exchange: Exchange, sequencer: Sequencing, profits: Profits, mass_cancels: MassCancels) -> None:
        self._exchange = exchange
        self._sequencer = sequencer
        self._profits = profits
        self._mass_cancels = mass_cancels
        self._under_way: dict[AccountId, Event] = {}  # sent when it is over

    def reset(
        self, account: AccountId, wanted: Mapping[str, Decimal], *, by_operator: bool, most: Decimal | None = None
    ) -> ResetView:
        """Leave an account with these balances and no others. O(its open orders). Cooperative.

        `most`: of one asset. `by_operator`: also where the account is stopped, and then it stays so.
        Raises ApiError, NotAccepting.
        """
        amounts = self._amounts(wanted, most)
        if account == FEE_ACCOUNT:
            raise ApiError(409, "VENUE_ACCOUNT", "The account of the fees is the venue's own; it is not reset.")
        if account in self._under_way:
            raise ApiError(409, "RESET_UNDER_WAY", "The account is being reset; try again in a moment.")
        owner = self._exchange.accounts.get(account)
        stays_stopped = owner is not None and owner.stopped and account not in self._profits.stopped_by_reset
        if stays_stopped and not by_operator:
            raise rejected(RejectReason.ACCOUNT_STOPPED, None)
        over = self._under_way[account] = Event()
        try:
            return self._carry_out(account, amounts, stays_stopped=stays_stopped)
        finally:
            del self._under_way[account]
            over.send()

    def wait(self, account: AccountId) -> None:
        """Wait until no reset of an account is under way, for `WAIT_S` at most: meanwhile it is stopped. Cooperative.

        Who then stops it or lets it trade does that behind the reset, whose last step would undo it.
        """
        over = self._under_way.get(account)
        if over is not None:
            over.wait(WAIT_S)

    def resume(self) -> None:
        """At the start: let the accounts trade again whose reset a server began and did not carry out."""
        interrupted = sorted(self._profits.stopped_by_reset)
        if interrupted:
            log.warning(
                "the reset of %d accounts was interrupted; they trade again, ask for it again", len(interrupted)
            )
            self._sequencer.submit_all([StopAccount(account, stopped=False) for account in interrupted])

    def _carry_out(self, account: AccountId, amounts: Mapping[str, str], *, stays_stopped: bool) -> ResetView:
        first = StopAccount(account, stopped=True, among=()) if stays_stopped else begin_of_reset(account)
        stopping = self._mass_cancels.stop_in_parts(first)
        cancelled = sum(isinstance(event, Cancelled) for result in stopping for event in result.events)
        scales = self._exchange.ledger.scales
        commands: list[Command] = [mark_of_reset(account)]
        for asset, balance in sorted(self._exchange.ledger.accounts.get(account, {}).items()):
            if balance.total:
                commands.append(Withdraw(account, asset, amount_text(balance.total, scales[asset])))
        commands += [Deposit(account, asset, amount) for asset, amount in sorted(amounts.items())]
        if stays_stopped:
            commands.append(StopAccount(account, stopped=True))
        results = self._submit(commands)
        if any(isinstance(result.events[0], Rejected) for result in results):
            sentence = "An operator let the account trade while it was reset; reset it again."
            raise ApiError(409, "RESET_INTERRUPTED", sentence)
        after = balances_view(self._exchange, account)
        return ResetView(after.account, after.balances, cancelled, after.timestamp, results[0].seq)

    def _submit(self, commands: list[Command]) -> list[CommandResult]:
        """Submit the second step, for some seconds also where too many commands wait. Raises NotAccepting."""
        for _ in range(int(WAIT_S / RETRY_S)):
            try:
                return self._sequencer.submit_all(commands)
            except NotAccepting:
                if self._sequencer.refusal is not None:
                    raise
            eventlet.sleep(RETRY_S)
        return self._sequencer.submit_all(commands)

    def _amounts(self, wanted: Mapping[str, Decimal], most: Decimal | None) -> dict[str, str]:
        """What is to be deposited, as the ledger reads it. Raises ApiError for what it would refuse."""
        ledger = self._exchange.ledger
        amounts: dict[str, str] = {}
        for asset, amount in wanted.items():
            if asset not in ledger.scales:
                raise rejected(RejectReason.UNKNOWN_ASSET, None, asset=asset)
            if most is not None and amount > most:
                raise rejected(RejectReason.DEPOSIT_LIMIT_EXCEEDED, None, asset=asset, limit=f"{most:f}")
            text = amount_of(amount)
            if amount and ledger.amount(asset, text) is None:
                raise rejected(RejectReason.BAD_AMOUNT, None, asset=asset)
            if amount:
                amounts[asset] = text
        return amounts


def amount_of(value: Decimal) -> str:
    """A decimal, which is finite, as the ledger reads it. Raises Malformed for one that is absurdly long."""
    if abs(value.adjusted()) > 30 or len(value.as_tuple().digits) > 40:
        raise Malformed("OUT_OF_RANGE", "amount is out of range.", field="amount")
    return f"{value:f}"
