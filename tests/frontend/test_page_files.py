"""What the server makes of the page's files: one stylesheet, addresses by content, preloads of all modules."""

from __future__ import annotations

import json
import re

import pytest

from api.page_files import (
    FRONTEND,
    IMPORT_MAP,
    STYLES,
    asset_named,
    composed_page,
    content_security_policy,
    first_modules,
    is_named_by_content,
)

PAGE = composed_page().asset.plain.decode()
PRELOADED = re.findall(r'<link rel="modulepreload" href="/static/([^?"]+)\?v=(\w+)">', PAGE)


def test_every_module_of_ours_is_preloaded_and_none_twice() -> None:
    of_types_alone = {"model/types.js"}
    ours = {path.relative_to(FRONTEND).as_posix() for path in FRONTEND.rglob("*.js") if "vendor" not in path.parts}
    ours -= of_types_alone
    preloaded = [name for name, _ in PRELOADED]
    assert set(preloaded) >= ours
    assert len(preloaded) == len(set(preloaded))
    assert preloaded == first_modules()


def test_what_draws_the_chart_is_not_among_what_is_needed_at_first() -> None:
    assert "vendor/preact.module.js" in first_modules()
    assert [name for name in first_modules() if "lightweight-charts" in name] == []


def test_every_address_in_the_import_map_names_the_content_it_has() -> None:
    found = IMPORT_MAP.search(PAGE.encode())
    assert found is not None
    imports = json.loads(found[1])["imports"]
    assert imports["preact"] == imports["/static/vendor/preact.module.js"]
    for name, version in [*PRELOADED, *(address.removeprefix("/static/").split("?v=") for address in imports.values())]:
        asset = asset_named(name)
        assert asset is not None
        assert is_named_by_content(asset, version)
        assert not is_named_by_content(asset, "0" * len(version))
        assert not is_named_by_content(asset, None)


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
