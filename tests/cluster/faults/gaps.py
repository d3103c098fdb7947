"""How long clients went without an answer around a fault: longest gap, median and maximum of repetitions."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from tests.cluster.faults.load import Answer


class Gap(NamedTuple):
    """What clients saw of one fault, in seconds."""

    anywhere_s: float  # the longest time without an answer to any client
    one_client_s: float  # the longest that one client waited for one outcome, over all its tries


class Figures(NamedTuple):
    """The median and the maximum of repetitions, in seconds."""

    median_s: float
    max_s: float

    def __str__(self) -> str:
        return f"{self.median_s:.2f} / {self.max_s:.2f}"


def gap(answers: Iterable[Answer], from_s: float, until_s: float) -> Gap:
    """Between two moments, both of which count as if an answer had come then. O(answers log answers)."""
    among = [answer for answer in answers if answer.answered_s >= from_s and answer.sent_s <= until_s]
    times = sorted({from_s, until_s, *(answer.answered_s for answer in among if answer.answered_s <= until_s)})
    anywhere = max(later - earlier for earlier, later in pairwise(times)) if len(times) > 1 else 0.0
    waits = [answer.answered_s - max(answer.sent_s, from_s) for answer in among]
    return Gap(anywhere, max(waits, default=until_s - from_s))


def figures(seconds: list[float]) -> Figures:
    """Of at least one repetition."""
    return Figures(statistics.median(seconds), max(seconds))
