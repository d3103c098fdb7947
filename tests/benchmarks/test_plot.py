"""Figures over time as a drawing that a browser shows."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from benchmarks.plot import Panel, drawing


def test_a_drawing_has_each_line_its_moments_and_its_marks() -> None:
    panels = [Panel("memory, MiB", {"server": [10.0, 20.0, 40.0], "child <1>": [None, 5.0, 5.0]})]
    text = drawing("A soak", [60.0, 120.0, 180.0], panels, {90.0: "restart"})
    root = ElementTree.fromstring(text)  # noqa: S314 - as above
    said = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {"A soak", "memory, MiB", "server", "child <1>", "restart", "3 min"} <= set(said)
    lines = re.findall(r'<path d="(M[^"]+)" fill="none"', text)
    assert [line.count("L") + line.count("M") for line in lines] == [3, 2]
