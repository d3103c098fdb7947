"""Faults of one connection that is sent events: messages swallowed, sent twice or out of order, the connection cut.

Only what was made for it is touched: the same message goes to everybody else as it is.
Layer: api.faults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from api.faults.draws import uniform
from api.faults.plan import FEED_KINDS, Kind, Step, streams_of
from api.faults.profile import Profile, StepState

ROOMS_MAX: Final = 1_000  # whose messages are counted apart
KEPT_BACK_MAX: Final = 16  # messages of one connection, each of another room
KEPT_BACK_BYTES: Final = 65_536  # of a message that may be kept back
_OWN: Final = {"own": "orders"}  # rooms that are not named by their stream

Note = Callable[[Profile, Kind], None]
Sent = TypeVar("Sent")


class FeedFaults:
    """What the plans of an account, and of the venue, do to one connection. No method switches greenlets."""

    def __init__(self, profiles: Sequence[Profile], cut: Callable[[], object], note: Note) -> None:
        """`cut` ends the connection soon."""
        self.profiles = profiles
        self._cut = cut
        self._note = note
        self._is_cut = False
        self._states: dict[tuple[int, int, str], StepState] = {}  # by profile, step and room
        self._kept_back: dict[str, object] = {}  # by room: a message that follows the next one
        self.step_on()

    def step_on(self) -> None:
        """A step has begun or ended: the connection is cut where one says so, without chance."""
        for profile in self.profiles:
            for _, step in profile.steps_now():
                if step.kind == "disconnect" and step.every is None and step.probability is None:
                    self._end(profile)

    def pass_on(self, room: str, messages: Sequence[Sent], size: int) -> list[Sent]:
        """What is sent in place of `messages` of one room, whose name begins with its stream. `size`: their bytes."""
        stream, _, _ = room.partition(":")
        stream = _OWN.get(stream, stream)
        passed: list[Sent] = []
        for message in messages:
            kind = self._fault_of(stream, room)
            if kind == "gap":
                continue
            may_wait = size <= KEPT_BACK_BYTES and len(self._kept_back) < KEPT_BACK_MAX
            if kind == "reorder" and room not in self._kept_back and may_wait:
                self._kept_back[room] = message
                continue
            passed += [message, message] if kind == "duplicate" else [message]
            if room in self._kept_back:
                passed.append(self._kept_back.pop(room))  # type: ignore[arg-type]
        return passed

    def close(self) -> list[tuple[str, object]]:
        """The messages that were kept back, with their rooms: they are sent when the faults end."""
        kept_back, self._kept_back = self._kept_back, {}
        return list(kept_back.items())

    def _fault_of(self, stream: str, room: str) -> Kind | None:
        """The first fault that touches the next message of a room. O(steps)."""
        found: tuple[Profile, Kind] | None = None
        for at, profile in enumerate(self.profiles):
            for number, step in profile.steps_now():
                if step.kind not in FEED_KINDS or (step.kind != "disconnect" and stream not in streams_of(step)):
                    continue
                if self._is_hit(at, number, step, "" if step.kind == "disconnect" else room):
                    if step.kind == "disconnect":
                        self._end(profile)
                    else:
                        found = found or (profile, step.kind)
        if found is None:
            return None
        self._note(*found)
        return found[1]

    def _is_hit(self, at: int, number: int, step: Step, room: str) -> bool:
        if len(self._states) >= ROOMS_MAX:
            self._states.clear()
        state = self._states.setdefault((at, number, room), StepState())
        seed = self.profiles[at].plan.seed
        return state.is_hit(step, lambda asked: uniform(seed, "feed", number, room, asked))

    def _end(self, profile: Profile) -> None:
        if not self._is_cut:
            self._is_cut = True
            self._note(profile, "disconnect")
            self._cut()
