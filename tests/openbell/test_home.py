"""The rooms of Openbell are imported before anything else of the same name."""

from __future__ import annotations

import sys

import pytest

from openbell.home import HOME, make_importable


@pytest.mark.parametrize("path", [[], [str(HOME)], ["/other", str(HOME)], ["/other", str(HOME), "/third"]])
def test_home_comes_first_wherever_an_installation_put_it(path: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", path.copy())
    for _ in range(2):
        make_importable()
        assert sys.path == [str(HOME), *(other for other in path if other != str(HOME))]
