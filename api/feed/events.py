"""The events that clients send: each is worked on in a greenlet of its own, and answered by its acknowledgement.

They are begun one of each address after the other, so that one with many clients does not keep others waiting.

Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from api.feed.clients import Client, Subscribers
from api.feed.faults import ClientFaults
from api.feed.packets import acknowledgement
from api.http.front.serving import ClientGone
from api.http.front.turns import Turns
from api.http.latencies import BOUNDS_S
from api.http.processing import Processing
from api.json.errors import ApiError, Malformed, as_error
from api.json.malformed import MAX_ECHO
from logs.limit import limited
from loop.errors import StoreError
from loop.greenlets import Greenlets
from loop.histogram import Histogram, HistogramReading
from sequencer.port import NotAccepting, OutcomeUnknown

log = limited(logging.getLogger(__name__))

LIMITED_S: Final = 0.25  # that a client waits who sent more than the rate limit
OWN_NAMES: Final = ("connect", "disconnect")  # of Socket.IO: a client that sends an event so named is not answered
UNKNOWN: Final = "unknown"  # where an event is counted that there is not
LENIENT: Final = ("ping",)  # events behind whose data there may be more


class ClientEvent:
    """One event of a client that is worked on."""

    __slots__ = ("client", "data", "processing")

    def __init__(self, client: Client, data: Any, processing: Processing) -> None:
        self.client = client
        self.data = data
        self.processing = processing


class _Asked:
    """An event whose turn has not come."""

    __slots__ = ("client", "event_id", "parts", "processing")

    def __init__(self, client: Client, event_id: int | None, parts: list[Any], processing: Processing) -> None:
        self.client = client
        self.event_id = event_id
        self.parts = parts
        self.processing = processing


Handler = Callable[[ClientEvent], Any]


class ClientEvents:
    """Has the events of clients handled. For the event loop's thread."""

    def __init__(
        self,
        subscribers: Subscribers,
        charge: Callable[[Client, int], None],
        send_error: Callable[[Client, str | None, ApiError], Any],
        faults: ClientFaults,
    ) -> None:
        """`charge` counts an event by the rate limits, and raises ApiError 429; `send_error` returns the answer.

        `faults`: those that were asked for.
        """
        self._faults = faults
        self._subscribers = subscribers
        self._charge = charge
        self._send_error = send_error
        self._handlers: dict[str, Handler] = {}
        self._seconds = {UNKNOWN: Histogram(BOUNDS_S)}  # by name, from when an event came to its acknowledgement
        self._turns = Turns()
        self._greenlets = Greenlets()

    @property
    def names(self) -> list[str]:
        """The events that there are, in the order of the alphabet."""
        return sorted(self._handlers)

    def on(self, name: str, handler: Handler) -> None:
        """Have `handler` answer an event; what it returns is the acknowledgement. It may wait, and raise ApiError."""
        self._handlers[name] = handler
        self._seconds[name] = Histogram(BOUNDS_S)

    def latencies(self) -> list[tuple[str, HistogramReading]]:
        """How long events took since the start, by name."""
        return [(name, histogram.reading()) for name, histogram in sorted(self._seconds.items())]

    def take(self, client: Client, event_id: int | None, parts: list[Any], received_at: float) -> None:
        """Have an event worked on soon: its name and what follows it, and the id of its acknowledgement. O(1).

        `received_at`: when it came, in seconds of `perf_counter`.
        """
        client.asking += 1
        asked = _Asked(client, event_id, parts, Processing(received_at))
        self._turns.ask(client.counted_as, partial(self._begin, asked))

    def _begin(self, asked: _Asked) -> None:
        """Work on an event, from the hub's greenlet, until it waits for something."""
        self._greenlets.run(self._answer, asked)

    def _answer(self, asked: _Asked) -> None:
        """Work on one event. Cooperative. Nothing leaves it, as behind it is the hub."""
        client = asked.client
        try:
            answer = self._handled(asked)
            if asked.event_id is not None:
                client.send(acknowledgement(asked.event_id, answer))
            name = asked.parts[0]
            elapsed_s = asked.processing.end()
            if not asked.processing.is_faulty:
                self._seconds[name if name in self._handlers else UNKNOWN].add(elapsed_s)
        except ClientGone:
            self._faults.cut(client)
        except Exception:
            log.exception("an event of the feed could not be answered")
        finally:
            client.asking -= 1

    def _handled(self, asked: _Asked) -> Any:
        """What an event is answered with."""
        client, name = asked.client, asked.parts[0]
        if name in OWN_NAMES or self._subscribers.clients.get(client.sid) is not client:
            return None
        handler = self._handlers.get(name)
        try:
            self._charge(client, 1)
            if handler is None:
                raise self._unknown(name)
            if len(asked.parts) > 2 and name not in LENIENT:
                raise Malformed("UNKNOWN_FIELD", f"{name} takes one object, and nothing behind it.", field=name)
            data = asked.parts[1] if len(asked.parts) > 1 else None
            faults = self._faults.of_event(client, name, asked.processing)
            if faults is not None:
                faults.before()
            answer = handler(ClientEvent(client, data, asked.processing))
            if faults is not None:
                faults.after()
            return answer
        except ClientGone:
            raise
        except (ApiError, NotAccepting, OutcomeUnknown, StoreError) as refusal:
            if isinstance(refusal, ApiError) and refusal.status == 429:
                client.paused_until = time.monotonic() + LIMITED_S
            return self._send_error(client, name[:MAX_ECHO], as_error(refusal))
        except Exception:
            log.exception("the feed event %s failed", name)
            mistake = ApiError(500, "INTERNAL_ERROR", "The server made a mistake.")
            return self._send_error(client, name[:MAX_ECHO], mistake)

    def _unknown(self, name: str) -> Malformed:
        sentence = f"There is no event {name[:MAX_ECHO]!r} to send; there are {', '.join(self.names)}."
        return Malformed("UNKNOWN_EVENT", sentence, events=self.names)
