"""Every fault of a cluster many times, with real processes under load: `python -m tests.cluster.faults`.

Each fault has a cluster of its own: three members of the log, three nodes, PostgreSQL, on this machine. It is done
time after time under load; then every answer is compared with a replay. Ends with status 1 where an answer was lost,
is there twice or has changed, or where nodes differ; a bound that was not kept is printed and no failure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path

from benchmarks.arguments import positive_int
from benchmarks.machine import describe
from tests.cluster.faults.campaign import Strike
from tests.cluster.faults.clustered import Setting
from tests.cluster.faults.rows import ROWS, LoadOf, Row, run
from tests.cluster.faults.table import table

TIMES = 10
TRADERS = 6
PACE_S = 0.05


def main() -> None:
    """Run or list them."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.faults", description=__doc__)
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--only", choices=ROWS, action="append", help="these only; may be given again")
    parser.add_argument("--together", action="store_true", help="those that need the same cluster on one")
    parser.add_argument("--times", type=positive_int, default=TIMES, help="of each fault (default %(default)s)")
    parser.add_argument("--traders", type=positive_int, default=TRADERS, help="at once (default %(default)s)")
    parser.add_argument("--pace", type=float, default=PACE_S, help="seconds between a trader's requests (%(default)s)")
    parser.add_argument("--minutes", type=float, default=inf, help="on one cluster, in which the last fault begins")
    arguments = parser.parse_args()
    wanted = {name: ROWS[name] for name in arguments.only or ROWS}
    if arguments.list:
        for name, row in wanted.items():
            print(f"{name:24}{row.name}")
        return
    print(describe(), flush=True)
    load = LoadOf(arguments.traders, arguments.pace, arguments.minutes * 60)
    strikes, broken = [], []
    for rows in _on_one_cluster(_possible(wanted.values()), together=arguments.together):
        found, failures = _done(rows, arguments.times, load)
        strikes += found
        broken += failures
    print(f"\n{table(strikes)}")
    if broken:
        sys.exit("\n".join(["something does not hold:", *broken]))


def _possible(rows: Iterable[Row]) -> Iterator[Row]:
    """Those that can be done here; what cannot is said."""
    for row in rows:
        reason = row.absent()
        if reason is None:
            yield row
        else:
            print(f"{row.name}: left out, {reason}", flush=True)


def _on_one_cluster(rows: Iterable[Row], *, together: bool) -> list[list[Row]]:
    """Each by itself or, `together`, all that need the same."""
    if not together:
        return [[row] for row in rows]
    groups: dict[Setting, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.setting, []).append(row)
    return list(groups.values())


def _done(rows: list[Row], times: int, load: LoadOf) -> tuple[list[Strike], list[str]]:
    """The repetitions of some faults, and what does not hold."""
    names = "; ".join(row.name for row in rows)
    print(names, flush=True)
    with tempfile.TemporaryDirectory(prefix="openbell-faults-") as folder:
        try:
            found = run(rows, Path(folder), times, load, lambda sentence: print(f"  {sentence}", flush=True))
        except AssertionError as error:
            return [], [f"{names}: {error}"]
        verdict = found.verdict()
        print(f"  {verdict}; tries that were no answers: {dict(found.refusals)}", flush=True)
        return found.strikes, [f"{names}: {failure}" for failure in verdict.broken[:10]]


if __name__ == "__main__":
    main()
