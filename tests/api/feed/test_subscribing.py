"""Who begins to follow its orders while those of a batch are still to be published is told of nothing before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import eventlet
import pytest
from engineio.socket import Socket

from api.bootstrap import Server
from api.feed.clients import Client
from api.feed.packets import NAMESPACE
from api.settings import Settings
from engine.commands import EnterOrder
from engine.types import SANDBOX_ACCOUNT, Lots, OrderType, Side, Ticks, TimeInForce

ORDER = EnterOrder(
    SANDBOX_ACCOUNT, "BTC-USDT", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(100_000), Ticks(2_000_000)
)


class Following:
    """A client of a server in this process, without a connection."""

    def __init__(self, server: Server, sid: str) -> None:
        self._events = server.feed._events
        self.client = Client(sid, Socket(server.feed.server.eio, sid), None, {"REMOTE_ADDR": "127.0.0.1"})
        server.feed.subscribers.add(self.client)

    def ask(self, event: str, data: Any) -> None:
        self._events.take(self.client, None, [event, data], 0.0)

    def heard(self) -> list[tuple[str, Any]]:
        """What was sent to it since the last time."""
        heard: list[tuple[str, Any]] = []
        while self.client.outbox.qsize():
            packet = self.client.outbox.get(block=False)
            assert packet is not None
            text = packet.encode(b64=True)
            assert isinstance(text, str)
            heard.append(tuple(json.loads(text.removeprefix(f"42{NAMESPACE},"))))
        return heard


@pytest.mark.parametrize("wanted", [{"type": "orders"}, {"type": "l2_updates", "symbol": "BTC-USDT"}])
def test_who_follows_its_orders_while_they_are_published_is_told_of_those_behind_its_subscription(
    tmp_path: Path, wanted: dict[str, str]
) -> None:
    server = Server(Settings(data=tmp_path / "data"))
    try:
        before, meanwhile = Following(server, "before"), Following(server, "meanwhile")
        before.ask("subscribe", wanted)
        eventlet.sleep(0.05)
        before.heard()
        asked: list[int] = []

        def subscribe(_batch: object) -> None:
            if not asked:
                asked.append(server.exchange.seq)
                meanwhile.ask("subscribe", wanted)

        server.sequencer.listen(subscribe)
        for _ in range(2):
            server.sequencer.submit(ORDER)
            eventlet.sleep(0.05)
        seqs = {}
        for name, following in (("before", before), ("meanwhile", meanwhile)):
            heard = following.heard()
            seqs[name] = [data["seq"] for event, data in heard if event == "order_event"]
            if name == "meanwhile":
                (subscribed,) = (data["seq"] for event, data in heard if event == "subscribed")
                assert subscribed == asked[0]
        assert seqs["before"] == [asked[0]] * 2 + [asked[0] + 1] * 2
        assert seqs["meanwhile"] == [asked[0] + 1] * 2
    finally:
        server.close()
