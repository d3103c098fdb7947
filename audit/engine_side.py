"""The engine as the auditor meets it: what its ledger says, and whether its state agrees with a naive one.

Layer: audit.
"""

from __future__ import annotations

from audit.naive_exchange import NaiveExchange
from engine import depth
from engine.balance import Balance
from engine.exchange import Exchange
from engine.types import AccountId, Side


class EngineBalances:
    """The balances of a running engine, as `auditor.Balances`."""

    def __init__(self, exchange: Exchange) -> None:
        self._accounts = exchange.ledger.accounts

    def of(self, account: AccountId, asset: str) -> tuple[int, int]:
        """Available and held, in minor units."""
        balance = self._accounts.get(account, {}).get(asset, _NOTHING)
        return balance.available, balance.held

    def every(self) -> list[tuple[AccountId, str]]:
        """Every account and asset with a balance."""
        return [(account, asset) for account, assets in self._accounts.items() for asset in assets]


_NOTHING = Balance()


def state_differences(fast: Exchange, naive: NaiveExchange) -> list[str]:
    """Where books, waiting orders, balances and open orders of the two differ. O(orders)."""
    found: list[str] = []

    def compare(what: str, was: object, due: object) -> None:
        if was != due:
            found.append(f"{what}: {was}, naive: {due}")

    for name, symbol in naive.symbols.items():
        book = fast.books[name]
        compare(f"{name} status and last price", (book.status, book.last_price), (symbol.status, symbol.last_price))
        for side in Side:
            due = [
                (o.order_id, o.price, o.quantity, o.leaves, o.shown, o.quote_cum, o.fees) for o in symbol.queue(side)
            ]
            resting = depth.l3(book.own_side(side), None)
            was = [(o.order_id, o.price, o.quantity, o.leaves, o.shown, o.quote_cum, o.fees) for o in resting]
            compare(f"{name} {side} queue", was, due)
    for account, owner in naive.accounts.items():
        was_open = [(o.order_id, o.waiting, o.leaves, o.terms) for o in fast.open_orders(AccountId(account))]
        due_open = [(o.order_id, o.waiting, o.leaves, o.terms()) for o in owner.open]
        compare(f"open orders of {account}", was_open, due_open)
        naive.memory.age(account, naive.ts_ns)
        forgotten = fast.recent.forgotten_until(AccountId(account), fast.ts_ns)
        compare(f"what {account} has forgotten", forgotten, naive.memory.lost.get(account, 0))
    balances = EngineBalances(fast)
    for account in naive.accounts:
        for asset in naive.scales:
            compare(
                f"balance of {account} in {asset}",
                balances.of(AccountId(account), asset),
                (naive.available(account, asset), naive.held(account, asset)),
            )
    compare("trades", fast.next_trade_id, naive.trades + 1)
    return found
