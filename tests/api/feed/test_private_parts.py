"""What the feed relies on of engine.io, Socket.IO and websockets beyond what they document.

A new version that has changed one of these fails here, and says which.
"""

from __future__ import annotations

import inspect
import re
from functools import partial
from pathlib import Path

import engineio
import pytest
import socketio
from engineio.packet import MESSAGE, NOOP, Packet
from engineio.payload import Payload
from engineio.socket import Socket
from websockets.datastructures import Headers
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from api.feed.outbox import Outbox, Outgoing
from api.feed.packets import FeedJson
from api.feed.transport import may_be_polled
from api.http.front.flusher import Flusher
from tests.attacks.frames import CLOSE, TEXT, frame
from tests.server import ROOT

PRIVATE = re.compile(r"(?<!self)(?<!cls)\._(?!_)[a-z]\w*")
KNOWN = {"._async"}  # each has a test below


@pytest.fixture
def engine() -> engineio.Server:
    """A server of engine.io as the feed has one."""
    server = engineio.Server(async_mode="eventlet", monitor_clients=False, ping_interval=20, ping_timeout=20)
    server._async = {**server._async, "queue": partial(Outbox, Flusher[Outgoing]())}
    return server


def test_no_private_part_of_a_library_is_touched_but_those_tested_here() -> None:
    sources = [*(ROOT / "api/feed").glob("*.py"), ROOT / "api/http/front/websocket.py"]
    found = {name for source in sources for name in PRIVATE.findall(_code_of(source))}
    own = {name for source in sources for name in re.findall(r"self(\._\w+)", source.read_text())}
    assert found - own == KNOWN


def _code_of(source: Path) -> str:
    return re.sub(r"#.*", "", re.sub(r'""".*?"""', "", source.read_text(), flags=re.DOTALL))


def test_engine_io_makes_queues_and_websockets_of_what_async_names(engine: engineio.Server) -> None:
    assert {"queue", "queue_empty", "websocket"} <= engine._async.keys()
    assert isinstance(Socket(engine, "sid").queue, Outbox)
    handler = inspect.getsource(Socket._upgrade_websocket)
    assert "self.server._async['websocket'](" in handler
    assert "self._websocket_handler, self.server)" in handler  # a method of the session: `__self__` is the session


def test_engine_io_asks_of_a_queue_what_an_outbox_has() -> None:
    source = inspect.getsource(engineio.socket)
    assert set(re.findall(r"queue\.(\w+)\(", source)) == {"get", "put", "task_done", "join"}


def test_engine_io_asks_of_a_websocket_what_ours_has() -> None:
    source = inspect.getsource(Socket._websocket_handler)
    assert set(re.findall(r"\bws\.(\w+)\(", source)) == {"wait", "send", "close"}


def test_engine_io_calls_the_handlers_that_are_registered_and_keeps_sessions_by_id(engine: engineio.Server) -> None:
    called = []
    for event in ("connect", "message", "disconnect"):
        engine.on(event, lambda *arguments, event=event: called.append((event, *arguments)))
        assert event in engine.handlers
    session = Socket(engine, "sid")
    engine.sockets["sid"] = session
    session.connected = True
    session.receive(Packet(MESSAGE, "2"))
    assert ("message", "sid", "2") in called or engine.async_handlers
    session.close(wait=False, abort=True, reason=engine.reason.TRANSPORT_CLOSE)
    assert ("disconnect", "sid", "transport close") in called
    assert session.closed
    session.close(wait=True)  # a second end calls nobody, and waits for nobody
    assert sum(event == "disconnect" for event, *_ in called) == 1


def test_a_session_says_whether_a_ping_is_unanswered_and_whether_it_is_being_upgraded(engine: engineio.Server) -> None:
    session = Socket(engine, "sid")
    assert session.last_ping
    assert (session.upgrading, session.upgraded, session.connected, session.closed) == (False, False, False, False)


def test_what_may_be_polled_is_what_engine_io_reads_without_failing(engine: engineio.Server) -> None:
    session = Socket(engine, "sid")
    engine.sockets["sid"] = session
    engine.on("disconnect", lambda *_: None)
    for kind in range(10):
        packet = Packet(encoded_packet=f"{kind}")
        if may_be_polled(f"{kind}"):
            session.receive(packet)
        elif kind != 5:  # an upgrade is answered by a packet that nobody asked for
            with pytest.raises(engineio.exceptions.UnknownPacketError):
                session.receive(packet)


def test_packets_carry_their_text_and_what_cannot_be_read_as_json_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Packet, "json", FeedJson)
    assert Packet(encoded_packet="42/market,[]").data == "2/market,[]"
    assert Packet(encoded_packet="4" + "[" * 60_000).data == "[" * 60_000
    assert Packet(encoded_packet="4{}").data == {}  # no text: the feed takes none such
    assert Packet(NOOP).data is None
    assert Payload.max_decode_packets


def test_socket_io_takes_messages_by_the_handler_of_engine_io_and_knows_clients_by_session() -> None:
    server = socketio.Server(async_mode="eventlet")
    assert {"connect", "message", "disconnect"} == server.eio.handlers.keys()
    assert server.manager.sid_from_eio_sid("none", "/market") is None
    assert not server.manager.is_connected("none", "/market")
    assert server.handlers == {}


def test_a_protocol_of_websockets_has_a_parser_that_refers_to_it_and_can_be_closed() -> None:
    protocol = ServerProtocol(state=OPEN, max_size=100)
    protocol.receive_data(frame(TEXT, b"3", fin=False))
    assert inspect.getgeneratorstate(protocol.parser) == inspect.GEN_SUSPENDED
    protocol.receive_data(frame(CLOSE, b"x"))
    assert protocol.parser_exc is not None
    protocol.parser.close()
    assert inspect.getgeneratorstate(protocol.parser) == inspect.GEN_CLOSED
    assert [event.opcode for event in protocol.events_received() if isinstance(event, Frame)] == [TEXT]


def test_a_handshake_of_websockets_is_judged_by_its_headers_alone() -> None:
    handshake = ServerProtocol()
    response = handshake.accept(Request("/", Headers()))
    assert response.status_code == 426
    assert handshake.handshake_exc is not None
