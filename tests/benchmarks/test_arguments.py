"""Counts and durations that a benchmark cannot work with are refused on the command line."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentTypeError

import pytest

from benchmarks.arguments import positive_float, positive_int, whole
from tests.tidy.sources import ROOT


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "x", "٣"])
def test_a_count_is_a_whole_number_above_zero(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no whole number above zero"):
        positive_int(text)
    assert positive_int("7") == 7
    assert whole("0") == 0


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "", "x"])
def test_a_duration_is_a_finite_number_above_zero(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is no number above zero"):
        positive_float(text)
    assert positive_float("0.5") == 0.5


@pytest.mark.parametrize(
    "arguments", [("soak", "--minutes", "-1"), ("soak", "--minutes", "0.1"), ("matcher", "--rounds", "0")]
)
def test_a_benchmark_refuses_what_it_cannot_measure(arguments: tuple[str, ...]) -> None:
    name, *options = arguments
    command = [sys.executable, "-m", f"benchmarks.{name}", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert f"error: argument {options[0]}" in ended.stderr or f"error: {options[0]}" in ended.stderr
