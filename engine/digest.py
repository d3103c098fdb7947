"""The canonical digest of an exchange's state: equal on every replica and after every replay.

Layer: engine.
"""

from __future__ import annotations

import hashlib

import msgspec

from engine.accounts import Account
from engine.exchange import Exchange
from engine.order import Order
from engine.rulebook import FIRST_EDITION

_encode = msgspec.json.Encoder(decimal_format="string").encode


def state_digest(exchange: Exchange) -> str:
    """SHA-256 over everything that decides what the exchange does next, as 64 hex digits. O(orders)."""
    digest = hashlib.sha256()
    recent = exchange.recent
    digest.update(_encode([exchange.seq, exchange.ts_ns, exchange.next_trade_id, len(recent), recent.chain]))
    for account, owner in sorted(exchange.accounts.items()):
        if owner.state() != Account(account).state():
            digest.update(_encode([account, *owner.state()]))
    if exchange.rulebook != FIRST_EDITION:
        digest.update(_encode(["rulebook", exchange.rulebook]))
    digest.update(_encode(sorted(exchange.ledger.scales.items())))
    for account, assets in sorted(exchange.ledger.accounts.items()):
        for asset, balance in sorted(assets.items()):
            amounts = (balance.available, balance.held, balance.deposited)
            if any(amounts):  # an empty balance, made by reading it, counts as none
                digest.update(_encode([account, asset, *map(str, amounts)]))
    digest.update(_encode([list(key) for key in exchange.expiries]))
    digest.update(_encode(sorted(exchange.timers.items())))
    for symbol, book in exchange.books.items():
        digest.update(_encode([symbol, book.instrument, book.status, book.last_price, book.trade_count]))
        band = book.band
        digest.update(_encode([band.reference, band.set_ns, band.limit_side, band.limit_since_ns]))
        for side in (book.bids, book.asks):
            for level in side:
                digest.update(_encode([_order_state(order) for order in level]))
        digest.update(_encode([_order_state(order) for order in book.stops]))
    return digest.hexdigest()


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
