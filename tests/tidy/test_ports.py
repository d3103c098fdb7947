"""Ports for servers of tests: members of one cluster that were given the same one could not start."""

from __future__ import annotations

from tests.ports import free_port


def test_no_port_is_given_twice() -> None:
    given = [first + at for first in (free_port(2) for _ in range(400)) for at in range(2)]
    assert len(set(given)) == len(given)
