"""The repository's own source files, and how the rules about them report a breach."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("engine", "logs", "loop", "journal", "sequencer", "history", "projections", "replica", "cluster"),
    *("identity", "listings", "explain", "audit", "export", "publish", "offline", "api", "tools", "client", "openbell"),
)
PYTHON_FOLDERS = (*PACKAGES, "tests", "benchmarks", "examples")

Breach = tuple[int, str]  # line, what is wrong there
Rule = Callable[[ast.Module], Iterable[Breach]]


def python_files(*folders: str) -> list[Path]:
    """Every Python file below `folders`, in a fixed order, but for generated stubs."""
    files = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in files if not path.stem.endswith("_pb2"))


def frontend_files(*suffixes: str) -> list[Path]:
    """Our own front-end files: what comes from others, in vendor/, is not held to our rules."""
    files = (ROOT / "frontend").rglob("*")
    return sorted(path for path in files if path.suffix in suffixes and "vendor" not in path.relative_to(ROOT).parts)


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def breaches(rule: Rule, files: Iterable[Path]) -> list[str]:
    """Where `files` break `rule`, as lines an editor can jump to."""
    return [f"{path.relative_to(ROOT)}:{line}: {what}" for path in files for line, what in rule(tree(path))]


def functions(within: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method at and below a node, nested ones included."""
    for node in ast.walk(within):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
