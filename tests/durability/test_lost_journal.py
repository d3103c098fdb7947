"""A journal that is taken away under a server which nobody uses is noticed all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server import RunningServer, eventually


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_journal_that_goes_while_nobody_enters_anything_is_told_in_health(tmp_path: Path, suffix: str) -> None:
    with RunningServer(tmp_path / "data") as server:
        order = server.http.enter("BTC-USDT", "buy", "0.001", "20000")["order_id"]
        journal = tmp_path / "data" / f"journal.sqlite{suffix}"
        journal.rename(tmp_path / "elsewhere")
        eventually(lambda: server.http.get("/health")["accepting"] is False)
        answer = server.http.call("GET", "/health/ready")
        assert answer.status == 503
        assert server.http.get(f"/order/{order}")["status"] == "resting"  # reads go on
        assert "was removed or renamed" in server.log
        (tmp_path / "elsewhere").rename(journal)
        server.stop()
        server.start()
        assert server.http.get(f"/order/{order}")["status"] == "resting"
