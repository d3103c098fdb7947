"""The same seed gives the same world to the byte; other tests' event loop is as it was behind it."""

from __future__ import annotations

import os
import subprocess
import sys

import eventlet
from eventlet import hubs

from tests.sim.plan import plan_of
from tests.sim.simulation import run
from tests.tidy.sources import ROOT

SEEDS = (3, 26)


def test_the_same_seed_gives_the_same_trace() -> None:
    for seed in SEEDS:
        first, second = (run(plan_of(seed), traced=True).trace for _ in range(2))
        assert len(first) > 100
        assert first == second


def test_other_seeds_give_other_traces() -> None:
    assert run(plan_of(3), traced=True).trace != run(plan_of(4), traced=True).trace


def test_the_trace_is_the_same_in_another_process_with_another_hash_seed() -> None:
    def traced(hash_seed: str) -> bytes:
        command = [sys.executable, "-m", "tests.sim", "--seed", str(SEEDS[1]), "--trace"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=120).stdout

    first = traced("1")
    assert b"seed 26: right" in first
    assert first == traced("2")


def test_behind_a_simulation_the_event_loop_is_the_one_before() -> None:
    before = hubs.get_hub()
    run(plan_of(SEEDS[0]))
    assert hubs.get_hub() is before
    assert eventlet.spawn(lambda: 7).wait() == 7
