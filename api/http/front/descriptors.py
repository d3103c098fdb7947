"""How many connections the machine's limit of open files leaves room for.

Layer: api.http.
"""

from __future__ import annotations

import logging
import resource

from api.http.front.bounds import DESCRIPTORS_KEPT

log = logging.getLogger(__name__)


def connections_possible(wanted: int) -> int:
    """As many of the `wanted` connections as there may be descriptors; raises the process's limit where it may.

    Logs a warning where they are fewer.
    """
    needed = wanted + DESCRIPTORS_KEPT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    possible = max(1, soft - DESCRIPTORS_KEPT)
    log.warning(
        "room for %d connections only, of --max-connections %d: the limit of open files is %d (ulimit -n)",
        possible,
        wanted,
        soft,
    )
    return possible
