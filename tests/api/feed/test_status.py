"""`status`, auctions, triggers, expiry and `queue` on the feed of a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.access.cast import operator, with_operator
from tests.api.feed.listener import Listener, listening
from tests.server import Http

INSTRUMENT = """
[[instrument]]
symbol = "{symbol}"
base = "{symbol}"
quote = "USD"
tick_size = "0.01"
lot_size = "1"
quote_scale = 10
max_quantity = "100000"
max_notional = "1000000000"
reference_price = "100"
limit_state_seconds = 1
halt_seconds = 1
auction_seconds = 1
"""
BANDED = INSTRUMENT + 'band_percent = "10"\n'


@dataclass
class Floor:
    """A running venue and its operator."""

    url: str
    http: Http
    bearer: dict[str, str]

    def command(self, symbol: str, action: str) -> Any:
        """What an operator is answered."""
        return self.http.call("POST", f"/admin/symbols/{symbol}/{action}", headers=self.bearer).granted()

    def enter(self, symbol: str, side: str, quantity: str, price: str | None = None, **further: Any) -> Any:
        return self.http.enter(symbol, side, quantity, price, **further)


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    folder: Path = tmp_path_factory.mktemp("status")
    symbols = [INSTRUMENT.format(symbol=symbol) for symbol in ("CALL", "STOP", "LINE", "HALT")]
    (folder / "venue.toml").write_text("".join([*symbols, BANDED.format(symbol="BAND")]))
    with with_operator(folder / "data", "--instruments", str(folder / "venue.toml")) as server:
        yield Floor(server.url, server.http, operator(server.http).bearer)


def statuses(client: Listener, symbol: str) -> list[dict[str, Any]]:
    """Every `status` that was told of a symbol."""
    return [view for view in client.all("status") if view["symbol"] == symbol]


def test_an_auction_gathers_shows_its_price_and_trades_at_one_price(floor: Floor) -> None:
    async def scenario() -> None:
        async with listening(floor.url) as client:
            for kind in ("status", "l2_deltas", "trades"):
                await client.subscribe(kind, "CALL")
            first = await client.next("status")
            assert (first["status"], first["indicative"], first["next_change"]) == ("trading", None, None)
            asked = time.time()
            called = floor.command("CALL", "auction?seconds=3600")
            assert asked + 3600 <= called["opens_at"] <= time.time() + 3600
            planned = await client.until(lambda: [view for view in statuses(client, "CALL") if view["next_change"]])
            assert planned[0]["next_change"] == {"status": "trading", "at": called["opens_at"]}
            assert floor.http.get("/book/CALL")["status"] == "auction"
            for side, quantity, price in (("buy", "5", "101.00"), ("buy", "2", "102.00"), ("sell", "4", "99.00")):
                floor.enter("CALL", side, quantity, price)
            floor.http.post(
                "/order", {"symbol": "CALL", "side": "buy", "order_type": "market", "quantity": "1"}
            ).refused(400, "SYMBOL_NOT_TRADING")
            expected = {"price": "100.00", "quantity": "4", "imbalance": "3", "imbalance_side": "buy"}
            await client.until(lambda: statuses(client, "CALL")[-1]["indicative"] == expected)
            assert floor.http.get("/status/CALL")["indicative"] == expected
            best = floor.http.get("/bbo/CALL")
            assert (best["best_bid"], best["best_ask"], best["spread"]) == ("102.00", "99.00", "-3.00")
            assert client.all("trade") == []
            floor.command("CALL", "auction?seconds=1")  # all has been looked at: sooner, then
            await client.until(lambda: statuses(client, "CALL")[-1]["status"] == "trading")
            trades = await client.until(lambda: len(client.all("trade")) == 2 and client.all("trade"))
            assert [(t["price"], t["quantity"], t["auction"]) for t in trades] == [
                ("100.00", "2", True),
                ("100.00", "2", True),
            ]
            assert statuses(client, "CALL")[-1]["next_change"] is None
            assert floor.http.get("/trades/CALL")["trades"][0]["auction"] is True
            await client.until(lambda: client.all("l2_delta")[-1]["asks"] == [["99.00", "0", 0]])
            book = {price: quantity for price, quantity, _ in client.all("l2_snapshot")[0]["bids"]}
            for delta in client.all("l2_delta"):
                book |= {price: quantity for price, quantity, _ in delta["bids"]}
            assert {price: quantity for price, quantity in book.items() if quantity != "0"} == {"101.00": "3"}

    asyncio.run(scenario())


def test_a_quote_says_whether_the_symbol_trades_and_a_halt_leaves_a_crossed_book_as_it_is(floor: Floor) -> None:
    def quoted() -> list[Any]:
        views = floor.http.get("/quote/HALT?side=buy&quantity=5")
        return [views[name] for name in ("status", "trades_now", "filled_quantity", "average_price")]

    floor.command("HALT", "pre_open")
    floor.enter("HALT", "sell", "4", "99.00")
    floor.enter("HALT", "buy", "4", "101.00")
    assert quoted() == ["pre_open", False, "4", "99.00"]
    for action, status in (("auction?seconds=600", "auction"), ("halt", "halted"), ("close", "closed")):
        floor.command("HALT", action)
        assert quoted() == [status, False, "4", "99.00"]
        best = floor.http.get("/bbo/HALT")
        assert (best["status"], best["best_bid"], best["best_ask"], best["spread"]) == (
            status, "101.00", "99.00", "-2.00",
        )  # fmt: skip
    floor.command("HALT", "resume")
    assert quoted() == ["trading", True, "0", None]
    assert [(t["price"], t["auction"]) for t in floor.http.get("/trades/HALT")["trades"]] == [("100.00", True)]


def test_indicative_prices_come_no_faster_than_four_a_second(floor: Floor) -> None:
    async def scenario() -> None:
        async with listening(floor.url) as client:
            await client.subscribe("status", "LINE")
            floor.command("LINE", "pre_open")
            floor.enter("LINE", "sell", "1000", "100.00")
            began = time.monotonic()
            for _ in range(60):
                floor.enter("LINE", "buy", "1", "100.00")
                await asyncio.sleep(0)
            took = time.monotonic() - began
            await client.until(lambda: statuses(client, "LINE")[-1]["indicative"] == {
                "price": "100.00", "quantity": "60", "imbalance": "940", "imbalance_side": "sell"
            })  # fmt: skip
            views = [view for view in statuses(client, "LINE") if view["indicative"]]
            assert len(views) <= 4 * took + 3
            floor.command("LINE", "resume")
            floor.http.call("DELETE", "/orders?symbol=LINE").granted()

    asyncio.run(scenario())


def test_a_limit_state_becomes_a_halt_and_an_auction_by_itself(floor: Floor) -> None:
    async def scenario() -> None:
        async with listening(floor.url) as client:
            await client.subscribe("status", "BAND")
            assert (await client.next("status"))["band"] == ["90.00", "110.00"]
            for side in ("buy", "sell"):
                floor.enter("BAND", side, "1", "100.00")  # what the band is measured from
            floor.enter("BAND", "sell", "1", "111.00")
            floor.enter("BAND", "buy", "1", "112.00")
            state = (await client.until(lambda: [s for s in statuses(client, "BAND") if s["limit_state"]]))[0]
            assert (state["status"], state["limit_state"], state["limit_price"]) == ("trading", "buy", "110.00")
            ticker = floor.http.get("/ticker/BAND")
            soon_enough = ticker["status"] == "trading"  # within the second that a limit state lasts here
            assert ticker["limit_state"] == ("buy" if soon_enough else None)
            await client.until(lambda: statuses(client, "BAND")[-1]["status"] == "trading" and len(
                {s["status"] for s in statuses(client, "BAND")}) == 3)  # fmt: skip
            order = list(dict.fromkeys(s["status"] for s in statuses(client, "BAND")))
            assert order == ["trading", "halted", "auction"]
            halted = next(s for s in statuses(client, "BAND") if s["status"] == "halted")
            assert (halted["limit_state"], halted["next_change"]["status"]) == (None, "auction")

    asyncio.run(scenario())


def test_owners_are_told_of_triggers_trails_slices_and_expiry(floor: Floor) -> None:
    async def scenario() -> None:
        async with listening(floor.url) as client:
            await client.subscribe("orders")
            for price in ("99.00", "98.00"):
                floor.enter("STOP", "buy", "10", price)
            post = {"symbol": "STOP", "side": "sell", "quantity": "1"}
            stop = post | {"order_type": "stop_limit", "stop_price": "99.00", "price": "99.50"}
            stop_id = floor.http.post("/order", stop).granted()["order_id"]
            trail = post | {"order_type": "trailing_stop", "trail_amount": "5.00"}
            trail_id = floor.http.post("/order", trail).granted()["order_id"]
            gtd = {"time_in_force": "gtd", "expire_time": f"{time.time() + 3:.3f}"}
            gone_id = floor.enter("STOP", "buy", "1", "50.00", **gtd)["order_id"]
            ice_id = floor.enter("STOP", "sell", "20", "101.00", display_quantity="2")["order_id"]
            floor.enter("STOP", "buy", "2", "101.00")
            floor.enter("STOP", "sell", "1", "99.00")
            views = await client.until(lambda: [e for e in client.all("order_event") if e["order_id"] == stop_id][2:])
            types = [e["event_type"] for e in client.all("order_event") if e["order_id"] == stop_id]
            assert types == ["accepted", "triggered", "resting"]
            assert (views[0]["status"], views[0]["price"], views[0]["stop_price"]) == (
                "resting",
                "99.50",
                "99.00",
            )
            trailed = [e for e in client.all("order_event") if e["order_id"] == trail_id]
            assert [(e["event_type"], e["status"]) for e in trailed] == [
                ("accepted", "pending_trigger"),
                ("trailed", "pending_trigger"),
            ]
            assert trailed[-1]["stop_price"] == "96.00"
            slices = [e for e in client.all("order_event") if e["order_id"] == ice_id]
            assert [(e["event_type"], e["remaining"], e.get("shown")) for e in slices] == [
                ("accepted", "20", None),
                ("resting", "20", None),
                ("partially_filled", "18", None),
                ("replenished", "18", "2"),
            ]
            gone = await client.until(
                lambda: [e for e in client.all("order_event") if e["order_id"] == gone_id and e["status"] == "expired"]
            )
            assert (gone[0]["event_type"], gone[0]["remaining"], gone[0]["reason"]) == ("expired", "1", None)
            floor.http.call("DELETE", "/orders?symbol=STOP").granted()

    asyncio.run(scenario())


def test_owners_are_told_where_their_orders_stand_as_it_changes(floor: Floor) -> None:
    async def scenario() -> None:
        async with listening(floor.url) as client:
            ids = [floor.enter("CALL", "buy", str(n), "50.00")["order_id"] for n in (1, 2, 3)]
            await client.subscribe("orders")

            def positions() -> dict[str, tuple[int, str]]:
                places = [place for queue in client.all("queue") for place in queue["positions"]]
                return {p["order_id"]: (p["orders_ahead"], p["quantity_ahead"]) for p in places if p["order_id"] in ids}

            await client.until(lambda: len(positions()) == 3)
            assert [positions()[order_id] for order_id in ids] == [(0, "0"), (1, "1"), (2, "3")]
            floor.http.post("/cancel", {"order_id": ids[0]}).granted()
            await client.until(lambda: positions()[ids[2]] == (1, "2"))
            assert positions()[ids[1]] == (0, "0")
            floor.http.call("PATCH", f"/order/{ids[1]}", {"quantity": "1"}).granted()
            await client.until(lambda: positions()[ids[2]] == (1, "1"))
            floor.http.call("PATCH", f"/order/{ids[1]}", {"price": "49.00"}).granted()
            await client.until(lambda: positions()[ids[2]] == (0, "0"))
            seen = floor.http.get(f"/order/{ids[2]}")["queue_position"]
            assert seen == {"orders_ahead": 0, "quantity_ahead": "0"}
            floor.http.call("DELETE", "/orders?symbol=CALL").granted()

    asyncio.run(scenario())


def test_statistics_and_health_tell_where_the_symbols_stand(floor: Floor) -> None:
    assert floor.http.get("/statistics?symbol=STOP")["status"] == "trading"
    floor.command("STOP", "halt")
    try:
        assert floor.http.get("/statistics?symbol=STOP")["status"] == "halted"
        counted = floor.http.get("/health")["symbols_by_status"]
        assert counted["halted"] >= 1
        assert sum(counted.values()) == len(floor.http.get("/symbols")["symbols"])
        assert floor.http.get("/statistics")["symbols_by_status"] == counted
    finally:
        floor.command("STOP", "resume")
