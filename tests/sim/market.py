"""What is traded in a simulation, by whom and with what."""

from __future__ import annotations

from typing import Final

from engine.instrument import Instrument
from engine.types import AccountId, Amount, Lots

COIN: Final = Instrument(
    symbol="COIN-USD",
    base="COIN",
    quote="USD",
    tick_size="0.01",
    lot_size="1",
    quote_scale=4,
    lot_tick_amount=Amount(100),
    max_quantity=Lots(1_000),
    max_notional=Amount(10**12),
    maker_fee=-333,
    taker_fee=707,
    max_open_orders=40,
)
SHARE: Final = Instrument(
    symbol="SHARE-USD",
    base="SHARE",
    quote="USD",
    tick_size="0.05",
    lot_size="1",
    quote_scale=4,
    lot_tick_amount=Amount(500),
    max_quantity=Lots(12),
    max_notional=Amount(10**12),
    maker_fee=100,
    taker_fee=200,
    max_open_orders=6,
)
INSTRUMENTS: Final = (COIN, SHARE)
TICKS: Final = {"COIN-USD": ("0.01", 100), "SHARE-USD": ("0.05", 40)}  # the tick, and the middle price in ticks
ACCOUNTS: Final = (AccountId(1), AccountId(2), AccountId(3))
FUNDS: Final = {"COIN": "2000", "SHARE": "500", "USD": "3000"}
