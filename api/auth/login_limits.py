"""How often one may try to sign in: rules that stop who guesses, and let nobody lock another one out.

| counted by | how much | then |
|---|---|---|
| address, whatever the name | `login_rate`, also for signing up | wait until the window has room |
| name and address together | `FREE_FAILURES` failures | wait 2 s, longer after each further one |
| name, where it never signed in | `FOREIGN_FAILURES_MAX` failures an hour | whose free failures are used up waits |

So a name takes at most about a hundred failures an hour from a few addresses: 40 from foreign ones, 15 from each of the
`OWN_ADDRESSES` where its user signed in last. Each further address has three more, for nobody's guesses may keep a user
from trying at a new one. A name is counted whether or not anybody has it. An address is an IPv4 address or an IPv6
network of 64 bits, of which one client has as many addresses as it likes. An attempt is counted before the password is
checked, so that many at once all count; one that succeeds, or that was not checked, is taken back.

Memory: at most `ENTRIES_MAX` of each count, about 40 MB in all; the one that was used longest ago is forgotten first.
Layer: api.auth. No I/O, no clock of its own.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from api.http.addresses import neighbourhood

FREE_FAILURES: Final = 3
DELAY_FIRST_S: Final = 2
DELAY_MAX_S: Final = 900
FOREIGN_FAILURES_MAX: Final = 40  # an hour
OWN_ADDRESSES: Final = 4
HOUR_S: Final = 3_600
ENTRIES_MAX: Final = 10_000
NAME_MAX: Final = 33  # one more than a name has: no longer one is anybody's

T = TypeVar("T")


class Rate(NamedTuple):
    """So many in so many seconds."""

    times: int
    seconds: int


class _Failures:
    """Those of one name from one address."""

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.count = 0
        self.last = 0.0

    @property
    def next_at(self) -> float:
        """When another attempt may be made."""
        if self.count < FREE_FAILURES:
            return 0.0
        doublings = min(self.count - FREE_FAILURES, DELAY_MAX_S.bit_length())
        return self.last + min(DELAY_MAX_S, DELAY_FIRST_S << doublings)


class LoginLimits:
    """Counts of attempts to sign in. For one thread; nothing here switches. Each method O(1)."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        """`rate`: attempts of one address. `clock`: seconds that never go back."""
        self._rate = rate
        self._clock = clock
        self._by_address: _Recent[deque[float]] = _Recent(deque)
        self._by_both: _Recent[_Failures] = _Recent(_Failures)
        self._foreign: _Recent[deque[float]] = _Recent(deque)
        self._own: _Recent[OrderedDict[str, None]] = _Recent(OrderedDict)  # addresses by name, the newest last

    def count_address(self, address: str) -> float:
        """Count an attempt of an address, for whatever name; the seconds it has to wait, 0 where it was counted."""
        return self._count(self._by_address.of(neighbourhood(address)), *self._rate)

    def count_name(self, name: str, address: str) -> float:
        """Count an attempt as failed; the seconds it has to wait, 0 where it was counted and may go on."""
        name, client, now = folded(name), neighbourhood(address), self._clock()
        failures = self._by_both.of(f"{name} {client}")
        if failures.count and now - failures.last >= HOUR_S:
            failures.count = 0
        if now < failures.next_at:
            return failures.next_at - now
        if not self._is_own(name, client):
            wait = self._count(self._foreign.of(name), FOREIGN_FAILURES_MAX, HOUR_S)
            if wait and failures.count >= FREE_FAILURES:
                return wait
        failures.count += 1
        failures.last = now
        return 0.0

    def take_back(self, name: str, address: str) -> None:
        """The attempt that was counted last for this name and address was not judged."""
        name, client = folded(name), neighbourhood(address)
        failures = self._by_both.of(f"{name} {client}")
        failures.count = max(0, failures.count - 1)
        foreign = self._foreign.of(name)
        if foreign and not self._is_own(name, client):
            foreign.pop()

    def succeeded(self, name: str, address: str) -> None:
        """Its user has signed in: what failed from there is forgotten, and the address is one of theirs."""
        self.take_back(name, address)
        self._by_both.forget(f"{folded(name)} {neighbourhood(address)}")
        self.add_own(name, address)

    def add_own(self, name: str, address: str) -> None:
        """The user of this name has signed in from this address."""
        own = self._own.of(folded(name))
        own[neighbourhood(address)] = None
        own.move_to_end(neighbourhood(address))
        if len(own) > OWN_ADDRESSES:
            own.popitem(last=False)

    def _is_own(self, name: str, client: str) -> bool:
        own = self._own.get(name)
        return own is not None and client in own

    def _count(self, times: deque[float], count: int, seconds: int) -> float:
        now = self._clock()
        while times and now - times[0] >= seconds:
            times.popleft()
        if len(times) >= count:
            return times[0] + seconds - now
        times.append(now)
        return 0.0


class _Recent(Generic[T]):
    """What is kept by key, at most `ENTRIES_MAX` of it: that which was used last."""

    def __init__(self, new: Callable[[], T]) -> None:
        self._new = new
        self._kept: OrderedDict[str, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> T | None:
        return self._kept.get(key)

    def of(self, key: str) -> T:
        """What is kept of `key`, made where there is nothing."""
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._new()
            if len(self._kept) > ENTRIES_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return found

    def forget(self, key: str) -> None:
        self._kept.pop(key, None)


def folded(name: str) -> str:
    """The name under which a user's attempts are counted: users differ by more than case."""
    return name[:NAME_MAX].lower()
