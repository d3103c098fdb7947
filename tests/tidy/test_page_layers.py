"""The page's rooms: views show stores, stores keep models by way of the network, and a model knows neither."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.tidy.sources import ROOT, frontend_files

FRONTEND = ROOT / "frontend"
# what a module of each room may import: of ours, and of others
ROOMS = {
    "model": ({"model"}, set[str]()),
    "net": ({"net", "model"}, {"socket.io-client"}),
    "stores": ({"stores", "net", "model"}, set[str]()),
    "view": ({"view", "stores", "model"}, {"preact", "preact/hooks", "htm", "lightweight-charts"}),
    "main.js": ({"view", "stores", "net", "model"}, {"preact"}),
}
AT_THE_TOP = {"index.html", "main.js", "favicon.svg"}

IMPORT = re.compile(r'^import\s[^"]*?from\s+"([^"]+)";|\bimport\("([^"]+)"\)(?!\.)', re.MULTILINE)
TYPE = re.compile(r'\bimport\("(\.[^"]+)"\)\.')  # in JSDoc: a model's types are models' too
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
BROWSER = re.compile(
    r"\b(?:document|window|localStorage|sessionStorage|navigator|requestAnimationFrame|fetch|getComputedStyle)\b[.(\[]"
)

Modules = Mapping[str, str]  # text by path below frontend/


def room_of(module: str) -> str:
    """The folder at the top, or the file that stands there."""
    return module.split("/", maxsplit=1)[0]


def imports_of(module: str, text: str, pattern: re.Pattern[str] = IMPORT) -> Iterator[str]:
    """What `module` imports: paths below frontend/, and libraries by their names."""
    for found in pattern.finditer(text):
        name = next(group for group in found.groups() if group)
        relative = name.startswith(".")
        yield posixpath.normpath(posixpath.join(posixpath.dirname(module), name)) if relative else name


def wrong_arrows(modules: Modules) -> list[str]:
    """Imports that lead where a room may not reach, and models whose types come from elsewhere."""
    wrong = []
    for module, text in modules.items():
        ours, others = ROOMS[room_of(module)]
        for target in imports_of(module, COMMENT.sub("", text)):
            if not (room_of(target) in ours if target.endswith(".js") else target in others):
                wrong.append(f"{module} imports {target}")
        if room_of(module) == "model":
            types = imports_of(module, text, TYPE)
            wrong += [f"{module} has a type of {target}" for target in types if room_of(target) != "model"]
    return wrong


def circles(modules: Modules) -> list[str]:
    """Modules that import themselves by way of others."""
    arrows = {
        module: set(imports_of(module, COMMENT.sub("", text))) & modules.keys() for module, text in modules.items()
    }
    while free := [module for module, targets in arrows.items() if not targets & arrows.keys()]:
        for module in free:
            del arrows[module]
    return sorted(arrows)


def browser_in_models(modules: Modules) -> list[str]:
    """Models and stores that ask the browser for something by themselves."""
    return [
        f"{module} knows {found[0]}"
        for module, text in modules.items()
        if room_of(module) in ("model", "stores")
        for found in BROWSER.finditer(COMMENT.sub("", text))
    ]


MODULES = {path.relative_to(FRONTEND).as_posix(): path.read_text(encoding="utf-8") for path in frontend_files(".js")}


def test_arrows_lead_from_views_by_stores_to_models() -> None:
    assert wrong_arrows(MODULES) == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles(MODULES) == []


def test_a_model_knows_no_browser() -> None:
    assert browser_in_models(MODULES) == []


def test_nothing_else_stands_at_the_top() -> None:
    assert {path.name for path in FRONTEND.iterdir() if path.is_file()} == AT_THE_TOP
    assert {path.name for path in FRONTEND.iterdir() if path.is_dir()} == {*ROOMS, "css", "vendor"} - {"main.js"}


def test_no_line_is_longer_than_120_columns() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in frontend_files(".js", ".css", ".html")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 120
    ]
    assert found == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("model/a.js", 'import { b } from "../stores/b.js";'),
        ("model/a.js", 'import { h } from "preact";'),
        ("model/a.js", '/** @param {import("../net/http.js").ApiFailure} failure */'),
        ("net/a.js", 'import {\n  b,\n} from "../stores/b.js";'),
        ("stores/a.js", 'import { b } from "../view/parts/b.js";'),
        ("view/ladder/a.js", 'import { b } from "../../net/b.js";'),
        ("view/ladder/a.js", 'const b = await import("socket.io-client");'),
    ],
)
def test_a_wrong_arrow_is_seen(module: str, text: str) -> None:
    assert len(wrong_arrows({module: text})) == 1


def test_a_circle_is_seen() -> None:
    a, b, c = (f'import {{ x }} from "./{name}.js";\n' for name in "bca")
    assert circles({"model/a.js": a, "model/b.js": b, "model/c.js": c}) == ["model/a.js", "model/b.js", "model/c.js"]
    assert circles({"model/a.js": a, "model/b.js": b, "model/c.js": "/* " + c + " */"}) == []


@pytest.mark.parametrize("text", ["document.title = name;", "localStorage.getItem(key)", "await fetch(path)"])
def test_a_model_that_asks_the_browser_is_seen(text: str) -> None:
    assert len(browser_in_models({"model/a.js": text})) == 1
    assert browser_in_models({"view/a.js": text, "model/b.js": f"// {text}"}) == []
