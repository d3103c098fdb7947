"""The canonical digest of an exchange's state: equal on every replica and after every replay.

Layer: engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import Any, Final

import msgspec

from engine.accounts import Account
from engine.book import BookSide
from engine.exchange import Exchange
from engine.order import Order
from engine.rulebook import FIRST_EDITION

STEP: Final = 200  # orders: less than a millisecond

_encoder = msgspec.json.Encoder(decimal_format="string")
_encode, _encode_into = _encoder.encode, _encoder.encode_into


def state_digest(exchange: Exchange) -> str:
    """SHA-256 over everything that decides what the exchange does next, as 64 hex digits. O(orders)."""
    steps = digest_steps(exchange)
    while True:
        try:
            next(steps)
        except StopIteration as last:
            digest: str = last.value
            return digest


def digest_steps(exchange: Exchange) -> Generator[None, None, str]:
    """The same in steps of at most about `STEP` orders or balances, so that others can go on in between.

    The exchange must not change until the last.
    """
    digest = hashlib.sha256()
    recent = exchange.recent
    digest.update(_encode([exchange.seq, exchange.ts_ns, exchange.next_trade_id, len(recent), recent.chain]))
    for number, (account, owner) in enumerate(sorted(exchange.accounts.items()), 1):
        if owner.state() != Account(account).state():
            digest.update(_encode([account, *owner.state()]))
        if not number % STEP:
            yield
    if exchange.rulebook != FIRST_EDITION:
        digest.update(_encode(["rulebook", exchange.rulebook]))
    digest.update(_encode(sorted(exchange.ledger.scales.items())))
    for number, (account, assets) in enumerate(sorted(exchange.ledger.accounts.items()), 1):
        for asset, balance in sorted(assets.items()):
            amounts = (balance.available, balance.held, balance.deposited)
            if any(amounts):  # an empty balance, made by reading it, counts as none
                digest.update(_encode([account, asset, *map(str, amounts)]))
        if not number % STEP or len(assets) > STEP:
            yield
    yield from _add_list(digest, map(list, exchange.expiries))
    digest.update(_encode(sorted(exchange.timers.items())))
    for symbol, book in exchange.books.items():
        digest.update(_encode([symbol, book.instrument, book.status, book.last_price, book.trade_count]))
        band = book.band
        digest.update(_encode([band.reference, band.set_ns, band.limit_side, band.limit_since_ns]))
        for side in (book.bids, book.asks):
            yield from _add_levels(digest, side)
        yield from _add_list(digest, map(_order_state, book.stops))
        yield
    return digest.hexdigest()


def _add_levels(digest: Any, side: BookSide) -> Iterator[None]:
    """Add each level's orders as a list by itself, in steps. Most levels have one order or two: many are one update."""
    lists, orders = bytearray(), 0
    for level in side:
        if level.count > STEP:
            digest.update(lists)
            lists.clear()
            yield from _add_list(digest, map(_order_state, level))
            continue
        states, order = [], level.head
        while order is not None:
            states.append(_order_state(order))
            order = order.behind
        _encode_into(states, lists, -1)  # behind what it has
        orders += level.count
        if orders >= STEP:
            digest.update(lists)
            lists.clear()
            orders = 0
            yield
    digest.update(lists)


def _add_list(digest: Any, items: Iterable[object]) -> Iterator[None]:
    """Add a list as it is encoded at once, in steps."""
    digest.update(b"[")
    lead = b""
    while part := list(islice(items, STEP)):
        digest.update(lead + _encode(part)[1:-1])
        lead = b","
        if len(part) == STEP:
            yield
    digest.update(b"]")


def _order_state(o: Order) -> tuple[object, ...]:
    """All of an open order that decides what becomes of it."""
    return (
        o.order_id,
        o.account,
        o.side,
        o.order_type,
        o.time_in_force,
        str(o.price),
        str(o.quantity),
        str(o.leaves),
        str(o.hidden),
        str(o.quote_cum),
        str(o.fees),
        o.maker_rate,
        o.taker_rate,
        str(o.hold_per_lot),
        o.prevention,
        o.terms,
        o.client_order_id,
        o.entered_ns,
        o.hold_price,
        o.high_water,
    )
