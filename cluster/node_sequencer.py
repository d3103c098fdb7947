"""The sequencer's surface of a node: what this node does not take just now is refused before it is sent anywhere.

Layer: cluster. For the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from greenlet import getcurrent

from cluster.link_client import WriterLink
from cluster.remote_sequencer import RemoteSequencer
from cluster.signed_requests import SignedRequests
from engine.commands import AdvanceTime, CancelAll, CancelOrder, Command
from engine.events import CommandResult
from projections.submissions import SubmissionWindow
from replica.follower import Follower
from sequencer.port import STARTING, STOPPING, NotAccepting

CANCELS: Final = (CancelOrder, CancelAll, AdvanceTime)
CANCELS_ONLY: Final = "the log has little space left: only cancels are taken"


class NodeSequencer(RemoteSequencer):
    """`Sequencing` of a node, whatever its role is just now."""

    def __init__(
        self,
        follower: Follower,
        submissions: SubmissionWindow,
        link: WriterLink,
        *,
        clock: Callable[[], int],
        on_invariant_violation: Callable[[BaseException], NoReturn],
        max_waiting: int,
        node_refusal: Callable[[], str | None],
        takes_cancels_only: Callable[[], bool],
    ) -> None:
        """As `RemoteSequencer`. `node_refusal`: why this node takes nothing just now, in words; None where it does."""
        super().__init__(
            follower,
            submissions,
            link,
            clock=clock,
            on_invariant_violation=on_invariant_violation,
            max_waiting=max_waiting,
            names_orders=True,
        )
        self.signed = SignedRequests(submissions.signatures, lambda: self.submit(AdvanceTime()))
        self.mark_now = self.signed.mark_now
        self.beginner: object = None  # the greenlet that lists the first instruments
        self._node_refusal = node_refusal
        self._takes_cancels_only = takes_cancels_only

    @property
    def refusal(self) -> str | None:
        """As `Sequencing.refusal`. That the writer changes is none: who submits meanwhile waits for the next one."""
        if (why := self._node_refusal()) is not None:
            return why
        if not self._exchange.books and getcurrent() is not self.beginner:
            return STARTING  # what is read in units of nothing could be sequenced behind the listing
        return self._refusal if self._local is not None else super().refusal

    def submit_all(self, commands: Sequence[Command]) -> list[CommandResult]:
        """As `Sequencing.submit_all`."""
        self._require_space(commands)
        results = super().submit_all(commands)
        self.signed.end()
        return results

    def submit_as(self, key: bytes, commands: Sequence[Command], fingerprint: bytes = b"") -> list[CommandResult]:
        """As `Sequencing.submit_as`."""
        self._require_space(commands)
        results = super().submit_as(key, commands, fingerprint)
        self.signed.end()
        return results

    def take_no_more(self) -> None:
        """Take no commands any more; what was taken is answered still."""
        self._refusal = self._refusal or STOPPING

    def give_up_waiting(self) -> None:
        """Nobody follows any more: what is not answered will not be. What became of it is not known."""
        self._patience_s = 0.0

    def _give_up_overdue(self) -> None:
        super()._give_up_overdue()
        why = self._node_refusal()
        if why is None:
            return
        for one in self._unanswered:  # what nobody may have taken is refused as a new one would be
            if not one.out and self._unanswered.take(one.submission.key) is not None:
                self._fail(one, NotAccepting(why))

    def _require_space(self, commands: Sequence[Command]) -> None:
        if self._takes_cancels_only() and not all(isinstance(command, CANCELS) for command in commands):
            raise NotAccepting(CANCELS_ONLY)
