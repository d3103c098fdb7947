"""One fault after the other on one venue under load, and everything that the checker needs to judge it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import NamedTuple

from journal.codec import BatchRecord
from tests.cluster.faults.checker import Verdict, check
from tests.cluster.faults.gaps import Gap, gap
from tests.cluster.faults.load import Answer, Load, Request
from tests.cluster.faults.venue import Venue

GOES_ON_S = 120.0  # within which everybody is answered again, on a busy machine; what it takes is reported
BEFORE_S = 0.3  # of load before a fault, and behind the last


class Fault(NamedTuple):
    """A row of the table: `strike` does it and heals it.

    It returns the moment, of the steady clock, from which clients count; None: when it began.
    """

    name: str
    bound_s: float | None  # of what clients see, from the design; None: none is said
    strike: Callable[[], float | None]


class Strike(NamedTuple):
    """One repetition of one fault."""

    fault: Fault
    gap: Gap
    seconds: float  # until every server took orders again


class Rounds(NamedTuple):
    """What traders were answered while faults were done."""

    strikes: list[Strike]
    answers: list[Answer]
    unanswered: list[Request]
    refusals: Counter[str]  # tries that were no answers
    seconds: float


class Run(NamedTuple):
    """The same, with what servers said of their state, and what is on their disks."""

    strikes: list[Strike]
    answers: list[Answer]
    unanswered: list[Request]
    refusals: Counter[str]
    seconds: float
    journals: dict[str, list[BatchRecord]]
    live_digests: dict[str, dict[int, str]]
    agreed_seq: int

    def verdict(self) -> Verdict:
        """What does not hold."""
        return check(self.answers, self.unanswered, self.journals, self.live_digests, self.agreed_seq)


def campaign(
    venue: Venue,
    faults: list[Fault],
    load: Load,
    scratch: Path,
    said: Callable[[str], object] = lambda _: None,
    within_s: float = inf,
) -> Run:
    """As `rounds`. `venue` runs already, and is stopped at the end."""
    return stopped(venue, rounds(venue, faults, load, said, within_s), scratch)


def rounds(
    venue: Venue,
    faults: list[Fault],
    load: Load,
    said: Callable[[str], object] = lambda _: None,
    within_s: float = inf,
) -> Rounds:
    """Each fault in turn under load, which ends; `venue` runs on. None begins later than `within_s` from now."""
    strikes, began = [], time.monotonic()
    with load:
        load.goes_on(GOES_ON_S)
        for fault in faults:
            time.sleep(BEFORE_S)
            if time.monotonic() > began + within_s:
                break
            strikes.append(strike(venue, fault, load))
            done = strikes[-1]
            said(
                f"{fault.name}: nobody was answered for {done.gap.anywhere_s:.2f} s; all is well again after "
                f"{done.seconds:.1f} s; load {os.getloadavg()[0]:.0f}"
            )
        time.sleep(BEFORE_S)
    unanswered = [asked for asked, _ in load.unanswered()]
    return Rounds(strikes, list(load.answers()), unanswered, load.refusals(), time.monotonic() - began)


def stopped(venue: Venue, done: Rounds, scratch: Path) -> Run:
    """Have all servers agree, stop them, and read their disks."""
    agreed = venue.agreed()
    return Run(*done, venue.journals(scratch), venue.live_digests, agreed)


def strike(venue: Venue, fault: Fault, load: Load) -> Strike:
    """Do one fault, and wait until every trader is answered and every server takes orders again."""
    began = time.monotonic()
    counted_from = fault.strike()
    until = load.goes_on(GOES_ON_S)
    seen = gap(load.answers(), began if counted_from is None else counted_from, until)
    venue.accepting()
    return Strike(fault, seen, time.monotonic() - began)
