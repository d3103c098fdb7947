"""Money in and out, and what operators set: instruments, account limits, the kill switch, the rules' edition.

Layer: engine.
"""

from __future__ import annotations

from engine import events as ev
from engine.accounts import can_be_configured
from engine.book import OrderBook
from engine.commands import (
    AdoptRulebook,
    ConfigureAccount,
    Deposit,
    ListInstrument,
    StopAccount,
    Withdraw,
    WriterChanged,
)
from engine.execution import end_alone
from engine.ledger import FEE_ACCOUNT
from engine.rejects import CancelReason, InvariantViolation, RejectReason
from engine.rulebook import CURRENT_EDITION, OWN_MEMORIES_SINCE
from engine.state import ExchangeState
from engine.types import AccountId


def list_instrument(state: ExchangeState, command: ListInstrument, events: list[ev.Event]) -> None:
    """Carry out a ListInstrument."""
    instrument = command.instrument
    book = state.books.get(instrument.symbol)
    reason: RejectReason | None = None
    if not instrument.consistent:
        reason = RejectReason.BAD_CONFIGURATION
    elif (book is not None and not book.instrument.same_grid(instrument)) or not state.ledger.admit(instrument):
        reason = RejectReason.INSTRUMENT_CONFLICT
    if reason is not None:
        events.append(ev.Rejected(FEE_ACCOUNT, instrument.symbol, reason, None, None))
        return
    if book is None:
        state.books[instrument.symbol] = OrderBook(instrument)
    else:
        book.instrument = instrument
        book.measure_what_rests()
    events.append(ev.InstrumentListed(instrument))


def deposit(state: ExchangeState, command: Deposit, events: list[ev.Event]) -> None:
    """Carry out a Deposit."""
    account, asset = command.account, command.asset
    reason = _refuse_transfer(state, account, asset)
    if reason is None:
        amount = state.ledger.amount(asset, command.amount)
        if amount is None:
            reason = RejectReason.BAD_AMOUNT
        elif command.limit is not None:
            limit = state.ledger.limit(asset, command.limit)
            if state.ledger.balance(account, asset).deposited + amount > limit:
                reason = RejectReason.DEPOSIT_LIMIT_EXCEEDED
        if reason is None and amount is not None:
            state.ledger.deposit(account, asset, amount)
            events.append(ev.Deposited(account, asset, amount))
    if reason is not None:
        events.append(ev.Rejected(account, None, reason, None, None))


def withdraw(state: ExchangeState, command: Withdraw, events: list[ev.Event]) -> None:
    """Carry out a Withdraw."""
    account, asset = command.account, command.asset
    reason = _refuse_transfer(state, account, asset)
    if reason is None:
        amount = state.ledger.amount(asset, command.amount)
        if amount is None:
            reason = RejectReason.BAD_AMOUNT
        elif not state.ledger.withdraw(account, asset, amount):
            reason = RejectReason.INSUFFICIENT_FUNDS
        else:
            events.append(ev.Withdrawn(account, asset, amount))
    if reason is not None:
        events.append(ev.Rejected(account, None, reason, None, None))


def adopt_rulebook(state: ExchangeState, command: AdoptRulebook, _events: list[ev.Event]) -> None:
    """Carry out an AdoptRulebook: from the next command on its edition counts; an earlier one changes nothing.

    Raises InvariantViolation for an edition that this engine does not have.
    """
    if command.edition > CURRENT_EDITION:
        raise InvariantViolation(
            f"edition {command.edition} of the rules was adopted here, and this engine has {CURRENT_EDITION}: "
            "start the newer Openbell that did it"
        )
    state.rulebook = max(state.rulebook, command.edition)
    if state.rulebook >= OWN_MEMORIES_SINCE:
        state.recent.split_by_account(state.seq, state.ts_ns)


def change_writer(_state: ExchangeState, _command: WriterChanged, _events: list[ev.Event]) -> None:
    """Carry out a WriterChanged: nothing changes but seq and time, whoever sequences."""


def configure_account(state: ExchangeState, command: ConfigureAccount, events: list[ev.Event]) -> None:
    """Carry out a ConfigureAccount."""
    if not can_be_configured(command):
        events.append(ev.Rejected(command.account, None, RejectReason.BAD_CONFIGURATION, None, None))
        return
    state.account(command.account).configure(command)
    events.append(ev.AccountConfigured(command.account, command.tier))


def stop_account(state: ExchangeState, command: StopAccount, events: list[ev.Event]) -> None:
    """Carry out a StopAccount."""
    owner = state.account(command.account)
    owner.stop(command.stopped)
    events.append(ev.AccountStopped(command.account, command.stopped))
    if command.stopped:
        for order in state.open_orders(command.account, command.among):
            if order.order_id in state.orders:  # when its linked order ended, it ended too
                end_alone(state, order, CancelReason.ACCOUNT_STOPPED, events, exits=False)


def _refuse_transfer(state: ExchangeState, account: AccountId, asset: str) -> RejectReason | None:
    if asset not in state.ledger.scales or not state.keeps_accounts:
        return RejectReason.UNKNOWN_ASSET
    return RejectReason.ACCOUNT_STOPPED if state.account(account).stopped else None
