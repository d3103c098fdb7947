"""What is different in each request is not kept: memory, figures and other clients stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.bystander import watched
from tests.attacks.distinct import OPTIONS, Memory, attacks
from tests.server import RunningServer

EACH = 750  # twice 10,000 in all
KEPT_MAX = 64 * 10**6  # bytes: what the bounds allow of so few, and what an allocator keeps for itself


@pytest.mark.timeout(300)
def test_twenty_thousand_that_are_all_different_leave_nothing_behind(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", *OPTIONS) as server:
        memory = [Memory.of(server)]

        def attack() -> None:
            for first in (0, EACH):
                for _, send in attacks():
                    send(server.url, range(first, first + EACH))
                memory.append(Memory.of(server))

        seen = watched(server.url, attack, rate_per_s=20.0)
        assert seen.failures == 0, seen
        before, once, twice = memory
        assert twice.lines == once.lines
        assert twice.uss - before.uss < KEPT_MAX
        assert "Traceback" not in server.log
