"""Records of commands of every kind."""

from __future__ import annotations

from typing import Final

from journal.codec import BatchRecord, seal
from tests.engine.mixed import mixed

BATCH: Final = 25  # commands


def records(count: int, seed: int = 1) -> list[BatchRecord]:
    """Records of commands of every kind, chained."""
    found: list[BatchRecord] = []
    seq = 1
    commands = mixed(seed, count * BATCH)
    for number in range(count):
        some = commands[number * BATCH : (number + 1) * BATCH]
        chain = found[-1].chain if found else bytes(32)
        found.append(seal(number + 1, some[-1][0], seq, [command for _, command in some], chain))
        seq += len(some)
    return found


RECORDS = records(40)
