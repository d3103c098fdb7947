"""Hosts on this machine: a network namespace each, joined by a bridge; what one sends another can be lost.

A cut is one-way and silent, as a broken switch: the sender's kernel is given a wrong hardware address for the other
host, so what it sends goes nowhere and nobody is told. It needs iproute2 and the right to make namespaces, and no
firewall.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

NOBODY = "02:00:00:00:00:fe"  # a hardware address that no host has
_numbers = itertools.count(1)


class Hosts:
    """Namespaces that can reach each other and this process. A context manager: all are gone at the end."""

    def __init__(self, names: Sequence[str]) -> None:
        """Names are of this object; addresses and interfaces are of this process."""
        self.names = list(names)
        self._tag = f"ob{os.getpid()}x{next(_numbers)}"
        self._bridge = self._tag
        self._net = _free_net()
        self._cuts: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        try:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("addr", "add", f"{self.ours}/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
            for number, name in enumerate(self.names, 1):
                self._add(number, name)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def ours(self) -> str:
        """The address by which they reach this process."""
        return f"{self._net}.254"

    def address(self, name: str) -> str:
        """The address of a host."""
        return f"{self._net}.{self.names.index(name) + 1}"

    def prefix(self, name: str) -> tuple[str, ...]:
        """What stands before a command that is to run on a host. It becomes that command: the process id stays."""
        return ("ip", "netns", "exec", self._namespace(name))

    def lose(self, sender: str, receiver: str) -> None:
        """From now on nothing that `sender` sends to `receiver` comes there; the other way it does."""
        if (sender, receiver) not in self._cuts:
            place = ["-n", self._namespace(sender)]
            _ip(*place, "neigh", "replace", self.address(receiver), "lladdr", NOBODY, "dev", "eth0", "nud", "permanent")
            self._cuts.add((sender, receiver))

    def split(self, *groups: Iterable[str]) -> None:
        """From now on hosts of different groups cannot reach each other; this process reaches all."""
        members = [list(group) for group in groups]
        for one, other in itertools.permutations(members, 2):
            for sender, receiver in itertools.product(one, other):
                self.lose(sender, receiver)

    def isolate(self, name: str) -> None:
        """Cut one off from the other hosts, both ways."""
        self.split([name], [other for other in self.names if other != name])

    def unplug(self, name: str) -> None:
        """Cut one off from everybody, this process included."""
        _ip("-n", self._namespace(name), "link", "set", "eth0", "down")

    def plug(self, name: str) -> None:
        """Undo `unplug`."""
        _ip("-n", self._namespace(name), "link", "set", "eth0", "up")

    def heal(self) -> None:
        """Undo every cut."""
        while self._cuts:
            sender, receiver = self._cuts.pop()
            _ip("-n", self._namespace(sender), "neigh", "del", self.address(receiver), "dev", "eth0")

    def close(self) -> None:
        """Remove everything that was made. Nothing may run there any more."""
        for name in self.names:
            subprocess.run(["ip", "netns", "del", self._namespace(name)], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._bridge], capture_output=True, check=False)

    def _add(self, number: int, name: str) -> None:
        namespace, outside = self._namespace(name), f"{self._tag}{number}"
        _ip("netns", "add", namespace)
        _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("link", "set", outside, "master", self._bridge, "up")
        _ip("-n", namespace, "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
        for interface in ("eth0", "lo"):
            _ip("-n", namespace, "link", "set", interface, "up")

    def _namespace(self, name: str) -> str:
        return f"{self._tag}-{name}"


def can_isolate() -> bool:
    """Whether hosts can be made here."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        return False
    try:
        with Hosts(["probe"]):
            return True
    except OSError:
        return False


def _free_net() -> str:
    """The first three numbers of addresses that nobody here uses."""
    used = subprocess.run(["ip", "-4", "addr"], capture_output=True, text=True, check=False).stdout
    return next(net for number in range(200, 250) if f" {(net := f'10.213.{number}')}." not in used)


def _ip(*words: str) -> None:
    """Raises OSError where it is not allowed."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
