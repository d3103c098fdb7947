"""The keys of a cluster in the store, and what stands in their values.

| key | value | rule |
|---|---|---|
| `format` | versions | created once, with `head` |
| `owner` | node, boot id, address; on a lease | the revision that created it is the epoch |
| `head` | n, chain, epoch, seq, time of the newest record | compared by value; never deleted |
| `log/<n, 16 digits>` | one record | created only, never changed |
| `snapshot/<node>` | where a node's newest durable snapshot is | put by that node |
| `node/<node>` | what a node says of itself | put by that node, on its lease |
| `address/<node>` | where clients reach it, whether it runs or not | put by that node; deleted when it is removed |
| `shared/<name>` | what nodes agree on beside the log | by compare |
| `stand-down/<node>` | who asks that node to write no more | put by an operator; each put is a wish |

Values but for records are JSON with the fields in a fixed order: the same value is the same bytes, and a person reads
them with etcdctl.
Layer: cluster. No I/O.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from cluster.failures import LogDiverged
from cluster.records import Position

FORMAT: Final = 1
DIGITS: Final = 16
CLUSTER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")  # of nodes as well


class Format(msgspec.Struct, frozen=True):
    """The versions in which a log is kept."""

    log: int = FORMAT
    founded_at_n: int = 0  # the record behind which the log began


class Owner(msgspec.Struct, frozen=True):
    """Who is the writer."""

    node: str
    boot_id: str  # of the process: another one after each start
    address: str  # at which the other nodes reach it


class Head(msgspec.Struct, frozen=True):
    """The newest record of the log."""

    position: Position
    epoch: int  # of its writer; 0: founded, nothing appended yet


class StoredHead(msgspec.Struct, frozen=True):
    """The head, and the bytes as which it is stored: what the next append compares."""

    head: Head
    value: bytes

    @property
    def n(self) -> int:
        """The newest record's number."""
        return self.head.position.n


class SnapshotNote(msgspec.Struct, frozen=True):
    """A snapshot that is durable on a node."""

    node: str
    n: int  # the last record folded into it
    chain: str  # of that record, in hexadecimal digits
    digest: str  # of the state
    sha256: str  # of the file
    size_bytes: int
    address: str  # at which the other nodes fetch it


class _HeadValue(msgspec.Struct, frozen=True):
    n: int
    chain: str
    epoch: int
    seq: int
    ts_ns: int


class Keys:
    """The keys of one cluster."""

    def __init__(self, cluster: str = "openbell") -> None:
        """Raises ValueError for a name that is no cluster's."""
        if not CLUSTER_NAME.fullmatch(cluster):
            raise ValueError(f"a cluster's name has lower-case letters, digits and '-', at most 32: not {cluster!r}")
        self.prefix: Final = f"/openbell/{cluster}/"
        self.format: Final = f"{self.prefix}format"
        self.owner: Final = f"{self.prefix}owner"
        self.head: Final = f"{self.prefix}head"
        self.logs: Final = f"{self.prefix}log/"
        self.logs_end: Final = f"{self.prefix}log0"  # the first key behind all of log/
        self.snapshots: Final = f"{self.prefix}snapshot/"
        self.snapshots_end: Final = f"{self.prefix}snapshot0"
        self.nodes: Final = f"{self.prefix}node/"
        self.nodes_end: Final = f"{self.prefix}node0"
        self.addresses: Final = f"{self.prefix}address/"
        self.addresses_end: Final = f"{self.prefix}address0"

    def log(self, n: int) -> str:
        """The key of record `n`; keys are in order of records."""
        return f"{self.logs}{n:0{DIGITS}d}"

    def record_number(self, key: str) -> int:
        """The record's number in a key of `log`."""
        return int(key[-DIGITS:])

    def snapshot(self, node: str) -> str:
        """Where that node notes its newest snapshot."""
        return f"{self.snapshots}{node}"

    def node(self, node: str) -> str:
        """Where that node says what it is."""
        return f"{self.nodes}{node}"

    def address(self, node: str) -> str:
        """Where that node says at which URL clients reach it."""
        return f"{self.addresses}{node}"

    def stand_down(self, node: str) -> str:
        """Where an operator asks that node to write no more."""
        return f"{self.prefix}stand-down/{node}"

    def shared(self, name: str) -> str:
        """Something else that nodes agree on, by compare."""
        return f"{self.prefix}shared/{name}"


def encode_head(head: Head) -> StoredHead:
    """The head with the bytes that stand for it."""
    at = head.position
    return StoredHead(head, msgspec.json.encode(_HeadValue(at.n, at.chain.hex(), head.epoch, at.seq, at.ts_ns)))


def decode_head(value: bytes) -> StoredHead:
    """What a stored head says. Raises LogDiverged for what is none."""
    try:
        stored = msgspec.json.decode(value, type=_HeadValue)
        chain = bytes.fromhex(stored.chain)
    except ValueError as error:  # DecodeError is one
        raise LogDiverged(f"The head of the log cannot be read: {error}.") from error
    return StoredHead(Head(Position(stored.n, chain, stored.seq, stored.ts_ns), stored.epoch), value)
