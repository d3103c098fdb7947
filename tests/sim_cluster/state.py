"""What the members have agreed on: keys with revisions, leases, and how full it is. No time of its own."""

from __future__ import annotations

from typing import NamedTuple


class Kept(NamedTuple):
    """One key's value, with the revisions at which it was made and last changed."""

    value: bytes
    create_revision: int
    mod_revision: int
    version: int
    lease: int


class Lease:
    """A lease: keys that live as long as somebody renews it."""

    def __init__(self, ttl_ns: int, now_ns: int) -> None:
        self.ttl_ns = ttl_ns
        self.due_ns = now_ns + ttl_ns


class OutOfSpace(Exception):
    """Nothing may be put any more: what was asked was not done."""


class LeaseGone(Exception):
    """There is no such lease."""


class LogState:
    """The state of the log, behind everything that was agreed on so far."""

    def __init__(self) -> None:
        self.revision = 1
        self.keys: dict[str, Kept] = {}
        self.leases: dict[int, Lease] = {}
        self.is_full = False
        self._next_lease = 1000

    def copy(self, now_ns: int) -> LogState:
        """What a backup has of it: as it is restored, every lease begins anew."""
        other = LogState()
        other.revision, other.keys, other._next_lease = self.revision, dict(self.keys), self._next_lease
        other.leases = {number: Lease(lease.ttl_ns, now_ns) for number, lease in self.leases.items()}
        return other

    def between(self, first: str, end: str) -> list[tuple[str, Kept]]:
        """The keys from `first` up to before `end`, in order."""
        return [(key, self.keys[key]) for key in sorted(self.keys) if first <= key < end]

    def begin(self) -> None:
        """A revision of its own for what is changed next."""
        self.revision += 1

    def put(self, key: str, value: bytes, lease: int = 0) -> None:
        """Put a value at this revision. Raises LeaseGone."""
        if lease and lease not in self.leases:
            raise LeaseGone
        old = self.keys.get(key)
        created, version = (self.revision, 0) if old is None else (old.create_revision, old.version)
        self.keys[key] = Kept(value, created, self.revision, version + 1, lease)

    def delete(self, first: str, end: str | None = None) -> int:
        """Delete a key, or all from `first` up to before `end`; how many there were."""
        doomed = [key for key in self.keys if (key == first if end is None else first <= key < end)]
        for key in doomed:
            del self.keys[key]
        return len(doomed)

    # -- leases

    def grant(self, ttl_ns: int, now_ns: int) -> int:
        """A new lease."""
        self._next_lease += 1
        self.leases[self._next_lease] = Lease(ttl_ns, now_ns)
        return self._next_lease

    def renew(self, lease: int, now_ns: int) -> bool:
        """Keep a lease alive; whether it still is there."""
        found = self.leases.get(lease)
        if found is None:
            return False
        found.due_ns = now_ns + found.ttl_ns
        return True

    def revoke(self, lease: int) -> bool:
        """End a lease, and delete its keys; whether it was there."""
        if self.leases.pop(lease, None) is None:
            return False
        self.begin()
        for key in [key for key, kept in self.keys.items() if kept.lease == lease]:
            del self.keys[key]
        return True

    def renew_leases(self, now_ns: int) -> None:
        """Every lease counts from here on: a new leader does not know when each was kept alive."""
        for lease in self.leases.values():
            lease.due_ns = now_ns + lease.ttl_ns

    def expire(self, now_ns: int) -> bool:
        """End the leases that nobody has kept alive; whether there were any."""
        doomed = [number for number, lease in self.leases.items() if lease.due_ns <= now_ns]
        for number in doomed:
            self.revoke(number)
        return bool(doomed)
