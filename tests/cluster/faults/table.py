"""What clients saw of each fault, as a table in Markdown, with the bound that the design gives it."""

from __future__ import annotations

from collections.abc import Iterable

from tests.cluster.faults.campaign import Strike
from tests.cluster.faults.gaps import figures

HEAD = """\
| fault | times | nobody was answered for, s: median / max | one client waited, s: median / max | bound, s | kept |
|---|---|---|---|---|---|"""


def table(strikes: Iterable[Strike]) -> str:
    """A line for each fault, in the order in which they came first."""
    rows: dict[str, list[Strike]] = {}
    for strike in strikes:
        rows.setdefault(strike.fault.name, []).append(strike)
    return "\n".join([HEAD, *(_line(name, each) for name, each in rows.items())])


def _line(name: str, strikes: list[Strike]) -> str:
    anywhere, one = ([getattr(s.gap, field) for s in strikes] for field in ("anywhere_s", "one_client_s"))
    bound = strikes[0].fault.bound_s
    kept = "" if bound is None else f"{sum(seconds <= bound for seconds in anywhere)} of {len(strikes)}"
    limit = "" if bound is None else f"{bound:g}"
    return f"| {name} | {len(strikes)} | {figures(anywhere)} | {figures(one)} | {limit} | {kept} |"
