"""A server whose machine's clock jumps: what orders, records, restarts and operators make of it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.access.cast import appoint, operator
from tests.programs import run
from tests.server import RunningServer, eventually

PROGRAM = """
import sys, time
from functools import partial
from pathlib import Path
sys.argv[0] = "api/app.py"
sys.path.insert(0, ".")
import api.app, api.bootstrap
jump = Path({jump!r})
api.bootstrap.VenueClock = partial(
    api.bootstrap.VenueClock, wall=lambda: time.time_ns() + int(jump.read_text()) * 10**9
)
api.app.main()
"""
DAY_S = 86_400


class JumpingServer(RunningServer):
    """One whose machine's clock can be set."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self._jump = data.with_name("jump")
        self.jump(0)
        self.program = ("-c", PROGRAM.format(jump=str(self._jump)))

    def jump(self, seconds: int) -> None:
        """Set the machine's clock so far from the right time."""
        partial = self._jump.with_name("jump.partial")
        partial.write_text(str(seconds))
        partial.replace(self._jump)

    @property
    def clock(self) -> dict[str, Any]:
        """What it says of its clock."""
        clock: dict[str, Any] = self.http.get("/health")["clock"]
        return clock


def resting(server: RunningServer) -> list[str]:
    """The client order ids of all open orders."""
    return sorted(order["client_order_id"] for order in server.http.get("/orders?status=open")["orders"])


def enter_all(server: RunningServer, run: str) -> list[str]:
    """One order of each time in force; their names."""
    in_a_week = time.time() + 7 * DAY_S
    kinds: dict[str, dict[str, Any]] = {"gtc": {}, "day": {}, "gtd": {"expire_time": in_a_week}}
    for kind, further in kinds.items():
        wanted = {"time_in_force": kind, "client_order_id": f"{run}-{kind}"} | further
        server.http.enter("BTC-USDT", "buy", "0.001", "29000.00", **wanted)
    return [f"{run}-{kind}" for kind in sorted(kinds)]


@pytest.mark.timeout(180)
def test_day_and_gtd_orders_survive_a_jump_of_ninety_days_and_a_restart_until_an_operator_says_it_is_right(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    appoint(data)
    with JumpingServer(data) as server:
        names = enter_all(server, "a")
        before = time.time()
        server.jump(90 * DAY_S)
        eventually(lambda: not server.clock["followed"])
        clock = server.clock
        assert abs(clock["held_back_s"] - 90 * DAY_S) < 60
        assert abs(clock["time"] - time.time()) < 60
        assert before - 60 < clock["since"] < time.time() + 60
        assert "python -m tools.operator clock accept" in clock["advice"]
        eventually(lambda: server.log.count("CRITICAL") == 1)
        names += enter_all(server, "b")
        assert resting(server) == names
        trade = server.http.enter("BTC-USDT", "sell", "0.001", "29000.00")["trades"][0]
        assert abs(trade["timestamp"] - time.time()) < 60
        names.remove("a-gtc")
        server.restart()
        assert not server.clock["followed"]
        assert resting(server) == names
        boss = operator(server.http)
        accepted = server.http.call("POST", "/admin/clock", {"follow": "machine"}, boss.bearer).granted()
        assert abs(accepted["accepted_s"] - 90 * DAY_S) < 60
        assert accepted["clock"]["followed"]
        eventually(lambda: resting(server) == ["b-gtc"])
        boss = operator(server.http)  # whose token has ended meanwhile
        lines = server.http.call("GET", "/admin/audit?limit=9", headers=boss.bearer).granted()["entries"]
        assert "clock" in [line["action"] for line in lines]
        server.restart()
        assert server.clock["followed"]
        assert server.stop() == 0
        assert "Traceback" not in server.log


@pytest.mark.timeout(120)
def test_a_jump_back_is_held_too_and_ends_by_itself_when_the_clock_is_set_right(tmp_path: Path) -> None:
    with JumpingServer(tmp_path / "data") as server:
        enter_all(server, "a")
        server.jump(-3600)
        eventually(lambda: not server.clock["followed"])
        assert abs(server.clock["held_back_s"] + 3600) < 60
        first = server.clock["time"]
        eventually(lambda: server.clock["time"] > first + 0.5)
        server.jump(0)
        eventually(lambda: server.clock["followed"])
        assert abs(server.clock["time"] - time.time()) < 60
        done = run("-m", "tools.operator", "--url", server.url, "clock")
        assert re.search(r"followed +(yes|true|True)", done.stdout), done.stdout
