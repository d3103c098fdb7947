"""What the exchange knows of accounts besides their money: open orders, tier, limits.

Layer: engine.
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from engine.balance import Balance
from engine.commands import ConfigureAccount
from engine.instrument import FEE_UNIT, Instrument
from engine.ledger import is_decimal
from engine.order import Order
from engine.types import SANDBOX_ACCOUNT, AccountId, OrderId, SelfTradePrevention, Side

SECOND_NS = 1_000_000_000


def can_be_configured(command: ConfigureAccount) -> bool:
    """Whether the rates are at most the whole notional, and the limits numbers from zero up."""
    rates = (command.maker_fee, command.taker_fee)
    counts = (command.max_open_orders, command.max_orders_per_second)
    return (
        all(rate is None or -FEE_UNIT <= rate <= FEE_UNIT for rate in rates)
        and all(count is None or count >= 0 for count in counts)
        and (command.max_notional is None or is_decimal(command.max_notional))
    )


class Means(NamedTuple):
    """What an account's orders of one side of a symbol pay and receive, and the rates of their fees."""

    instrument: Instrument  # as it was listed when this was found
    pays: Balance
    receives: Balance
    paid_asset: str
    maker_rate: int
    taker_rate: int
    prevention: SelfTradePrevention  # of an order that names no mode


class AccountState(msgspec.Struct, array_like=True, gc=False):
    """An account without its open orders."""

    account: AccountId
    configuration: ConfigureAccount
    stopped: bool
    second: int  # since the epoch, in which it entered an order last
    second_orders: int  # that it entered in that second


_NOTHING: Final[Any] = MappingProxyType({})  # shared by all accounts that have none of a thing, and never written to


class Account:
    """One account's open orders, and how it was configured.

    Most accounts of a large venue never trade: what orders need is made with the first, by `keep_means`.
    """

    __slots__ = (
        "_second", "_second_orders", "buys", "configuration", "has_limits", "is_limited", "open_count",
        "open_orders", "sells", "stopped",
    )  # fmt: skip

    def __init__(self, account: AccountId) -> None:
        self.open_orders: dict[OrderId, Order] = _NOTHING  # oldest first
        self.open_count: defaultdict[str, int] = _NOTHING  # by symbol
        self.stopped = False
        self.configure(ConfigureAccount(account, "standard"))
        self._second = 0
        self._second_orders = 0

    def configure(self, configuration: ConfigureAccount) -> None:
        """Give the account another tier and other limits."""
        self.configuration = configuration
        self.buys: dict[str, Means] = _NOTHING  # by symbol
        self.sells: dict[str, Means] = _NOTHING
        own = (configuration.max_open_orders, configuration.max_orders_per_second, configuration.max_notional)
        self.has_limits = any(limit is not None for limit in own)  # of its own, beside the instrument's
        self.is_limited = self.stopped or self.has_limits

    def keep_means(self, side: Side, means: Means) -> None:
        """Keep what orders of one side of a symbol pay with. Every order comes here or finds some kept before."""
        self.expect_orders()
        kept = self.buys if side is Side.BUY else self.sells
        if kept is not _NOTHING:
            kept[means.instrument.symbol] = means
        elif side is Side.BUY:
            self.buys = {means.instrument.symbol: means}
        else:
            self.sells = {means.instrument.symbol: means}

    def expect_orders(self) -> None:
        """Make room for open orders: before the first."""
        if self.open_orders is _NOTHING:
            self.open_orders, self.open_count = {}, defaultdict(int)

    def stop(self, stopped: bool) -> None:
        """Let the account enter no more orders, or let it trade again."""
        self.stopped = stopped
        self.is_limited = stopped or self.has_limits

    def count_order(self, ts_ns: int) -> bool:
        """Count one more order; False when it is more than this account may enter in one second. O(1)."""
        most = self.configuration.max_orders_per_second
        if most is None:
            return True
        second = ts_ns // SECOND_NS
        if second != self._second:
            self._second, self._second_orders = second, 0
        self._second_orders += 1
        return self._second_orders <= most

    def is_at_rate_limit(self, ts_ns: int) -> bool:
        """Whether one more order in this second would be refused; nothing is counted."""
        most = self.configuration.max_orders_per_second
        return most is not None and most <= (self._second_orders if ts_ns // SECOND_NS == self._second else 0)

    def saved(self) -> AccountState:
        """All of it but the open orders."""
        return AccountState(
            self.configuration.account, self.configuration, self.stopped, self._second, self._second_orders
        )

    def restore(self, saved: AccountState) -> None:
        """Be as it was."""
        self.configure(saved.configuration)
        self.stop(saved.stopped)
        self._second, self._second_orders = saved.second, saved.second_orders

    def state(self) -> tuple[object, ...]:
        """Everything but the open orders that decides about the next order, for the digest."""
        return self.configuration, self.stopped, self._second, self._second_orders


def default_prevention(owner: Account, account: AccountId) -> SelfTradePrevention:
    """The mode of self-trade prevention for an order that names none."""
    configured = owner.configuration.self_trade_prevention
    if configured is not None:
        return configured
    return SelfTradePrevention.NONE if account == SANDBOX_ACCOUNT else SelfTradePrevention.CANCEL_NEWEST


def means_of(owner: Account, instrument: Instrument, side: Side, base: Balance, quote: Balance) -> Means:
    """What orders of `owner` pay with from its balances of base and quote, at the rates of now."""
    own = owner.configuration
    maker_rate = instrument.maker_fee if own.maker_fee is None else own.maker_fee
    taker_rate = instrument.taker_fee if own.taker_fee is None else own.taker_fee
    prevention = default_prevention(owner, own.account)
    if side is Side.BUY:
        return Means(instrument, quote, base, instrument.quote, maker_rate, taker_rate, prevention)
    return Means(instrument, base, quote, instrument.base, maker_rate, taker_rate, prevention)
