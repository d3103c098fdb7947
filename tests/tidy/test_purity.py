"""The engine is pure and exact: nothing in it can differ between two machines."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.sources import PACKAGES, Breach, Rule, breaches, python_files

DATA_MODULES = {
    *("__future__", "bisect", "collections", "copy", "dataclasses", "enum", "functools", "hashlib", "heapq"),
    *("itertools", "operator", "struct", "types", "typing", "zlib"),
}
ALLOWED_IN_ENGINE = DATA_MODULES | {"engine", "msgspec", "sortedcontainers"}


def foreign_imports(module: ast.Module) -> Iterator[Breach]:
    """Imports of anything but data modules."""
    for node in ast.walk(module):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
        for name in names:
            if name.split(".")[0] not in ALLOWED_IN_ENGINE:
                yield node.lineno, f"the engine imports {name}"


def floats(module: ast.Module) -> Iterator[Breach]:
    """Float literals, `float` by name, and true division, which makes floats of ints."""
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield node.lineno, f"a float: {node.value}"
        elif isinstance(node, ast.Name) and node.id in ("float", "complex", "round"):
            yield node.lineno, f"`{node.id}` is for floats"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield node.lineno, "`/` makes a float; use `//`"


def varying(module: ast.Module) -> Iterator[Breach]:
    """`hash` and `id`, and sets other than to look something up in: their order is not the same everywhere."""
    looked_up_in = {
        id(right)
        for node in ast.walk(module)
        if isinstance(node, ast.Compare) and all(isinstance(op, ast.In | ast.NotIn) for op in node.ops)
        for right in node.comparators
    }
    for node in ast.walk(module):
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
        if called in ("hash", "id"):
            yield node.lineno, f"`{called}()` differs from process to process"
        elif (isinstance(node, ast.Set | ast.SetComp) or called in ("set", "frozenset")) and (
            id(node) not in looked_up_in
        ):
            yield node.lineno, "a set, whose order may vary; use a dict or a list"


def asserts(module: ast.Module) -> Iterator[Breach]:
    """`assert` statements: gone under `python -O`, so nothing may rest on them."""
    for node in ast.walk(module):
        if isinstance(node, ast.Assert):
            yield node.lineno, "an assert; raise InvariantViolation"


def moves_of_held_money(module: ast.Module) -> Iterator[Breach]:
    """Assignments to what a balance holds: `Balance` has methods for that."""
    for node in ast.walk(module):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            for part in ast.walk(target) if target is not None else ():
                if isinstance(part, ast.Attribute) and part.attr == "held":
                    yield node.lineno, "money moves between available and held in engine/balance.py alone"


def test_the_engine_imports_only_data_modules() -> None:
    assert breaches(foreign_imports, python_files("engine")) == []


def test_the_engine_counts_in_whole_numbers_only() -> None:
    assert breaches(floats, python_files("engine")) == []


def test_nothing_in_the_engine_depends_on_the_process_it_runs_in() -> None:
    assert breaches(varying, python_files("engine")) == []


def test_no_invariant_rests_on_an_assert() -> None:
    assert breaches(asserts, python_files(*PACKAGES)) == []


def test_money_moves_between_available_and_held_in_one_place() -> None:
    others = [path for path in python_files("engine") if path.name != "balance.py"]
    assert breaches(moves_of_held_money, others) == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (foreign_imports, "import time"),
        (foreign_imports, "from os.path import join"),
        (foreign_imports, "from . import book"),
        (floats, "x = 1.5"),
        (floats, "x = a / b"),
        (floats, "x /= 2"),
        (floats, "x = float(a)"),
        (varying, "x = hash(a)"),
        (varying, "for x in {1, 2}: pass"),
        (varying, "x = list({a for a in b})"),
        (varying, "x = frozenset(b)"),
        (asserts, "assert x"),
        (moves_of_held_money, "order.pays.held -= hold"),
        (moves_of_held_money, "pays.held, pays.available = held, available"),
    ],
)
def test_each_rule_sees_a_breach(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) != []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (foreign_imports, "from collections.abc import Iterator\nfrom engine.book import OrderBook"),
        (floats, "x = a // b * 2"),
        (varying, "if x in {1, 2}: pass"),
        (moves_of_held_money, "held = pays.held - hold\nbalance.available += fees"),
    ],
)
def test_no_rule_sees_a_breach_where_there_is_none(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) == []
