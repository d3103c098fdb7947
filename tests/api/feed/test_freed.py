"""What a client that has gone held is free again, without a garbage collection."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.api.feed.freed import PING_S
from tests.server import ROOT, environment


def test_what_waited_for_a_closed_client_is_freed_at_once_and_its_session_soon_without_a_collector(
    tmp_path: Path,
) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tests.api.feed.freed", str(tmp_path / "data")],
        cwd=ROOT,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=150,
        check=True,
    )
    left = json.loads(found.stdout.splitlines()[-1])
    assert left["waiting"] > 1_000
    assert left["packets_s"] is not None
    assert left["packets_s"] < PING_S  # not only when it has answered no ping
    assert left["sessions_s"] is not None
