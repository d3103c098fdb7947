"""What the server makes of the page's files: one stylesheet, one script, addresses by content."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from api.page.bundle import bundled, module_order
from api.page.files import (
    ENTRY,
    FRONTEND,
    IMPORT_MAP,
    SCRIPT,
    STYLES,
    asset_named,
    composed_page,
    content_security_policy,
    is_named_by_content,
)
from engine.rules import MAX_SLICES, MAX_TRAIL
from engine.triggers import UNCOLLARED_MARGIN
from listings.grid import percent

PAGE = composed_page().asset.plain.decode()
PRELOADED = re.findall(r'<link rel="modulepreload" href="/static/([^?"]+)\?v=(\w+)">', PAGE)
OF_TYPES_ALONE = {"model/types.js"}
LIBRARIES_AT_FIRST = {"preact.module.js", "preact-hooks.module.js", "htm.module.js", "socket.io.esm.min.js"}


def _read(name: str) -> str:
    return (FRONTEND / name).read_text(encoding="utf-8")


def test_every_module_of_ours_is_in_the_one_script_and_none_twice() -> None:
    ours = {path.relative_to(FRONTEND).as_posix() for path in FRONTEND.rglob("*.js") if "vendor" not in path.parts}
    order = module_order(ENTRY, _read)
    assert set(order) == ours - OF_TYPES_ALONE
    assert len(order) == len(set(order))
    assert order[-1] == ENTRY


def test_what_is_needed_at_first_is_preloaded_and_what_draws_the_chart_is_not() -> None:
    names = [name for name, _ in PRELOADED]
    assert names[0] == SCRIPT
    assert set(names[1:]) == {f"vendor/{name}" for name in LIBRARIES_AT_FIRST}
    assert f'<script type="module" src="/static/{SCRIPT}?v={PRELOADED[0][1]}">' in PAGE


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ('import "./b.js";\n', "import"),
        ("export let changes = 1;\n", "export let"),
        ("export default 1;\n", "export default"),
        ("await nothing;\n", "await"),
        ('const later = () => import("./b.js");\n', "import"),
        ('import { b } from "./b.js";\n', "circle"),
    ],
)
def test_a_module_that_is_written_otherwise_is_refused(written: str, complaint: str) -> None:
    modules = {"a.js": written, "b.js": 'import { a } from "./a.js";\nexport const b = 1;\n'}
    with pytest.raises(ValueError, match=complaint):
        bundled("a.js", modules.__getitem__, {})


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_modules_do_together_what_they_do_apart(tmp_path: Path) -> None:
    modules = {
        "main.js": 'import { sum as total } from "./m/sum.js";\nimport path from "library";\n'
        'import {\n  join,\n} from "./vendor/x.mjs";\n\nconsole.log(total(2, 3), path.sep, join("a", "b"));\n',
        "m/sum.js": 'import { zero } from "./zero.js";\nexport function sum(a, b) {\n  return zero + a + b;\n}\n',
        "m/zero.js": "const hidden = 0;\nexport const zero = hidden;\nexport class Unused {}\nexport {};\n",
    }
    text = bundled("main.js", modules.__getitem__, {"library": "node:path", "vendor/x.mjs": "node:path"})
    (tmp_path / "page.mjs").write_text(text)
    said = subprocess.run(["node", tmp_path / "page.mjs"], check=True, capture_output=True, text=True, timeout=60)
    assert said.stdout == "5 / a/b\n"


def test_every_address_in_the_import_map_names_the_content_it_has() -> None:
    found = IMPORT_MAP.search(PAGE.encode())
    assert found is not None
    imports = json.loads(found[1])["imports"]
    assert imports["preact"] in PAGE.partition("modulepreload")[2]
    for name, version in [*PRELOADED, *(address.removeprefix("/static/").split("?v=") for address in imports.values())]:
        asset = asset_named(name)
        assert asset is not None
        assert is_named_by_content(asset, version)
        assert not is_named_by_content(asset, "0" * len(version))
        assert not is_named_by_content(asset, None)


def test_the_page_has_the_rules_of_the_engine_that_it_applies_by_itself() -> None:
    found = re.search(r'<meta name="venue-rules" content="([^"]*)">', PAGE)
    assert found is not None
    rules = json.loads(unescape(found[1]))
    percents = {"uncollared_percent": UNCOLLARED_MARGIN, "max_trail_percent": MAX_TRAIL}
    assert rules == {"max_slices": MAX_SLICES} | {name: percent(room) for name, room in percents.items()}


def test_the_one_stylesheet_has_all_of_them_in_their_order() -> None:
    written = re.findall(r'href="/static/(css/[^"]+)"', (FRONTEND / "index.html").read_text(encoding="utf-8"))
    assert len(written) > 5
    assert re.findall(r'<link rel="stylesheet" href="/static/([^?"]+)', PAGE) == [STYLES]
    asset = asset_named(STYLES)
    assert asset is not None
    assert asset.plain.decode() == "\n".join((FRONTEND / name).read_text(encoding="utf-8") for name in written)


def test_the_policy_is_of_the_page_that_is_served() -> None:
    assert composed_page().policy == content_security_policy(PAGE.encode())
    assert composed_page().policy != content_security_policy((FRONTEND / "index.html").read_bytes())


@pytest.mark.parametrize("name", ["../api/app.py", "nothing.js", "css"])
def test_what_is_not_a_file_of_the_page_is_not_served(name: str) -> None:
    assert asset_named(name) is None
