"""What the cluster's protocol needs of a replicated key-value store. etcd is one; the simulation has another.

Everything is decided by transactions: compares, and what to do when all of them hold or when one does not, atomic and
in one total order of revisions. Reads in a transaction, and `read`, see everything that was acknowledged before they
began. The ways to fail:

    StoreError
    ├── NoAnswer          whether it was carried out, or still will be, is unknown
    │   └── Unreachable   it was certainly not sent: no connection to the member
    └── Refused           a no: the request is over, and a read behind it sees all that it ever does, which is nothing
        ├── OutOfSpace    the store takes nothing that makes it larger; this request it may have taken all the same
        ├── Busy          the member has too much to do: again later
        └── TooLarge      the request, or what it asks for, is larger than one may be

A store is one client that speaks to one member at a time, in the thread that calls; each call has a deadline, in
seconds. Who gets no answer goes to the next member. Appending, keeping a lease and following each have a store of their
own, so that one that waits holds up no other.
Layer: cluster. No I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class StoreError(Exception):
    """Any way in which the store did not do what it was asked. The message is a sentence for the operator."""


class NoAnswer(StoreError):
    """The answer did not come in time, or was lost: the request may have been carried out, or may be still."""


class Unreachable(NoAnswer):
    """There was no connection to the member: the request was certainly not carried out."""


class Refused(StoreError):
    """The store said no to this request, which is over."""


class OutOfSpace(Refused):
    """The store has reached its quota: it takes deletions only.

    The request that met the quota may have been carried out (etcd checks again while it carries out, and says so
    behind that): what became of it, a read says.
    """


class Busy(Refused):
    """The member takes no requests just now."""


class TooLarge(Refused):
    """The request, or the answer to it, is larger than the store or the client takes."""


class Entry(msgspec.Struct, frozen=True):
    """A key with its value, as a read found it."""

    key: str
    value: bytes
    created: int  # the revision in which the key came to be: another one after each deletion
    modified: int  # the revision of its last put
    version: int  # puts since it came to be: at least 1
    lease: int = 0  # it vanishes with this lease; 0: with none


class CreatedIn(msgspec.Struct, frozen=True):
    """Compare: the key came to be in this revision; 0: it does not exist."""

    key: str
    revision: int


class ModifiedIn(msgspec.Struct, frozen=True):
    """Compare: the key was last put in this revision; 0: it does not exist."""

    key: str
    revision: int


class ValueIs(msgspec.Struct, frozen=True):
    """Compare: the key exists and has exactly this value."""

    key: str
    value: bytes


Compare = CreatedIn | ModifiedIn | ValueIs


class Put(msgspec.Struct, frozen=True):
    """Write a value, on a lease when it is not 0."""

    key: str
    value: bytes
    lease: int = 0


class Delete(msgspec.Struct, frozen=True):
    """Delete the keys from `key` up to, not including, `until`; without it `key` alone. None is no failure."""

    key: str
    until: str = ""


class Read(msgspec.Struct, frozen=True):
    """Read the keys from `key` up to, not including, `until`, in order of keys; without it `key` alone."""

    key: str
    until: str = ""
    limit: int = 0  # entries at most; 0: all


class Transaction(msgspec.Struct, frozen=True):
    """`then` when all of `compares` hold, `otherwise` when one does not; all of it or nothing, at one revision."""

    compares: tuple[Compare, ...] = ()
    then: tuple[Put | Delete | Read, ...] = ()
    otherwise: tuple[Put | Delete | Read, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What a transaction did. It is durable in the store when this is returned."""

    succeeded: bool  # all compares held
    revision: int  # of the store then
    reads: tuple[tuple[Entry, ...], ...] = ()  # what each Read of the branch taken found, in their order
    deleted: int = 0  # keys that its deletions removed
    cluster_id: int = 0  # of the store, given when it was made; 0: it does not say


class ChangeWatch(Protocol):
    """Says that a key may have changed. It is a wake-up and no more: what became of it is for `transact` to say."""

    def wait(self, wait_s: float) -> bool:
        """Wait until something may have changed since the last call, or the watch was lost; at most so long."""

    def close(self) -> None:
        """Watch no more. Idempotent."""


class LogStore(Protocol):
    """One client of the store, which speaks to one member at a time. Used by one thread at a time."""

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """Carry out `transaction`, durably. Raises NoAnswer and Refused."""

    def grant_lease(self, ttl_s: int, timeout_s: float) -> int:
        """A new lease, which ends when it is not kept for so long. Raises NoAnswer and Refused."""

    def keep_lease(self, lease: int, timeout_s: float) -> float:
        """Have `lease` begin anew; return the seconds it now has, 0 when it has ended. Raises NoAnswer and Refused."""

    def revoke_lease(self, lease: int, timeout_s: float) -> None:
        """End `lease`, and the keys on it; nothing when it has ended. Raises NoAnswer and Refused."""

    def watch(self, key: str) -> ChangeWatch:
        """A watch on one key, from now on. Never raises: a watch that cannot be had wakes up by itself."""

    def next_member(self) -> None:
        """Speak to another member from now on, each in its turn."""

    def close(self) -> None:
        """Let go of all connections. Idempotent."""


class MemberStatus(msgspec.Struct, frozen=True):
    """What one member says of itself."""

    address: str  # as it was given to the client
    member_id: int
    leader_id: int  # of the member that leads; 0: none
    version: str
    space_bytes: int  # of its database's file: what the quota is about
    used_bytes: int  # of it that hold something; the rest a defragmentation gives back
    quota_bytes: int | None = None  # None: it does not say (before etcd 3.6)
    errors: tuple[str, ...] = ()

    @property
    def leads(self) -> bool:
        """Whether it leads the members."""
        return self.member_id == self.leader_id


class MemberAlarm(msgspec.Struct, frozen=True):
    """An alarm that a member has raised; it holds for all members until it is disarmed."""

    member_id: int
    kind: str  # "nospace", "corrupt"


class LogMembers(Protocol):
    """The store's members one by one: what is asked and done beside the protocol, by operators and caretakers."""

    @property
    def addresses(self) -> Sequence[str]:
        """The members that the client knows, as they were given to it."""

    def status(self, address: str, timeout_s: float) -> MemberStatus:
        """What that member says of itself; it needs no leader for that. Raises NoAnswer and Refused."""

    def move_leader(self, leader: MemberStatus, to_member_id: int, timeout_s: float) -> None:
        """Have the leader hand over to that member. Raises NoAnswer and Refused."""

    def compact(self, revision: int, timeout_s: float) -> None:
        """Have all members forget what was overwritten or deleted before `revision`. Raises NoAnswer and Refused."""

    def defragment(self, address: str, timeout_s: float) -> None:
        """Have that member give unused space back; it answers nothing meanwhile. Raises NoAnswer and Refused."""

    def alarms(self, timeout_s: float) -> list[MemberAlarm]:
        """The alarms that hold. Raises NoAnswer and Refused."""

    def disarm(self, alarm: MemberAlarm, timeout_s: float) -> None:
        """End an alarm. Raises NoAnswer and Refused."""
