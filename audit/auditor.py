"""The auditor: judges every command by its events, by the naive exchange, and by what the engine's ledger says.

Three independent judgements of one command. `Properties` judges each event beside the book it met and goes on
whatever happened, for it believes what the events say. The naive exchange says what should have happened;
after the first difference its state is another venue's, so that from there on nothing is compared with it.
The balances are summed up from the trades and laid beside those of the engine.
Layer: audit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from audit.findings import Finding, Kind
from audit.naive_exchange import NaiveExchange
from audit.properties import Properties
from audit.tally import Tally
from engine import events as ev
from engine.commands import Command
from engine.rejects import CancelReason, RejectReason
from engine.rulebook import FIRST_EDITION
from engine.types import AccountId

SUMS_EVERY = 1_000  # commands between two checks of all balances
FINDINGS_KEPT = 1_000


class Balances(Protocol):
    """What the engine's ledger says, in minor units."""

    def of(self, account: AccountId, asset: str) -> tuple[int, int]:
        """Available and held."""

    def every(self) -> list[tuple[AccountId, str]]:
        """Every account and asset with a balance."""


class Auditor:
    """Feed it every command, in order, with what the engine made of it; then read `findings` and `tally`."""

    def __init__(
        self,
        balances: Balances | None = None,
        on_finding: Callable[[Finding], None] | None = None,
        rulebook: int = FIRST_EDITION,
    ) -> None:
        self.findings: list[Finding] = []
        self.found = 0  # how many, including those beyond FINDINGS_KEPT
        self.tally = Tally()
        self.compared_until: int | None = None  # the seq of the first difference from the naive exchange
        self._balances = balances
        self._on_finding = on_finding
        self._properties = Properties(rulebook)
        self.naive = NaiveExchange(rulebook)
        self._wrong_balances: set[tuple[int, str]] = set()  # each is a finding once

    def observe(self, seq: int, ts_ns: int, command: Command, events: list[ev.Event]) -> None:
        """Judge one command. O(open orders of the symbol and of the accounts concerned)."""
        wrong = self._properties.judge(command, ts_ns, events)
        for kind, symbol, sentence in wrong:
            self.add(kind, seq, symbol, sentence)
        if self.compared_until is None:
            expected = self.naive.apply(command, seq, ts_ns)
            if expected != events and expected != _decided(events):
                self.compared_until = seq
                if not wrong:
                    self._add_difference(seq, command, events, expected)
        self._check_balances(seq, events)
        if seq % SUMS_EVERY == 0:
            self.check_sums(seq)
        self.tally.count(command, events, self._properties.shadow)

    def check_sums(self, seq: int) -> None:
        """Whether all balances of each asset sum to deposits less withdrawals."""
        sums: dict[str, int] = {}
        shadow = self._properties.shadow
        if self._balances is None:
            for (_, asset), owned in shadow.owned.items():
                sums[asset] = sums.get(asset, 0) + owned
        else:
            for account, asset in self._balances.every():
                sums[asset] = sums.get(asset, 0) + sum(self._balances.of(account, asset))
        for asset in sorted({*sums, *shadow.issued}):
            if sums.get(asset, 0) != shadow.issued[asset] and (-1, asset) not in self._wrong_balances:
                self._wrong_balances.add((-1, asset))
                self.add(
                    Kind.UNBALANCED,
                    seq,
                    None,
                    f"the balances of {asset} sum to {sums.get(asset, 0)} minor units, deposits less withdrawals are "
                    f"{shadow.issued[asset]}",
                )

    def engine_stopped(self, seq: int, error: Exception) -> None:
        """The engine refused to go on at a command."""
        self.add(Kind.ENGINE_STOPPED, seq, None, f"the engine stopped: {type(error).__name__}: {error}")

    @property
    def scales(self) -> dict[str, int]:
        """Decimals of each asset's minor unit."""
        return self._properties.shadow.scales

    def add(self, kind: Kind, seq: int, symbol: str | None, sentence: str) -> None:
        """Note a finding."""
        finding = Finding(kind, seq, symbol, sentence)
        self.found += 1
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(finding)
        if self._on_finding is not None:
            self._on_finding(finding)

    def _add_difference(self, seq: int, command: Command, events: list[ev.Event], expected: list[ev.Event]) -> None:
        at = next((i for i, (a, b) in enumerate(zip(events, expected, strict=False)) if a != b), None)
        if at is None:
            at = min(len(events), len(expected))
        was = events[at] if at < len(events) else None
        due = expected[at] if at < len(expected) else None
        symbol = getattr(was or due, "symbol", None)
        sentence = f"event {at + 1} is {_shown(was)}, and {_shown(due)} was due; the command was {command}"
        self.add(kind_of_difference(was, due), seq, symbol, sentence)

    def _check_balances(self, seq: int, events: list[ev.Event]) -> None:
        shadow = self._properties.shadow
        for account in _accounts(events):
            held_by_asset = shadow.held_by_asset(account)
            for asset in shadow.scales:
                owned, held = shadow.owned[account, asset], held_by_asset[asset]
                available, engine_held = owned - held, held
                if self._balances is not None:
                    available, engine_held = self._balances.of(AccountId(account), asset)
                if (account, asset) in self._wrong_balances:
                    continue
                if min(available, engine_held, owned - held) < 0:
                    problem = Kind.NEGATIVE_BALANCE, f"has {available} available and {engine_held} held of {owned}"
                elif available + engine_held != owned:
                    problem = Kind.UNBALANCED, f"has {available + engine_held}, its deposits and trades sum to {owned}"
                elif engine_held != held:
                    problem = Kind.WRONG_HOLD, f"holds {engine_held}, its open orders need {held}"
                else:
                    continue
                self._wrong_balances.add((account, asset))
                self.add(problem[0], seq, None, f"account {account} {problem[1]} minor units of {asset}")


def kind_of_difference(was: ev.Event | None, due: ev.Event | None) -> Kind:
    """What to call it when the naive exchange expects `due` where the engine has `was`."""
    pair = (was, due)
    prevention = (CancelReason.SELF_TRADE, RejectReason.SELF_TRADE)
    if any(getattr(event, "reason", None) in prevention for event in pair):
        return Kind.SELF_TRADE
    if any(isinstance(event, ev.Uncrossed) for event in pair):
        return Kind.AUCTION_PRICE
    if any(isinstance(event, ev.Replenished) for event in pair):
        return Kind.ICEBERG_REFILL
    if isinstance(due, ev.Triggered | ev.StopPriceMoved) and was != due:
        return Kind.MISSED_TRIGGER
    if isinstance(was, ev.Triggered | ev.StopPriceMoved):
        return Kind.WRONG_TRIGGER
    banded = any(getattr(event, "reason", None) is CancelReason.PRICE_BAND for event in pair)
    if banded or any(isinstance(event, ev.LimitStateChanged) for event in pair):
        return Kind.BAND_VIOLATION
    return Kind.DIFFERENCE


def _shown(event: ev.Event | None) -> str:
    return "nothing" if event is None else repr(event)


def _decided(events: list[ev.Event]) -> list[ev.Event]:
    """The events without the figures of refusals, which explain and decide nothing."""
    return [msgspec.structs.replace(item, figures=None) if isinstance(item, ev.Rejected) else item for item in events]


def _accounts(events: list[ev.Event]) -> list[int]:
    """The accounts whose money or orders some events are about, the venue's own among them when fees came."""
    accounts: set[int] = set()
    for event in events:
        if isinstance(event, ev.Filled):
            accounts |= {0, event.maker_account, event.taker_account}
        elif not isinstance(event, ev.Rejected | ev.DuplicateRequest) and hasattr(event, "account"):
            accounts.add(event.account)
    return sorted(accounts)
