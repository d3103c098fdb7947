"""Which passwords are guessed soon."""

from __future__ import annotations

import subprocess
import sys

import pytest

from identity.common_passwords import RANKED, common_passwords, why_guessable
from tests.server import ROOT


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("1q2w3e4r5t6Y", "most common"),
        ("PassWord1234!", "most common"),
        ("qwertyqwerty", "most common"),
        ("__dragon2026__", "most common"),
        ("aaaaaaaaaaaaa", "repeated"),
        ("abcabcabcabc", "repeated"),
        ("Ada.Lovelace", "name"),
        ("2026ada.lovelace!", "name"),
        ("ada.lovelaceada.lovelace", "name"),
    ],
)
def test_a_password_that_is_guessed_soon_is_seen(password: str, why: str) -> None:
    assert why in (why_guessable(password, "ada.lovelace") or "")


@pytest.mark.parametrize(
    "password", ["correct horse", "9c1d4f7e2b8a", "ada.lovelace and me", "пароль из букв", " " * 5 + "x1y2z3q"]
)
def test_another_is_not(password: str) -> None:
    assert why_guessable(password, "ada.lovelace") is None


def test_the_list_has_as_many_as_it_says_and_brings_no_more_of_its_package() -> None:
    assert len(common_passwords()) == RANKED
    asked = (
        "import sys; from identity.common_passwords import common_passwords as c; c(); print('zxcvbn' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
