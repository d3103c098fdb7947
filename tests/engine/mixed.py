"""Commands of every kind, as the auditor's random search makes them."""

from __future__ import annotations

from audit.search import Search
from engine.commands import Command


def mixed(seed: int, count: int) -> list[tuple[int, Command]]:
    """Commands of every kind, with their times."""
    search = Search(seed)
    assert search.run(count) is None
    return search.commands
