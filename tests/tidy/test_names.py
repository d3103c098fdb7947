"""The glossary is kept: no identifier of ours is a word that says nothing to the next engineer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.tidy.sources import PYTHON_FOLDERS, Breach, breaches, python_files

# Each word by itself, as a part of snake_case or CamelCase in either number; beside it what to write instead.
BANNED: Final = {
    "told": "what the value is: an event, a sentence, a result, what was last published",
    "untold": "what is missing",
    "tell": "publish, send, report, call",
    "teller": "ChapterBuilder, a service, a formatter",
    "narrator": "Explainer",
    "desk": "a service or a console",
    "leaving": "on disconnect",
    "leavings": "cancel on disconnect",
    "look": "read, check, find, view",
    "looked": "read, checked, found",
    "standing": "position, resting order",
    "arrived": "connected, accepted",
    "stranger": "foreign, other account",
    "meant": "implied, suggested, listed",
}
FREE: Final = {  # identifiers that hold a banned word rightly
    "looked_until": "a field of a journaled command: what is stored keeps its name",
    "FillTold": "a schema of openapi.json: what travels keeps its name",
    "standing_order_id": "a field of pyorderbook's, which benchmarks run beside ours",
}
_GOOD: Final = re.compile(r"look(ed)?_ups?")  # what one does with a key
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def banned_words(name: str) -> list[str]:
    """The banned words that an identifier is made of."""
    words = [word.lower() for word in _WORDS.findall(_GOOD.sub("", name))]
    return [word for word in words if word in BANNED or word.removesuffix("s") in BANNED]


def names_of_no_field(module: ast.Module) -> Iterator[Breach]:
    """Identifiers that a module gives or uses, and that hold a banned word."""
    for node in ast.walk(module):
        for name in _identifiers(node):
            for word in [] if name in FREE else banned_words(name):
                instead = BANNED.get(word) or BANNED[word.removesuffix("s")]
                yield getattr(node, "lineno", 1), f"{name} says {word!r}; write what it is: {instead}"


def _identifiers(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) if name.startswith("test_"):  # a sentence
            return []
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.arg(arg=name) | ast.keyword(arg=str(name)) | ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case ast.alias(name=name, asname=asname):
            return [name, asname or ""]
        case ast.MatchAs(name=str(name)) | ast.ExceptHandler(name=str(name)):
            return [name]
    return []


def test_every_identifier_is_a_word_of_the_field() -> None:
    assert breaches(names_of_no_field, python_files(*PYTHON_FOLDERS)) == []


def test_every_module_has_a_name_of_the_field() -> None:
    modules = [path for path in python_files(*PYTHON_FOLDERS) if not path.stem.startswith("test_")]
    assert [str(path) for path in modules if banned_words(path.stem)] == []


@pytest.mark.parametrize(
    "source",
    [
        "told = 1",
        "class _Teller: pass",
        "def show(desk): pass",
        "self._last_told = 1",
        "publish(told=1)",
        "from tools.operator import Desks",
        "match x:\n    case Filled() as told: pass",
    ],
)
def test_the_rule_sees_a_breach(source: str) -> None:
    assert list(names_of_no_field(ast.parse(source))) != []


@pytest.mark.parametrize("source", ["replace('told', 1)", "overlook = lookup", "x.looked_until", "outstanding = 1"])
def test_the_rule_sees_no_breach_where_there_is_none(source: str) -> None:
    assert list(names_of_no_field(ast.parse(source))) == []
