"""Explanations by a real server: who may ask, before and after a kill, and when the process that explains dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.clients import bearer, funded
from tests.server import Answer, RunningServer, eventually

SELL = {"symbol": "AAPL-USD", "side": "sell", "order_type": "limit", "quantity": "3", "price": "190.00"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("explain") / "data") as running:
        yield running


def explained(server: RunningServer, path: str, who: dict[str, Any] | None = None) -> Answer:
    """The answer to a question; of the sandbox's own account without `who`."""
    return server.http.call("GET", f"{path}/explain", None, {} if who is None else bearer(who))


def traded(server: RunningServer) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A buyer, its order, and the sandbox's order that it took two of."""
    buyer = funded(server.http)
    deposit = {"asset": "USD", "amount": "10000"}
    server.http.call("POST", "/account/deposit", deposit, bearer(buyer)).granted()
    sell = server.http.post("/order", SELL).granted()
    body = {**SELL, "side": "buy", "quantity": "2"}
    buy = server.http.call("POST", "/order", body, bearer(buyer)).granted()
    assert buy["status"] == "filled"
    return buyer, buy, sell


def process_that_explains(server: RunningServer) -> int:
    """Its id, as the log tells it."""
    lines = [line for line in server.log.splitlines() if "started the process that explains, " in line]
    return int(lines[-1].rsplit(" ", 1)[1])


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not Path(f"/proc/{pid}/stat").exists() or Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_an_order_and_its_trade_are_explained_to_each_party_from_its_side(server: RunningServer) -> None:
    buyer, buy, sell = traded(server)
    answer = explained(server, f"/order/{buy['order_id']}", buyer).granted()
    assert "The best offer was 190.00, with 3 from 1 order." in answer["words"]
    assert (answer["order_id"], answer["filled"], answer["fees"]) == (
        buy["order_id"],
        "2",
        buy["total_taker_fees"],
    )
    trade = f"/trade/{buy['trades'][0]['trade_id']}"
    for who, role in ((buyer, "taker"), (None, "maker")):
        chapters = explained(server, trade, who).granted()["chapters"]
        assert [chapter["fills"][0]["role"] for chapter in chapters] == [role]
    rested = explained(server, f"/order/{sell['order_id']}").granted()
    assert rested["chapters"][0]["place_after"] == {"price": "190.00", "orders_ahead": 0, "quantity_ahead": "0"}


def test_a_cancel_that_came_too_late_and_a_mass_cancel_are_explained_with_what_is_so_now(server: RunningServer) -> None:
    buyer, buy, _ = traded(server)
    server.http.call("DELETE", f"/order/{buy['order_id']}", None, bearer(buyer)).refused(409, "TOO_LATE")
    seq = explained(server, f"/order/{buy['order_id']}", buyer).granted()["chapters"][-1]["seq"]
    for path in (f"/order/{buy['order_id']}", f"/command/{seq}"):
        answer = explained(server, path, buyer).granted()
        assert (answer["filled"], answer["fees"]) == ("2", buy["total_taker_fees"])
        assert answer["words"][-2:] == [
            "This came of a cancel of yours.",
            "It was refused: the order was done already.",
        ]
    for price in ("189.00", "188.00"):
        server.http.call("POST", "/order", {**SELL, "side": "buy", "price": price}, bearer(buyer)).granted()
    cancelled = server.http.call("DELETE", "/orders", None, bearer(buyer)).granted()
    answer = explained(server, f"/command/{cancelled['seq']}", buyer).granted()
    assert answer["words"][-2:] == [
        "You asked to cancel every open order of the account.",
        "2 orders were cancelled: 2 in AAPL-USD.",
    ]


def test_a_stranger_hears_the_same_as_of_what_never_was(server: RunningServer) -> None:
    _, buy, _ = traded(server)
    other_trader = funded(server.http)
    ways = [
        ("/order", buy["order_id"], "UNKNOWN_ORDER"),
        ("/trade", buy["trades"][0]["trade_id"], "UNKNOWN_TRADE"),
        ("/command", buy["order_id"], "UNKNOWN_COMMAND"),
    ]
    for way, number, code in ways:
        others = explained(server, f"{way}/{number}", other_trader).refused(404, code)
        nothing = explained(server, f"{way}/4611686018427387903", other_trader).refused(404, code)
        assert {**others, "request_id": ""} == {**nothing, "request_id": ""}


def test_a_refused_order_is_explained_by_the_seq_of_its_answer(server: RunningServer) -> None:
    refusal = server.http.post("/order", {**SELL, "price": "100.00"}).refused(400, "PRICE_OUTSIDE_COLLAR")
    answer = explained(server, f"/command/{refusal['details']['seq']}").granted()
    (chapter,) = answer["chapters"]
    assert (answer["order_id"], chapter["stopped_because"]) == (None, "price_outside_collar")
    assert [check["rule"] for check in chapter["checks"] if not check["passed"]] == ["price_outside_collar"]


def test_an_order_from_before_a_kill_is_explained_in_the_same_words(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        buyer, buy, sell = traded(server)
        paths = [(f"/order/{buy['order_id']}", buyer), (f"/order/{sell['order_id']}", None)]
        before = [explained(server, path, who).granted()["chapters"] for path, who in paths]
        worker = process_that_explains(server)
        server.stop(signal.SIGKILL)
        eventually(lambda: gone(worker))
        server.start()
        assert [explained(server, path, who).granted()["chapters"] for path, who in paths] == before
        worker = process_that_explains(server)
        os.kill(worker, signal.SIGKILL)
        first = explained(server, paths[1][0])
        assert first.status in (200, 503)
        again = explained(server, paths[1][0]).granted()
        assert again["chapters"] == before[1]
        worker = process_that_explains(server)
        assert server.stop() == 0
        eventually(lambda: gone(worker))


def test_what_is_traded_after_a_question_is_explained_by_the_next(server: RunningServer) -> None:
    for _ in range(3):
        buyer, buy, _ = traded(server)
        answer = explained(server, f"/order/{buy['order_id']}", buyer).granted()
        assert answer["as_of_seq"] >= buy["seq"]
        assert answer["chapters"][-1]["stopped_because"] == "filled"
