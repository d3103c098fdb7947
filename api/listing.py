"""Reads a TOML file of instruments: decimals as people write them -> `Instrument` in ticks, lots and minor units.

Layer: api.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from engine.instrument import Instrument
from engine.types import Amount, Lots, Ticks

DEFAULT_INSTRUMENTS = Path(__file__).resolve().parent.parent / "config" / "default.toml"


class ListingError(Exception):
    """The file cannot be used; the message names the symbol and the field."""


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[instrument]]` table. Quantities in the base asset, prices, notionals in the quote asset."""

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    quote_scale: int  # decimals of the quote asset's minor unit
    max_quantity: Decimal
    max_notional: Decimal
    min_quantity: Decimal | None = None  # None: one lot
    min_notional: Decimal = Decimal(0)
    maker_fee_bps: Decimal = Decimal(0)  # below zero: a rebate
    taker_fee_bps: Decimal = Decimal(0)
    collar_percent: Decimal | None = None
    reference_price: Decimal | None = None
    max_open_orders: int = 100_000  # per account
    base_scale: int | None = None  # decimals of the base asset's minor unit; None: one lot is a whole number of it


class _File(msgspec.Struct, forbid_unknown_fields=True):
    instrument: list[Listing]


def read_instruments(path: Path) -> list[Instrument]:
    """The instruments of a TOML file, in its order. Raises ListingError when it cannot be used."""
    try:
        listings = msgspec.toml.decode(path.read_bytes(), type=_File).instrument
    except (OSError, msgspec.DecodeError) as problem:
        raise ListingError(f"{path}: {problem}") from problem
    if not listings:
        raise ListingError(f"{path}: lists no instrument")
    instruments = [instrument_of(listing) for listing in listings]
    symbols = [instrument.symbol for instrument in instruments]
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise ListingError(f"{path}: {symbol} is listed twice")
    return instruments


def instrument_of(listing: Listing) -> Instrument:
    """Count everything in ticks, lots and minor units. Raises ListingError when a value does not fit them."""

    def whole(value: Decimal, unit: Decimal, field: str) -> int:
        if not value.is_finite() or value % unit != 0:
            raise ListingError(f"{listing.symbol}: {field} {value} is no multiple of {unit}")
        return int(value / unit)

    if not listing.symbol or not listing.symbol.isascii() or "/" in listing.symbol or len(listing.symbol) > 32:
        raise ListingError(f"{listing.symbol!r}: a symbol is 1 to 32 ASCII characters without a slash")
    for field in ("tick_size", "lot_size"):
        if not getattr(listing, field) > 0:
            raise ListingError(f"{listing.symbol}: {field} must be above zero")
    base_scale = listing.base_scale
    if base_scale is None:
        base_scale = max(0, -int(listing.lot_size.normalize().as_tuple().exponent))
    lot_amount = whole(listing.lot_size, Decimal(1).scaleb(-base_scale), "lot_size")
    minor_unit = Decimal(1).scaleb(-listing.quote_scale)
    rate_unit = Decimal("0.01")  # a millionth is a hundredth of a basis point
    lot_tick_amount = whole(listing.tick_size * listing.lot_size, minor_unit, "tick_size x lot_size")
    collar = listing.collar_percent
    reference = listing.reference_price
    return Instrument(
        symbol=listing.symbol,
        base=listing.base,
        quote=listing.quote,
        tick_size=f"{listing.tick_size:f}",
        lot_size=f"{listing.lot_size:f}",
        quote_scale=listing.quote_scale,
        lot_tick_amount=Amount(lot_tick_amount),
        base_scale=base_scale,
        lot_amount=Amount(lot_amount),
        min_quantity=Lots(whole(listing.min_quantity or listing.lot_size, listing.lot_size, "min_quantity")),
        max_quantity=Lots(whole(listing.max_quantity, listing.lot_size, "max_quantity")),
        min_notional=Amount(whole(listing.min_notional, minor_unit, "min_notional")),
        max_notional=Amount(whole(listing.max_notional, minor_unit, "max_notional")),
        maker_fee=whole(listing.maker_fee_bps, rate_unit, "maker_fee_bps"),
        taker_fee=whole(listing.taker_fee_bps, rate_unit, "taker_fee_bps"),
        collar=None if collar is None else whole(collar * 10_000, Decimal(1), "collar_percent"),
        reference_price=None if reference is None else Ticks(whole(reference, listing.tick_size, "reference_price")),
        max_open_orders=listing.max_open_orders,
    )
