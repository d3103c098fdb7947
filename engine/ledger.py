"""Who owns what: per account and asset what is available and what open orders hold.

Nothing is ever negative, and for each asset the sum over all accounts, the venue's fee
account included, is what was deposited less what was withdrawn.

An open buy holds, for each lot it leaves, the price of that lot and the highest fee on it;
an open sell holds the lot. The fee on a fill is rounded up once, the hold once a lot, so a
hold always covers what its fills cost, whatever they are split into.
Units: minor units of the asset. Layer: engine.
"""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException

from engine.instrument import FEE_UNIT, Instrument
from engine.order import Order
from engine.rejects import InvariantViolation
from engine.types import AccountId, Amount, Lots, Side, Ticks

FEE_ACCOUNT = AccountId(0)
MAX_AMOUNT_DIGITS = 40

_EXACT = Context(prec=4 * MAX_AMOUNT_DIGITS)
_BUY = Side.BUY


class Balance:
    """One account's holding of one asset."""

    __slots__ = ("available", "deposited", "held")

    def __init__(self) -> None:
        self.available = 0
        self.held = 0  # set aside for open orders
        self.deposited = 0  # ever

    @property
    def total(self) -> Amount:
        """Available and held."""
        return Amount(self.available + self.held)


class Ledger:
    """Every balance of the venue."""

    def __init__(self) -> None:
        self.scales: dict[str, int] = {}  # asset -> decimals of its minor unit
        self.issued: dict[str, int] = {}  # asset -> deposited less withdrawn
        self.accounts: dict[AccountId, dict[str, Balance]] = {}

    def admit(self, instrument: Instrument) -> bool:
        """Learn the assets of an instrument; False when one is known with another minor unit."""
        for asset, scale in ((instrument.base, instrument.base_scale), (instrument.quote, instrument.quote_scale)):
            if self.scales.get(asset, scale) != scale:
                return False
        for asset, scale in ((instrument.base, instrument.base_scale), (instrument.quote, instrument.quote_scale)):
            self.scales[asset] = scale
            self.issued.setdefault(asset, 0)
        return instrument.base != instrument.quote

    def balance(self, account: AccountId, asset: str) -> Balance:
        """The balance of an asset that is known, made when missing. O(1)."""
        assets = self.accounts.get(account)
        if assets is None:
            assets = self.accounts[account] = {}
        balance = assets.get(asset)
        if balance is None:
            balance = assets[asset] = Balance()
        return balance

    def amount(self, asset: str, text: str) -> Amount | None:
        """A positive decimal in minor units of a known asset; None when it is not a whole number of them."""
        try:
            value = Decimal(text)
        except DecimalException:
            return None
        if (
            not value.is_finite()
            or abs(value.adjusted()) > MAX_AMOUNT_DIGITS
            or len(value.as_tuple().digits) > MAX_AMOUNT_DIGITS
        ):
            return None
        minor = _EXACT.scaleb(value, self.scales[asset])
        whole = int(minor)
        return Amount(whole) if whole > 0 and whole == minor else None

    def deposit(self, account: AccountId, asset: str, amount: Amount) -> None:
        """Bring `amount` into the venue."""
        balance = self.balance(account, asset)
        balance.available += amount
        balance.deposited += amount
        self.issued[asset] += amount

    def withdraw(self, account: AccountId, asset: str, amount: Amount) -> bool:
        """Take `amount` out of the venue; False, and nothing done, when less is available."""
        balance = self.balance(account, asset)
        if balance.available < amount:
            return False
        balance.available -= amount
        self.issued[asset] -= amount
        return True

    def check_invariants(self, open_orders: list[Order]) -> None:
        """Raise InvariantViolation unless the books balance. O(balances + open orders)."""
        held: dict[tuple[AccountId, str], int] = {}
        for order in open_orders:
            key = (order.account, order.paid_asset)
            held[key] = held.get(key, 0) + order.leaves * order.hold_per_lot
        sums = dict.fromkeys(self.issued, 0)
        for account, assets in self.accounts.items():
            for asset, balance in assets.items():
                if balance.available < 0 or balance.held < 0:
                    raise InvariantViolation(f"account {account} has less than nothing of {asset}")
                if balance.held != held.pop((account, asset), 0):
                    raise InvariantViolation(
                        f"account {account} holds {balance.held} {asset}, its orders need another sum"
                    )
                sums[asset] += balance.total
        if any(held.values()):
            raise InvariantViolation("open orders of accounts without a balance")
        if sums != self.issued:
            raise InvariantViolation(f"the balances sum to {sums}, issued are {self.issued}")


def hold_per_lot(side: Side, price: Ticks, instrument: Instrument, maker_rate: int, taker_rate: int) -> Amount:
    """What one lot of an order at `price` holds: of the quote asset for a buy, of the base asset for a sell."""
    if side is not _BUY:
        return instrument.lot_amount
    lot = price * instrument.lot_tick_amount
    rate = max(maker_rate, taker_rate, 0)
    return Amount(lot - (-lot * rate // FEE_UNIT))


def settle(
    buyer: Order, seller: Order, quantity: Lots, base_amount: int, notional: int, buyer_fee: int, seller_fee: int
) -> None:
    """Exchange base for quote and take the fees of one fill. O(1).

    The fee account is credited by the caller, once for all fills of a taker.
    """
    quote = buyer.pays
    hold = quantity * buyer.hold_per_lot
    quote.held -= hold
    quote.available += hold - notional - buyer_fee
    buyer.receives.available += base_amount
    base = seller.pays
    hold = quantity * seller.hold_per_lot
    base.held -= hold
    base.available += hold - base_amount
    seller.receives.available += notional - seller_fee


def net_fees(maker_fee: int, taker_fee: int) -> tuple[Amount, Amount]:
    """Both fees of a trade, a rebate cut to what the other side pays: the venue never pays in."""
    if maker_fee + taker_fee < 0:
        if maker_fee < 0:
            maker_fee = max(maker_fee, -max(taker_fee, 0))
        if taker_fee < 0:
            taker_fee = max(taker_fee, -max(maker_fee, 0))
    return Amount(maker_fee), Amount(taker_fee)
