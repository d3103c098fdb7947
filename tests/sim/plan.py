"""What a seed decides before anything runs: sizes, faults and how likely each is."""

from __future__ import annotations

import random

import msgspec

from tests.sim.disk import DiskFaults
from tests.sim.network import NetworkFaults


class Plan(msgspec.Struct):
    """The weather of one simulation. Each fault is off in about half of all seeds, so that each shows alone, too."""

    seed: int
    clients: int
    operations: int  # of each client
    interruptions: int  # deaths and stops of the server
    disk: DiskFaults
    network: NetworkFaults
    power: float  # how likely an interruption is a loss of power rather than a kill
    graceful: float  # or a stop as on SIGTERM
    relapse: float  # how likely a server that has just started loses power
    at_step: float  # or a death at a step of the disk or of an answer
    damage: float  # how likely the journal is damaged while the server is down
    clock_steps: float  # how likely the wall clock is set, each half second
    guards_clock: bool  # whether steps of the wall clock are held back, or come to the sequencer
    history_refuses: float
    follower_dies: float  # how likely one is killed, each half second
    turn_ends: float
    remembered: int  # done orders that the engine remembers of an account
    kept: int  # done orders in the front door's memory
    max_batch: int
    max_waiting: int
    recent_bytes: int  # of records in memory for followers
    snapshot_every: int  # commands
    snapshot_damage: float  # how likely one is damaged while the server is down
    trims: bool  # whether records that two proven snapshots cover are dropped
    gap_s: float  # about, between two interruptions


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    rng = random.Random(f"plan {seed}")

    def sometimes(chance: float, share: float = 0.5) -> float:
        return chance if rng.random() < share else 0.0

    disk = DiskFaults(
        slow=sometimes(0.02),
        write_error=sometimes(0.006),
        flush_error=sometimes(0.006),
        full=sometimes(0.006),
        lie=sometimes(0.1, 0.15),
    )
    network = NetworkFaults(
        delay_s=rng.choice((0.0005, 0.005, 0.05)),
        lose_request=sometimes(0.05),
        lose_answer=sometimes(0.08),
        repeat_request=sometimes(0.08),
        cut=sometimes(0.05),
    )
    return Plan(
        seed=seed,
        clients=rng.randint(2, 3),
        operations=rng.randint(8, 20),
        interruptions=rng.randint(0, 5),
        disk=disk,
        network=network,
        power=rng.choice((0.0, 0.4, 0.8)),
        graceful=rng.choice((0.0, 0.2)),
        relapse=sometimes(0.4),
        at_step=rng.choice((0.0, 0.6)),
        damage=sometimes(0.4, 0.3),
        clock_steps=sometimes(0.2),
        guards_clock=rng.random() < 0.5,
        history_refuses=sometimes(0.2),
        follower_dies=sometimes(0.25),
        turn_ends=sometimes(0.2),
        remembered=rng.choice((2, 5, 50_000)),
        kept=rng.choice((1, 4, 50_000)),
        max_batch=rng.choice((1, 3, 500)),
        max_waiting=rng.choice((2, 20_000, 20_000)),
        recent_bytes=rng.choice((0, 2_000, 2**23)),
        snapshot_every=rng.choice((6, 15, 10**6)),
        snapshot_damage=sometimes(0.4),
        trims=rng.random() < 0.6,
        gap_s=rng.choice((0.02, 0.1, 0.4)),
    )
