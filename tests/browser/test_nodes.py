"""A node goes: its page goes on at another one, within seconds, and says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.browser.trader import Trader
from tests.nodes import NodeServer, running_nodes

MOVES_WITHIN_S = 8.0  # two or three, and a busy machine
SYMBOL = "SOL-USDT"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, NodeServer]]:
    """Two nodes of this test's own, one of them running. Asked for before `opens`, they outlive the pages."""
    with running_nodes(tmp_path, "a", "b", started=1) as running:
        running["a"].http.enter(SYMBOL, "buy", "1", "99.50")
        yield running


def start_b(nodes: dict[str, NodeServer]) -> None:
    """Have the other node run, too: it knows who has signed in by now."""
    nodes["b"].start()
    nodes["b"].http.enter(SYMBOL, "buy", "1", "98.50")


def is_at(trader: Trader, node: str) -> None:
    """Wait until the page says that it is at a node, and shows what that has."""
    expect(trader.page.locator('[data-status="node"]')).to_have_text(node)
    trader.sees_state("Live")
    trader.sees_status("book", "checked")


def test_a_page_goes_on_at_another_node_within_seconds_and_comes_back_when_that_goes(
    nodes: dict[str, NodeServer], opens: Opens
) -> None:
    trader = opens(nodes["a"], SYMBOL, forgive=True)  # the browser logs the connection that is lost
    is_at(trader, "a")
    trader.page.locator("#ticket input[name=price]").fill("97.25")
    start_b(nodes)

    nodes["a"].kill()
    began = time.monotonic()
    is_at(trader, "b")
    assert time.monotonic() - began < MOVES_WITHIN_S
    expect(trader.level("98.50")).to_have_count(1)
    expect(trader.level("99.50")).to_have_count(0)
    expect(trader.page.locator("#ticket input[name=price]")).to_have_value("97.25")  # nothing was loaded anew
    expect(trader.page.locator("#banner")).to_be_hidden()
    expect(trader.page.locator("#session-banner")).to_be_hidden()
    expect(trader.page.locator("#ticket .send")).to_be_enabled()
    trader.page.locator("#pill").click()
    expect(trader.page.locator('[data-link="moved"]')).to_contain_text("since node a, where this page came from")
    trader.screenshot("moved-to-another-node")
    trader.page.keyboard.press("Escape")

    nodes["a"].start()
    nodes["b"].stop()
    is_at(trader, "a")
    expect(trader.level("99.50")).to_have_count(1)


def test_a_page_leaves_a_node_that_hangs(nodes: dict[str, NodeServer], opens: Opens) -> None:
    trader = opens(nodes["a"], SYMBOL, forgive=True)
    start_b(nodes)
    nodes["a"].process.suspend()
    try:
        is_at(trader, "b")
        expect(trader.level("98.50")).to_have_count(1)
    finally:
        nodes["a"].process.resume()


def test_a_page_leaves_a_node_that_is_stale_for_one_that_is_not_and_says_where_there_is_none(
    nodes: dict[str, NodeServer], opens: Opens
) -> None:
    nodes["a"].set_stale(True)
    trader = opens(nodes["a"], SYMBOL, forgive=True, live=False)
    trader.sees_state("Stale")
    expect(trader.page.locator("#banner")).to_contain_text("Node a has heard nothing from the others for a while")
    trader.screenshot("stale-node")
    start_b(nodes)
    is_at(trader, "b")
    expect(trader.page.locator("#banner")).to_be_hidden()


def test_a_page_whose_session_no_other_node_knows_goes_on_with_market_data_and_is_itself_again_at_home(
    nodes: dict[str, NodeServer], opens: Opens
) -> None:
    start_b(nodes)  # before anybody has signed in, and it is not told of those who do
    trader = opens(nodes["a"], SYMBOL, forgive=True)
    name = trader.name()
    nodes["a"].kill()
    is_at(trader, "b")
    expect(trader.level("98.50")).to_have_count(1)
    nodes["a"].start()
    nodes["b"].stop()
    is_at(trader, "a")
    assert trader.name() == name
    trader.has("USDT", available="100000")
