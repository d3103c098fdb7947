"""The same seed gives the same cluster to the byte, in any process."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.sim_cluster.plan import plan_of
from tests.sim_cluster.simulation import run
from tests.tidy.sources import ROOT

SEED = 13


def test_the_same_seed_gives_the_same_trace_in_another_process_with_another_hash_seed() -> None:
    here = run(plan_of(SEED), traced=True).trace
    assert len(here) > 100
    command = [sys.executable, "-W", "ignore", "-m", "tests.sim_cluster", "--seed", str(SEED), "--trace"]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=120, encoding="utf-8"
    )
    assert done.stdout.splitlines()[1:-1] == "\n".join(here).splitlines()
