"""Names on the second wire: letters and digits, by a table; two symbols that share one are refused by both names."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.binance.errors import BinanceError
from api.binance.symbols import SymbolTable
from engine.commands import ListInstrument
from engine.exchange import Exchange
from engine.types import Seq
from listings.instruments_file import DEFAULT_INSTRUMENTS, ListingError, read_instruments
from tests.access.cast import OPERATOR, with_operator
from tests.api.clients import PASSWORD
from tests.history.runs import instrument
from tests.server import RunningServer

LISTING = {
    "symbol": "BTC.USDT",
    "base": "BTC",
    "quote": "USDT",
    "tick_size": "0.01",
    "lot_size": "0.00000001",
    "quote_scale": 10,
    "max_quantity": "1000",
    "max_notional": "1000000",
}
BOTH = "the symbols BTC-USDT and BTC.USDT are both BTCUSDT on the second wire; give one of them another name"


def listing(exchange: Exchange, symbol: str) -> None:
    """List a symbol as the engine lets it."""
    seq = Seq(exchange.seq + 1)
    exchange.apply(ListInstrument(instrument(symbol)), seq, 0)


def test_names_are_found_either_way_and_a_new_listing_at_once() -> None:
    exchange = Exchange()
    table = SymbolTable(exchange)
    assert table.openbell("BTCUSDT") is None
    listing(exchange, "BTC-USDT")
    listing(exchange, "eth_usdt")
    assert (table.openbell("BTCUSDT"), table.binance("BTC-USDT")) == ("BTC-USDT", "BTCUSDT")
    assert (table.openbell("ETHUSDT"), table.binance("eth_usdt")) == ("eth_usdt", "ETHUSDT")
    assert table.instrument("ETHUSDT").symbol == "eth_usdt"
    assert [name for name, _ in table.names()] == ["BTCUSDT", "ETHUSDT"]
    for name in ("BTC-USDT", "btcusdt", "", "BTCUSD"):
        with pytest.raises(BinanceError) as refused:
            table.instrument(name)
        assert refused.value.code == -1121


def test_of_two_that_an_older_folder_has_neither_is_reached() -> None:
    exchange = Exchange()
    listing(exchange, "BTC-USDT")
    table = SymbolTable(exchange)
    assert table.openbell("BTCUSDT") == "BTC-USDT"
    listing(exchange, "BTC.USDT")
    assert table.openbell("BTCUSDT") is None
    assert list(table.names()) == []
    assert table.ambiguous == {"BTCUSDT": ["BTC-USDT", "BTC.USDT"]}


def with_another(tmp_path: Path, only: bool) -> Path:
    """An instruments file that lists BTC.USDT, alone or besides those that are usual."""
    table = "".join(
        f"{name} = {value!r}\n".replace("'", '"') if isinstance(value, str) else f"{name} = {value}\n"
        for name, value in LISTING.items()
    )
    path = tmp_path / "instruments.toml"
    usual = "" if only else DEFAULT_INSTRUMENTS.read_text(encoding="utf-8")
    path.write_text(f"{usual}\n[[instrument]]\n{table}", encoding="utf-8")
    return path


def test_a_file_with_both_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ListingError, match=BOTH):
        read_instruments(with_another(tmp_path, only=False))


def test_a_listing_beside_the_other_is_refused_by_an_operator_and_at_a_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with with_operator(data) as server:
        token = server.http.post("/auth/login", {"name": OPERATOR, "password": PASSWORD}).granted()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        refused = server.http.call("POST", "/admin/symbols", LISTING, headers).refused(400, "INVALID_VALUE")
        assert refused["error"] == f"{BOTH}."
    server = RunningServer(data, "--instruments", str(with_another(tmp_path, only=True)))
    code, printed = server.fails_to_start()
    assert code != 0
    assert BOTH in printed + server.log
