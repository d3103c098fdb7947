"""The page's models, stores and views, run by node's own test runner.

Skipped where there is no node, which the server does not need; the views also where `make page` installed no document.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
SUITES = sorted(HERE.rglob("*.test.js"))
NODE = shutil.which("node")
DOCUMENT = HERE.parents[1] / "node_modules" / "happy-dom"


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("suite", SUITES, ids=[suite.relative_to(HERE).as_posix() for suite in SUITES])
def test_the_page_holds(suite: Path) -> None:
    if suite.parent.name == "views" and not DOCUMENT.is_dir():
        pytest.skip("make page has not been run")
    finished = subprocess.run(
        [NODE or "node", "--test", "--test-reporter=spec", str(suite)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_there_are_suites_to_run() -> None:
    assert len(SUITES) >= 5


def test_the_golden_feed_has_the_checksums_that_python_computes() -> None:
    feed = json.loads((GOLDEN / "l2_feed.json").read_text(encoding="utf-8"))
    bids = {level[0]: level for level in feed["snapshot"]["bids"]}
    asks = {level[0]: level for level in feed["snapshot"]["asks"]}
    assert _checksum(bids, asks) == feed["snapshot"]["checksum"]
    for delta in feed["deltas"]:
        message = delta["message"]
        for side, changes in ((bids, message["bids"]), (asks, message["asks"])):
            side.update({level[0]: level for level in changes})
        bids = {price: level for price, level in bids.items() if float(level[1])}
        asks = {price: level for price, level in asks.items() if float(level[1])}
        assert _checksum(bids, asks) == message["checksum"], delta["what"]


def _checksum(bids: dict[str, Any], asks: dict[str, Any]) -> int:
    best = sorted(bids.values(), key=lambda level: -float(level[0]))[:10]
    best += sorted(asks.values(), key=lambda level: float(level[0]))[:10]
    return zlib.crc32("|".join(f"{price}:{quantity}" for price, quantity, _ in best).encode())
