"""The page of the second wire lists its routes, its order types and its errors as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from api.binance.entering import KINDS
from api.binance.errors import REJECTS
from api.bootstrap import Server
from api.http.browsers import SECOND_WIRE
from api.http.openapi import UNLISTED_METHODS, path_of
from api.settings import Settings
from engine.rejects import RejectReason
from tests.tidy.pages import page, rows, section
from tests.tidy.sources import python_files, tree


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole server without its port, to read its routes off."""
    server = Server(Settings(data=tmp_path_factory.mktemp("second_wire")))
    yield server
    server.close()


def listed(heading: str) -> dict[str, list[str]]:
    """The rows of a section's tables, by their first cells."""
    return {cells[0]: cells[1:] for cells in rows(section(page("binance.md"), heading))}


def test_every_route_of_the_second_wire_is_listed(server: Server) -> None:
    offered = {
        f"{method} {path_of(rule)}"
        for rule in server.app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.rule.startswith(SECOND_WIRE) and method not in UNLISTED_METHODS
    }
    assert listed("Routes").keys() - {"route"} == offered


def test_every_reason_has_its_code_and_its_words() -> None:
    assert REJECTS.keys() == set(RejectReason)
    shown = {reason: row for reason, row in listed("Errors").items() if reason in REJECTS}
    assert shown == {reason.value: [str(code), words] for reason, (code, words) in REJECTS.items()}


def test_every_code_that_is_answered_is_listed() -> None:
    said = {
        str(-node.operand.value)
        for path in python_files("api/binance")
        if path.parts[-2] == "binance"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        if isinstance(node.operand, ast.Constant) and isinstance(node.operand.value, int)
        if 1_000 < node.operand.value < 3_000
    }
    cells = [cell for row in rows(section(page("binance.md"), "Errors")) for cell in row[:2]]
    assert said == {cell for cell in cells if re.fullmatch(r"-\d{4}", cell)}


def test_every_order_type_is_listed() -> None:
    assert listed("Orders").keys() - {"theirs"} == KINDS.keys()
