"""GET /health/live says that the server answers, GET /health/ready whether it takes orders."""

from __future__ import annotations

import time
from pathlib import Path

from api.metrics.page import KEPT_S
from tests.api.metrics.figures import figure
from tests.server import RunningServer

ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "1.00"}


def test_a_server_whose_journal_failed_lives_and_is_not_ready(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        assert server.http.get("/health/live") == {"status": "live"}
        assert server.http.get("/health/ready") == {"status": "ready"}
        assert figure(server.http, "openbell_accepting") == 1
        server.limit_files(0)
        server.http.post("/order", ORDER).refused(503, "NOT_ACCEPTING")
        answer = server.http.call("GET", "/health/ready")
        assert answer.refused(503, "NOT_READY")["details"] == {"why": "the journal failed"}
        assert answer.headers["Retry-After"] == "1"
        assert server.http.get("/health/live") == {"status": "live"}
        assert server.http.get("/health")["accepting"] is False
        time.sleep(KEPT_S)
        assert figure(server.http, "openbell_accepting") == 0
