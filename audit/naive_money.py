"""The naive exchange's money: every hold summed up anew from the open orders, every fee a fraction.

Written from the matching rules, with arithmetic of its own by way of the decimals that people see.
Units: minor units of the asset. Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from audit.naive_order import NaiveOrder
from engine import events as ev
from engine.commands import ConfigureAccount, Deposit, Withdraw
from engine.instrument import Instrument
from engine.rejects import RejectReason
from engine.types import AccountId, Amount, OrderId, SelfTradePrevention

FEES = 0  # the venue's account
SANDBOX = 1  # stands for everybody: it trades with itself


def alone_with_itself(first: int, second: int) -> bool:
    """Whether both sides of a trade are one account, and nobody may think that they are two people."""
    return first == second and first != SANDBOX


class NotWhole(Exception):
    """An instrument whose tick times lot is no whole number of minor units."""


@lru_cache(maxsize=1024)
def _whole(text: str, other: str, scale: int) -> int:
    exact = Fraction(text) * Fraction(other) * 10**scale
    if exact.denominator != 1:
        raise NotWhole(f"{text} times {other} is not a whole number of units of 10^-{scale}")
    return int(exact)


def notional_of(instrument: Instrument, price: int, quantity: int) -> int:
    """Price times quantity in minor units, by way of the decimals that people see."""
    return price * quantity * _whole(instrument.tick_size, instrument.lot_size, instrument.quote_scale)


def base_of(instrument: Instrument, quantity: int) -> int:
    """Lots in minor units of the base asset, by way of the decimals that people see."""
    return quantity * _whole(instrument.lot_size, "1", instrument.base_scale)


def fee_of(notional: int, millionths: int) -> int:
    """What the party pays: rounded up; what it receives (below zero): rounded down."""
    exact = Fraction(notional * millionths, 1_000_000)
    return math.ceil(exact) if exact >= 0 else -math.floor(-exact)


def net_fees_of(notional: int, maker_rate: int, taker_rate: int) -> tuple[int, int]:
    """Both fees of a trade; nobody is given more than the other party pays."""
    maker, taker = fee_of(notional, maker_rate), fee_of(notional, taker_rate)
    return max(maker, -max(taker, 0)), max(taker, -max(maker, 0))


def decimal_of(text: str) -> Fraction | None:
    """A decimal of at most 40 digits, or None for anything else."""
    if not re.fullmatch(r"[0-9]*\.?[0-9]*", text) or not 1 <= len(text.replace(".", "")) <= 40:
        return None
    return Fraction(text)


@dataclass
class NaiveAccount:
    """What an account may, its open orders, and when it asked for orders while that was limited."""

    configuration: ConfigureAccount
    stopped: bool = False
    asked_ns: list[int] = field(default_factory=list)  # in the second of the latest
    open: list[NaiveOrder] = field(default_factory=list)  # oldest first

    def rates(self, instrument: Instrument) -> tuple[int, int]:
        """Maker and taker rate of an order entered now."""
        own = self.configuration
        return (
            instrument.maker_fee if own.maker_fee is None else own.maker_fee,
            instrument.taker_fee if own.taker_fee is None else own.taker_fee,
        )

    def may_ask_for_none(self) -> bool:
        """Whether an order may name the mode none: the sandbox's, and one that would have it anyway."""
        return self.configuration.account == SANDBOX or self.mode(None) is SelfTradePrevention.NONE

    def mode(self, asked: SelfTradePrevention | None) -> SelfTradePrevention:
        """How an order's meeting with one of its own account ends."""
        own = self.configuration
        if asked is not None:
            return asked
        if own.self_trade_prevention is not None:
            return own.self_trade_prevention
        return SelfTradePrevention.NONE if own.account == SANDBOX else SelfTradePrevention.CANCEL_NEWEST

    def count_order(self, ts_ns: int) -> bool:
        """Note one more order; False when that is more than may come within one second of the clock."""
        most = self.configuration.max_orders_per_second
        if most is None:
            return True
        self.asked_ns = [asked for asked in self.asked_ns if asked // 10**9 == ts_ns // 10**9]
        self.asked_ns.append(ts_ns)
        return len(self.asked_ns) <= most


class NaiveLedger:
    """What accounts own, may and hold."""

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.open: list[NaiveOrder] = []  # of every symbol, in order of entry
        self.accounts: dict[int, NaiveAccount] = {}
        self.scales: dict[str, int] = {}  # of every asset
        self.owned: Counter[tuple[int, str]] = Counter()  # by account and asset, held or not
        self.deposited: Counter[tuple[int, str]] = Counter()
        self.issued: Counter[str] = Counter()  # deposited less withdrawn

    def account(self, account: int) -> NaiveAccount:
        """An account, made when it was never heard of."""
        known = self.accounts.get(account)
        if known is None:
            known = self.accounts[account] = NaiveAccount(ConfigureAccount(AccountId(account), "standard"))
        return known

    def configure(self, command: ConfigureAccount) -> list[ev.Event]:
        """ConfigureAccount."""
        rates = [rate for rate in (command.maker_fee, command.taker_fee) if rate is not None]
        counts = [most for most in (command.max_open_orders, command.max_orders_per_second) if most is not None]
        notional = command.max_notional
        if (
            any(abs(rate) > 1_000_000 for rate in rates)
            or any(most < 0 for most in counts)
            or (notional is not None and decimal_of(notional) is None)
        ):
            return [reject(command.account, None, RejectReason.BAD_CONFIGURATION)]
        self.account(command.account).configuration = command
        return [ev.AccountConfigured(command.account, command.tier)]

    def deposit(self, command: Deposit) -> list[ev.Event]:
        """Deposit."""
        key = command.account, command.asset
        reason, amount = self.transfer(command)
        if reason is None and command.limit is not None:
            limit = (decimal_of(command.limit) or 0) * 10 ** self.scales[command.asset]
            if self.deposited[key] + amount > limit:
                reason = RejectReason.DEPOSIT_LIMIT_EXCEEDED
        if reason is not None:
            return [reject(command.account, None, reason)]
        self.owned[key] += amount
        self.deposited[key] += amount
        self.issued[command.asset] += amount
        return [ev.Deposited(*key, Amount(amount))]

    def withdraw(self, command: Withdraw) -> list[ev.Event]:
        """Withdraw."""
        key = command.account, command.asset
        reason, amount = self.transfer(command)
        if reason is None and amount > self.available(*key):
            reason = RejectReason.INSUFFICIENT_FUNDS
        if reason is not None:
            return [reject(command.account, None, reason)]
        self.owned[key] -= amount
        self.issued[command.asset] -= amount
        return [ev.Withdrawn(*key, Amount(amount))]

    def transfer(self, command: Deposit | Withdraw) -> tuple[RejectReason | None, int]:
        """Why nothing can come or go, else how many minor units."""
        if command.asset not in self.scales:
            return RejectReason.UNKNOWN_ASSET, 0
        if self.account(command.account).stopped:
            return RejectReason.ACCOUNT_STOPPED, 0
        amount = (decimal_of(command.amount) or 0) * 10 ** self.scales[command.asset]
        if amount <= 0 or amount != int(amount):
            return RejectReason.BAD_AMOUNT, 0
        return None, int(amount)

    def held(self, account: int, asset: str) -> int:
        """What the open orders of an account need of an asset."""
        return sum(self.hold(order) for order in self.account(account).open if order.pays == asset)

    def available(self, account: int, asset: str) -> int:
        """What an account owns and no order of it needs."""
        return self.owned[account, asset] - self.held(account, asset)

    def paid_asset(self, order: NaiveOrder) -> str:
        """The asset that an order gives."""
        if not order.pays:
            instrument = self.instruments[order.symbol]
            order.pays = instrument.quote if order.buys else instrument.base
        return order.pays

    def lot_hold(self, order: NaiveOrder) -> int:
        """What one lot of an order may cost at worst, with the highest fee on it; nothing for a market order."""
        instrument = self.instruments[order.symbol]
        price = order.price if order.price is not None else order.hold_price
        if not order.buys:
            return base_of(instrument, 1) if order.price is not None or order.stop_price is not None else 0
        if price is None:
            return 0
        one = notional_of(instrument, price, 1)
        return one + max(0, *(fee_of(one, rate) for rate in order.rates))

    def hold(self, order: NaiveOrder) -> int:
        """What is set aside for an open order. Of a pair the first leg holds for both, whichever costs more."""
        if order.sibling is None:
            return (order.quantity - order.cum) * order.one_lot
        if order.waiting:
            return 0
        return order.leaves * max(order.one_lot, order.sibling.one_lot)


def reject(
    account: int,
    symbol: str | None,
    reason: RejectReason,
    order_id: int | None = None,
    client_order_id: str | None = None,
) -> ev.Rejected:
    """The event of a refusal."""
    return ev.Rejected(
        AccountId(account), symbol, reason, None if order_id is None else OrderId(order_id), client_order_id
    )
