"""What a seed decides before anything runs: sizes, faults and how likely each is."""

from __future__ import annotations

import random

import msgspec


class Plan(msgspec.Struct):
    """The weather of one simulation. Each fault is off in about half of all seeds, so that each shows alone, too."""

    seed: int
    traders: int
    operations: int  # of each trader
    delay_s: float  # at most, of a message that nothing happens to
    lose: float  # how likely a message is lost
    late: float  # how likely one is late, by up to `late_s`
    late_s: float
    incidents: int  # one behind the other
    gap_s: float  # about, between two incidents
    overlaps: bool  # whether one may begin before the one before has ended
    kinds: list[str]  # of incidents, of which each is one
    drop: float  # how likely an election of the log forgets a request
    clock_offset_s: list[float]  # of each node's wall clock at the start
    kept_records: int  # that trimming leaves beside what two snapshots cover
    snapshot_every: int  # records
    puts_back: bool  # whether the log is put back to an older backup in the end
    max_batch: int
    max_waiting: int
    keys_max: int  # that are remembered of submissions


INCIDENTS = (
    "kill a node",
    "kill the writer",
    "pause the writer",
    "pause a node",
    "lose a node's disk",
    "kill the leader of the log",
    "pause the leader of the log",
    "kill the writer and the leader of the log",
    "kill every member of the log",
    "cut a host off",
    "cut the writer's host off",
    "cut one way",
    "cut all hosts apart",
    "slow the disk of the leader of the log",
    "fill the log",
    "set a node's clock",
    "set the writer's clock",
    "move the leadership of the log",
    "break the links",
    "stop the writer",
)


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    rng = random.Random(f"cluster plan {seed}")

    def sometimes(chance: float, share: float = 0.5) -> float:
        return chance if rng.random() < share else 0.0

    return Plan(
        seed=seed,
        traders=rng.randint(2, 4),
        operations=rng.randint(6, 16),
        delay_s=rng.choice((0.000_5, 0.003, 0.05)),
        lose=sometimes(rng.choice((0.01, 0.05))),
        late=sometimes(rng.choice((0.02, 0.1))),
        late_s=rng.choice((0.3, 1.0, 4.0)),
        incidents=rng.randint(1, 5),
        gap_s=rng.choice((0.5, 2.0, 5.0)),
        kinds=rng.sample(INCIDENTS, rng.choice((1, 3, len(INCIDENTS)))),
        drop=rng.choice((0.0, 0.5, 1.0)),
        clock_offset_s=[rng.choice((0.0, 0.0, 0.4, -0.4)) for _ in range(3)],
        kept_records=rng.choice((0, 4, 10_000)),
        snapshot_every=rng.choice((5, 12, 40)),
        max_batch=rng.choice((1, 3, 500)),
        max_waiting=rng.choice((3, 20_000, 20_000)),
        keys_max=rng.choice((8, 200_000, 200_000, 200_000)),
        puts_back=rng.random() < 0.06,
        overlaps=rng.random() < 0.4,
    )
