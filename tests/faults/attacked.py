"""A venue that somebody attacks while another trades: what the trader saw, what it cost, and what is left of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.api.clients import START_GRACE_S
from tests.attacks.bystander import TIMES, Bystander, Figures, quiet
from tests.attacks.probe import Probe
from tests.faults.report import Report
from tests.server import Http, RunningServer, eventually

ORDERS = 20
P50_MAX_MS, P99_MAX_MS = 50.0, 750.0  # of others, on a machine that the attacker shares
GIVEN_BACK_S = 30.0  # for descriptors, after an attack
TRIES = 3
SAMPLED_S = 0.2


class Limits(NamedTuple):
    """What an attack may cost."""

    memory_mb: float = 64.0
    p50_ms: float = P50_MAX_MS
    p99_ms: float = P99_MAX_MS
    log_lines: int = 40
    descriptors: int = 2  # more than before, afterwards
    rate_per_s: float = 100.0  # of the trader


class Venue:
    """A running server, and a trader with orders in it."""

    def __init__(self, server: RunningServer, report: Report, *, timed: bool) -> None:
        self.server = server
        self.url = server.url
        self._report = report
        self._timed = timed
        self.headers: dict[str, str] = {}
        self._orders: dict[str, str] = {}
        self._join()

    def attack(self, name: str, attack: Callable[[], object], limits: Limits | None = None) -> None:
        """Run it, and judge what a trader saw meanwhile and what it cost. The best of `TRIES` counts for the times."""
        limits = limits or Limits()
        for left in reversed(range(TRIES if self._timed else 1)):
            before = quiet(self.url, order=True, headers=self.headers) if self._timed else None
            bystander = Bystander(self.url, order=True, headers=self.headers, rate_per_s=limits.rate_per_s)
            with Probe(self.server) as probe, bystander, most_memory(probe) as most_mb:
                outcome = attack()
            log, seen = probe.log, bystander.figures
            eventually(lambda probe=probe: probe.more_descriptors <= limits.descriptors, GIVEN_BACK_S)
            if not left or _is_fair(seen, before, limits):
                break
        lines = len(log.splitlines())
        holds = _is_fair(seen, before, limits) and most_mb[0] <= limits.memory_mb
        calm = "Traceback" not in log and lines <= limits.log_lines
        alone = f" (alone p50 {before.p50_ms:.1f} p99 {before.p99_ms:.1f})" if before else ""
        said = f"; {outcome}" if outcome is not None else ""
        sentence = f"{name}: others {seen}{alone}; server at most {most_mb[0]:+.0f} MB, {lines} lines logged{said}"
        self._report.judge(holds and calm, sentence)
        self._judge_orders(name)

    def _join(self) -> None:
        """Sign in as a guest and enter orders."""
        http = Http(self.url)
        if "secured" in self.server.options:
            time.sleep(START_GRACE_S)
            self.headers = {"Authorization": f"Bearer {http.call('POST', '/auth/guest').json['token']}"}
            http.call("POST", "/account/deposit", {"asset": "USDT", "amount": "100000"}, self.headers).granted()
        for number in range(ORDERS):
            order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.01"}
            order |= {"price": f"{29_900 + number}.00", "client_order_id": f"mine-{number}"}
            answer = http.call("POST", "/order", order, self.headers).granted()
            self._orders[answer["order_id"]] = answer["status"]
        http.close()

    def _judge_orders(self, name: str) -> None:
        http = Http(self.url)
        lost = [
            order_id
            for order_id, status in self._orders.items()
            if http.call("GET", f"/order/{order_id}", None, self.headers).granted()["status"] != status
        ]
        http.close()
        if lost:
            self._report.judge(False, f"{name}: {len(lost)} orders are lost or changed")


def _is_fair(seen: Figures, before: Figures | None, limits: Limits) -> bool:
    """Everybody was answered, and where `before` is given in time: within the limits, or `TIMES` as late as then."""
    if seen.failures or before is None:
        return not seen.failures
    return seen.p50_ms <= max(limits.p50_ms, TIMES * before.p50_ms) and seen.p99_ms <= max(
        limits.p99_ms, TIMES * before.p99_ms
    )


@contextmanager
def most_memory(probe: Probe) -> Iterator[list[float]]:
    """The most that it has taken since the probe began, in MB: in the list's one place, at the end."""
    most, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLED_S):
            most[0] = max(most[0], probe.more_rss_mb)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield most
    finally:
        ended.set()
        watching.join()


@contextmanager
def venue(report: Report, folder: Path, *options: str, timed: bool = True) -> Iterator[Venue]:
    """A server to attack; `timed`: how late others are answered is judged too, not only whether they are."""
    with RunningServer(folder / "data", *options) as server:
        yield Venue(server, report, timed=timed)
        server.stop()
