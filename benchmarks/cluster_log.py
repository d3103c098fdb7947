"""How fast one writer appends to a log of three etcd members on this machine, one record in flight.

    python -m benchmarks.cluster_log [--seconds 5] [--directory DIR]

Every figure is of appends: each is one batch, durable on a majority of the members. The members' folders are in DIR;
their disks are this machine's one disk, and their processors are its own. Needs Debian's etcd-server.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.arguments import positive_float
from benchmarks.journal_commit import commands
from benchmarks.machine import describe
from cluster.append import Appender
from cluster.etcd.etcd_store import EtcdStore
from cluster.founding import found_log
from cluster.keys import Keys, Owner
from cluster.log_reader import LogReader
from cluster.ownership import Claim, OwnerKey
from cluster.records import START
from journal.codec import seal
from tests.etcd import EtcdCluster, running_etcd

BATCH_SIZES = (1, 100, 1000)


def measure(etcd: EtcdCluster, name: str, size: int, seconds: float, member: str) -> None:
    """Append batches of `size` orders by way of `member` for so long, and print one line."""
    keys = Keys(name)
    with closing(EtcdStore(etcd.parsed)) as store, closing(EtcdStore(etcd.parsed)) as keeping:
        head = found_log(store, keys)
        key = OwnerKey(keeping, keys, Owner("bench", name, "-"))
        claim = key.claim()
        if claim is None:
            raise SystemExit("the log has another owner")
        store.use_member(member)
        appender = Appender(store, keys, claim.epoch, head, clock=time.monotonic, sleep=time.sleep)
        taken = list(_appended(appender, key, claim, size, seconds))
    ordered = sorted(taken)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * q))] * 1e3 for q in (0.5, 0.99))
    rate = len(taken) / sum(taken)
    print(f"{name:32} {rate:7.0f} records/s {rate * size:9.0f} orders/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")
    with closing(EtcdStore(etcd.parsed)) as store:
        count, begun = [0], time.perf_counter()
        reader = LogReader(store, keys, sleep=time.sleep)
        reader.read_to_head(START, lambda record: count.__setitem__(0, record.n), lambda: False)
        print(f"{'':32} {count[0] / (time.perf_counter() - begun):7.0f} records/s read back and verified")


def _appended(appender: Appender, key: OwnerKey, claim: Claim, size: int, seconds: float) -> Iterator[float]:
    """Seconds of each append, sealing included; the lease is kept between two of them."""
    batch, begun, kept = commands(size), time.monotonic(), time.monotonic()
    while time.monotonic() < begun + seconds:
        if time.monotonic() > kept + 0.5:
            key.keep(claim)
            kept = time.monotonic()
        started = time.perf_counter()
        at = appender.head.head.position
        appender.append(seal(at.n + 1, at.ts_ns + 1, at.seq + 1, batch, at.chain))
        yield time.perf_counter() - started


@contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="openbell-etcd-", dir=directory) as folder:
        yield Path(folder)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=positive_float, default=5.0)
    parser.add_argument("--directory", type=Path)
    arguments = parser.parse_args()
    print(describe())
    with _folder(arguments.directory) as folder:
        for secure in (False, True):
            with running_etcd(folder / ("tls" if secure else "plain"), 3, secure=secure) as etcd:
                leader, follower = etcd.leader().address, etcd.followers()[0].address
                for size in BATCH_SIZES:
                    kind = "tls-" if secure else ""
                    measure(etcd, f"{kind}leader-{size}", size, arguments.seconds, leader)
                    if not secure:
                        measure(etcd, f"follower-{size}", size, arguments.seconds, follower)


if __name__ == "__main__":
    main()
