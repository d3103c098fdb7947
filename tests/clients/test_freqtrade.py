"""freqtrade trading live against a server of ours: the strategy of its page opens, fills and closes a trade."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import interpreter
from tests.clients.library_programs import configuration, configured_key
from tests.clients.pages import blocks
from tests.clients.venues import Movement, signed
from tests.server import RunningServer, environment, eventually

PATIENCE_S = 240  # a candle has to be over before it trades
STOP_S = 60

pytestmark = pytest.mark.timeout(1200)  # it may have to be installed first


@pytest.fixture(scope="module")
def folder(venue: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bot that has traded until its trade was closed; the market moved meanwhile."""
    folder = tmp_path_factory.mktemp("freqtrade")
    config = configuration("freqtrade", venue.url, folder / "config.json")
    with Movement(venue.url), running_bot(config, folder) as bot:
        eventually(lambda: bot.poll() is not None or any(not one["is_open"] for one in trades(folder)), PATIENCE_S)
        assert bot.poll() is None, (folder / "bot.log").read_text(encoding="utf-8")[-4000:]
    return folder


@contextlib.contextmanager
def running_bot(config: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the bot, which is interrupted at the end; what it logs is in bot.log of the folder."""
    command = [str(interpreter("freqtrade")), "-m", "freqtrade", "trade", "--config", str(config)]
    strategy = ["--strategy", "Scripted", "--strategy-path", str(folder / "strategies")]
    for name in ("user_data", "strategies"):
        (folder / name).mkdir()
    (code,) = blocks("freqtrade", "python")
    (folder / "strategies" / "scripted.py").write_text(code, encoding="utf-8")
    where = ["--userdir", str(folder / "user_data"), "--db-url", f"sqlite:///{folder}/trades.sqlite"]
    with (folder / "bot.log").open("w") as log:
        bot = subprocess.Popen([*command, *strategy, *where], cwd=folder, env=environment({}), stdout=log, stderr=log)
        try:
            yield bot
        finally:
            bot.send_signal(signal.SIGINT)
            try:
                bot.wait(STOP_S)
            finally:
                bot.kill()


def trades(folder: Path) -> list[dict[str, Any]]:
    """The trades in the bot's database; none as long as it has no database."""
    path = folder / "trades.sqlite"
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute("SELECT * FROM trades")]
        except sqlite3.OperationalError:  # it is making its tables
            return []


def test_a_trade_is_opened_filled_and_closed(folder: Path) -> None:
    (trade,) = trades(folder)
    assert (trade["pair"], trade["exit_reason"], trade["is_open"]) == ("BTC/USDT", "scripted", 0)
    assert 29_900 < trade["open_rate"] < 30_100
    assert trade["stake_amount"] == pytest.approx(100, rel=0.01)


def test_the_venue_has_the_same_trade(folder: Path, venue: RunningServer) -> None:
    key = configured_key(folder / "config.json")
    mine = signed(venue.http, key, "GET", "/api/v3/myTrades", symbol="BTCUSDT")
    (trade,) = trades(folder)
    for buyer in (True, False):
        side = [one for one in mine if one["isBuyer"] is buyer]
        assert sum(float(one["qty"]) for one in side) == pytest.approx(trade["amount"], rel=0.001)
    assert float(mine[0]["price"]) == trade["open_rate"]
    assert signed(venue.http, key, "GET", "/api/v3/openOrders", symbol="BTCUSDT") == []


def test_it_is_the_live_mode_and_nothing_failed(folder: Path) -> None:
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["dry_run"] is False
    log = (folder / "bot.log").read_text(encoding="utf-8")
    assert "Live trading mode" in log or "Dry run is disabled" in log
    assert [line for line in log.splitlines() if " ERROR " in line or "Traceback" in line] == []
