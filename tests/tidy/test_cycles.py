"""The modules of the program form no circle: each can be read after those that it imports, and before its readers.

Imports for type checking count too, and those within functions: a circle of types is a circle for the reader.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.tidy.sources import PACKAGES, ROOT, python_files, tree


def module_name(path: Path) -> str:
    """As an import names it."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(module: ast.Module, known: Iterable[str]) -> set[str]:
    """The modules among `known` that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names & set(known)


def circle(arrows: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, the first of them again at the end; none when there is no circle."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {module_name(path): tree(path) for path in python_files(*PACKAGES)}
    arrows = {name: imported(module, modules) - {name} for name, module in modules.items()}
    assert sum(len(imports) for imports in arrows.values()) > len(modules)
    assert circle(arrows) == []


@pytest.mark.parametrize(
    "source",
    [
        "from engine.book import OrderBook",
        "from engine import book",
        "import engine.book",
        "if TYPE_CHECKING:\n    from engine.book import OrderBook",
        "def late():\n    from engine.book import OrderBook",
    ],
)
def test_a_circle_is_seen_however_it_is_imported(source: str) -> None:
    modules = {"engine.order": source, "engine.book": "from engine.order import Order", "engine.types": ""}
    arrows = {name: imported(ast.parse(text), modules) for name, text in modules.items()}
    assert set(circle(arrows)) == {"engine.order", "engine.book"}
