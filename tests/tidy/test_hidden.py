"""What an exception says stays within: no answer of the API is made of its text."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.sources import Breach, breaches, python_files

WRITTEN_FOR_CLIENTS = {"ListingError", "ScheduleError"}  # whose sentences are about the request alone
# what is raised to end the program's start, or to be logged: the person at the terminal reads it
FOR_THE_TERMINAL = {"BadParameter", "ClickException", "ListingError", "OSError", "UsageError", "print"}


def texts_of_exceptions(module: ast.Module) -> Iterator[Breach]:
    """Where a caught exception is made a text that is neither logged nor for the terminal."""
    for handler in ast.walk(module):
        if isinstance(handler, ast.ExceptHandler) and handler.name and not _caught(handler) <= WRITTEN_FOR_CLIENTS:
            for statement in handler.body:
                yield from _shown(statement, handler.name)


def _caught(handler: ast.ExceptHandler) -> set[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).rpartition(".")[2] for kind in kinds if kind is not None}


def _shown(node: ast.AST, name: str) -> Iterator[Breach]:
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called.startswith("log.") or called.rpartition(".")[2] in FOR_THE_TERMINAL:
            return
    as_text = isinstance(node, ast.FormattedValue) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("str", "repr")
    )
    named = [part for part in ast.walk(node) if isinstance(part, ast.Name) and part.id == name]
    if (as_text and named) or (isinstance(node, ast.Attribute) and node.attr == "args" and named):
        yield node.lineno, f"tells what {name} says"  # type: ignore[attr-defined]
        return
    for child in ast.iter_child_nodes(node):
        yield from _shown(child, name)


def test_no_answer_is_made_of_an_exceptions_text() -> None:
    assert breaches(texts_of_exceptions, python_files("api", "sequencer")) == []


@pytest.mark.parametrize(
    "body",
    [
        'raise Malformed("X", f"No: {e}.")',
        "raise ApiError(500, 'X', str(e))",
        "failure = repr(e)",
        "return {'why': e.args[0]}",
    ],
)
def test_the_rule_sees_a_breach(body: str) -> None:
    source = f"try:\n    f()\nexcept ValueError as e:\n    {body}\n"
    assert list(texts_of_exceptions(ast.parse(source))) == [(4, "tells what e says")]


@pytest.mark.parametrize(
    "body", ['log.error("no: %s", str(e))', 'raise OSError(f"cannot: {e}")', "raise ApiError(500, 'X', 'No.') from e"]
)
def test_the_rule_sees_none_where_there_is_none(body: str) -> None:
    source = f"try:\n    f()\nexcept ValueError as e:\n    {body}\n"
    assert list(texts_of_exceptions(ast.parse(source))) == []
