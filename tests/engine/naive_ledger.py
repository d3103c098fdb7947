"""The naive exchange's money: every hold summed up anew from the open orders, every fee a fraction.

Written from the matching rules, with arithmetic of its own; see `naive_book`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

from engine import events as ev
from engine.commands import ConfigureAccount, Deposit, EnterOrder, Withdraw
from engine.instrument import Instrument
from engine.rejects import RejectReason
from engine.types import Side, TimeInForce

FEES = 0  # the venue's account


def notional_of(instrument: Instrument, price: int, quantity: int) -> int:
    """Price times quantity in minor units, by way of the decimals that people see."""
    exact = (
        Fraction(instrument.tick_size) * price * Fraction(instrument.lot_size) * quantity * 10**instrument.quote_scale
    )
    assert exact.denominator == 1, "a tick times a lot is not a whole number of minor units"
    return int(exact)


def fee_of(notional: int, millionths: int) -> int:
    """What the party pays: rounded up; what it receives (below zero): rounded down."""
    exact = Fraction(notional * millionths, 1_000_000)
    return math.ceil(exact) if exact >= 0 else -math.floor(-exact)


def net_fees_of(notional: int, maker_rate: int, taker_rate: int) -> tuple[int, int]:
    """Both fees of a trade; nobody is given more than the other party pays."""
    maker, taker = fee_of(notional, maker_rate), fee_of(notional, taker_rate)
    return max(maker, -max(taker, 0)), max(taker, -max(maker, 0))


def base_of(instrument: Instrument, quantity: int) -> int:
    """Lots in minor units of the base asset, by way of the decimals that people see."""
    exact = Fraction(instrument.lot_size) * quantity * 10**instrument.base_scale
    assert exact.denominator == 1, "a lot is not a whole number of minor units"
    return int(exact)


def decimal_of(text: str) -> Fraction | None:
    """A decimal of at most 40 digits, or None for anything else."""
    if not re.fullmatch(r"[0-9]*\.?[0-9]*", text) or not 1 <= len(text.replace(".", "")) <= 40:
        return None
    return Fraction(text)


@dataclass
class NaiveAccount:
    """What an account may, and when it asked for orders while that was limited."""

    configuration: ConfigureAccount
    stopped: bool = False
    asked_ns: list[int] = field(default_factory=list)

    def rates(self, instrument: Instrument) -> tuple[int, int]:
        """Maker and taker rate of an order entered now."""
        own = self.configuration
        return (
            instrument.maker_fee if own.maker_fee is None else own.maker_fee,
            instrument.taker_fee if own.taker_fee is None else own.taker_fee,
        )


@dataclass
class NaiveOrder:
    order_id: int
    asked: EnterOrder
    entered_ns: int
    turn: int  # when it joined the queue it stands in
    price: int | None
    quantity: int
    rates: tuple[int, int]  # maker and taker, for as long as it lives
    cum: int = 0
    quote_cum: int = 0
    fees: int = 0

    @property
    def leaves(self) -> int:
        return self.quantity - self.cum

    def ended(self) -> tuple[object, ...]:
        """The fields that both ways to end have."""
        asked = self.asked
        return (
            self.order_id,
            asked.account,
            asked.symbol,
            asked.side,
            asked.order_type,
            asked.time_in_force,
            self.price,
            self.quantity,
            self.cum,
            self.quote_cum,
            self.fees,
            asked.client_order_id,
            self.entered_ns,
        )


class NaiveLedger:
    """What accounts own, may and hold."""

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.open: list[NaiveOrder] = []  # of every symbol, oldest first
        self.accounts: dict[int, NaiveAccount] = {}
        self.scales: dict[str, int] = {}  # of every asset
        self.owned: Counter[tuple[int, str]] = Counter()  # by account and asset, held or not
        self.deposited: Counter[tuple[int, str]] = Counter()

    def account(self, account: int) -> NaiveAccount:
        return self.accounts.setdefault(account, NaiveAccount(ConfigureAccount(account, "standard")))

    def configure(self, command: ConfigureAccount) -> list[ev.Event]:
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
        return [ev.Deposited(*key, amount)]

    def withdraw(self, command: Withdraw) -> list[ev.Event]:
        key = command.account, command.asset
        reason, amount = self.transfer(command)
        if reason is None and amount > self.available(*key):
            reason = RejectReason.INSUFFICIENT_FUNDS
        if reason is not None:
            return [reject(command.account, None, reason)]
        self.owned[key] -= amount
        return [ev.Withdrawn(*key, amount)]

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
        mine = [order for order in self.open if order.asked.account == account]
        return sum(self.hold(order) for order in mine if self.paid_asset(order.asked) == asset)

    def available(self, account: int, asset: str) -> int:
        return self.owned[account, asset] - self.held(account, asset)

    def paid_asset(self, asked: EnterOrder) -> str:
        instrument = self.instruments[asked.symbol]
        return instrument.quote if asked.side is Side.BUY else instrument.base

    def hold(self, order: NaiveOrder) -> int:
        """What an order with a price may still cost: each lot with the highest fee on it, one lot at a time."""
        instrument = self.instruments[order.asked.symbol]
        if order.asked.side is Side.SELL:
            return base_of(instrument, order.leaves)
        one = notional_of(instrument, order.price, 1)
        return order.leaves * (one + max(0, *(fee_of(one, rate) for rate in order.rates)))

    def cost(self, order: NaiveOrder, instrument: Instrument, makers: list[NaiveOrder]) -> int:
        """What must be available for a new order: for a market order what it takes at once, and no more."""
        if order.price is not None:
            return self.hold(order)
        left, cost = order.quantity, 0
        if order.asked.time_in_force is TimeInForce.FOK and sum(maker.leaves for maker in makers) < left:
            return 0
        for maker in makers:
            lots = min(left, maker.leaves)
            left -= lots
            notional = notional_of(instrument, maker.price, lots)
            if order.asked.side is Side.SELL:
                cost += base_of(instrument, lots)
            else:
                cost += notional + max(0, fee_of(notional, order.rates[1]))
        return cost


def reject(
    account: int,
    symbol: str | None,
    reason: RejectReason | None,
    order_id: int | None = None,
    client_order_id: str | None = None,
) -> ev.Rejected:
    assert reason is not None
    return ev.Rejected(account, symbol, reason, order_id, client_order_id)
