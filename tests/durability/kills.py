"""`kill -9` at random moments under load, again and again on one data folder: is everything there, once?"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.durability.checks import all_orders, all_trades, broken_promises, broken_reads, replay_copy
from tests.durability.client import Client
from tests.durability.load import Load, Promises, ask_again
from tests.server import RunningServer

SEED = 20
STARTS_KILLED = 5  # of so many rounds one in which the next start is killed as well
SNAPSHOTS = ("--snapshot-every", "200")


class Killed(NamedTuple):
    """What a campaign came to."""

    promises: Promises
    digests_compared: int  # told by living servers, and made again by a replay
    seconds: float


def campaign(
    folder: Path, kills: int, least: int, longest_s: float = 0.6, said: Callable[[str], None] = lambda _: None
) -> Killed:
    """So many kills, `least` orders acknowledged over all of them. Raises AssertionError where a promise is broken."""
    data, scratch = folder / "data", folder / "scratch"
    rng, promises, began = random.Random(SEED), Promises(), time.monotonic()
    digest, compared = None, 0
    for kill in range(kills + 1):
        with RunningServer(data, *SNAPSHOTS) as server:
            client = Client(server.port)
            health = client.get("/health?digest=true")
            assert digest in (None, health["digest"]), f"kill {kill}: another state than the journal's"
            check(client, promises, rng, f"after kill {kill}")
            client.close()
            if kill == kills:
                break
            load = Load(server, promises, f"k{kill}")
            time.sleep(rng.uniform(0.02, longest_s))
            load.at_least(least * (kill + 1) // kills)
            server.kill()
            load.stop()
        if kill % STARTS_KILLED == STARTS_KILLED - 1:
            _kill_a_start(data, rng)
        result, differing = replay_copy(data, scratch, promises.digests)
        assert differing == [], f"kill {kill}"
        compared += len(promises.digests)
        promises.digests.clear()
        digest = result.digest
        said(f"kill {kill + 1} of {kills}: {len(promises.orders):,} orders, {len(promises.trades):,} trades promised")
    return Killed(promises, compared, time.monotonic() - began)


def check(client: Client, promises: Promises, rng: random.Random, when: str) -> None:
    """Everything promised is there, once, by every way of asking."""
    ask_again(client, promises, rng, repeats=5)
    assert broken_promises(promises, all_orders(client), all_trades(client)) == [], when
    names = rng.sample(sorted(promises.orders), min(20, len(promises.orders)))
    assert broken_reads(client, promises, names) == [], when


def _kill_a_start(data: Path, rng: random.Random) -> None:
    starting = RunningServer(data)
    starting.launch()
    time.sleep(rng.uniform(0.3, 1.5))
    starting.kill()
