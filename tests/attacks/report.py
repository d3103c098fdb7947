"""Every attack for some seconds against servers of this checkout, and what a bystander saw meanwhile.

python -m tests.attacks.report [--seconds 5] [--only pipelined]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import psutil

from benchmarks.machine import describe
from tests.attacks import attackers
from tests.attacks.bystander import Bystander, Figures, quiet
from tests.attacks.probe import Probe
from tests.attacks.raw import request
from tests.server import RunningServer, self_signed

Attack = Callable[[str, float], object]
SLOW_BODY = request("POST", "/order", headers={"Content-Length": "10000"})
SLOW_HEAD = b"GET / HTTP/1.1\r\nX: "

ATTACKS: dict[str, Attack] = {
    "nothing": lambda url, seconds: time.sleep(seconds),
    "pipelined GETs": attackers.pipelined,
    "pipelined POSTs": lambda url, seconds: attackers.pipelined(url, seconds, attackers.PIPELINED_POST),
    "pipelined GETs, 50 connections": attackers.pipelined_on_many,
    "pipelined GETs, answers unread": attackers.pipelined_unread,
    "chunks of one byte": attackers.one_byte_chunks,
    "endless chunk extension": attackers.chunk_extension,
    "endless trailers": attackers.trailers,
    "discarded body, by length": attackers.discarded_body,
    "discarded body, chunked": attackers.endless_chunks,
    "endless header": attackers.endless_head,
    "slow head, 200 connections": lambda url, seconds: attackers.drip(url, [SLOW_HEAD] * 200, seconds),
    "slow body, 200 connections": lambda url, seconds: attackers.drip(url, [SLOW_BODY] * 200, seconds),
    "slow reader of large answers": attackers.slow_reader,
    "10,000 idle connections": lambda url, seconds: attackers.hold(url, 10_000, seconds),
}
TLS_ATTACKS: dict[str, Attack] = {
    "TLS: connect and reset": attackers.resets,
    "TLS: 100 first messages at once, again and again": attackers.hellos,
    "TLS: no handshake, 200 connections": lambda url, seconds: attackers.tls_hold(url, 200, seconds),
}
DESCRIPTORS = 256
SECURED = ("--profile", "secured", "--rate-limit", "off")  # where loopback is nobody special; the limits would help


def measured(server: RunningServer, name: str, attack: Attack, seconds: float) -> str:
    """One row: the attack, what a bystander saw, and what it cost the process."""
    before = quiet(server.url)
    with Probe(server) as probe:
        began = time.monotonic()
        outcome: object = None
        try:
            with Bystander(server.url) as bystander:
                outcome = attack(server.url, seconds)
            figures: Figures | str = bystander.figures
        except (AssertionError, OSError) as problem:
            figures = f"{type(problem).__name__}: {problem}"
        took = time.monotonic() - began
        if not alive(probe):
            return f"| {name} | {before} | {figures} | ENDED: {probe.log[-200:]!r} |"
        time.sleep(1)
        cost = f"{probe.cpu_share:.0%} of a processor, {probe.more_descriptors:+d} descriptors"
        cost += f", {probe.more_rss_mb:+.0f} MB, {len(probe.log):,} log bytes"
    return f"| {name} | {before} | {figures} | {cost} | {said(outcome)}, {took:.1f} s |"


def alive(probe: Probe) -> bool:
    """Whether the server still runs."""
    try:
        return probe.alive
    except psutil.NoSuchProcess:
        return False


def said(outcome: object) -> str:
    """What the attack says of itself, in a few words."""
    if isinstance(outcome, attackers.Flood):
        first = outcome.received[:12].decode("latin-1")
        times = f"{outcome.connections} connections, {outcome.closed} closed"
        return f"sent {outcome.sent:,} got {outcome.received_bytes:,} ({first!r}) {times}"
    if isinstance(outcome, list):
        return f"{len(outcome)} closed, after at most {max(outcome, default=0):.1f} s"
    return str(outcome)


@click.command()
@click.option("--seconds", default=5.0, show_default=True, help="Of each attack.")
@click.option("--only", default="", help="Attacks whose name holds this.")
def main(seconds: float, only: str) -> None:
    """Attack a server of its own each, and print what a bystander saw."""
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = self_signed(Path(folder))
        tls = ("--tls-cert", str(certificate), "--tls-key", str(key))
        rows: list[tuple[str, Attack, tuple[str, ...]]] = [(name, attack, SECURED) for name, attack in ATTACKS.items()]
        rows += [(name, attack, tls) for name, attack in TLS_ATTACKS.items()]
        for number, (name, attack, options) in enumerate(rows):
            if only in name:
                with RunningServer(Path(folder) / f"data{number}", *options) as server:
                    print(measured(server, name, attack, seconds), flush=True)
        if only in "descriptors":
            with RunningServer(Path(folder) / "few") as server:
                server.process.rlimit(psutil.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
                few: Attack = lambda url, seconds: attackers.hold(url, 2 * DESCRIPTORS, seconds)  # noqa: E731
                print(measured(server, f"{DESCRIPTORS} descriptors", few, seconds), flush=True)


if __name__ == "__main__":
    main()
