"""The documentation is complete: what the code offers has its row, and what the documentation names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import get_args, get_type_hints

import click
import msgspec
import pytest

from api.bootstrap import Server
from api.feed.messages import OrderEvent
from api.feed.requests import Stream
from api.http.browsers import SECOND_WIRE
from api.http.openapi import UNLISTED_METHODS, path_of
from api.options import ENVIRONMENT_PREFIX, options
from api.settings import Settings
from engine.rejects import CancelReason, RejectReason
from explain.reasons import CANCELS, REJECTS
from tests.tidy.pages import DOCUMENTATION, WIRE_STRUCTS, page, rows, section
from tests.tidy.sources import ROOT, python_files, tree
from tools.reasons import DOCUMENTS, PAGE_MODULE, documented, page_module

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *DOCUMENTATION.rglob("*.md")])
RELATIVE_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
SENDING = {
    "emit": 0,
    "encoded": 0,
    "encoded_json": 0,
    "_send": 1,
    "_publish_to_room": 1,
}  # where the event's name stands
PLACEHOLDER = re.compile(
    r"@[A-Z][A-Z_0-9]*@|^[A-Z][A-Z_ ]+[A-Z]$", re.MULTILINE
)  # what a program or a person was to fill in
MAKE_TARGET = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)


def shown_default(option: click.Option) -> str:
    """A setting's default as settings.md writes it: `none` where there is none."""
    if option.is_flag:
        return "on" if option.default else "off"
    return str(option.default) if option.show_default else "none"


@options
def every_setting() -> None:
    """A command with every setting of the server, to read them off."""


SETTINGS = [item for item in click.command()(every_setting).params if isinstance(item, click.Option)]


@pytest.mark.parametrize("option", SETTINGS, ids=lambda option: option.opts[0])
def test_every_setting_has_its_row(option: click.Option) -> None:
    described = {cells[0]: cells[1:3] for cells in rows(page("settings.md"))}
    environment = f"{ENVIRONMENT_PREFIX}_{str(option.name).upper()}"
    assert described.get(option.opts[0]) == [environment, shown_default(option)]


def test_no_row_outlives_its_setting() -> None:
    described = [cells[0] for cells in rows(page("settings.md")) if re.match(r"--\w", cells[0])]
    assert described == [option.opts[0] for option in SETTINGS]


def test_the_documentation_has_every_reject_and_cancel_reason_in_the_words_of_the_one_table() -> None:
    assert REJECTS.keys() == set(RejectReason)
    assert CANCELS.keys() == set(CancelReason)
    for path, tables in DOCUMENTS.items():
        text = path.read_text(encoding="utf-8")
        assert text == documented(text, tables), "write it with python -m tools.reasons"


def test_the_page_has_its_words_for_reasons_from_the_one_table() -> None:
    assert PAGE_MODULE.read_text(encoding="utf-8") == page_module(), "write it with python -m tools.reasons"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A whole server without its port, to read its routes and feed events off."""
    server = Server(Settings(data=tmp_path_factory.mktemp("documented")))
    yield server
    server.close()


def test_every_route_has_its_heading(server: Server) -> None:
    offered = {
        f"{method} {path_of(rule)}"
        for rule in server.app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.endpoint.split(".")[0] != "pages" and method not in UNLISTED_METHODS
        if not rule.rule.startswith(SECOND_WIRE)  # see test_second_wire_documentation.py
    }
    described = set(re.findall(r"^### ([A-Z]+ /\S*)", page("api.md"), re.MULTILINE))
    assert described == offered


def test_every_event_that_a_client_may_send_has_its_row(server: Server) -> None:
    offered = set(server.feed.events)
    described = {cells[0] for cells in rows(section(page("feed.md"), "What a client sends"))} - {"event"}
    assert described == offered


def test_every_event_that_the_server_sends_has_its_row() -> None:
    sent = {
        node.value
        for path in python_files("api/feed")
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute | ast.Name)
        for name in [call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id]
        for node in call.args[SENDING.get(name, len(call.args)) :][:1]
        if isinstance(node, ast.Constant)
    }
    described = {cells[0].removesuffix("` *") for cells in rows(section(page("feed.md"), "What the server sends"))}
    assert described - {"event"} == sent


def test_every_subscription_has_its_row() -> None:
    offered = set(Stream)
    described = {cells[0].removesuffix("` *") for cells in rows(section(page("feed.md"), "Subscriptions"))}
    assert described - {"type"} == offered


def test_every_order_event_type_has_its_row() -> None:
    offered = set(get_args(get_type_hints(OrderEvent)["event_type"]))
    described = {name for cells in rows(section(page("feed.md"), "Order events")) for name in cells[0].split("`, `")}
    assert described - {"event_type"} == offered


@pytest.mark.parametrize("struct", WIRE_STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_on_the_wire_is_named(struct: type[msgspec.Struct]) -> None:
    named = set(
        re.findall(r"`(\w+)[`=]|[?&](\w+)=", "".join(map(page, ("api.md", "feed.md", "explain.md", "operators.md"))))
    )
    assert [field for field in struct.__struct_fields__ if not {(field, ""), ("", field)} & named] == []


def test_every_other_error_code_has_its_row() -> None:
    raised = {
        node.value
        for path in python_files("api")
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("ApiError", "Malformed")
        for node in call.args
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isupper()
    }
    described = [cells[0] for cells in rows(page("api.md"))]
    assert raised
    assert sorted(code for code in raised if code not in described) == []


def test_every_link_leads_somewhere() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {link}"
        for path in PAGES
        for link in RELATIVE_LINK.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / link).exists()
    ] == []


def test_no_page_stands_twice_in_the_index() -> None:
    linked = RELATIVE_LINK.findall(page("index.md"))
    assert sorted(link for link in set(linked) if linked.count(link) > 1) == []


def test_no_placeholder_was_left_in_a_page() -> None:
    assert PLACEHOLDER.findall("a\n@FIGURE@\nMEASURED HERE\n| A |\n") == ["@FIGURE@", "MEASURED HERE"]
    assert {
        path.name: found for path in PAGES if (found := PLACEHOLDER.findall(path.read_text(encoding="utf-8")))
    } == {}


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {target for path in PAGES for target in MAKE_TARGET.findall(path.read_text(encoding="utf-8"))}
    assert named
    assert sorted(named - targets) == []


@pytest.mark.parametrize("target", ["run", "serve", "replay", "audit"])
def test_what_make_starts_takes_further_options(target: str) -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split(f"\n{target}: ", 1)[1].split("\n\n", 1)[0]
    assert "ARGS" in recipe.splitlines()[-1]


def test_every_page_is_reached_from_the_index() -> None:
    linked = {(DOCUMENTATION / link).resolve() for link in RELATIVE_LINK.findall(page("index.md"))}
    assert [path.name for path in DOCUMENTATION.rglob("*.md") if path.name != "index.md" and path not in linked] == []
