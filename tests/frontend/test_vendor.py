"""The vendored package is the one the lock file names, byte for byte but for the source map's comment."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.vendor_frontend import LIBRARIES, PLACES, ROOT, VENDOR, Library, install, stale_files, vendored_files

SAYS_ITS_VERSION = {
    "socket.io-client": ("socket.io.esm.min.js", r"Socket\.IO v(\S+)"),
    "lightweight-charts": ("lightweight-charts.mjs", r"Lightweight Charts\S* v(\S+)"),
}
LICENCES = {"htm": "Apache License", "lightweight-charts": "Apache License"}


def test_the_vendored_files_equal_the_locked_package(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    try:
        node_modules = install(tmp_path)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        if "EINTEGRITY" in str(problem.stderr):
            raise
        pytest.skip("npm can't reach its registry")
    for place, libraries in PLACES.items():
        assert stale_files(vendored_files(node_modules, libraries), place) == []


@pytest.mark.parametrize("package", SAYS_ITS_VERSION)
def test_a_library_says_the_locked_version(package: str) -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    name, pattern = SAYS_ITS_VERSION[package]
    said = re.search(pattern, (VENDOR / name).read_text(encoding="utf-8"))
    assert said is not None
    assert said[1] == lock["packages"][f"node_modules/{package}"]["version"]


def test_no_comment_sends_the_browser_for_a_source_map() -> None:
    scripts = [name for library in LIBRARIES for name in library.scripts]
    assert [name for name in scripts if "sourceMappingURL" in (VENDOR / name).read_text(encoding="utf-8")] == []


def test_the_import_map_names_every_library_and_nothing_that_is_not_there() -> None:
    page = (ROOT / "frontend" / "index.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    imports = json.loads(found[1])["imports"]
    scripts = {f"/static/vendor/{name}" for library in LIBRARIES for name in library.scripts}
    assert set(imports.values()) == scripts
    assert {name.partition("/")[0] for name in imports} == {library.package for library in LIBRARIES}


@pytest.mark.parametrize("library", LIBRARIES, ids=[library.package for library in LIBRARIES])
def test_the_licence_of_every_bundled_package_comes_along(library: Library) -> None:
    licences = (VENDOR / library.licence).read_text(encoding="utf-8")
    assert LICENCES.get(library.package, "Permission is hereby granted") in licences
    for package in (library.package, *library.bundled):
        assert f"{package}\n\n" in licences


def test_a_changed_a_missing_and_a_foreign_file_are_all_noticed(tmp_path: Path) -> None:
    (tmp_path / "changed.js").write_text("x")
    (tmp_path / "foreign.js").write_text("x")
    (tmp_path / "same.js").write_text("x")
    expected = {"changed.js": b"y", "missing.js": b"y", "same.js": b"x"}
    assert stale_files(expected, tmp_path) == ["changed.js", "foreign.js", "missing.js"]
