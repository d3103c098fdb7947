"""Three nodes contend for a log in three real members of etcd, which are killed and paused at random.

    python -m tests.cluster.etcd_faults [--seconds 60] [--seed 1]

Each node claims the log when it is free, takes over, appends, and now and then challenges another. At the end every
record that was confirmed must be in the log, once, in one chain. Prints what happened; ends with status 1 on a loss.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

from cluster.append import Appender
from cluster.failures import ClusterError
from cluster.store import NoAnswer, Outcome, StoreError, Transaction
from tests.cluster.replicated_log import KeptClaim, ReplicatedLog, next_record, replicated_log
from tests.etcd import EtcdCluster, running_etcd


class Observed:
    """What the nodes saw, together."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.counts: Counter[str] = Counter()
        self.confirmed: dict[int, bytes] = {}  # chains by record number
        self.forked: list[int] = []
        self.gap_s_max = 0.0
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def count(self, what: str) -> None:
        """One more of these."""
        with self._lock:
            self.counts[what] += 1

    def confirm(self, n: int, chain: bytes) -> None:
        """A record was confirmed to its writer."""
        with self._lock:
            if self.confirmed.setdefault(n, chain) != chain:
                self.forked.append(n)
            now = time.monotonic()
            self.gap_s_max, self._last = max(self.gap_s_max, now - self._last), now


class CountingStore:
    """A node's store, by which unanswered appends that had landed are counted."""

    def __init__(self, log: ReplicatedLog, first: int, observed: Observed) -> None:
        self._store = log.store(first)
        self._observed = observed
        self._unanswered = False
        self.next_member = self._store.next_member

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """As the store."""
        try:
            outcome = self._store.transact(transaction, timeout_s)
        except NoAnswer:
            self._unanswered = True
            raise
        if self._unanswered and not outcome.succeeded and len(outcome.reads) == 3 and outcome.reads[2]:
            self._observed.count("landed unanswered")
        self._unanswered = False
        return outcome


def run_node(name: str, log: ReplicatedLog, rng: random.Random, observed: Observed) -> None:
    """Be a node until all stop: wait for the log to be free, or end who owns it, and write."""
    key = log.owner_key(name, log.store(rng.randrange(3)))
    while not observed.stopping.is_set():
        with suppress(StoreError, AssertionError):  # an assertion: another node was sooner
            current = key.current()
            if current is None:
                with closing(KeptClaim(log, name)) as kept:
                    write(name, log, kept, rng, observed)
            elif rng.random() < 0.02:
                observed.count("challenges")
                key.challenge(current.epoch)
        time.sleep(0.1)


def write(name: str, log: ReplicatedLog, kept: KeptClaim, rng: random.Random, observed: Observed) -> None:
    """Take over and append until this node is fenced or all stop."""
    try:
        head = log.take_over(name, kept.claim)[0].head
        observed.count("take-overs")
        store = CountingStore(log, rng.randrange(3), observed)
        appender = Appender(
            store,  # type: ignore[arg-type] # all that an appender uses
            log.keys, kept.claim.epoch, head,
            clock=time.monotonic, sleep=time.sleep, giving_up=observed.stopping.is_set,
        )  # fmt: skip
        while not observed.stopping.is_set():
            record = next_record(appender.head.head.position, rng.randint(1, 50))
            appender.append(record)
            observed.confirm(record.n, record.chain)
    except ClusterError as error:
        observed.count(type(error).__name__)


def harm(etcd: EtcdCluster, rng: random.Random, observed: Observed) -> None:
    """One fault, and its end."""
    fault = rng.choice(("kill", "pause", "kill all"))
    member = rng.choice((etcd.leader(), rng.choice(etcd.members)))
    observed.count(fault)
    match fault:
        case "kill":
            member.kill()
            time.sleep(rng.uniform(0.1, 2.0))
            member.start()
        case "pause":
            member.pause()
            time.sleep(rng.uniform(0.1, 3.0))
            member.resume()
        case _:
            for each in etcd.members:
                each.kill()
            time.sleep(rng.uniform(0.0, 1.0))
    etcd.start()
    time.sleep(rng.uniform(0.2, 1.5))


def run(seconds: float, seed: int, folder: Path) -> bool:
    """Run for so long; print what was seen and return whether nothing was lost."""
    rng, observed = random.Random(seed), Observed()
    with running_etcd(folder) as etcd, replicated_log(etcd) as log:
        nodes = [
            threading.Thread(target=run_node, args=(name, log, random.Random(rng.random()), observed), daemon=True)
            for name in "abc"
        ]
        for node in nodes:
            node.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            harm(etcd, rng, observed)
        observed.stopping.set()
        for node in nodes:
            node.join(60)
        chains = {record.n: record.chain for record in log.all_records()}
    lost = [n for n, chain in observed.confirmed.items() if chains.get(n) != chain]
    print(f"seed {seed}: {dict(observed.counts)}")
    print(
        f"  {len(observed.confirmed)} confirmed, {len(chains)} in the log, lost {len(lost)}, "
        f"confirmed twice {len(observed.forked)}, longest gap {observed.gap_s_max:.2f} s"
    )
    return not lost and not observed.forked


def main() -> None:
    """Run once by the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="openbell-etcd-") as folder:
        sys.exit(0 if run(arguments.seconds, arguments.seed, Path(folder)) else 1)


if __name__ == "__main__":
    main()
