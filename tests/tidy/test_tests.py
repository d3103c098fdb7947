"""The tests' own house rules: helpers have modules of their own, and there is one way to start a server."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.tidy.sources import ROOT, Breach, Rule, breaches, python_files

SERVER = ROOT / "tests" / "server.py"


def imports_of_test_modules(module: ast.Module) -> Iterator[Breach]:
    """Imports from a module that pytest collects: with it come its fixtures and its marks."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and re.search(r"(^|\.)test_\w+$", node.module or ""):
            yield node.lineno, f"a helper is imported from {node.module}"


def own_servers(module: ast.Module) -> Iterator[Breach]:
    """Processes of the server that are started, but by `tests.server`."""
    for node in ast.walk(module):
        is_process = isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Popen"
        if is_process and "api/app.py" in ast.unparse(node):
            yield node.lineno, "a server is started by RunningServer of tests.server"  # type: ignore[attr-defined]


def test_no_test_imports_from_a_test_module() -> None:
    assert breaches(imports_of_test_modules, python_files("tests", "benchmarks")) == []


def test_servers_are_started_in_one_way() -> None:
    assert breaches(own_servers, [path for path in python_files("tests") if path != SERVER]) == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (imports_of_test_modules, "from tests.engine.test_preview import SYMBOL"),
        (own_servers, 'subprocess.Popen([sys.executable, "api/app.py", "--port", "0"])'),
    ],
)
def test_each_rule_sees_a_breach(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) != []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (imports_of_test_modules, "from tests.engine.pair import Pair"),
        (own_servers, 'subprocess.run([sys.executable, "api/app.py", "--version"])'),
    ],
)
def test_no_rule_sees_a_breach_where_there_is_none(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) == []
