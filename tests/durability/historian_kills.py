"""Kills the historian at random moments under load, the server now and then: is everything in the history, once?

`python -m tests.durability.historian_kills 30`: so many kills on one data folder; prints what was promised and kept.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from tests.durability.checks import all_orders, all_trades, broken_promises, broken_reads
from tests.durability.client import PATIENCE_S, Client
from tests.durability.load import Load, Promises, ask_again
from tests.server import RunningServer

SEED = 14
ORDERS_A_KILL = 40  # that are to be acknowledged between two kills, however slow the machine is
SERVER_TOO = 3  # each so many rounds the server is killed as well: before it, after it, or both at once


def kill_historian(server: RunningServer) -> bool:
    """`kill -9`, where there is one: it may just be between two."""
    with suppress(psutil.NoSuchProcess):
        for child in server.process.children():
            if "replica.historian" in child.cmdline():
                child.kill()
                return True
    return False


def campaign(folder: Path, kills: int) -> tuple[Promises, list[str]]:
    """So many kills of the historian; what was promised, and what is wrong with the history afterwards."""
    data, rng, promises, wrong = folder / "data", random.Random(SEED), Promises(), list[str]()
    done = 0
    while done < kills:
        with RunningServer(data, "--snapshot-every", "200") as server:
            client = Client(server.port)
            ask_again(client, promises, rng, repeats=5)
            load = Load(server, promises, f"h{done}", traders=4)
            for _ in range(min(SERVER_TOO, kills - done)):
                load.at_least(ORDERS_A_KILL * (done + 1))
                time.sleep(rng.uniform(0.0, 0.4))
                until = time.monotonic() + PATIENCE_S
                while not kill_historian(server) and time.monotonic() < until:
                    time.sleep(0.01)
                done += 1
            if rng.random() < 0.5:
                server.kill()
                load.stop()
            else:
                load.stop()
                wrong += compare(client, promises, rng)
                server.stop()
            client.close()
    with RunningServer(data) as server:
        client = Client(server.port)
        ask_again(client, promises, rng, repeats=5)
        wrong += compare(client, promises, rng)
        client.close()
    if audit([str(data), "--quiet"]) != CLEAN:
        wrong.append("the auditor finds that the history differs from the journal")
    return promises, wrong


def compare(client: Client, promises: Promises, rng: random.Random) -> list[str]:
    """What the history does not say as it was promised, when it has caught up."""
    until = time.monotonic() + PATIENCE_S
    while client.get("/health")["history"]["lag"]:
        if time.monotonic() >= until:
            return ["the history does not catch up"]
        time.sleep(0.05)
    names = rng.sample(sorted(promises.orders), min(20, len(promises.orders)))
    return broken_promises(promises, all_orders(client), all_trades(client)) + broken_reads(client, promises, names)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        promised, broken = campaign(Path(scratch), int(sys.argv[1]))
    print(f"{len(promised.orders)} orders, {len(promised.trades)} trades, {len(promised.cancelled)} cancels promised")
    print("\n".join(broken) or "all of it is in the history, once")
    sys.exit(bool(broken))
