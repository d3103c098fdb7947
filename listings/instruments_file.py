"""Reads a TOML file of instruments: decimals as people write them -> `Instrument` in ticks, lots and minor units.

Layer: listings.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from datetime import date, time
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from engine.instrument import FEE_UNIT, Instrument
from engine.types import Amount, Lots, Ticks
from listings.joined_names import joined_name
from listings.numbers import Number, default_number, exactly, read_number
from listings.schedule import Schedule
from listings.schedule_file import ScheduleError, ScheduleTable, schedule_of

DEFAULT_INSTRUMENTS = Path(__file__).resolve().parent.parent / "config" / "default.toml"
MAX_SCALE = 18  # decimals of a tick, a lot or a minor unit
MAX_DIGITS = 60  # of a number as written
MAX_UNITS = 2**64 - 1  # the journal holds 64 bits
MAX_SECONDS = 7 * 86_400  # of a timer
MILLISECOND_NS = 1_000_000

_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,31}")
_ASSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,15}")
_LETTERS = "ASCII letters, digits and . _ : -, a letter or digit first"
_EXACT = Context(prec=200)


class ListingError(Exception):
    """The file cannot be used; the message names the symbol and the field."""


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[instrument]]` table. Quantities in the base asset, prices, notionals in the quote asset."""

    symbol: str
    base: str
    quote: str
    tick_size: Number
    lot_size: Number
    quote_scale: int  # decimals of the quote asset's minor unit
    max_quantity: Number
    max_notional: Number
    min_quantity: Number | None = None  # None: one lot
    min_notional: Number = default_number("0")
    maker_fee_bps: Number = default_number("0")  # below zero: a rebate
    taker_fee_bps: Number = default_number("0")
    collar_percent: Number | None = None
    reference_price: Number | None = None
    max_open_orders: int = 100_000  # per account
    base_scale: int | None = None  # decimals of the base asset's minor unit; None: those of the finest lot
    band_percent: Number | None = None  # how far a trade may lie from the band's reference; None: no band
    band_window_seconds: Number = default_number("300")  # how long a band's reference is in force
    limit_state_seconds: Number = default_number("15")  # how long a limit state may last before the symbol halts
    halt_seconds: Number = default_number("60")  # how long such a halt lasts
    auction_seconds: Number = default_number("30")  # and the auction after it


class ListingRequest(Listing, frozen=True, forbid_unknown_fields=True):
    """POST /admin/symbols."""

    schedule: ScheduleTable | None = None  # None: as it was


class _ScheduledListing(Listing, frozen=True, forbid_unknown_fields=True):
    """A listing of the file, where symbols may have sessions."""

    schedule: str | ScheduleTable | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    instrument: list[_ScheduledListing]
    schedule: dict[str, ScheduleTable] = {}


class VenueFile(NamedTuple):
    """What an instruments file says."""

    instruments: list[Instrument]  # in the order of the file
    schedules: dict[str, Schedule]  # by symbol, of those that have one


def read_instruments(path: Path) -> list[Instrument]:
    """The instruments of a TOML file, in its order. Raises ListingError when it cannot be used."""
    return read_venue_file(path).instruments


def read_venue_file(path: Path) -> VenueFile:
    """The instruments of a TOML file and their schedules. Raises ListingError when it cannot be used."""
    try:
        values = _texts(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=exactly))
        file = msgspec.convert(values, _File, dec_hook=read_number)
    except msgspec.ValidationError as problem:
        raise ListingError(_no_number(str(problem), values) or f"{path}: {problem}") from problem
    except (OSError, ValueError) as problem:
        raise ListingError(f"{path}: {problem}") from problem
    listings = file.instrument
    if not listings:
        raise ListingError(f"{path}: lists no instrument")
    symbols = [listing.symbol for listing in listings]
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise ListingError(f"{path}: {symbol} is listed twice")
    require_no_twins(symbols, "symbols")
    require_apart(symbols)
    require_no_twins({asset for listing in listings for asset in (listing.base, listing.quote)}, "assets")
    shared = {name: _schedule(f"schedule.{name}", table) for name, table in file.schedule.items()}
    schedules: dict[str, Schedule] = {}
    for listing in listings:
        if isinstance(listing.schedule, ScheduleTable):
            schedules[listing.symbol] = _schedule(f"{listing.symbol}: schedule", listing.schedule)
        elif listing.schedule is not None:
            if listing.schedule not in shared:
                raise ListingError(f"{listing.symbol}: there is no [schedule.{listing.schedule}]")
            schedules[listing.symbol] = shared[listing.schedule]
    scales = _asset_scales(list(listings))
    instruments = [
        instrument_of(listing, scales[listing.base], scheduled=listing.symbol in schedules) for listing in listings
    ]
    return VenueFile(instruments, schedules)


def _no_number(problem: str, values: dict[str, Any]) -> str | None:
    """The sentence about a field that holds no number; None where something else is wrong."""
    at = re.fullmatch(r"no number - at `\$\.instrument\[([0-9]+)\]\.(\w+)`", problem)
    if at is None:
        return None
    table, field = values["instrument"][int(at.group(1))], at.group(2)
    return f"{table.get('symbol')}: {field} {table[field]!r} is no number"


def require_no_twins(names: Collection[str], what: str) -> None:
    """Raise ListingError where two names differ only in case: they are read in any case."""
    for name in names:
        twins = [each for each in names if each != name and each.upper() == name.upper()]
        if twins:
            raise ListingError(f"the {what} {name} and {twins[0]} differ only in case")


def require_apart(symbols: Iterable[str], listed: Iterable[str] = ()) -> None:
    """Raise ListingError where two symbols have the same letters and digits, which are their name on the second wire.

    `listed` are there already: what they share among themselves is let be. O(symbols).
    """
    known = {joined_name(symbol): symbol for symbol in listed}
    for symbol in symbols:
        joined = joined_name(symbol)
        other = known.setdefault(joined, symbol)
        if other != symbol:
            raise ListingError(
                f"the symbols {other} and {symbol} are both {joined} on the second wire; give one of them another name"
            )


def _texts(value: Any) -> Any:
    """A TOML value with its dates and times as texts, for both may be written."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _schedule(name: str, table: ScheduleTable) -> Schedule:
    try:
        return schedule_of(table)
    except ScheduleError as problem:
        raise ListingError(f"{name}: {problem}") from problem


def _asset_scales(listings: list[Listing]) -> dict[str, int]:
    """The decimals of each asset's minor unit: as said, or else as many as the finest lot of the file has."""
    said: dict[str, int] = {}
    needed: dict[str, int] = {}
    for listing in listings:
        _check_steps(listing)
        lot_decimals = max(0, -int(listing.lot_size.normalize().as_tuple().exponent))
        needed[listing.base] = max(needed.get(listing.base, 0), lot_decimals)
        for asset, scale in ((listing.base, listing.base_scale), (listing.quote, listing.quote_scale)):
            if scale is not None and said.setdefault(asset, scale) != scale:
                raise ListingError(f"{listing.symbol}: {asset} has a scale of {scale} here, {said[asset]} elsewhere")
    return needed | said


def base_scale_of(listing: Listing, known: Mapping[str, int]) -> int:
    """The decimals of the base asset's minor unit: as said, as `known` of the asset, or as its lot needs.

    Raises ListingError.
    """
    return (
        known.get(listing.base, _asset_scales([listing])[listing.base])
        if listing.base_scale is None
        else (listing.base_scale)
    )


def instrument_of(listing: Listing, base_scale: int, *, scheduled: bool = False) -> Instrument:
    """Count everything in ticks, lots and minor units. Raises ListingError when a value does not fit them."""
    _check_steps(listing)

    def whole(field: str, unit: Decimal, least: int = 0, most: int = MAX_UNITS, value: Decimal | None = None) -> int:
        value = getattr(listing, field) if value is None else value
        return _whole(f"{listing.symbol}: {field}", value, unit, least, most)

    tick, lot = listing.tick_size, listing.lot_size
    minor_unit = Decimal(1).scaleb(-listing.quote_scale)
    bps, percent = Decimal("0.01"), Decimal("0.0001")  # one millionth, the unit of these fields
    return Instrument(
        symbol=listing.symbol,
        base=listing.base,
        quote=listing.quote,
        tick_size=f"{tick:f}",
        lot_size=f"{lot:f}",
        quote_scale=listing.quote_scale,
        lot_tick_amount=Amount(whole("tick_size x lot_size", minor_unit, 1, value=_EXACT.multiply(tick, lot))),
        base_scale=base_scale,
        lot_amount=Amount(whole("lot_size", Decimal(1).scaleb(-base_scale), 1)),
        min_quantity=Lots(1 if listing.min_quantity is None else whole("min_quantity", lot, 1)),
        max_quantity=Lots(whole("max_quantity", lot, 1)),
        min_notional=Amount(whole("min_notional", minor_unit)),
        max_notional=Amount(whole("max_notional", minor_unit, 1)),
        maker_fee=whole("maker_fee_bps", bps, -FEE_UNIT, FEE_UNIT),
        taker_fee=whole("taker_fee_bps", bps, -FEE_UNIT, FEE_UNIT),
        collar=None if listing.collar_percent is None else whole("collar_percent", percent),
        reference_price=None if listing.reference_price is None else Ticks(whole("reference_price", tick, 1)),
        max_open_orders=listing.max_open_orders,
        band=None if listing.band_percent is None else whole("band_percent", percent, 1, FEE_UNIT),
        band_window_ns=_timer_ns(listing, "band_window_seconds"),
        limit_state_ns=_timer_ns(listing, "limit_state_seconds"),
        halt_ns=_timer_ns(listing, "halt_seconds"),
        auction_ns=_timer_ns(listing, "auction_seconds"),
        scheduled=scheduled,
    )


def _timer_ns(listing: Listing, field: str) -> int:
    """The nanoseconds of a timer. Raises ListingError unless it lasts a second to a week."""
    name = f"{listing.symbol}: {field}"
    return MILLISECOND_NS * _whole(name, getattr(listing, field), Decimal("0.001"), 1_000, 1_000 * MAX_SECONDS)


def _check_steps(listing: Listing) -> None:
    """Raise ListingError where the symbol or a unit of counting cannot be used."""
    if not _SYMBOL.fullmatch(listing.symbol):
        raise ListingError(f"{listing.symbol!r}: a symbol is 1 to 32 {_LETTERS}")
    for asset in (listing.base, listing.quote):
        if not _ASSET.fullmatch(asset):
            raise ListingError(f"{listing.symbol}: the asset {asset!r} is not 1 to 16 {_LETTERS}")
    if listing.base.upper() == listing.quote.upper():
        raise ListingError(f"{listing.symbol}: base and quote are the same asset, {listing.base}")
    for field in ("tick_size", "lot_size"):
        step: Decimal = getattr(listing, field)
        exponent = step.as_tuple().exponent
        if not (isinstance(exponent, int) and step > 0 and exponent >= -MAX_SCALE and step.adjusted() <= MAX_SCALE):
            raise ListingError(
                f"{listing.symbol}: {field} {step} must be above zero, with at most {MAX_SCALE} decimals"
            )
    if not 0 <= listing.quote_scale <= MAX_SCALE:
        raise ListingError(f"{listing.symbol}: quote_scale {listing.quote_scale} must be 0 to {MAX_SCALE}")
    if listing.base_scale is not None and not 0 <= listing.base_scale <= MAX_SCALE:
        raise ListingError(f"{listing.symbol}: base_scale {listing.base_scale} must be 0 to {MAX_SCALE}")
    if not 1 <= listing.max_open_orders < MAX_UNITS:
        raise ListingError(f"{listing.symbol}: max_open_orders {listing.max_open_orders} must be at least 1")


def _whole(name: str, value: Decimal, unit: Decimal, least: int, most: int) -> int:
    """How many `unit` are in `value`. Raises ListingError unless it is a whole number from `least` to `most`."""
    if not value.is_finite() or not -MAX_DIGITS <= value.adjusted() <= MAX_DIGITS:
        raise ListingError(f"{name} {value} is out of range")
    units = _EXACT.divide_int(value, unit)
    if _EXACT.multiply(units, unit) != value:
        raise ListingError(f"{name} {value} is no multiple of {unit:f}")
    if not least <= units <= most:
        raise ListingError(f"{name} {value} is out of range")
    return int(units)
