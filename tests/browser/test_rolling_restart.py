"""All nodes of a cluster are restarted in turn under load while a page is open, which hardly notices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests import postgres
from tests.browser.conftest import Opens
from tests.cluster.faults.campaign import Fault, Rounds, rounds, stopped
from tests.cluster.faults.clustered import Cluster, Setting, cluster
from tests.cluster.faults.load import Load
from tests.cluster.faults.rolling import rolling_restart
from tests.etcd import needs_etcd

pytestmark = [
    needs_etcd,
    pytest.mark.skipif(postgres.absent() is not None, reason=str(postgres.absent())),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]
LONGEST_AWAY_S = 30.0  # on a busy machine; by itself it is less than three, as Documentation/performance.md says
POLLED_EVERY_MS = 50
NOTE_STATES = """() => {
  window.away = { longestMs: 0, sinceMs: null, times: 0 };
  const note = () => {
    const live = document.querySelector("#pill .pill-state")?.textContent === "Live";
    const now = performance.now();
    if (live) {
      if (away.sinceMs !== null) away.longestMs = Math.max(away.longestMs, now - away.sinceMs);
      away.sinceMs = null;
    } else if (away.sinceMs === null) {
      away.sinceMs = now;
      away.times += 1;
    }
    setTimeout(note, 20);
  };
  note();
}"""


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes. Asked for before `opens`, they outlive the pages that were opened."""
    with cluster(tmp_path, Setting()) as running:
        yield running


def test_a_rolling_restart_is_hardly_noticed_by_a_page_and_a_bot(venue: Cluster, opens: Opens, tmp_path: Path) -> None:
    trader = opens(venue.nodes[0], "BTC-USDT", forgive=True)  # the browser logs every failed attempt to connect
    trader.page.evaluate(NOTE_STATES)
    sockets: list[str] = []
    trader.page.on("websocket", lambda socket: sockets.append(urlsplit(socket.url).netloc))
    done: list[Rounds] = []
    fault = Fault("each node restarted in turn", 3, lambda: rolling_restart(venue))
    load = Load(venue.doors, 2, 0.02)
    working = threading.Thread(target=lambda: done.append(rounds(venue, [fault], load)), daemon=True)
    working.start()
    while working.is_alive():
        trader.page.wait_for_timeout(POLLED_EVERY_MS)
    assert done, "the restart did not come to its end"
    trader.sees_state("Live")
    away = noted(trader.page)
    seen = done[0].strikes[0].gap
    print(f"page away {away['longestMs']:.0f} ms at most, {away['times']} times; bots waited {seen.one_client_s:.2f} s")
    assert set(sockets) - {urlsplit(venue.doors[0]).netloc}, "it never went to another node"
    assert away["longestMs"] < LONGEST_AWAY_S * 1000
    assert seen.one_client_s < LONGEST_AWAY_S
    assert stopped(venue, done[0], tmp_path / "scratch").verdict().broken == []


def noted(page: Page) -> Any:
    """What the page has noted of itself; it would be gone with a page that was loaded anew."""
    return page.evaluate("() => window.away")
