"""What the cluster's protocol can end in, beside the store's own failures.

    ClusterError
    ├── Fenced           another writer may have the log, or the lease is gone: this one appends nothing more
    ├── AppendRefused    a definite no: the record is not in the log, and the next append may be another
    ├── AppendAbandoned  who waited for an append stopped it: whether the record is in the log is unknown
    ├── LogBehind        the log is older than what this node has: it was restored from a backup, or made anew
    ├── LogRestored      the store is another one than this node has seen, or has gone back since then
    ├── LogDiverged      the log has other records than this node
    ├── RecordsTrimmed   the records behind a position are in the log no more: a snapshot must come first
    ├── LogUnformatted   there is no log under this name yet
    └── LogTooNew        a newer Openbell made it

Layer: cluster.
"""

from __future__ import annotations


class ClusterError(Exception):
    """Any way in which the protocol ends. The message is a sentence for the operator."""


class Fenced(ClusterError):
    """This writer is none any more. Its last record is not in the log; where `landed_unknown`, it may have been."""

    def __init__(self, message: str, *, landed_unknown: bool = False) -> None:
        super().__init__(message)
        self.landed_unknown = landed_unknown


class AppendRefused(ClusterError):
    """The record is not in the log and never will be by this attempt."""

    def __init__(self, message: str, *, out_of_space: bool = False) -> None:
        super().__init__(message)
        self.out_of_space = out_of_space


class AppendAbandoned(ClusterError):
    """The append was stopped without an answer. The record may be in the log."""


class LogBehind(ClusterError):
    """The log ends before what this node has: nodes refuse, a person decides."""


class LogRestored(ClusterError):
    """The store is another, or has gone back, since this node saw it last: a person decides whether to go on."""


class LogDiverged(ClusterError):
    """The log holds another record than this node at the same place."""


class RecordsTrimmed(ClusterError):
    """The log begins behind the position that was asked for."""

    def __init__(self, message: str, first_n: int) -> None:
        super().__init__(message)
        self.first_n = first_n


class LogUnformatted(ClusterError):
    """No log was made under this cluster's name."""


class LogTooNew(ClusterError):
    """The log is in a format of a newer Openbell."""
