"""Which nodes there are: each has a key with what it says of itself, on a lease that ends some time after the node.

Where clients reach it stands in another one, which stays until the node is removed: who was given the addresses while
a node was away finds it when it is back.
Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from cluster.keys import CLUSTER_NAME, Keys
from cluster.peer_frames import NodeState
from cluster.store import (
    CreatedIn,
    Delete,
    Entry,
    LogStore,
    ModifiedIn,
    NoAnswer,
    Put,
    Read,
    Refused,
    StoreError,
    Transaction,
)

log = logging.getLogger(__name__)

LEASE_S: Final = 15  # that a node is known of when it is gone
KEEP_S: Final = 4.0
READ_S: Final = 1.0  # between two reads of who there is
ANSWER_S: Final = 0.4

_decode: Final = msgspec.json.Decoder(NodeState).decode
_is_url: Final = re.compile(r"https?://[!-~]+").fullmatch


class KnownNodes:
    """The nodes as one of them sees them. Used by one thread, but what says that it is for any."""

    def __init__(
        self,
        store: LogStore,
        keys: Keys,
        complete: Callable[[NodeState], NodeState],
        on_known: Callable[[dict[str, NodeState], dict[str, str]], object] = lambda known, urls: None,
        on_stand_down: Callable[[], object] = lambda: None,
    ) -> None:
        """`complete` adds to a state what the process says. `on_known` is called with the others when they change:
        `known` and `urls`.

        `on_stand_down` is called when an operator asks this node, by its key, to write no more.
        """
        self._store = store
        self._keys = keys
        self._complete = complete
        self._on_known = on_known
        self._on_stand_down = on_stand_down
        self._asked: int | None = None  # the revision of the last such wish; None: it was not looked for yet
        self._lease = 0
        self._said: NodeState | None = None
        self._put: tuple[Put, ...] = ()  # by which it was said
        self._kept_at = self._read_at = 0.0
        self._is_away = False
        self.known: dict[str, NodeState] = {}  # by name, without this one; replaced whole: for any thread
        self.known_at = float("-inf")  # monotonic, when that was read last
        self.urls: dict[str, str] = {}  # and where clients reach each of them, also those that are away

    def peer_of(self, name: str) -> str:
        """The address at which that node is asked; "" for one that is not known. From any thread."""
        known = self.known.get(name)
        return "" if known is None else known.peer

    def tend(self, state: NodeState) -> None:
        """Say what this node is, and read who else there is, as far as that is due. Raises nothing: it can wait."""
        now = time.monotonic()
        problem: StoreError | None = None
        try:
            problem = self._said_or_refused(self._complete(state), now)
            if now - self._read_at >= READ_S:
                self._read_at = now
                self._read(state.name)
        except NoAnswer as silence:
            self._store.next_member()
            problem = silence
        except Refused as refusal:
            problem = refusal
        if problem is not None and not self._is_away:
            log.warning("the nodes do not know of each other just now: %s", problem)
        self._is_away = problem is not None

    def withdraw(self) -> None:
        """Be known of no more. Raises nothing."""
        try:
            if self._lease:
                self._store.revoke_lease(self._lease, ANSWER_S)
        except StoreError as problem:
            log.info("this node's key stays until its lease ends: %s", problem)

    def _said_or_refused(self, state: NodeState, now: float) -> Refused | None:
        """Say what this node is; why that was refused, as by a log that is full: the others are read all the same."""
        try:
            self._say(state, now)
        except Refused as refusal:
            return refusal
        return None

    def _say(self, state: NodeState, now: float) -> None:
        if self._lease and now - self._kept_at >= KEEP_S:
            self._kept_at = now
            if self._store.keep_lease(self._lease, ANSWER_S) <= 0:
                self._lease = 0
        if not self._lease:
            self._lease = self._store.grant_lease(LEASE_S, ANSWER_S)
            self._kept_at, self._said = now, None
        if self._said is None or (state.role, state.epoch) != (self._said.role, self._said.epoch):
            put = Put(self._keys.node(state.name), msgspec.json.encode(state), self._lease)
            stays = Put(self._keys.address(state.name), state.url.encode())
            self._put = (put, stays)
            self._store.transact(Transaction(then=self._put), ANSWER_S)
            self._said = state

    def _read(self, own_name: str) -> None:
        keys = self._keys
        reads = (
            Read(keys.nodes, keys.nodes_end),
            Read(keys.addresses, keys.addresses_end),
            Read(keys.stand_down(own_name)),
        )
        nodes, addresses, wishes = self._store.transact(Transaction(then=reads), ANSWER_S).reads
        there = {entry.key: entry.value for entry in (*nodes, *addresses)}
        if any(there.get(put.key) != put.value for put in self._put):
            self._said = None  # somebody has deleted it, or put over it: the next turn says it again
        known = {state.name: state for state in _states_in(keys, nodes) if state.name != own_name}
        asked = wishes[0].modified if wishes else 0
        if self._asked is not None and asked > self._asked:
            self._on_stand_down()
        self._asked = asked
        urls = _urls_in(keys, addresses) | {name: state.url for name, state in known.items()}
        urls.pop(own_name, None)
        peers = {name: state.peer for name, state in known.items()}
        changed = urls != self.urls or peers != {name: state.peer for name, state in self.known.items()}
        self.known, self.urls, self.known_at = known, urls, time.monotonic()
        if changed:
            self._on_known(known, urls)
        self._keep_addresses(known, nodes, {entry.key for entry in addresses})

    def _keep_addresses(self, known: Mapping[str, NodeState], nodes: Iterable[Entry], kept: Collection[str]) -> None:
        """Have the address of each node stay that does not see to it by itself, as the version before does not.

        So its pages are let in elsewhere when it is stopped to be upgraded. Not where it was removed meanwhile.
        """
        modified = {entry.key: entry.modified for entry in nodes}
        for name, state in known.items():
            key, said = self._keys.address(name), self._keys.node(name)
            if key not in kept and _is_url(state.url):
                there = ModifiedIn(said, modified[said])
                put = Transaction((CreatedIn(key, 0), there), (Put(key, state.url.encode()),))
                with contextlib.suppress(Refused):  # by a log that is full: a later turn does it
                    self._store.transact(put, ANSWER_S)


def nodes_of(store: LogStore, keys: Keys) -> list[NodeState]:
    """What every node has said of itself when its role changed last. Raises StoreError."""
    read = Transaction(then=(Read(keys.nodes, keys.nodes_end),))
    return list(_states_in(keys, store.transact(read, ANSWER_S).reads[0]))


def _states_in(keys: Keys, entries: Iterable[Entry]) -> Iterator[NodeState]:
    """What the entries say; one that cannot be read, such as another version's, hides no other node.

    Nor does one that stands under another node's key.
    """
    for entry in entries:
        try:
            state = _decode(entry.value)
        except ValueError as problem:  # DecodeError, or a text that is none
            log.debug("%s cannot be read: %s", entry.key, problem)
            continue
        if entry.key == keys.node(state.name) and CLUSTER_NAME.fullmatch(state.name):
            yield state


def addresses_of(store: LogStore, keys: Keys) -> dict[str, str]:
    """The URL at which clients reach each node that was not removed, by its name. Raises StoreError."""
    read = Transaction(then=(Read(keys.addresses, keys.addresses_end),))
    return _urls_in(keys, store.transact(read, ANSWER_S).reads[0])


def _urls_in(keys: Keys, entries: Iterable[Entry]) -> dict[str, str]:
    """Without what is no URL, or of no node: nobody is sent there."""
    found = {entry.key.removeprefix(keys.addresses): entry.value.decode(errors="replace") for entry in entries}
    return {name: url for name, url in found.items() if CLUSTER_NAME.fullmatch(name) and _is_url(url)}


def ask_to_stand_down(store: LogStore, keys: Keys, name: str, by: str) -> None:
    """Have a node lay down the writing, and not stand for a while. Raises StoreError."""
    put = Put(keys.stand_down(name), by.encode())
    store.transact(Transaction(then=(put,)), ANSWER_S)


def forget_node(store: LogStore, keys: Keys, name: str) -> None:
    """Have a node that is gone be no part of the cluster: nothing waits for its snapshots, and nobody is sent there.

    Raises StoreError.
    """
    gone = (keys.node(name), keys.address(name), keys.snapshot(name), keys.stand_down(name))
    store.transact(Transaction(then=tuple(Delete(key) for key in gone)), ANSWER_S)
