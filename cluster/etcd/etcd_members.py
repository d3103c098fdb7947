"""The port `LogMembers` over etcd: status, leadership, compaction, defragmentation and alarms.

Layer: cluster. Blocks: for native threads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.etcd.addresses import Members
from cluster.etcd.connections import Connections
from cluster.etcd.wire_pb2 import (
    CORRUPT,
    NONE,
    NOSPACE,
    AlarmRequest,
    AlarmResponse,
    CompactionRequest,
    CompactionResponse,
    DefragmentRequest,
    DefragmentResponse,
    MoveLeaderRequest,
    MoveLeaderResponse,
    StatusRequest,
    StatusResponse,
)
from cluster.store import MemberAlarm, MemberStatus, NoAnswer, Refused

_KINDS = {NOSPACE: "nospace", CORRUPT: "corrupt"}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}


class EtcdMembers:
    """The members of etcd, one by one. Used by one thread at a time."""

    def __init__(self, members: Members) -> None:
        """Raises BadAddresses."""
        self._connections = Connections(members)

    @property
    def addresses(self) -> Sequence[str]:
        """The members, as host:port."""
        return self._connections.addresses

    def status(self, address: str, timeout_s: float) -> MemberStatus:
        """What that member says of itself. Raises NoAnswer and Refused."""
        answer = self._connections.call(address, "Maintenance/Status", StatusRequest(), StatusResponse, timeout_s)
        return MemberStatus(
            address=address,
            member_id=answer.header.member_id,
            leader_id=answer.leader,
            version=answer.version,
            space_bytes=answer.db_size,
            used_bytes=answer.db_size_in_use,
            quota_bytes=answer.db_size_quota or None,
            errors=tuple(answer.errors),
        )

    def move_leader(self, leader: MemberStatus, to_member_id: int, timeout_s: float) -> None:
        """Have the leader hand over to that member. Raises NoAnswer and Refused."""
        request = MoveLeaderRequest(target_id=to_member_id)
        self._connections.call(leader.address, "Maintenance/MoveLeader", request, MoveLeaderResponse, timeout_s)

    def compact(self, revision: int, timeout_s: float) -> None:
        """Have all members forget what was overwritten or deleted before `revision`, and wait until this one has.

        Nothing when that was done before. Raises NoAnswer and Refused.
        """
        request = CompactionRequest(revision=revision, physical=True)
        try:
            self._by_any("KV/Compact", request, CompactionResponse, timeout_s)
        except Refused as error:
            if "has been compacted" not in str(error):
                raise

    def defragment(self, address: str, timeout_s: float) -> None:
        """Have that member give unused space back. Raises NoAnswer and Refused."""
        self._connections.call(address, "Maintenance/Defragment", DefragmentRequest(), DefragmentResponse, timeout_s)

    def alarms(self, timeout_s: float) -> list[MemberAlarm]:
        """The alarms that hold. Raises NoAnswer and Refused."""
        request = AlarmRequest(action=AlarmRequest.GET, alarm=NONE)
        answer = self._by_any("Maintenance/Alarm", request, AlarmResponse, timeout_s)
        return [MemberAlarm(alarm.member_id, _KINDS.get(alarm.alarm, str(alarm.alarm))) for alarm in answer.alarms]

    def disarm(self, alarm: MemberAlarm, timeout_s: float) -> None:
        """End an alarm. Raises NoAnswer and Refused."""
        request = AlarmRequest(action=AlarmRequest.DEACTIVATE, member_id=alarm.member_id, alarm=_NUMBERS[alarm.kind])
        self._by_any("Maintenance/Alarm", request, AlarmResponse, timeout_s)

    def close(self) -> None:
        """Let go of all connections. Idempotent."""
        self._connections.close()

    def _by_any(self, method: str, request: Any, answer: Any, timeout_s: float) -> Any:
        """The answer of the first member that gives one. Raises the last NoAnswer, and Refused."""
        failure: NoAnswer | None = None
        for address in self._connections.addresses:
            try:
                return self._connections.call(address, method, request, answer, timeout_s)
            except NoAnswer as error:
                failure = error
        raise failure if failure is not None else NoAnswer("etcd has no members.")
