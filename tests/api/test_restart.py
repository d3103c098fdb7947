"""What is there after a restart: every order, every trade, every name; and what a changed file of instruments does."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.market.paging import every_page
from tests.conftest import PLAIN
from tests.server import ROOT, RunningServer, command, environment


def listing(path: Path, *tables: str) -> Path:
    """Write an instrument file."""
    path.write_text("".join(tables), encoding="utf-8")
    return path


ONE, TWO = PLAIN.format(symbol="ONE"), PLAIN.format(symbol="TWO")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of one's own, with symbols ONE and TWO."""
    path = listing(tmp_path / "instruments.toml", ONE, TWO)
    with RunningServer(tmp_path / "data", "--instruments", str(path), "--snapshot-every", "5") as running:
        yield running


def refused_start(server: RunningServer) -> str:
    """What a server says that does not start with the arguments of `server`."""
    ended = subprocess.run(
        command("--port", "0", "--data", str(server.data), *server.options),
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_orders_trades_and_names_are_there_after_a_restart(server: RunningServer) -> None:
    http = server.http
    resting = http.enter("ONE", "buy", "3", "100", client_order_id="resting")
    http.enter("ONE", "buy", "2", "100", client_order_id="behind")
    taker = http.enter("ONE", "sell", "1", "99", client_order_id="taker")
    killed = http.enter("ONE", "buy", "9", "200", order_type="fok")
    gone = http.enter("TWO", "sell", "1", "50")
    http.call("DELETE", f"/order/{gone['order_id']}").granted()
    paths = [f"/order/{order['order_id']}" for order in (resting, taker, killed, gone)]
    paths += ["/book/ONE?levels=all", "/book/ONE/orders", "/trades/ONE", "/symbols"]
    digest = http.get("/health?digest=true")["digest"]
    before = [http.get(path) for path in paths]
    orders = every_page(http, "limit=2")
    counted = ("orders_processed", "trades_executed", "total_volume", "error_counts", "active_orders", "seq")
    statistics = http.get("/statistics")

    server.restart()
    http = server.http
    after = [http.get(path) for path in paths]
    assert [{**view, "timestamp": 0} for view in after] == [{**view, "timestamp": 0} for view in before]
    assert every_page(http, "limit=2") == orders
    assert [view["status"] for view in after[:4]] == ["partially_filled", "filled", "cancelled", "cancelled"]
    assert after[0]["queue_position"] == {"orders_ahead": 0, "quantity_ahead": "0.000"}
    assert http.get("/health?digest=true")["digest"] == digest
    counts = http.get("/statistics")
    assert {name: counts[name] for name in counted} == {name: statistics[name] for name in counted}

    body = {"symbol": "ONE", "order_type": "limit"}
    again = http.post("/order", body | {"side": "sell", "quantity": "1", "price": 99, "client_order_id": "taker"})
    assert (again.granted()["repeated"], again.json["trades"]) == (True, taker["trades"])
    other = body | {"side": "sell", "quantity": "2", "price": 99, "client_order_id": "taker"}
    http.post("/order", other).refused(409, "DUPLICATE_CLIENT_ORDER_ID")
    http.post("/cancel", {"client_order_id": "taker"}).refused(409, "TOO_LATE")
    http.post("/cancel", {"order_id": gone["order_id"]}).refused(409, "TOO_LATE")
    assert http.post("/cancel", {"client_order_id": "resting"}).granted()["filled_quantity"] == "1.000"
    (trade,) = http.enter("ONE", "sell", "1", "99")["trades"]
    assert (trade["trade_id"], trade["maker_order_id"]) == ("2", str(int(resting["order_id"]) + 1))


def test_what_waits_hides_and_is_linked_is_there_after_a_restart(server: RunningServer) -> None:
    http = server.http
    for side in ("sell", "buy"):
        http.enter("ONE", side, "1", "100")
    later = {"time_in_force": "gtd", "expire_time": "4102444800.000000001"}
    entered = [
        http.enter("ONE", "sell", "1", order_type="stop", stop_price="90", client_order_id="stop"),
        http.enter("ONE", "buy", "1", "126", order_type="stop_limit", stop_price="125", display_quantity="0.1"),
        http.enter("ONE", "sell", "1", order_type="trailing_stop", trail_percent="2.5"),
        http.enter("ONE", "sell", "1", "120", display_quantity="0.3", **later),
        http.enter("ONE", "sell", "1", "130", order_type="oco", stop_price="80", client_order_id="pair"),
        http.enter("ONE", "buy", "2", "70", take_profit="125", stop_loss="60", post_only=True),
        http.enter("TWO", "buy", "1", "50", order_type="oco", stop_price="60"),
    ]
    http.enter("ONE", "buy", "0.4", "120")  # of the iceberg; and the trailing stop follows
    cancelled = entered.pop()
    http.call("DELETE", f"/order/{cancelled['order_id']}").granted()
    ids = [order["order_id"] for order in (*entered, cancelled)] + [str(2 * 10**15 + int(cancelled["order_id"]))]
    paths = [f"/order/{order_id}" for order_id in ids] + ["/book/ONE/orders", "/account/balances"]
    before = [{**http.get(path), "timestamp": 0, "seq": 0} for path in paths]
    orders = every_page(http, "limit=3")

    server.restart()
    http = server.http
    assert [{**http.get(path), "timestamp": 0, "seq": 0} for path in paths] == before
    assert every_page(http, "limit=3") == orders
    assert [view["status"] for view in before[:6]] == [*3 * ["pending_trigger"], "partially_filled", *2 * ["resting"]]
    assert (before[3]["remaining"], before[3]["shown_quantity"]) == ("0.600", "0.200")
    repeated = http.enter("ONE", "sell", "1", "130", order_type="oco", stop_price="80", client_order_id="pair")
    assert (repeated["repeated"], repeated["linked_order_id"]) == (True, entered[4]["linked_order_id"])
    http.enter("ONE", "buy", "3", "75")
    for side in ("sell", "buy"):
        http.enter("ONE", side, "0.1", "89")
    assert http.get(f"/order/{ids[0]}")["status"] == "filled"


def test_a_second_server_is_refused_and_both_signals_stop_the_first_cleanly(server: RunningServer) -> None:
    said = refused_start(server)
    assert said.splitlines()[-1].startswith("Error: ")
    assert "journal.sqlite" in said
    for how in (signal.SIGTERM, signal.SIGINT):
        assert server.http.enter("ONE", "buy", "1", "100")["status"] == "resting"
        assert server.stop(how) == 0
        assert "Traceback" not in server.log
        assert not (server.data / "journal.sqlite-wal").exists()
        server.start()


def test_a_listed_symbol_cannot_get_another_tick(server: RunningServer, tmp_path: Path) -> None:
    server.http.enter("ONE", "buy", "1", "100.01")
    server.stop()
    good = server.options[1]
    server.options[1] = str(listing(tmp_path / "other.toml", TWO, ONE.replace('"0.01"', '"0.05"')))
    assert "ONE is listed in this data folder with another tick, lot or asset." in refused_start(server)
    server.options[1] = good
    server.start()
    assert server.http.get("/bbo/ONE")["best_bid"] == "100.01"


def test_changed_fees_and_limits_apply_after_a_restart(server: RunningServer, tmp_path: Path) -> None:
    server.http.enter("ONE", "buy", "2", "100")
    assert server.http.enter("ONE", "sell", "1", "100")["total_taker_fees"] == "0.05"
    changed = ONE.replace('taker_fee_bps = "5"', 'taker_fee_bps = "10"\nmax_open_orders = 1')
    server.options[1] = str(listing(tmp_path / "changed.toml", changed, TWO))
    server.restart()
    assert server.http.get("/symbols")["symbol_info"]["ONE"]["fees"]["taker_percent"] == "0.1"
    body = {"symbol": "ONE", "side": "buy", "order_type": "limit", "quantity": "1", "price": "99"}
    server.http.post("/order", body).refused(400, "TOO_MANY_OPEN_ORDERS")
    order = server.http.post("/order", body | {"side": "sell", "order_type": "ioc"})
    order.refused(400, "TOO_MANY_OPEN_ORDERS")
    server.http.call("DELETE", "/orders").granted()
    server.http.post("/order", body).granted()
    seq = server.http.get("/health")["seq"]
    server.restart()
    assert server.http.get("/health")["seq"] == seq  # what is listed already is not listed again


def test_a_symbol_that_left_the_file_stays_tradable(server: RunningServer, tmp_path: Path) -> None:
    order = server.http.enter("ONE", "buy", "1", "100")
    server.options[1] = str(listing(tmp_path / "fewer.toml", TWO, PLAIN.format(symbol="THREE")))
    server.restart()
    assert server.http.get("/symbols")["symbols"] == ["ONE", "TWO", "THREE"]
    assert server.http.enter("ONE", "sell", "1", "100")["trades"][0]["maker_order_id"] == order["order_id"]


def test_a_server_that_may_have_hardly_anything_waiting_starts_all_the_same(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", "--max-waiting", "1", "--max-batch", "1") as server:
        assert server.http.get("/symbols")["count"] == 5
        assert server.http.enter("BTC-USDT", "buy", "1", "100")["status"] == "resting"


def test_a_mistake_in_the_instrument_file_is_a_sentence(tmp_path: Path) -> None:
    path = listing(tmp_path / "wrong.toml", ONE.replace('"1000000"', '"NaN"'))
    assert "ONE: max_quantity 'NaN' is no number" in refused_start(
        RunningServer(tmp_path / "data", "--instruments", str(path))
    )
