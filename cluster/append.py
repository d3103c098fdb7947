"""Appending to the replicated log by compare, one record in flight.

    IF created(owner) = epoch AND value(head) = H(n) THEN put log/n+1, put head ELSE read owner, head, log/n+1

No answer is no outcome: the same bytes are tried again at the next member until the store says which it is. A try that
was not answered may have landed, and is known by its bytes; a refusal is for good only when nothing unanswered came
before and a read behind it finds nothing. The lease is for liveness; what keeps two writers apart is this compare.
Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cluster.failures import AppendAbandoned, AppendRefused, Fenced, LogBehind
from cluster.keys import Head, Keys, StoredHead, decode_head, encode_head
from cluster.records import encode_record, position_of, verify_behind
from cluster.store import (
    Busy,
    CreatedIn,
    LogStore,
    NoAnswer,
    Outcome,
    OutOfSpace,
    Put,
    Read,
    Refused,
    StoreError,
    Transaction,
    Unreachable,
    ValueIs,
)
from journal.codec import BatchRecord

ANSWER_S: Final = 0.4  # for one try: longer than an append under load takes, shorter than an election
ANSWER_TRIES: Final = 6  # of that patience: each of three members twice; behind as many it is twice as long, up to
ANSWER_S_MAX: Final = 1.6  # which a machine that is busy with other things may need
PAUSE_S: Final = 0.02  # between tries
FULL_PAUSE_S: Final = 0.25  # and while the store is full


class Appended(msgspec.Struct, frozen=True):
    """A record is durable in the log."""

    tries: int
    seconds: float  # from the first try until the answer


class Appender:
    """Appends records in one epoch. Used by one thread."""

    def __init__(
        self,
        store: LogStore,
        keys: Keys,
        epoch: int,
        head: StoredHead,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        giving_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """`epoch`: of the claim; `head`: as it was read after that. `clock` is monotonic, in seconds.

        `giving_up` is asked between tries: an append that is stopped has no outcome.
        """
        self._store = store
        self._keys = keys
        self._epoch = epoch
        self._head = head
        self._clock = clock
        self._sleep = sleep
        self._giving_up = giving_up
        self._closed: str | None = None
        self._waiting_since: float | None = None

    @property
    def head(self) -> StoredHead:
        """The newest record, as far as this writer knows it to be durable."""
        return self._head

    @property
    def waiting_s(self) -> float:
        """How long the append under way has waited by now; 0 without one. From any thread."""
        since = self._waiting_since
        return 0.0 if since is None else max(0.0, self._clock() - since)

    def append(self, record: BatchRecord) -> Appended:
        """Append `record`; it is durable on return.

        Raises CorruptRecord for one that does not follow the head, AppendRefused when it is certainly not in the log,
        and Fenced, AppendAbandoned or LogBehind, after which every append raises Fenced.
        """
        if self._closed is not None:
            raise Fenced(self._closed)
        verify_behind(record, self._head.head.position)
        value = encode_record(record)
        head = encode_head(Head(position_of(record), self._epoch))
        log_key = self._keys.log(record.n)
        reads = tuple(Read(key) for key in (self._keys.owner, self._keys.head, log_key))
        transaction = Transaction(
            (CreatedIn(self._keys.owner, self._epoch), ValueIs(self._keys.head, self._head.value)),
            (Put(log_key, value), Put(self._keys.head, head.value)),
            reads,
        )
        self._waiting_since = begun = self._clock()
        try:
            tries = self._until_answered(transaction, record.n, value)
        finally:
            self._waiting_since = None
        self._head = head
        return Appended(tries, self._clock() - begun)

    def _until_answered(self, transaction: Transaction, n: int, value: bytes) -> int:
        """Try until the record is durable; return how often. Raises what `append` does."""
        tries, unanswered, unread = 0, False, False
        while True:
            tries += 1
            pause_s = PAUSE_S
            try:
                outcome = self._store.transact(transaction, _patience_s(tries))
            except NoAnswer as error:
                unanswered = unanswered or not isinstance(error, Unreachable)
                self._store.next_member()
            except Busy:
                self._store.next_member()
            except Refused as error:
                found = self._read_back(transaction)
                if found is not None and not self._is_absent(found):
                    self._check_landed(found, value)
                    return tries
                unread = found is None  # so what was refused may be there all the same
                if not unread and not unanswered:
                    raise AppendRefused(str(error), out_of_space=isinstance(error, OutOfSpace)) from error
                pause_s = FULL_PAUSE_S  # an earlier try may still land: only the store can say
            else:
                if not outcome.succeeded:
                    self._check_landed(outcome, value)
                return tries
            if self._giving_up():
                if unanswered or unread:
                    self._closed = "An append was stopped before it was answered; this writer appends nothing more."
                    raise AppendAbandoned(f"Record {n} was not answered for by the log; it may be there.")
                raise AppendRefused(f"Record {n} was not sent: no member of the log could be reached.")
            self._sleep(pause_s)

    def _read_back(self, transaction: Transaction) -> Outcome | None:
        """What the keys hold behind a refusal; None when that was not answered.

        A try that is refused is over, but not always without a trace: a store that becomes full while it carries out
        a transaction may say so of one that it has carried out.
        """
        try:
            return self._store.transact(Transaction(then=transaction.otherwise), ANSWER_S)
        except StoreError:
            self._store.next_member()
            return None

    def _is_absent(self, found: Outcome) -> bool:
        """Whether the compare would hold: the record is not there, and could be appended."""
        owner, head, _ = found.reads
        return bool(owner and owner[0].created == self._epoch and head and head[0].value == self._head.value)

    def _check_landed(self, outcome: Outcome, value: bytes) -> None:
        """The compare failed: return when the record is in the log all the same. Raises Fenced and LogBehind."""
        owner, head, log = outcome.reads
        if log and log[0].value == value:
            return  # an earlier try, which was not answered
        known_n = self._head.n
        if not head or decode_head(head[0].value).n < known_n:
            self._closed = (
                f"The log ends before record {known_n}, which it had confirmed: it was restored from an older "
                "backup, or made anew. Nothing was changed; a person must decide which to keep."
            )
            raise LogBehind(self._closed)
        if not owner:
            self._closed = f"The ownership of the log, epoch {self._epoch}, has ended."
        elif owner[0].created != self._epoch:
            self._closed = f"Another writer owns the log, in epoch {owner[0].created} after {self._epoch}."
        else:
            self._closed = f"The log has gone on behind record {known_n} without this writer."
        # An epoch that has ended lands nothing more: what is not there never will be, unless it was trimmed already.
        raise Fenced(self._closed, landed_unknown=not log and decode_head(head[0].value).n > known_n)


def _patience_s(tries: int) -> float:
    """For which the answer to this try is waited for; `tries`: from 1."""
    doubled: int = 1 << min((tries - 1) // ANSWER_TRIES, 8)
    return min(ANSWER_S * doubled, ANSWER_S_MAX)
