"""Modules and functions say what they are for, and fit a screen."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.sources import (
    PACKAGES,
    PYTHON_FOLDERS,
    ROOT,
    Breach,
    Rule,
    breaches,
    frontend_files,
    functions,
    python_files,
)

DOCUMENTED = tuple(package for package in PACKAGES if package != "tools")  # the names of probes are sentences
MOST_LINES_OF_A_FUNCTION = 60  # its docstring and the functions within it not counted
MOST_LINES_OF_A_MODULE = 500

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def modules_without_a_sentence(module: ast.Module) -> Iterator[Breach]:
    """A module whose docstring is absent, or whose first line is no sentence. An empty file needs none."""
    if not module.body:
        return
    first_line = (ast.get_docstring(module) or "").split("\n")[0]
    if len(first_line.split()) < 3 or not first_line.endswith((".", "?")):
        yield 1, f"the module's docstring should begin with a sentence on its first line: {first_line!r}"


def public_names_without_docstring(module: ast.Module) -> Iterator[Breach]:
    """Public classes, functions and methods that say nothing of themselves."""
    for definition in _public(module.body):
        if ast.get_docstring(definition) is None and not _only_lists_fields(definition):
            yield definition.lineno, f"{definition.name} is public and has no docstring"


def long_functions(module: ast.Module) -> Iterator[Breach]:
    """Functions that do not fit a screen."""
    for function in functions(module):
        within = [inner for statement in function.body for inner in functions(statement)]
        length = len(_code_lines(function) - {line for inner in within for line in _lines(inner)})
        if length > MOST_LINES_OF_A_FUNCTION:
            yield function.lineno, f"{function.name} has {length} lines"


def _lines(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[int]:
    """From the first statement behind the docstring to the end."""
    body = function.body if ast.get_docstring(function) is None else function.body[1:]
    return set(range(body[0].lineno, (body[-1].end_lineno or 0) + 1)) if body else set()


def _public(body: list[ast.stmt]) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
            a_field = "property" in decorators and ast.unparse(node.body[-1]) == "..."  # of a protocol
            if not a_field and not any(name == "overload" or name.endswith(".setter") for name in decorators):
                yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body)


def _only_lists_fields(definition: Definition) -> bool:
    """An enum or a record without methods: its name, its members and the comments beside them say it all."""
    return isinstance(definition, ast.ClassDef) and all(
        isinstance(node, ast.Assign | ast.AnnAssign) for node in definition.body
    )


def test_every_module_begins_with_a_sentence() -> None:
    assert breaches(modules_without_a_sentence, python_files(*PYTHON_FOLDERS)) == []


def test_everything_public_has_a_docstring() -> None:
    assert breaches(public_names_without_docstring, python_files(*DOCUMENTED)) == []


def test_every_function_fits_a_screen() -> None:
    assert breaches(long_functions, python_files(*PYTHON_FOLDERS)) == []


def test_every_module_has_one_subject() -> None:
    files = python_files(*PYTHON_FOLDERS) + frontend_files(".js", ".css", ".html")
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES_OF_A_MODULE} == {}


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (modules_without_a_sentence, "x = 1"),
        (modules_without_a_sentence, '"""Helpers."""'),
        (modules_without_a_sentence, '"""A sentence that goes\non."""'),
        (public_names_without_docstring, "def enter(): pass"),
        (public_names_without_docstring, "class Book:\n    '''A book.'''\n    def enter(self): pass"),
        (public_names_without_docstring, "class Book:\n    def _enter(self): pass"),
        (long_functions, "def enter():\n" + "    x = 1\n" * (MOST_LINES_OF_A_FUNCTION + 1)),
    ],
)
def test_each_rule_sees_a_breach(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) != []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (modules_without_a_sentence, ""),
        (public_names_without_docstring, "class Side(StrEnum):\n    BUY = 'buy'"),
        (public_names_without_docstring, "class _P:\n    pass\n@property\ndef price(self): ..."),
        (public_names_without_docstring, "def _enter(): pass"),
        (long_functions, "def enter():\n    def inner():\n" + "        x = 1\n" * 50 + "    x = 1\n" * 50),
        (long_functions, 'def enter():\n    """' + "Long.\n" * 100 + '"""\n    return 1'),
    ],
)
def test_no_rule_sees_a_breach_where_there_is_none(rule: Rule, source: str) -> None:
    assert list(rule(ast.parse(source))) == []
