"""Who owns what: per account and asset what is available and what open orders hold.

Nothing is ever negative, and for each asset the sum over all accounts, the venue's fee
account included, is what was deposited less what was withdrawn.

An open buy holds, for each lot it leaves, the price of that lot and the highest fee on it;
an open sell holds the lot. The fee on a fill is rounded up once, the hold once a lot, so a
hold always covers what its fills cost, whatever they are split into.
Units: minor units of the asset. Layer: engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.balance import Balance, NoBalance
from engine.instrument import Instrument
from engine.order import Order
from engine.rejects import InvariantViolation
from engine.types import CHECKED_A_STEP, AccountId, Amount

FEE_ACCOUNT = AccountId(0)
MAX_AMOUNT_DIGITS = 40


class Ledger:
    """Every balance of the venue."""

    def __init__(self) -> None:
        self.scales: dict[str, int] = {}  # asset -> decimals of its minor unit
        self.issued: dict[str, int] = {}  # asset -> deposited less withdrawn
        self.accounts: dict[AccountId, dict[str, Balance]] = {}

    def admit(self, instrument: Instrument) -> bool:
        """Learn the assets of an instrument. False, and nothing learnt, when one is known with another minor unit.

        Also when base and quote are one asset.
        """
        if instrument.base == instrument.quote:
            return False
        units = {instrument.base: instrument.base_scale, instrument.quote: instrument.quote_scale}
        if any(self.scales.get(asset, scale) != scale for asset, scale in units.items()):
            return False
        for asset, scale in units.items():
            self.scales[asset] = scale
            self.issued.setdefault(asset, 0)
        return True

    def balance(self, account: AccountId, asset: str) -> Balance:
        """The balance of an asset that is known, made when missing. O(1)."""
        assets = self.accounts.get(account)
        if assets is None:
            assets = self.accounts[account] = {}
        balance = assets.get(asset)
        if balance is None:
            balance = assets[asset] = Balance()
        return balance

    def peek(self, account: AccountId, asset: str) -> Balance:
        """The balance of an asset; where there is none an empty one, which the ledger does not get. O(1)."""
        return self.accounts.get(account, {}).get(asset) or Balance()

    def amount(self, asset: str, text: str) -> Amount | None:
        """A positive decimal in minor units of a known asset; None when it is not a whole number of them."""
        parsed = minor_units(text, self.scales[asset])
        if parsed is None:
            return None
        amount, exact = parsed
        return Amount(amount) if exact and amount > 0 else None

    def limit(self, asset: str, text: str) -> Amount:
        """The most minor units of a known asset that are no more than a decimal; 0 when it is none."""
        parsed = minor_units(text, self.scales[asset])
        return Amount(0 if parsed is None else parsed[0])

    def deposit(self, account: AccountId, asset: str, amount: Amount) -> None:
        """Bring `amount` into the venue."""
        balance = self.balance(account, asset)
        balance.credit(amount)
        balance.deposited += amount
        self.issued[asset] += amount

    def withdraw(self, account: AccountId, asset: str, amount: Amount) -> bool:
        """Take `amount` out of the venue; False, and nothing done, when less is available."""
        balance = self.balance(account, asset)
        if balance.available < amount:
            return False
        balance.debit(amount)
        self.issued[asset] -= amount
        return True

    def invariant_steps(self, open_orders: Iterable[Order]) -> Iterator[None]:
        """Raise InvariantViolation unless the books balance. O(balances + open orders): a step is some hundred."""
        held: dict[tuple[AccountId, str], int] = {}
        for number, order in enumerate(open_orders):
            if not number % CHECKED_A_STEP:
                yield
            key = (order.account, order.paid_asset)
            held[key] = held.get(key, 0) + order.leaves * order.hold_per_lot
            if order.pays is not self.accounts[order.account].get(order.paid_asset):
                raise InvariantViolation(f"order {order.order_id} pays from a balance that is not its owner's")
        sums = dict.fromkeys(self.issued, 0)
        for number, (account, assets) in enumerate(self.accounts.items()):
            if not number % CHECKED_A_STEP:
                yield
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


class NoLedger(Ledger):
    """The ledger of an exchange without accounts: nobody has anything, and everybody can pay."""

    def __init__(self) -> None:
        super().__init__()
        self._balance = NoBalance()

    def balance(self, account: AccountId, asset: str) -> Balance:
        """The one balance of everybody."""
        return self._balance

    def peek(self, account: AccountId, asset: str) -> Balance:
        """The one balance of everybody."""
        return self._balance

    def invariant_steps(self, open_orders: Iterable[Order]) -> Iterator[None]:
        """Raise InvariantViolation where an order holds something. O(open orders)."""
        for number, order in enumerate(open_orders):
            if not number % CHECKED_A_STEP:
                yield
            if order.hold_per_lot or order.pays is not self._balance:
                raise InvariantViolation(f"order {order.order_id} holds something, and there are no accounts")


def is_decimal(text: str) -> bool:
    """Whether a text is a decimal as amounts are written: digits, with at most one point among them."""
    return minor_units(text, 0) is not None


def minor_units(text: str, scale: int) -> tuple[int, bool] | None:
    """A decimal in units of 10^-scale, rounded down, and whether that is exact; None for what is no amount."""
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_AMOUNT_DIGITS):
        return None
    fraction = fraction.rstrip("0")
    return int(whole + fraction[:scale].ljust(scale, "0") or "0"), len(fraction) <= scale
