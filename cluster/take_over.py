"""From a claim to a writer: read to the head, verify, append a record that says so, then open.

Whoever claims the log while an older writer's last append is on its way reads either a head that has it or one to
which it can no longer be appended: the epoch has changed. So the head that is read after the claim is the last.
Layer: cluster. Blocks, by what it is given.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.append import Appender
from cluster.keys import StoredHead
from cluster.log_reader import LogReader
from cluster.records import Position
from journal.codec import BatchRecord


def take_over(
    reader: LogReader,
    behind: Position,
    apply: Callable[[BatchRecord], object],
    appender: Callable[[StoredHead], Appender],
    seal: Callable[[Position], BatchRecord],
    giving_up: Callable[[], bool],
) -> Appender | None:
    """Become the writer by a claim, from the node's own position `behind`; None when it was given up.

    `appender` makes what appends in the claim's epoch. `apply` takes every record up to the head and, at the end, the
    one that `seal` makes behind it: it dates the take-over (a `WriterChanged` command) and proves that this epoch can
    write. Raises what reading and appending do.
    """
    head = reader.read_to_head(behind, apply, giving_up)
    if head is None:
        return None
    writer = appender(head)
    changed = seal(head.head.position)
    writer.append(changed)
    apply(changed)
    return writer
