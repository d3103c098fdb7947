"""A ccxt bot is put through faults on demand, as the example does it; nothing that it enters is there twice."""

from __future__ import annotations

import re
import subprocess

from tests.clients.environments import interpreter
from tests.clients.library_programs import PATIENCE_S
from tests.server import ROOT, RunningServer, environment


def test_a_bot_that_retries_through_faults_has_each_of_its_orders_once(venue: RunningServer) -> None:
    done = subprocess.run(
        [str(interpreter("ccxt")), "-W", "ignore", "examples/faulty_venue.py", venue.url],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "20 orders, each once: True" in done.stdout
    retried = re.search(r"retried: (\{.*\})", done.stdout)
    assert retried is not None
    assert retried[1] != "{}", done.stdout
