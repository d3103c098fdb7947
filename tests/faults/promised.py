"""A venue that is traded at while something happens to it, and what must be true of it afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from tests.durability.checks import all_orders, all_trades, broken_promises, replay_copy
from tests.durability.client import Client
from tests.durability.load import Load, Promises, ask_again, order_body
from tests.faults.report import Report
from tests.server import RunningServer

SNAPSHOTS = ("--snapshot-every", "50")


@contextmanager
def loaded(server: RunningServer, promises: Promises, name: str, traders: int = 4) -> Iterator[None]:
    """Traders enter and cancel meanwhile."""
    load = Load(server, promises, name, traders)
    try:
        load.at_least(len(promises.orders) + 20)
        yield
    finally:
        load.stop()


def enter(client: Client, promises: Promises, name: str, count: int) -> int:
    """Enter so many orders one by one; how many were taken before one was answered with 503."""
    rng = random.Random(name)
    for number in range(count):
        body = promises.sent[f"{name}-{number}"] = order_body(f"{name}-{number}", rng)
        answer = client.call("POST", "/order", body)
        if answer.status == 503:
            promises.unknown.append(("/order", f"{name}-{number}"))
            return number
        promises.note_order(f"{name}-{number}", answer.status, answer.body)
    return count


def judge_promises(report: Report, data: Path, promises: Promises, when: str) -> None:
    """After a start on the same folder everything promised is there, once, the digests are a replay's, the audit clean.

    The server must not run.
    """
    _, differing = replay_copy(data, data.with_name("scratch"), promises.digests)
    promises.digests.clear()
    with RunningServer(data, *SNAPSHOTS) as server:
        client = Client(server.port)
        ask_again(client, promises, random.Random(7), repeats=10)
        named = [order for order in all_orders(client) if order["client_order_id"]]  # a bystander's have no name
        broken = broken_promises(promises, named, all_trades(client)) + differing
        client.close()
        server.stop()
    if audit([str(data), "--quiet"]) != CLEAN:
        broken.append("the audit is not clean")
    found = "; ".join(broken[:5]) or "0 lost, 0 twice, digests equal, audit clean"
    report.judge(not broken, f"{when}: {len(promises.orders):,} orders promised, {found}")
