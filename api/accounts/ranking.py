"""The ranking by profit: who made most of what they have, at the last prices.

The profit of an account is that of its trades since its first or its last reset: what its positions are worth at the
last price of each symbol, less what they cost, and what was realised, less fees. So what was deposited is no profit,
and neither is what a deposit is worth more by now. Profits in other quote assets are converted at the last price of a
symbol of the two assets; where there is none they are left out and named beside (`unpriced`).
Equal profits share a rank, and the ranks that they take up are passed over: 1, 2, 2, 4; they are listed by account.
Who has not traded is not ranked; neither are operators and the venue's own accounts.
Layer: api.accounts.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Final, NamedTuple

import msgspec
from eventlet.semaphore import Semaphore

from api.json.errors import rejected
from api.json.views import seconds
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rejects import RejectReason
from engine.types import AccountId, Ticks
from identity.users import Role, User
from listings.grid import amount_text
from listings.texts import DecimalText, IdText
from loop.turns import in_turns
from projections.profits import Profits

UsersOf = Callable[[Iterable[AccountId]], list[User]]  # who has these accounts; those that nobody has are left out

KEPT_S: Final = 1.0  # a ranking serves everybody who asks within so long


class RankingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One account's place."""

    rank: int
    profit: DecimalText  # in the ranking's asset
    fills: int
    own: bool  # of the caller
    name: str | None  # null where names are not for the caller
    account: IdText | None
    unpriced: dict[str, DecimalText]  # profits that are in no asset with a price


class RankingView(msgspec.Struct, frozen=True, kw_only=True):
    """GET /ranking and GET /admin/ranking."""

    asset: str
    ranking: list[RankingRow]
    count: int  # of all that are ranked
    timestamp: float
    seq: int


class _Ranked(NamedTuple):
    rank: int
    user: User
    profit: int  # minor units of the ranking's asset
    fills: int
    unpriced: dict[str, int]  # minor units of each


class _Ranking(NamedTuple):
    made_at: float  # monotonic seconds
    ts_ns: int
    seq: int
    rows: list[_Ranked]


class RankingService:
    """The ranking of one venue."""

    def __init__(self, exchange: Exchange, profits: Profits, users_of: UsersOf) -> None:
        self._exchange = exchange
        self._profits = profits
        self._users_of = users_of
        self._kept: dict[str, _Ranking] = {}  # by asset
        self._making = Semaphore()  # who asks while one is made waits for that one

    def view(
        self, asset: str | None, after: int, limit: int, *, own: AccountId | None, named: bool, numbered: bool
    ) -> RankingView:
        """The rows behind the first `after`. O(accounts that traded), at most once a second. Cooperative.

        `own`: the caller's account, whose name and number are shown. `named`, `numbered`: those of everybody, too.
        Raises ApiError 404 for an unknown asset, IdentityAway.
        """
        asset = self._usual_asset() if asset is None else asset
        scales = self._exchange.ledger.scales
        if asset not in scales:
            raise rejected(RejectReason.UNKNOWN_ASSET, None, asset=asset)
        with self._making:
            kept = self._kept.get(asset)
            if kept is None or time.monotonic() - kept.made_at > KEPT_S:
                kept = self._kept[asset] = self._ranking(asset)
        rows = [
            RankingRow(
                rank=row.rank,
                profit=amount_text(row.profit, scales[asset]),
                fills=row.fills,
                own=row.user.account == own,
                name=row.user.name if named or row.user.account == own else None,
                account=str(row.user.account) if numbered or row.user.account == own else None,
                unpriced={quote: amount_text(profit, scales[quote]) for quote, profit in row.unpriced.items()},
            )
            for row in kept.rows[after : after + limit]
        ]
        return RankingView(asset=asset, ranking=rows, count=len(kept.rows), timestamp=seconds(kept.ts_ns), seq=kept.seq)

    def _usual_asset(self) -> str:
        """What most symbols are priced in; of several the first by name."""
        quotes = Counter(book.instrument.quote for book in self._exchange.books.values())
        return min(quotes, key=lambda quote: (-quotes[quote], quote), default="")

    def _ranking(self, asset: str) -> _Ranking:
        users = {user.account: user for user in self._users_of(self._profits.accounts())}
        ts_ns, seq = self._exchange.ts_ns, self._exchange.seq
        rates = self._rates(asset)
        rows = [self._unranked(user, rates) for user in in_turns(users.values()) if user.role is Role.TRADER]
        rows.sort(key=lambda row: (-row.profit, row.user.account))
        ranked: list[_Ranked] = []
        for place, row in enumerate(rows, 1):
            equal = bool(ranked) and ranked[-1].profit == row.profit
            ranked.append(row._replace(rank=ranked[-1].rank if equal else place))
        return _Ranking(time.monotonic(), ts_ns, seq, ranked)

    def _unranked(self, user: User, rates: dict[str, Fraction]) -> _Ranked:
        """What an account made. O(symbols that it traded)."""
        by_quote: dict[str, int] = {}
        fills = 0
        for symbol, position in self._profits.positions(user.account).items():
            book = self._exchange.books[symbol]
            worth = position.lots * (book.last_price or 0) * book.instrument.lot_tick_amount
            profit = worth - position.cost + position.realised - position.fees
            by_quote[book.instrument.quote] = by_quote.get(book.instrument.quote, 0) + profit
            fills += position.fills
        priced = sum((profit * rates[quote] for quote, profit in by_quote.items() if quote in rates), Fraction(0))
        unpriced = {quote: profit for quote, profit in sorted(by_quote.items()) if quote not in rates and profit}
        return _Ranked(0, user, round(priced), fills, unpriced)

    def _rates(self, asset: str) -> dict[str, Fraction]:
        """What a minor unit of other assets is worth in minor units of `asset`, where a last price says it.

        Of several symbols of the two the first by name counts, of which those that are priced in `asset` come first.
        """
        rates: dict[str, Fraction] = {}
        back: dict[str, Fraction] = {}
        for _, book in sorted(self._exchange.books.items()):
            instrument, last = book.instrument, book.last_price
            if last is not None and instrument.quote == asset:
                rates.setdefault(instrument.base, _rate(instrument, last))
            elif last is not None and instrument.base == asset:
                back.setdefault(instrument.quote, 1 / _rate(instrument, last))
        return back | rates | {asset: Fraction(1)}


def _rate(instrument: Instrument, last: Ticks) -> Fraction:
    """Minor units of the quote asset for one of the base asset."""
    return Fraction(last * instrument.lot_tick_amount, instrument.lot_amount)
