"""Fuzzes the front: what is almost a request, in pieces, pipelined, closed at random, to a real server and the parser.

    python -m tests.attacks.fuzz_front [--minutes 10] [--seed 1]

Each round gives the parser some messages, whole and in pieces, and asks h11 for its opinion; then it sends some to a
server. The parser must read the same requests however they are cut, and none that h11 refuses, but for what
`second_opinion.HARMLESS` explains. The server must answer each request that the parser reads, then refuse the rest or
close, and never crash, hang, answer 5xx or log a traceback. A finding is printed with its bytes, and ends the run with
status 1.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from tests.attacks.messages import get
from tests.attacks.mutations import cut, mutated
from tests.attacks.probe import Probe
from tests.attacks.raw import Connection, RawAnswer, connect
from tests.attacks.second_opinion import Opinion, difference, ours
from tests.server import RunningServer

GOOD = get()
PARSED, SENT = 100, 20  # messages of one round
HANGS_S = 10.0
SAID_OF_VERSION = (501, 505)  # the only 5xx that are about the request


class Fuzzer:
    """Rounds against one server. Every finding is a text with the bytes that show it."""

    def __init__(self, server: RunningServer, seed: int) -> None:
        self._server = server
        self._rng = random.Random(seed)
        self._left_open: list[Connection] = []
        self.parsed = self.sent = self.answered = 0

    def run(self, seconds: float) -> list[str]:
        """Go on for so long, or until something is found."""
        deadline = time.monotonic() + seconds
        with Probe(self._server) as probe:
            while time.monotonic() < deadline:
                found = [*self._parse(), *self._send()]
                if not probe.alive:
                    found.append(f"the server ended: {probe.log[-2000:]}")
                if "Traceback" in probe.log:
                    found.append(f"a traceback: {probe.log[-2000:]}")
                if found:
                    return found
        for connection in self._left_open:
            connection.close()
        return []

    def _parse(self) -> Iterator[str]:
        for _ in range(PARSED):
            content = mutated(self._rng)
            pieces = cut(self._rng, content)
            self.parsed += 1
            if ours([content]).requests != ours(pieces).requests:
                yield f"cut differently it is read differently: {pieces}"
            if different := difference(content, pieces):
                yield f"{content!r}: {different}"

    def _send(self) -> Iterator[str]:
        for _ in range(SENT):
            good = self._rng.choice((0, 0, 1, 2, 5))
            content = GOOD * good + mutated(self._rng)
            pieces = cut(self._rng, content)
            self.sent += 1
            connection = connect(self._server.url, timeout_s=HANGS_S)
            if not self._sent(connection, pieces):
                continue
            try:
                with connection:
                    problem = self._judge(good, ours([content]), self._answers(connection, ours([content])))
            except TimeoutError:
                problem = "no end"
            if problem:
                yield f"{problem}: {pieces}"

    def _sent(self, connection: Connection, pieces: list[bytes]) -> bool:
        """Send the pieces; False where the connection is given up before its answers are read."""
        stop_at = self._rng.choice((len(pieces), len(pieces), len(pieces), self._rng.randint(0, len(pieces))))
        try:
            for piece in pieces[:stop_at]:
                connection.send(piece)
                if self._rng.random() < 0.1:
                    time.sleep(0.001)
            if stop_at == len(pieces):
                connection.end_sending()
                return True
        except OSError:
            if stop_at == len(pieces):
                return True  # refused before all was sent: the answer is there
        match self._rng.randrange(3):
            case 0:
                connection.reset()
            case 1:
                connection.close()
            case _:
                self._left_open.append(connection)
                if len(self._left_open) > 50:
                    self._left_open.pop(self._rng.randrange(50)).close()
        return False

    def _answers(self, connection: Connection, expected: Opinion) -> list[RawAnswer]:
        found: list[RawAnswer] = []
        deadline = time.monotonic() + HANGS_S
        heads = [request.method == b"HEAD" for request in expected.requests]
        try:
            while True:
                head = len(found) < len(heads) and heads[len(found)]
                found.append(connection.answer(deadline - time.monotonic(), head=head))
        except (EOFError, ConnectionError):
            self.answered += len(found)
            return found

    def _judge(self, good: int, expected: Opinion, answers: list[RawAnswer]) -> str:
        """What is wrong with the answers; nothing when they are right."""
        statuses = [answer.status for answer in answers]
        if statuses[:good] != [200] * good:
            return f"good requests were answered {statuses[:good]}"
        if any(status >= 500 and status not in SAID_OF_VERSION for status in statuses):
            return f"answered {statuses}"
        count = len(expected.requests) + bool(expected.refused)
        if len(answers) > count:
            return f"{count} requests were answered {statuses}"
        if len(answers) < count and not (answers and answers[-1].closes and answers[-1].status >= 400):
            return f"{count} requests were answered {statuses}"
        return ""


@click.command()
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(minutes: float, seed: int) -> None:
    """Fuzz a server of its own."""
    with tempfile.TemporaryDirectory() as folder, RunningServer(Path(folder) / "data") as server:
        fuzzer = Fuzzer(server, seed)
        with Probe(server) as probe:
            found = fuzzer.run(minutes * 60)
            log = probe.log
            grown = f"{probe.more_descriptors:+d} descriptors, {probe.more_rss_mb:+.0f} MB, {len(log)} bytes of log"
        print(f"{fuzzer.parsed:,} messages parsed, {fuzzer.sent:,} sent, {fuzzer.answered:,} answers; {grown}")
        print(log[-2000:])
    for finding in found:
        print(finding)
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
