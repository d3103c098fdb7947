"""A clock that is not followed is a figure."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from api.bootstrap import Server
from api.metrics import page
from api.settings import Settings
from sequencer.venue_clock import CONFIRMED_NS
from tests.server import eventually

HOUR_S = 3_600


def held_s(server: Server) -> float:
    """By how much the clock is held, as the figures say."""
    text = server.app.test_client().get("/metrics").get_data(as_text=True)
    (value,) = (line.split()[1] for line in text.splitlines() if line.startswith("openbell_clock_held_seconds "))
    return float(value)


def test_a_clock_that_went_an_hour_back_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "KEPT_S", 0.0)
    server = Server(Settings(data=tmp_path / "data"))
    try:
        assert held_s(server) == 0
        monkeypatch.setattr(server.clock, "_wall", lambda: time.time_ns() - HOUR_S * 10**9)
        server.clock()
        time.sleep(CONFIRMED_NS / 1e9)
        server.clock()
        eventually(lambda: abs(held_s(server) + HOUR_S) < 5)
        server.clock.accept()
        assert held_s(server) == 0
    finally:
        server.close()
