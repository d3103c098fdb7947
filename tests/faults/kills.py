"""Two hundred times `kill -9` under mixed load on one data folder: nothing lost, nothing twice, digests equal.

Orders of four types and cancels from six connections at once; every fifth start is killed as well. After each kill the
journal is replayed in another process and compared with the digests that the living server told, and all orders, trades
and answers with what was promised. At the end the auditor replays it all beside its own exchange.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from tests.durability.kills import campaign
from tests.faults.report import Report, program

KILLS = 200
ORDERS_A_KILL = 50  # at least, on average
LONGEST_S = 0.3  # of load between a start and its kill, as long as enough was acknowledged


def full(report: Report, kills: int = KILLS) -> None:
    """All of it, on a data folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            killed = campaign(Path(folder), kills, kills * ORDERS_A_KILL, LONGEST_S, report.progress)
        except AssertionError as broken:
            report.judge(False, f"a promise is broken: {broken}")
            return
        promises = killed.promises
        acknowledged = len(promises.orders) + len(promises.cancelled) + len(promises.too_late) + len(promises.refused)
        report.judge(True, f"{kills} kills in {killed.seconds:,.0f} s: {acknowledged:,} answers, 0 lost, 0 twice")
        report.judge(
            killed.digests_compared > kills,
            f"{len(promises.orders):,} orders, {len(promises.trades):,} trades, {len(promises.cancelled):,} cancels; "
            f"{killed.digests_compared:,} digests of living servers equal those of a replay",
        )
        report.judge(audit([f"{folder}/data", "--quiet"]) == CLEAN, "the auditor finds journal and history clean")


if __name__ == "__main__":
    program(lambda report: full(report, int(sys.argv[1]) if len(sys.argv) > 1 else KILLS))
