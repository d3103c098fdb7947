"""The server's side of publishing: a process for each target, and how far each of them is.

Layer: publish. For any thread; nothing but `close` blocks.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import structs

from journal.snapshots import SnapshotFolder
from publish.options import VARIABLE, PublisherOptions
from publish.target import Target
from replica.child import SILENCE_END_S, SILENCE_REPORT_S, ChildEnd, ChildFollower
from replica.frames import Position, State
from replica.record_log import RecordLog

MODULE: Final = "publish"
CLOSE_S: Final = 1.0  # that each may take to publish what it has: the next start publishes the rest
ENDS_MAX: Final = 3  # in a row, before it is told
IS_SILENT: Final = "The process that publishes does not answer; if it goes on so, it is ended and another is started."
COULD_NOT_START: Final = "The process that publishes cannot be started; it is tried again, and the log says why."
ENDS_AGAIN: Final = "The process that publishes ends again and again; it is started again, and the log says why."
HAS_STOPPED: Final = "Nothing is published any more; the log says why. The next start tries it anew."


class PublisherState(NamedTuple):
    """How far one publisher is."""

    broker: str  # redis or kafka; of several the second is redis-2
    n: int  # everything up to this record is in the broker; 0: nothing, or it is not known yet
    seq: int  # likewise, of commands
    failure: str | None  # why it does not get on


class PublisherHost:
    """Has the records published at one target, by a process of its own."""

    def __init__(
        self,
        name: str,
        options: PublisherOptions,
        records: RecordLog,
        *,
        silence_report_s: float = SILENCE_REPORT_S,
        silence_end_s: float = SILENCE_END_S,
    ) -> None:
        """Start it. When it says nothing for so many seconds while records wait, that is told, and it is killed."""
        self.state = PublisherState(name, 0, 0, None)
        self._begins_at_newest = False
        self._child = ChildFollower(
            MODULE,
            self._arguments,
            records,
            on_said=self._on_said,
            on_end=self._on_end,
            on_silence=lambda: self._note_failure(IS_SILENT),
            silence_report_s=silence_report_s,
            silence_end_s=silence_end_s,
            environment={VARIABLE: msgspec.json.encode(options).decode()},
        )

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child.pid

    def finish(self) -> None:
        """Let it publish what it has, and end. Returns at once."""
        self._child.finish()

    def close(self) -> None:
        """End it, within `CLOSE_S` seconds from now. Idempotent."""
        self._child.close(CLOSE_S)

    # -- in the thread of the child's link

    def _arguments(self) -> list[str]:
        return ["newest"] if self._begins_at_newest else []

    def _on_said(self, message: Position | State) -> None:
        if isinstance(message, Position):
            n, seq = (self.state.n, self.state.seq) if message.seq is None else (message.n, message.seq)
            self.state = PublisherState(self.state.broker, n, seq, message.failure)

    def _on_end(self, end: ChildEnd) -> None:
        self._begins_at_newest = end.unreadable
        if not end.again:
            self._note_failure(HAS_STOPPED)
        elif not end.started:
            self._note_failure(COULD_NOT_START)
        elif end.times >= ENDS_MAX:
            self._note_failure(ENDS_AGAIN)

    def _note_failure(self, failure: str) -> None:
        self.state = self.state._replace(failure=failure)


class Publishers:
    """All of a server."""

    def __init__(self, targets: Sequence[Target], snapshots: Path, version: str, records: RecordLog) -> None:
        """Start a process for each target. `snapshots`: the folder with states to begin with."""
        self._snapshots = SnapshotFolder(snapshots, version)
        kinds: Counter[str] = Counter()
        self._hosts: list[PublisherHost] = []
        for target in targets:
            kinds[target.kind] += 1
            name = target.kind if kinds[target.kind] == 1 else f"{target.kind}-{kinds[target.kind]}"
            if target.config is not None:  # the process has another working directory
                target = structs.replace(target, config=str(Path(target.config).absolute()))  # noqa: PLW2901
            options = PublisherOptions(target, str(snapshots.absolute()), version)
            self._hosts.append(PublisherHost(name, options, records))

    def states(self) -> list[PublisherState]:
        """How far each is."""
        return [host.state for host in self._hosts]

    @property
    def children(self) -> dict[str, Callable[[], int | None]]:
        """What gives the process id of each, by its name."""
        return {f"publish-{host.state.broker}": partial(_pid, host) for host in self._hosts}

    def needed_from(self, n: int) -> int:
        """The last record up to `n` that nobody needs any more to go on publishing. O(snapshots)."""
        published_n = min((host.state.n for host in self._hosts), default=n)
        if published_n >= n:
            return n
        with suppress(OSError):
            return max((file.n for file in self._snapshots.files() if file.n <= published_n), default=0)
        return 0

    def finish(self) -> None:
        """Let each publish what it has, and end. Returns at once."""
        for host in self._hosts:
            host.finish()

    def close(self) -> None:
        """End them all, at the same time, within `CLOSE_S` seconds. Idempotent."""
        closing = [threading.Thread(target=host.close, name="publisher-close") for host in self._hosts]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()


def _pid(host: PublisherHost) -> int | None:
    return host.pid
