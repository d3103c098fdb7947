"""Which strategies a command line names: built-in ones by a word, own ones as `module:Class`, each how often.

Layer: tools.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from tools.strategies.built_in import BUILT_IN
from tools.strategies.strategy import Strategy


class StrategyError(Exception):
    """A strategy cannot be had; the message says why."""


def strategy_class(name: str) -> type[Strategy]:
    """A built-in strategy by its word, or the class that `module:Class` names. Raises StrategyError."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    module_name, colon, class_name = name.partition(":")
    if not colon:
        raise StrategyError(f"there is no strategy {name}; write module:Class, or one of {', '.join(BUILT_IN)}")
    if "" not in sys.path:
        sys.path.insert(0, "")  # where the command was given
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as problem:
        raise StrategyError(f"{name}: {problem}") from problem
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise StrategyError(f"{name} is no class that derives from tools.strategies.Strategy")
    return found


def chosen(names: Sequence[str]) -> list[tuple[str, type[Strategy]]]:
    """Each strategy with its name, as often as `NAME*COUNT` says, in order. Raises StrategyError."""
    found: list[tuple[str, type[Strategy]]] = []
    for text in names:
        name, star, count = text.partition("*")
        if star and not (count.isdecimal() and 0 < int(count) <= 1000):
            raise StrategyError(f"{text}: write NAME*COUNT, with a count of 1 to 1000")
        found += [(name, strategy_class(name))] * (int(count) if star else 1)
    return found
