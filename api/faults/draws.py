"""Seeded draws: what a number of a request comes to, the same in every run, on every machine and version of Python.

Nothing is drawn one behind the other from a generator: a draw is a function of the seed and of what it is for, so that
the requests of others, or of another step, change nothing.
Layer: api.faults.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from statistics import NormalDist
from typing import Final

from api.faults.plan import LATENCY_MS_MAX, Step

PARETO_SHAPE: Final = 1.5  # a heavy tail, of which the mean still exists
_NORMAL: Final = NormalDist()
_LEAST: Final = 2**-53  # where a distribution has no value at 0


def uniform(seed: int, *about: object) -> float:
    """A number from 0 to below 1."""
    text = ":".join(map(str, (seed, *about)))
    return (int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 11) * 2.0**-53


def latency_s(step: Step, drawn: float) -> float:
    """The seconds of a latency, by a number from 0 to below 1. Between 0 and the most that an answer is delayed."""
    mean, spread = float(step.latency_ms or 0), float(step.spread_ms or 0)
    drawn = max(drawn, _LEAST)
    match step.distribution:
        case "uniform":
            milliseconds = mean + (2 * drawn - 1) * spread
        case "normal":
            milliseconds = mean + spread * _NORMAL.inv_cdf(drawn)
        case "exponential":
            milliseconds = -mean * math.log1p(-drawn) if drawn < 1 else mean
        case "pareto":
            milliseconds = mean * (1 - drawn) ** (-1 / PARETO_SHAPE)
        case _:
            milliseconds = mean
    return min(max(milliseconds, 0.0), float(LATENCY_MS_MAX)) / 1e3
