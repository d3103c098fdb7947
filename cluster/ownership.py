"""Who is the writer: a key on a lease, whose creating revision is the epoch.

The lease makes the key vanish when its node does. That it is still there says nothing of who may append: only the
append's own compare does. A node that takes over from one that answers no more deletes its key, by compare with its
epoch; the one that wakes up later can only find itself fenced.
Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

from typing import Final

import msgspec

from cluster.keys import Keys, Owner
from cluster.store import CreatedIn, Delete, Entry, LogStore, NoAnswer, Put, Read, Refused, Transaction

LEASE_S: Final = 2  # the shortest that etcd grants with an election timeout of 1 s
ANSWER_S: Final = 0.4
KEPT_ANSWER_S_MAX: Final = 0.8  # of a lease that was not kept lately: a machine that is busy answers late
UNREADABLE: Final = Owner("", "", "")  # whoever put an owner that cannot be read: nobody answers by its name


class Ownership(msgspec.Struct, frozen=True):
    """Who owns the log, and since which revision."""

    owner: Owner  # UNREADABLE where the key's value is none
    epoch: int

    @property
    def writer(self) -> str | None:
        """The name of the node; None where it cannot be read."""
        return self.owner.node or None


class Claim(msgspec.Struct, frozen=True):
    """The log is ours from `epoch` on, for as long as nobody ends it."""

    epoch: int
    lease: int


class OwnerKey:
    """The owner key as one node uses it. Used by one thread at a time."""

    def __init__(self, store: LogStore, keys: Keys, owner: Owner, lease_s: int = LEASE_S) -> None:
        """`owner`: what this node writes when it claims the log."""
        self._store = store
        self._keys = keys
        self._owner = owner
        self._lease_s = lease_s
        self._lease = 0  # granted for a claim that has no outcome yet
        self._keep_answer_s = ANSWER_S

    def current(self) -> Ownership | None:
        """Who owns the log now; None: nobody. Raises StoreError, and speaks to another member after NoAnswer."""
        with _OnToTheNext(self._store):
            outcome = self._store.transact(Transaction(then=(Read(self._keys.owner),)), ANSWER_S)
        return _ownership(outcome.reads[0])

    def claim(self) -> Claim | None:
        """Become the owner where there is none; None when there is another.

        Raises StoreError; after NoAnswer the same claim goes on with the next call.
        """
        with _OnToTheNext(self._store):
            self._lease = self._lease or self._store.grant_lease(self._lease_s, ANSWER_S)
            put = Put(self._keys.owner, msgspec.json.encode(self._owner), self._lease)
            free = CreatedIn(self._keys.owner, 0)
            try:
                outcome = self._store.transact(Transaction((free,), (put,), (Read(self._keys.owner),)), ANSWER_S)
            except Refused:  # the lease has ended meanwhile, or there is no space: the next claim takes a new one
                self._lease = 0
                raise
        lease, self._lease = self._lease, 0
        if outcome.succeeded:
            return Claim(outcome.revision, lease)
        found = outcome.reads[0][0]
        if found.lease == lease:  # an earlier try, which was not answered
            return Claim(found.created, lease)
        self._drop(lease)
        return None

    def keep(self, claim: Claim) -> float:
        """Keep the lease; return the seconds it now has, 0 when it has ended. To be called four times in a lease.

        Raises StoreError, and speaks to another member after NoAnswer, with more patience.
        """
        answer_s, self._keep_answer_s = self._keep_answer_s, min(2 * self._keep_answer_s, KEPT_ANSWER_S_MAX)
        with _OnToTheNext(self._store):
            left_s = self._store.keep_lease(claim.lease, answer_s)
        self._keep_answer_s = ANSWER_S
        return left_s

    def release(self, claim: Claim) -> bool:
        """Stand down: end the ownership now; return whether it was still ours. Raises StoreError."""
        ended = self.challenge(claim.epoch)
        self._drop(claim.lease)
        return ended

    def challenge(self, epoch: int) -> bool:
        """End the ownership of that epoch; return whether this call did. Nothing that epoch sends lands afterwards.

        Raises StoreError, and speaks to another member after NoAnswer: call it again, it can do no harm.
        """
        delete = Transaction((CreatedIn(self._keys.owner, epoch),), (Delete(self._keys.owner),))
        with _OnToTheNext(self._store):
            return self._store.transact(delete, ANSWER_S).succeeded

    def _drop(self, lease: int) -> None:
        try:
            self._store.revoke_lease(lease, ANSWER_S)
        except NoAnswer:
            self._store.next_member()  # it ends by itself


class _OnToTheNext:
    """Speak to the next member after a call that was not answered."""

    def __init__(self, store: LogStore) -> None:
        self._store = store

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NoAnswer):
            self._store.next_member()


def _ownership(entries: tuple[Entry, ...]) -> Ownership | None:
    if not entries:
        return None
    try:
        owner = msgspec.json.decode(entries[0].value, type=Owner)
    except ValueError:  # DecodeError is one; so is what bytes that are no UTF-8 raise
        owner = UNREADABLE  # what it may append depends on its epoch alone, and that is known
    return Ownership(owner, entries[0].created)
