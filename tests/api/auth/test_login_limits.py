"""Who guesses has to wait, and nobody locks another one out: the rules of signing in, as tables."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from api.auth import login_limits
from api.auth.login_limits import DELAY_MAX_S, FOREIGN_FAILURES_MAX, FREE_FAILURES, HOUR_S, LoginLimits, Rate

HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


class Tried:
    """Attempts at limits whose clock a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.limits = LoginLimits(Rate(10, 60), lambda: self.now)

    def fail(self, name: str = "ada", address: str = ELSEWHERE) -> float:
        """A failed attempt; the seconds it would have to wait, 0 where it was made."""
        return self.limits.count_name(name, address)

    def sign_in(self, name: str = "ada", address: str = HOME) -> bool:
        """Whether an attempt with the right password is made."""
        if self.limits.count_name(name, address):
            return False
        self.limits.succeeded(name, address)
        return True

    def attack(self, name: str = "ada", seconds: int = HOUR_S // 3, addresses: int = 60) -> int:
        """How many guesses are judged while everything is tried, from every address."""
        judged, until = 0, self.now + seconds
        while self.now < until:
            judged += sum(not self.fail(name, f"192.0.2.{number}") for number in range(addresses))
            self.now += 30
        return judged


@pytest.fixture
def tried() -> Tried:
    return Tried()


def test_each_failure_makes_the_next_wait_longer(tried: Tried) -> None:
    waits = []
    for _ in range(14):
        wait = tried.fail()
        tried.now += wait
        waits.append(round(wait))
        assert not wait or not tried.fail()
    assert waits == [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, DELAY_MAX_S, DELAY_MAX_S]


def test_asking_while_one_waits_makes_it_no_longer(tried: Tried) -> None:
    for _ in range(3):
        tried.fail()
    for second in (0.0, 0.5, 1.0, 1.5):
        tried.now = second
        assert tried.fail() == 2 - second
    tried.now = 2.0
    assert tried.fail() == 0


@pytest.mark.parametrize(
    ("before", "address", "gets_in"),
    [
        ([], HOME, True),
        (["signed in at home", "attack"], HOME, True),
        (["signed in at home", "attack", "attack", "attack", "attack"], HOME, True),
        (["attack", "signed in at home", "attack"], HOME, True),  # it was not known when the attack began
        (["signed in at home", "attack"], "203.0.113.10", True),  # where nobody ever tried
        (["attack"], "192.0.2.1", False),  # one that attacks
        (["signed in at home", "attack", "an hour"], "203.0.113.10", True),
        (["three failures elsewhere"], HOME, True),
        (["three failures elsewhere"], ELSEWHERE, False),
        (["three failures elsewhere", "two seconds"], ELSEWHERE, True),
        (["three failures elsewhere", "signed in at home"], ELSEWHERE, False),
        (["signed in at home", "three failures at home"], HOME, False),
        (["signed in at home", "three failures at home", "two seconds"], HOME, True),
        (["signed in at home", "another name attacked"], "203.0.113.10", True),
    ],
)
def test_a_user_gets_in_where_nobody_guessed(tried: Tried, before: list[str], address: str, gets_in: bool) -> None:
    steps: dict[str, Callable[[], Any]] = {
        "signed in at home": tried.sign_in,
        "attack": tried.attack,
        "an hour": lambda: setattr(tried, "now", tried.now + HOUR_S),
        "two seconds": lambda: setattr(tried, "now", tried.now + 2),
        "three failures elsewhere": lambda: [tried.fail() for _ in range(3)],
        "three failures at home": lambda: [tried.fail(address=HOME) for _ in range(3)],
        "another name attacked": lambda: tried.attack("eve"),
    }
    for step in before:
        steps[step]()
    assert tried.sign_in(address=address) is gets_in


def test_a_name_takes_forty_guesses_an_hour_or_three_from_each_address(tried: Tried) -> None:
    tried.sign_in()
    assert tried.attack(seconds=HOUR_S, addresses=4) == FOREIGN_FAILURES_MAX
    tried.now += HOUR_S
    assert tried.attack(seconds=HOUR_S, addresses=60) == 60 * FREE_FAILURES


def test_a_name_is_one_however_it_is_written(tried: Tried) -> None:
    for name in ("ada", "Ada", "ADA"):
        tried.fail(name)
    assert tried.fail("aDa") == 2
    assert tried.fail("x" * 100) == 0


def test_an_address_tries_so_often_whatever_the_name(tried: Tried) -> None:
    assert [tried.limits.count_address(ELSEWHERE) for _ in range(10)] == [0] * 10
    assert tried.limits.count_address(ELSEWHERE) == 60
    assert tried.limits.count_address(HOME) == 0
    tried.now += 60
    assert tried.limits.count_address(ELSEWHERE) == 0


def test_who_has_a_network_of_ipv6_is_one_client(tried: Tried) -> None:
    waits = [tried.fail(address=f"2001:db8:1:2::{number}") for number in range(4)]
    assert waits == [0, 0, 0, 2]
    assert tried.fail(address="2001:db8:1:3::1") == 0


def test_an_attempt_that_was_not_judged_is_taken_back(tried: Tried) -> None:
    for _ in range(100):
        assert tried.fail() == 0
        tried.limits.take_back("ada", ELSEWHERE)
    assert [tried.fail() for _ in range(4)] == [0, 0, 0, 2]


def test_a_user_is_known_where_they_signed_in_last(tried: Tried) -> None:
    homes = [f"198.51.100.{number}" for number in range(6)]
    for home in homes:
        tried.sign_in(address=home)
    tried.attack()
    for home in homes:
        for _ in range(FREE_FAILURES):
            tried.fail(address=home)
    tried.now += 2
    assert [tried.sign_in(address=home) for home in homes] == [False, False, True, True, True, True]


def test_the_memory_is_bounded(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login_limits, "ENTRIES_MAX", 100)
    for number in range(1_000):
        address = f"10.0.{number >> 8}.{number & 255}"
        tried.limits.count_address(address)
        tried.fail(f"name{number}", address)
        tried.sign_in(f"user{number}", address)
    kept = [vars(tried.limits)[name] for name in ("_by_address", "_by_both", "_foreign", "_own")]
    assert all(90 < len(each) <= 100 for each in kept)
    assert sys.getsizeof(login_limits.folded("x" * 10_000)) < 100
