"""Accepting goes on whatever accept() raises."""

from __future__ import annotations

import errno
import socket

import pytest

from api.http.front.accept import Acceptor
from tests.api.http.front.serving import LAST, serving, statuses
from tests.server import eventually


class Failing:
    """A listening socket of which some accepts fail."""

    def __init__(self, listening: socket.socket, problems: list[BaseException]) -> None:
        self._listening = listening
        self._problems = problems

    def accept(self) -> tuple[socket.socket, object]:
        """Accept, or fail."""
        if self._problems:
            raise self._problems.pop(0)
        return self._listening.accept()

    def fileno(self) -> int:
        """Its descriptor."""
        return self._listening.fileno()


def make_fail(acceptor: Acceptor, *problems: BaseException) -> None:
    """Have the next accepts fail."""
    acceptor._socket = Failing(acceptor._socket, list(problems))  # type: ignore[assignment]


@pytest.mark.parametrize(
    "problem",
    [
        *(OSError(number, "so") for number in (errno.ECONNABORTED, errno.EPERM, errno.EPROTO, errno.ETIMEDOUT)),
        *(OSError(number, "so") for number in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)),
        ConnectionResetError(),
        ValueError("a fault"),
    ],
)
def test_accepting_goes_on(problem: BaseException) -> None:
    with serving() as front:
        make_fail(front.acceptor, problem, problem)
        assert statuses(front.sent(LAST)) == [200]
        assert front.acceptor.fault is None


def test_without_its_socket_it_says_that_it_cannot() -> None:
    with serving() as front:
        make_fail(front.acceptor, OSError(errno.EBADF, "gone"))
        front.connect().close()
        eventually(lambda: front.acceptor.fault is not None)
