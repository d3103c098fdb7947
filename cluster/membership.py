"""The log's members as far as they answer.

Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

import logging
from typing import Final

from cluster.store import LogMembers, MemberStatus, StoreError

STATUS_S: Final = 1.0

log = logging.getLogger(__name__)


def member_statuses(members: LogMembers, timeout_s: float = STATUS_S) -> list[MemberStatus]:
    """What each member says of itself, without those that do not answer. Never raises StoreError."""
    statuses = []
    for address in members.addresses:
        try:
            statuses.append(members.status(address, timeout_s))
        except StoreError as error:
            log.debug("No status of %s: %s", address, error)
    return statuses
