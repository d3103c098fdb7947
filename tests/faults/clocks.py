"""The machine's clock set an hour forward, an hour back and ninety days forward, under orders that end by the clock.

libfaketime, loaded into the server, answers for the wall clock what a file says; the steady clocks are left as they
are, which is what happens when somebody, or a program that keeps time, sets the clock. The venue holds such a step
back, says so in GET /health, and lets nothing expire by it, until the clock comes back or an operator says that it is
right.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.access.cast import Person, operator, with_operator
from tests.faults.report import Report, program
from tests.server import Http, RunningServer, eventually

LIBRARIES = (
    *Path("/usr/lib").glob("*/faketime/libfaketime.so.1"),
    *Path("/usr/local/lib").glob("faketime/libfaketime.so.1"),
)
ORDER = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01", "price": "29000.00"}
GTD_S = 1_800  # within the hour by which the clock is wrong
NOTICED_S = 10.0
WRONG_S = 3.0  # for which the clock stays wrong
SECONDS = {"+0": 0, "+1h": 3_600, "-1h": -3_600, "+90d": 90 * 86_400}


class WrongClock:
    """What a server's wall clock says, from now on."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def set(self, offset: str) -> None:
        """One of `SECONDS`."""
        other = self._file.with_suffix(".new")
        other.write_text(offset + "\n", encoding="ascii")
        other.replace(self._file)


def state(http: Http) -> Any:
    """What GET /health says of the clock."""
    return http.get("/health")["clock"]


def judge_steps(report: Report, folder: Path) -> None:
    """Each wrong clock in turn, then the right one again, then one that an operator accepts."""
    clock = WrongClock(folder)
    with with_operator(folder / "data", environment=clock.environment) as server:
        time.sleep(1.5)
        http, boss = server.http, operator(server.http)
        day = http.post("/order", ORDER | {"time_in_force": "day"}).granted()["order_id"]
        until = time.time() + GTD_S
        gtd = http.post("/order", ORDER | {"time_in_force": "gtd", "expire_time": f"{until:.0f}"}).granted()["order_id"]
        for offset in ("+1h", "-1h", "+90d"):
            _judge_step(report, http, clock, offset, (day, gtd))
        _judge_accepted(report, http, boss, clock, day, gtd)
        report.judge("Traceback" not in server.log, "no traceback in the log")
        assert server.stop() == 0, server.log
    _judge_restart(report, folder, clock)


def _judge_step(report: Report, http: Http, clock: WrongClock, offset: str, open_orders: tuple[str, ...]) -> None:
    before = http.get("/health")["timestamp"]
    clock.set(offset)
    began = time.monotonic()
    eventually(lambda: not state(http)["followed"], NOTICED_S)
    noticed_s, held = time.monotonic() - began, state(http)
    entered = http.post("/order", ORDER | {"client_order_id": f"at{offset}"}).granted()
    time.sleep(WRONG_S)
    statuses = [http.get(f"/order/{order_id}")["status"] for order_id in open_orders]
    apart = entered["timestamp"] - before
    report.judge(
        abs(held["held_back_s"] - SECONDS[offset]) < 30 and bool(held["advice"]),
        f"clock {offset}: held within {noticed_s:.1f} s, by {held['held_back_s']:,.0f} s, with advice",
    )
    report.judge(
        statuses == ["resting"] * len(statuses), f"clock {offset}: day and gtd order are {' and '.join(statuses)}"
    )
    report.judge(
        0 <= apart < 60, f"clock {offset}: an order is entered at the venue's time, {apart:.1f} s after the last"
    )
    clock.set("+0")
    began = time.monotonic()
    eventually(lambda: state(http)["followed"], NOTICED_S)
    report.judge(True, f"clock {offset}, then right again: followed after {time.monotonic() - began:.1f} s")


def _judge_accepted(report: Report, http: Http, boss: Person, clock: WrongClock, day: str, gtd: str) -> None:
    """An operator says that the hour is right: what is due by then ends, and no earlier."""
    clock.set("+1h")
    eventually(lambda: not state(http)["followed"], NOTICED_S)
    answer = http.call("POST", "/admin/clock", {"follow": "machine"}, boss.bearer).granted()
    report.judge(3_500 < answer["accepted_s"] < 3_700, f"an operator accepts {answer['accepted_s']:,.0f} s")
    eventually(lambda: http.get(f"/order/{gtd}")["status"] == "expired", NOTICED_S)
    next_day = datetime.fromtimestamp(time.time() + 3_600, UTC).date() != datetime.now(UTC).date()
    status = http.get(f"/order/{day}")["status"]
    expected = "expired" if next_day else "resting"
    report.judge(status == expected, f"accepted: the gtd order expired, the day order is {status}")


def _judge_restart(report: Report, folder: Path, clock: WrongClock) -> None:
    """Started with the clock an hour back of its records: it starts, and its time goes on from them."""
    clock.set("+0")
    with RunningServer(folder / "data", environment=clock.environment) as server:
        entered = server.http.post("/order", ORDER | {"client_order_id": "restarted"}).granted()
        report.judge(bool(entered["order_id"]), "started an hour behind its records: it takes orders")


def full(report: Report) -> None:
    """All steps; said and left out where libfaketime is not installed."""
    if not LIBRARIES:
        report.progress("left out: libfaketime is not installed (make test installs it)")
        return
    with tempfile.TemporaryDirectory() as folder:
        judge_steps(report, Path(folder))


if __name__ == "__main__":
    program(full)
