"""One WebSocket (RFC 6455) over a stream: its bounds, and the frames of messages, sent at once where they can be.

The `websockets` library reads the frames, and answers those about the connection.

A message is bounded as a whole and in its number of fragments, control frames by the second. Who breaks a bound or the
protocol is sent the close code for it. Frames are parsed in small portions with a turn for others in between, so a
client that sends as fast as it can holds nobody up.
Layer: api.http.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, Self

import eventlet
from eventlet.semaphore import Semaphore
from websockets.datastructures import Headers
from websockets.frames import CTRL_OPCODES, CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from api.http.front.environ import UPGRADE
from api.http.front.stream import Stream

PORTION_BYTES: Final = 256  # parsed at a time: at most 42 frames, 0.3 ms
INSIDE_BYTES: Final = 2_048  # the same where no frame ended in the portion before
TURN_PORTIONS: Final = 32  # parsed before others have a turn
SMALL_FRAMES: Final = 8  # in a portion: more are small ones without a pause
SHARE: Final = 4  # all that send small ones without a pause have together one part in so many of the loop's time
FRAGMENTS_MAX: Final = 1_024  # of one message
CONTROL_FRAMES_MAX: Final = 100  # in a second: pings, and pongs that nobody asked for
SEND_BYTES: Final = 65_536  # sent at a time, each time with the whole patience
SEND_S: Final = 20.0  # that a client may read nothing while something is sent to it
CLOSE_S: Final = 1.0  # for the close frame to arrive, and for the client's own
CLOSE_BYTES: Final = 262_144  # that a client may send meanwhile

_HANDSHAKE: Final = ("Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version")

_frames_log = logging.getLogger("openbell.websocket")
_frames_log.setLevel(logging.WARNING)  # the library says of each connection that it closed


class _SharedTurns:
    """The time that small frames take, of all connections together."""

    def __init__(self) -> None:
        self._free_at = 0.0  # monotonic seconds

    def wait(self, took_s: float) -> None:
        """Wait until others have had their part."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + (SHARE - 1) * took_s
        eventlet.sleep(self._free_at - now)


_turns = _SharedTurns()


def frame_of(text: bytes) -> bytes:
    """A text message, in UTF-8, as the server sends it: to all clients the same, since none of ours is masked."""
    length = len(text)
    if length < 126:
        return b"\x81%c%b" % (length, text)
    if length < 65_536:
        return b"\x81\x7e%b%b" % (length.to_bytes(2, "big"), text)
    return b"\x81\x7f%b%b" % (length.to_bytes(8, "big"), text)


def ping_of(payload: bytes) -> bytes:
    """A ping with at most 125 bytes of payload, which its pong repeats, as the server sends it."""
    return b"\x89%c%b" % (len(payload), payload)


class BadHandshake(Exception):
    """The request is no WebSocket handshake."""

    def __init__(self, status: int) -> None:
        super().__init__(f"no WebSocket handshake: {status}")
        self.status = status


class WebSocket:
    """One connection after its handshake. One greenlet receives; any may send."""

    __slots__ = (
        "_aborting",
        "_controls",
        "_controls_since",
        "_ended",
        "_fragments",
        "_inside",
        "_is_text",
        "_messages",
        "_portions",
        "_protocol",
        "_received_at",
        "_rest",
        "_sending",
        "_stream",
        "_unparsed",
        "ponged_at",
        "received_at",
    )

    def __init__(self, stream: Stream, protocol: ServerProtocol) -> None:
        self._stream = stream
        self._protocol = protocol
        self._sending = Semaphore(1)
        self._rest = memoryview(b"")  # of a frame that was begun: goes before anything else
        self._messages: deque[tuple[str | bytes, float]] = deque()  # complete, not yet received, and when they came
        self._received_at = 0.0  # `perf_counter` seconds: when the last bytes came
        self.received_at = 0.0  # the same of the message that was received last
        self.ponged_at = 0.0  # monotonic seconds: when the last pong came
        self._fragments: list[bytes | bytearray] = []  # of the message that has begun
        self._is_text = True
        self._unparsed = memoryview(b"")
        self._inside = False  # whether no frame ended in the last portion
        self._portions = 0  # since others had a turn
        self._controls = 0
        self._controls_since = 0.0
        self._ended = False
        self._aborting: Any = None  # the greenlet that ends a connection whose client does not

    @classmethod
    def accept(cls, environ: dict[str, Any], message_bytes_max: int) -> Self:
        """Answer the handshake of a request. Raises BadHandshake before, OSError after it began.

        No extension is taken up: permessage-deflate would more than halve the fan-out of the feed.
        """
        handshake = ServerProtocol(logger=_frames_log)
        headers = Headers()
        for name in _HANDSHAKE:
            value = environ.get("HTTP_" + name.upper().replace("-", "_"))
            if value is not None:
                headers[name] = value
        response = handshake.accept(
            Request("/", headers, method=environ["REQUEST_METHOD"], protocol=environ["SERVER_PROTOCOL"])
        )
        handshake.parser.close()  # it refers to the protocol, and the protocol to it: a cycle
        if response.status_code != 101:
            handshake.handshake_exc = None  # its traceback refers to the protocol
            raise BadHandshake(response.status_code)
        handshake.send_response(response)
        websocket = cls(environ[UPGRADE](), ServerProtocol(state=OPEN, max_size=message_bytes_max, logger=_frames_log))
        websocket._send(handshake.data_to_send())
        return websocket

    @property
    def ended(self) -> bool:
        """Whether nothing is sent or received any more."""
        return self._ended

    def receive(self, timeout_s: float) -> str | bytes | None:
        """The next message, whole within `timeout_s`; None when the connection has ended, whatever ended it."""
        deadline = time.monotonic() + timeout_s
        while not self._messages and not self._ended and self._protocol.state is OPEN:
            if (self._unparsed or self._read(deadline)) and not self._ended:
                self._parse()
        if not self._messages or self._ended:
            return None
        message, self.received_at = self._messages.popleft()
        return message

    def take_turn(self) -> None:
        """Wait until it is the turn of the client's address to have a message worked on. Cooperative."""
        self._stream.take_turn()

    def linger(self) -> None:
        """Have the last close frame arrive before the end; what still comes is thrown away. Cooperative."""
        deadline, discarded = time.monotonic() + CLOSE_S, 0
        while (
            not self._ended and self._protocol.close_rcvd is None and discarded < CLOSE_BYTES and self._read(deadline)
        ):
            discarded += len(self._unparsed)
            eventlet.sleep(0)
        self.abort()

    def send(self, frames: bytes) -> None:
        """Send whole frames, behind what is left of the last. Cooperative.

        Raises OSError when the connection has ended, or the client does not read.
        """
        with self._sending:
            if not self._open:
                raise BrokenPipeError("the WebSocket has ended")
            self._send((frames,))

    @property
    def _open(self) -> bool:
        return not self._ended and self._protocol.state is OPEN

    @property
    def may_write(self) -> bool:
        """Whether frames may be written now: nobody is in the middle of one, and it has not ended."""
        return not self._rest and self._open and not self._sending.locked()

    def write_now(self, frames: bytes) -> int:
        """Write whole frames as far as the connection takes them now; return how many bytes are left.

        Only where `may_write`. What is left is sent before anything else, by the next `send`, if only of b"".
        """
        rest = memoryview(frames)
        try:
            while rest:
                taken = self._stream.write(rest[:SEND_BYTES])
                if not taken:
                    break
                rest = rest[taken:]
        except OSError as problem:
            _frames_log.debug("a client went: %s", problem)
            self.abort()
            return 0
        self._rest = rest
        return len(rest)

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, why: str = "") -> None:
        """Send a close frame; the connection ends with the client's, or soon. Idempotent."""
        if not self._ended and self._protocol.state is OPEN:
            self._fail(code, why)
            self._flush_quietly()

    def abort(self) -> None:
        """End the connection now. Wakes who receives or sends. Idempotent."""
        if not self._ended:
            self._ended = True
            self._stream.close()
            # the protocol and its parser refer to each other, and a parser that failed to its error
            self._protocol.parser.close()
            self._protocol.parser_exc = None
            self._fragments.clear()
            self._unparsed = self._rest = memoryview(b"")
            if self._aborting is not None:
                self._aborting.cancel()
                self._aborting = None

    def _read(self, deadline: float) -> bool:
        """Wait for bytes; return whether there are any. Where none can come any more, the connection has ended."""
        try:
            data = self._stream.recv(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            self.close(CloseCode.GOING_AWAY, "nothing came in time")
            return False
        except OSError:
            data = b""
        if not data:
            self.abort()
        self._received_at = time.perf_counter()
        self._unparsed = memoryview(data)
        return bool(data)

    def _parse(self) -> None:
        """Parse a portion of what came, and give others their turn. Cooperative."""
        began = time.monotonic()
        size = INSIDE_BYTES if self._inside else PORTION_BYTES
        portion, self._unparsed = self._unparsed[:size], self._unparsed[size:]
        self._protocol.receive_data(bytes(portion))
        frames = [event for event in self._protocol.events_received() if isinstance(event, Frame)]
        self._inside = not frames
        for frame in frames:
            if self._protocol.state is OPEN or frame.opcode not in CTRL_OPCODES:
                self._take(frame)
        if self._protocol.state is not OPEN:
            self._abort_soon()
        if frames or self._protocol.state is not OPEN:
            self._flush_quietly()
        self._portions += 1
        if len(frames) > SMALL_FRAMES:
            _turns.wait(time.monotonic() - began)
        elif self._portions >= TURN_PORTIONS:
            self._portions = 0
            eventlet.sleep(0)

    def _take(self, frame: Frame) -> None:
        """Add a frame to the message that it belongs to."""
        if frame.opcode in CTRL_OPCODES:
            self._count_control()
            if frame.opcode is Opcode.PONG:
                self.ponged_at = time.monotonic()
            return
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._fragments.append(bytes(frame.data))
        if len(self._fragments) > FRAGMENTS_MAX:
            self._fail(CloseCode.POLICY_VIOLATION, f"at most {FRAGMENTS_MAX} fragments in a message")
        elif frame.fin:
            message = b"".join(self._fragments)
            self._fragments.clear()
            try:
                self._messages.append((message.decode() if self._is_text else message, self._received_at))
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "text must be UTF-8")

    def _count_control(self) -> None:
        now = time.monotonic()
        if now - self._controls_since >= 1.0:
            self._controls_since, self._controls = now, 0
        self._controls += 1
        if self._controls > CONTROL_FRAMES_MAX:
            self._fail(CloseCode.POLICY_VIOLATION, f"at most {CONTROL_FRAMES_MAX} control frames a second")

    def _fail(self, code: int, why: str) -> None:
        """Have a close frame sent, and ignore whatever else comes."""
        if self._protocol.state is OPEN:
            self._protocol.fail(code, why)
            self._abort_soon()

    def _abort_soon(self) -> None:
        """End the connection though its client neither reads nor ends it."""
        if self._aborting is None and not self._ended:
            self._aborting = eventlet.spawn_after(CLOSE_S, self.abort)

    def _flush(self) -> None:
        """Send what the protocol has to say. Raises OSError; TimeoutError is one."""
        if self._protocol.writes or self._rest or self._sending.locked():
            with self._sending:
                self._send(self._protocol.data_to_send())

    def _send(self, pieces: Iterable[bytes]) -> None:
        try:
            rest, self._rest = self._rest, memoryview(b"")
            for view in (rest, *(memoryview(data) for data in pieces)):  # an empty one stands for the end
                for at in range(0, len(view), SEND_BYTES):
                    self._stream.send(view[at : at + SEND_BYTES], SEND_S)
        except OSError:
            self.abort()
            raise

    def _flush_quietly(self) -> None:
        try:
            self._flush()
        except OSError as problem:
            _frames_log.debug("a client went: %s", problem)
