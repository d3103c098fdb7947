"""What the name of a recording tells: its order book file and its symbol."""

from pathlib import Path

import pytest

from openbell_client.answers import SymbolInfo
from tests.client.samples import sample
from tools.naming import NamingError, book_beside, in_any_case, symbol_of


def listed(*symbols: str) -> dict[str, SymbolInfo]:
    words = {symbol: symbol.split("-") for symbol in symbols}
    return {symbol: sample(SymbolInfo, base=base, quote=quote) for symbol, (base, quote) in words.items()}


VENUE = listed("BTC-USDT", "BTC-USD", "MSFT-USD", "AAPL-USD", "BRK.B-USD", "ETH-EUR", "DAI-EUR", "DAI-JPY")


@pytest.mark.parametrize(
    ("path", "symbol"),
    [("AAPL_2012-06-21_34200000_57600000_message_10.csv", "AAPL-USD"), ("lobster-msft-2012-06-21/m.csv.xz", "MSFT-USD"),
     ("bitstamp-btcusd-2015-05-01/events.log.xz", "BTC-USD"), ("btc-usdt.csv", "BTC-USDT"), ("btcusdt.log", "BTC-USDT"),
     ("BTC_2024.csv", "BTC-USD"), ("eth.csv.GZ", "ETH-EUR"), ("BRK.B_2012-06-21_message_1.csv", "BRK.B-USD"),
     ("msft/aapl.csv", "AAPL-USD")],
)  # fmt: skip
def test_the_symbol_is_told_by_the_files_name_or_its_folders(path: str, symbol: str) -> None:
    assert symbol_of(Path("/data") / path, VENUE) == symbol


def test_a_symbol_is_named_in_any_case_however_it_is_listed() -> None:
    assert [in_any_case(named, ["Gold-usd", "BTC-USD"]) for named in ("gold-USD", "btc-usd", "GOLD")] == [
        "Gold-usd", "BTC-USD", None,
    ]  # fmt: skip


def test_a_name_that_tells_several_symbols_asks_for_one() -> None:
    with pytest.raises(NamingError, match=r"may be of DAI-EUR or DAI-JPY: name one with --symbol"):
        symbol_of(Path("/data/dai.csv"), VENUE)


def test_a_name_that_tells_none_says_what_to_do() -> None:
    with pytest.raises(NamingError, match=r"INTC_2012.*lists MSFT-USD; name one of them with --symbol, or start"):
        symbol_of(Path("/data/INTC_2012-06-21_message_10.csv"), listed("MSFT-USD"))


@pytest.mark.parametrize(
    ("message", "book"),
    [("A_message_10.csv.xz", "A_orderbook_10.csv.xz"), ("A_message_10.csv", "A_orderbook_10.csv.GZ"),
     ("A_Message_10.CSV.BZ2", "a_orderbook_10.csv")],
)  # fmt: skip
def test_the_order_book_is_found_beside_its_messages_however_either_is_compressed(
    tmp_path: Path, message: str, book: str
) -> None:
    for name in (message, book, "A_orderbook_5.csv", "B_orderbook_10.csv"):
        (tmp_path / name).touch()
    assert book_beside(tmp_path / message) == tmp_path / book


def test_the_order_book_that_is_compressed_in_the_same_way_comes_first(tmp_path: Path) -> None:
    for name in ("message_1.csv.gz", "orderbook_1.csv", "orderbook_1.csv.gz", "orderbook_1.csv.xz"):
        (tmp_path / name).touch()
    assert book_beside(tmp_path / "message_1.csv.gz") == tmp_path / "orderbook_1.csv.gz"
    assert book_beside(tmp_path / "orderbook_1.csv.gz") is None
