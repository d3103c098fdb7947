"""`kill -9` at random moments under load, twenty times in a row on one data folder."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.durability.checks import (
    all_orders,
    all_trades,
    broken_promises,
    broken_reads,
    replay_copy,
)
from tests.durability.client import Client
from tests.durability.load import Load, Promises, ask_again
from tests.server import RunningServer

KILLS = 20
KILLED_WHILE_STARTING = (4, 9, 14)  # rounds in which the next start is killed as well
SEED = 20
LEAST = 1000  # orders that are to be acknowledged over all rounds, however slow the machine is


@pytest.mark.timeout(600)
def test_twenty_kills_lose_nothing_that_was_acknowledged_and_make_nothing_twice(tmp_path: Path) -> None:
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    rng = random.Random(SEED)
    promises = Promises()
    digest, digests_compared = None, 0
    for kill in range(KILLS + 1):
        with RunningServer(data, "--checkpoint-every", "200") as server:
            client = Client(server.port)
            health = client.get("/health?digest=true")
            assert digest in (None, health["digest"]), f"kill {kill}: another state than the journal's"
            ask_again(client, promises, rng, repeats=5)
            assert broken_promises(promises, all_orders(client), all_trades(client)) == [], f"after kill {kill}"
            names = rng.sample(sorted(promises.orders), min(20, len(promises.orders)))
            assert broken_reads(client, promises, names) == [], f"after kill {kill}"
            client.close()
            if kill == KILLS:
                break
            load = Load(server, promises, f"k{kill}")
            time.sleep(rng.uniform(0.02, 0.6))
            load.at_least(LEAST * (kill + 1) // KILLS)
            server.kill()
            load.stop()
        if kill in KILLED_WHILE_STARTING:
            starting = RunningServer(data)
            starting.launch()
            time.sleep(rng.uniform(0.3, 1.5))
            starting.kill()
        result, differing = replay_copy(data, scratch, promises.digests)
        assert differing == [], f"kill {kill}"
        digests_compared += len(promises.digests)
        promises.digests.clear()
        digest = result.digest
    print(
        "STATS",
        len(promises.orders),
        len(promises.trades),
        len(promises.cancelled),
        len(promises.too_late),
        len(promises.refused),
        len(promises.digests),
        result.batches,
        result.commands,
    )
    assert len(promises.orders) > LEAST
    assert len(promises.trades) > 100
    assert len(promises.cancelled) > 50
    assert digests_compared > KILLS
