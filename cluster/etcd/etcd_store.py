"""The port `LogStore` over etcd: transactions, leases and watches of one client.

Layer: cluster. Blocks: for native threads only.
"""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from cluster.etcd.addresses import Members
from cluster.etcd.connections import Connections
from cluster.etcd.watching import EtcdWatch
from cluster.etcd.wire_pb2 import (
    Compare,
    DeleteRangeRequest,
    KeyValue,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    PutRequest,
    RangeRequest,
    RequestOp,
    ResponseOp,
    TxnRequest,
    TxnResponse,
)
from cluster.store import (
    ChangeWatch,
    CreatedIn,
    Delete,
    Entry,
    ModifiedIn,
    NoAnswer,
    Outcome,
    Put,
    Read,
    Refused,
    TooLarge,
    Transaction,
    ValueIs,
)


class EtcdStore:
    """One client of etcd, which speaks to one member at a time. Used by one thread at a time."""

    def __init__(self, members: Members, first: int = 0, *, reads_local: bool = False) -> None:
        """`first`: the member that it begins with, so that not all clients burden the same. Raises BadAddresses.

        `reads_local`: what is read is what the member itself has, which may be old, and needs no other member.
        """
        self._members = members
        self._reads_local = reads_local
        self._connections = Connections(members)
        self._at = first % len(members.addresses)

    @property
    def address(self) -> str:
        """The member that it speaks to."""
        return self._connections.addresses[self._at]

    def use_member(self, address: str) -> None:
        """Speak to that member from now on: the leader saves a hop. Raises ValueError for one that is not known."""
        self._at = self._connections.addresses.index(address)

    def next_member(self) -> None:
        """Speak to another member from now on, each in its turn."""
        self._at = (self._at + 1) % len(self._connections.addresses)

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """Carry out `transaction`, durably. Raises NoAnswer and Refused."""
        request = TxnRequest(
            compare=[_compare(compare) for compare in transaction.compares],
            success=[self._operation(operation) for operation in transaction.then],
            failure=[self._operation(operation) for operation in transaction.otherwise],
        )
        try:
            answer = self._connections.call(self.address, "KV/Txn", request, TxnResponse, timeout_s)
        except TooLarge as error:
            if "etcdserver" in str(error) or "grpc: " in str(error) or _reads_only(transaction):
                raise  # the member's word on the request, or an answer that changed nothing
            raise NoAnswer(str(error)) from error  # the answer: it may have been carried out
        return _outcome(answer)

    def grant_lease(self, ttl_s: int, timeout_s: float) -> int:
        """A new lease, which ends when it is not kept for so long. Raises NoAnswer and Refused."""
        request = LeaseGrantRequest(ttl=ttl_s)
        answer = self._connections.call(self.address, "Lease/LeaseGrant", request, LeaseGrantResponse, timeout_s)
        lease: int = answer.id
        return lease

    def keep_lease(self, lease: int, timeout_s: float) -> float:
        """Have `lease` begin anew; return the seconds it now has, 0 when it has ended. Raises NoAnswer and Refused."""
        address = self.address
        call = self._connections.channel(address).stream_stream(
            "/etcdserverpb.Lease/LeaseKeepAlive",
            request_serializer=LeaseKeepAliveRequest.SerializeToString,
            response_deserializer=LeaseKeepAliveResponse.FromString,
        )(iter([LeaseKeepAliveRequest(id=lease)]), timeout=timeout_s)
        try:
            for answer in call:
                return float(answer.ttl)
        except grpc.RpcError as error:
            raise self._connections.failure(error, address) from None
        finally:
            call.cancel()
        raise NoAnswer(f"etcd at {address} ended a lease's stream without an answer.")

    def revoke_lease(self, lease: int, timeout_s: float) -> None:
        """End `lease`, and the keys on it; nothing when it has ended. Raises NoAnswer and Refused."""
        request = LeaseRevokeRequest(id=lease)
        try:
            self._connections.call(self.address, "Lease/LeaseRevoke", request, LeaseRevokeResponse, timeout_s)
        except Refused as error:
            if "lease not found" not in str(error):
                raise

    def watch(self, key: str) -> ChangeWatch:
        """A watch on one key, from now on, in a native thread and with connections of its own."""
        return EtcdWatch(self._members, self._at, key)

    def close(self) -> None:
        """Let go of all connections. Idempotent."""
        self._connections.close()

    def _operation(self, operation: Put | Delete | Read) -> RequestOp:
        key = operation.key.encode()
        match operation:
            case Put(value=value, lease=lease):
                return RequestOp(request_put=PutRequest(key=key, value=value, lease=lease))
            case Delete(until=until):
                return RequestOp(request_delete_range=DeleteRangeRequest(key=key, range_end=until.encode()))
            case Read(until=until, limit=limit):
                end, local = until.encode(), self._reads_local
                return RequestOp(request_range=RangeRequest(key=key, range_end=end, limit=limit, serializable=local))


def _compare(compare: CreatedIn | ModifiedIn | ValueIs) -> Compare:
    key = compare.key.encode()
    match compare:
        case CreatedIn(revision=revision):
            return Compare(target=Compare.CREATE, key=key, create_revision=revision)
        case ModifiedIn(revision=revision):
            return Compare(target=Compare.MOD, key=key, mod_revision=revision)
        case ValueIs(value=value):
            return Compare(target=Compare.VALUE, key=key, value=value)


def _reads_only(transaction: Transaction) -> bool:
    return all(isinstance(operation, Read) for operation in (*transaction.then, *transaction.otherwise))


def _outcome(answer: TxnResponse) -> Outcome:
    reads, deleted = [], 0
    for response in answer.responses:
        if response.HasField("response_range"):
            reads.append(_entries(response))
        elif response.HasField("response_delete_range"):
            deleted += response.response_delete_range.deleted
    return Outcome(answer.succeeded, answer.header.revision, tuple(reads), deleted, answer.header.cluster_id)


def _entries(response: ResponseOp) -> tuple[Entry, ...]:
    found: Sequence[KeyValue] = response.response_range.kvs
    return tuple(  # a key that is no text is none of ours, and is read as one that nobody asks for
        Entry(
            kv.key.decode(errors="backslashreplace"),
            kv.value,
            kv.create_revision,
            kv.mod_revision,
            kv.version,
            kv.lease,
        )
        for kv in found
    )
