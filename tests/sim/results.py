"""What a seed came to, for processes that run many: the pool finds these functions by the name of their module."""

from __future__ import annotations

import importlib
import traceback
import warnings
from collections import Counter
from typing import NamedTuple


class Result(NamedTuple):
    """What one seed came to, as it travels between processes."""

    seed: int
    wrong: list[str]
    counts: Counter[str]
    commands: int


def result_of(seed: int, package: str = "tests.sim") -> Result:
    """Simulate a seed. A bug of the simulation itself is a result, too."""
    # as below: after the warnings are off
    plan_of = importlib.import_module(f"{package}.plan").plan_of
    run = importlib.import_module(f"{package}.simulation").run

    try:
        outcome = run(plan_of(seed))
    except Exception:
        return Result(seed, [traceback.format_exc()], Counter(), 0)
    wrong = [] if outcome.is_right else [f"{each.kind}: {each.text}" for each in outcome.violations]
    return Result(seed, wrong, outcome.counts, outcome.commands)


def command_of(seed: int) -> str:
    """How to run a seed again."""
    return f".venv/bin/python -m tests.sim --seed {seed} --trace"


def be_quiet() -> None:
    """Eventlet's import warns; so does nothing else that matters here."""
    warnings.simplefilter("ignore")
