"""Instrument files: what they become, and what each mistake in one is answered with."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.commands import ListInstrument
from engine.instrument import Instrument
from journal.codec import seal
from listings.instruments_file import DEFAULT_INSTRUMENTS, ListingError, read_instruments

GOOD = {
    "symbol": '"COIN-CASH"',
    "base": '"COIN"',
    "quote": '"CASH"',
    "tick_size": '"0.05"',
    "lot_size": '"0.001"',
    "quote_scale": "8",
    "max_quantity": '"1000"',
    "max_notional": '"100000"',
}


def read(folder: Path, **changes: str | None) -> Instrument:
    """The instrument of a good file after `changes`; None leaves a field out."""
    fields = {name: value for name, value in (GOOD | changes).items() if value is not None}
    path = folder / "instruments.toml"
    path.write_text("[[instrument]]\n" + "".join(f"{name} = {value}\n" for name, value in fields.items()))
    (instrument,) = read_instruments(path)
    return instrument


def test_everything_is_counted_in_ticks_lots_and_minor_units(tmp_path: Path) -> None:
    instrument = read(
        tmp_path,
        min_quantity='"0.002"',
        min_notional='"1.5"',
        maker_fee_bps='"-0.25"',
        taker_fee_bps='"7.5"',
        collar_percent='"2.5"',
        reference_price='"100.05"',
        max_open_orders="7",
    )
    assert instrument == Instrument(
        symbol="COIN-CASH",
        base="COIN",
        quote="CASH",
        tick_size="0.05",
        lot_size="0.001",
        quote_scale=8,
        lot_tick_amount=5_000,
        base_scale=3,
        min_quantity=2,
        max_quantity=1_000_000,
        min_notional=150_000_000,
        max_notional=10_000_000_000_000,
        maker_fee=-25,
        taker_fee=750,
        collar=25_000,
        reference_price=2_001,
        max_open_orders=7,
    )


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    instrument = read(tmp_path)
    assert (instrument.min_quantity, instrument.min_notional, instrument.maker_fee, instrument.taker_fee) == (
        1,
        0,
        0,
        0,
    )
    assert (instrument.collar, instrument.reference_price, instrument.max_open_orders) == (None, None, 100_000)


def test_numbers_are_as_good_as_texts(tmp_path: Path) -> None:
    assert read(tmp_path, tick_size="0.05", lot_size="0.001", max_quantity="1000") == read(tmp_path)


def test_the_default_file_lists_the_five_that_are_promised() -> None:
    instruments = read_instruments(DEFAULT_INSTRUMENTS)
    assert {each.symbol: (each.tick_size, each.lot_size) for each in instruments} == {
        "BTC-USDT": ("0.01", "0.00000001"),
        "ETH-USDT": ("0.01", "0.000001"),
        "BNB-USDT": ("0.01", "0.000001"),
        "SOL-USDT": ("0.01", "0.000001"),
        "AAPL-USD": ("0.01", "1"),
    }


@pytest.mark.parametrize("field", [name for name in GOOD if name != "symbol"])
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    with pytest.raises(ListingError, match=f"missing required field `{field}`"):
        read(tmp_path, **{field: None})


def test_a_field_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListingError, match="unknown field `tick`"):
        read(tmp_path, tick='"0.01"')


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tick_size", '"0"'),
        ("tick_size", '"-0.01"'),
        ("tick_size", '"NaN"'),
        ("tick_size", '"sNaN"'),
        ("tick_size", '"Infinity"'),
        ("tick_size", '"1e999999999"'),
        ("tick_size", '"1e-999999999"'),
        ("tick_size", '"0.0000000000000000001"'),
        ("tick_size", '"0.000001"'),  # one lot at one tick is less than a minor unit
        ("lot_size", "0"),
        ("lot_size", '"NaN"'),
        ("quote_scale", "-1"),
        ("quote_scale", "1000000000"),
        ("max_quantity", '"0"'),
        ("max_quantity", '"-5"'),
        ("max_quantity", '"0.0005"'),
        ("max_quantity", '"1e30"'),
        ("max_quantity", '"1e999999999"'),
        ("max_quantity", '"NaN"'),
        ("min_quantity", '"0"'),
        ("min_quantity", '"0.0015"'),
        ("min_notional", '"-1"'),
        ("min_notional", '"0.000000001"'),
        ("max_notional", '"0"'),
        ("max_notional", '"1e20"'),
        ("maker_fee_bps", '"0.001"'),
        ("maker_fee_bps", '"-10001"'),
        ("taker_fee_bps", '"10001"'),
        ("taker_fee_bps", '"Infinity"'),
        ("collar_percent", '"-1"'),
        ("collar_percent", '"0.00001"'),
        ("collar_percent", '"sNaN"'),
        ("reference_price", '"0"'),
        ("reference_price", '"100.01"'),
        ("max_open_orders", "0"),
    ],
)
def test_a_value_that_does_not_fit_names_its_symbol_and_field(tmp_path: Path, field: str, value: str) -> None:
    with pytest.raises(ListingError, match=f"^COIN-CASH: {field}"):
        read(tmp_path, **{field: value})


@pytest.mark.parametrize("symbol", ["", "A/B", "A B", "A\\n", "Ä", "x" * 33, "A?", "A#", "A%41"])
def test_a_symbol_that_no_address_can_hold_is_refused(tmp_path: Path, symbol: str) -> None:
    with pytest.raises(ListingError, match="a symbol is 1 to 32"):
        read(tmp_path, symbol=f'"{symbol}"')


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "missing required field `instrument`"),
        (b"instrument = []", "lists no instrument"),
        (b"[[instrument]", "instruments.toml"),
        (b"\xff\xfe", "instruments.toml"),
        (b"[[instruments]]", "unknown field `instruments`|missing required field"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "instruments.toml"
    path.write_bytes(content)
    with pytest.raises(ListingError, match=sentence) as problem:
        read_instruments(path)
    assert str(path) in str(problem.value)


def test_a_symbol_is_listed_once(tmp_path: Path) -> None:
    path = tmp_path / "twice.toml"
    path.write_text(DEFAULT_INSTRUMENTS.read_text(encoding="utf-8") * 2)
    with pytest.raises(ListingError, match="BTC-USDT is listed twice"):
        read_instruments(path)


def test_the_largest_instrument_still_fits_the_journal(tmp_path: Path) -> None:
    instrument = read(tmp_path, max_quantity='"1.8e16"', max_notional='"1.8e11"')
    record = seal(1, 0, 1, [ListInstrument(instrument)])
    assert msgspec.msgpack.decode(record.body[1:])[0][1]["max_notional"] == 18 * 10**18


@pytest.mark.parametrize("name", ["default", "sessions", "replay"])
def test_the_symbols_that_ship_have_a_price_band_but_those_of_recordings(name: str) -> None:
    path = DEFAULT_INSTRUMENTS.with_name(f"{name}.toml")
    bands = {instrument.symbol: instrument.band for instrument in read_instruments(path)}
    assert all((band is None) is (name == "replay") for band in bands.values()), bands
    assert name != "replay" or "No collar and no price band" in path.read_text()  # and the file says why
