"""What a message to each of many clients costs the server's processor: written at once, and queued.

`python -m benchmarks.delivery`: the server is in this process, and idle but for the messages; its
clients, bare WebSockets, are in another one. Both ways in one run, so quote the ratio.
"""

from __future__ import annotations

import tempfile
import threading
import time
import warnings
from pathlib import Path

import click

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet  # noqa: E402 - after the filter of its notice

from api.bootstrap import Server  # noqa: E402
from api.http.front.server import Front  # noqa: E402
from api.http.listener import listen  # noqa: E402
from api.market.book_views import DeltaView  # noqa: E402
from api.settings import Settings  # noqa: E402
from benchmarks.followers import STREAMS, following  # noqa: E402
from benchmarks.machine import describe  # noqa: E402

SYMBOL = "BTC-USDT"
ROOMS = (f"l2_deltas:{SYMBOL}", f"trades:{SYMBOL}:batch", f"bbo:{SYMBOL}")
ROUNDS = 200
PAUSE_S = 0.02  # between two rounds, for the clients to read


def delivery(count: int) -> tuple[float, float]:
    """Microseconds of processor time for a message to one of `count` clients: written, and queued."""
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(port=0, data=Path(data))
        listener = listen(settings)
        server = Server(settings)
        Front(listener, server.wsgi, settings).start()
        subscribed, done = threading.Event(), threading.Event()

        def follow() -> None:
            with following(listener.socket.getsockname()[1], STREAMS, ["{}"] * count):
                subscribed.set()
                done.wait()

        followers = threading.Thread(target=follow)
        followers.start()
        try:
            while not subscribed.is_set():
                eventlet.sleep(0.05)
            written = _microseconds(server, count)
            for session in server.feed.server.eio.sockets.values():
                session.queue.attach(None)  # as for clients that poll: each is woken, and takes what waits
            queued = _microseconds(server, count)
        finally:
            done.set()
            while followers.is_alive():
                eventlet.sleep(0.05)
            server.close()
            listener.close()
    return written, queued


def _microseconds(server: Server, count: int) -> float:
    levels = [(f"{30000 + step}.00", "0.50000000", 3) for step in range(10)]
    delta = DeltaView(time.time(), SYMBOL, 1, 2, levels, levels, 0)
    began = time.process_time()
    for _ in range(ROUNDS):
        for room in ROOMS:
            server.feed.subscribers.publish(room, "message", [delta], whole=True)
        eventlet.sleep(PAUSE_S)
    return (time.process_time() - began) / (ROUNDS * len(ROOMS) * count) * 1e6


@click.command()
@click.option("--clients", default=200, show_default=True, help="That are sent each message.")
def main(clients: int) -> None:
    """Measure the processor time of a delivery."""
    print(describe())
    written, queued = delivery(clients)
    print(f"a delivery to {clients} clients: written {written:.1f} us, queued {queued:.1f} us")
    print(f"queued / written: {queued / written:.1f}")


if __name__ == "__main__":
    main()
