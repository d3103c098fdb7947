"""The vendored package is the one the lock file names, byte for byte but for the source map's comment."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.vendor_frontend import BUNDLE, BUNDLED, LICENCE, ROOT, VENDOR, install, stale_files, vendored_files


def test_the_vendored_files_equal_the_locked_package(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    try:
        node_modules = install(tmp_path)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        if "EINTEGRITY" in str(problem.stderr):
            raise
        pytest.skip("npm can't reach its registry")
    assert stale_files(vendored_files(node_modules)) == []


def test_the_bundle_says_the_locked_version() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    locked = lock["packages"][f"node_modules/{BUNDLED[0]}"]["version"]
    said = re.search(r"Socket\.IO v(\S+)", (VENDOR / BUNDLE).read_text(encoding="utf-8"))
    assert said is not None
    assert said[1] == locked


def test_no_comment_sends_the_browser_for_a_source_map() -> None:
    assert "sourceMappingURL" not in (VENDOR / BUNDLE).read_text(encoding="utf-8")


def test_the_licence_of_every_bundled_package_comes_along() -> None:
    licences = (VENDOR / LICENCE).read_text(encoding="utf-8")
    assert licences.count("Permission is hereby granted") == len(BUNDLED)


def test_a_changed_a_missing_and_a_foreign_file_are_all_noticed(tmp_path: Path) -> None:
    (tmp_path / "changed.js").write_text("x")
    (tmp_path / "foreign.js").write_text("x")
    (tmp_path / "same.js").write_text("x")
    expected = {"changed.js": b"y", "missing.js": b"y", "same.js": b"x"}
    assert stale_files(expected, tmp_path) == ["changed.js", "foreign.js", "missing.js"]
