"""Record a data folder as this version leaves it: `python -m tests.upgrades.record`, once for each release.

Runs a real server and has it do some of everything, then keeps its journal, snapshots, archive and identity store in
`tests/upgrades/folders/VERSION`, with what must be found there again.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec

from journal.snapshots import SnapshotFolder
from openbell import __version__
from tests.server import RunningServer, eventually

FOLDERS: Final = Path(__file__).parent / "folders"
KEPT: Final = ("journal.sqlite", "identity.sqlite", "snapshots", "archive")
OPTIONS: Final = ("--snapshot-every", "60", "--snapshot-seconds", "1", "--journal", "archive", "--rate-limit", "off")
NAME, PASSWORD = "recorded", "a long enough password"
FAR_OFF = "4102444800"  # epoch seconds: an order that expires before would end when the folder is opened


def main() -> int:
    """Record, and say where."""
    target = FOLDERS / __version__
    if target.exists():
        sys.exit(f"{target} is there already: a release is recorded once")
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        with RunningServer(data, *OPTIONS) as server:
            trade(server)
            expected = shown(server)
            if server.stop() != 0:
                sys.exit(server.log)
        target.mkdir(parents=True)
        for name in KEPT:
            source = data / name
            if source.is_dir():
                shutil.copytree(source, target / name)
            else:
                shutil.copy(source, target / name)
    for file in SnapshotFolder(target / "snapshots").files()[2:]:
        file.path.unlink()
    (target / "expected.json").write_bytes(msgspec.json.format(msgspec.json.encode(expected)) + b"\n")
    sys.stdout.write(f"recorded in {target}\n")
    return 0


def trade(server: RunningServer) -> None:
    """Some of everything: resting, filled, cancelled and amended orders, stops, icebergs, one that expires, a user."""
    http = server.http
    if http.post("/auth/signup", {"name": NAME, "password": PASSWORD}).status != 201:
        sys.exit("nobody could sign up")
    for number in range(40):
        http.enter("BTC-USDT", "sell", "0.01", f"{30_000 + number % 7}", client_order_id=f"sold-{number}")
        http.enter("BTC-USDT", "buy", "0.004", f"{30_000 - number % 5}", client_order_id=f"bought-{number}")
        if number % 4 == 0:
            http.enter("BTC-USDT", "buy", "0.02", "30003", time_in_force="ioc")
    resting = http.enter("ETH-USDT", "buy", "2", "1900", client_order_id="resting")["order_id"]
    http.call("PATCH", f"/order/{resting}", {"quantity": "1.5"}).granted()
    http.enter("ETH-USDT", "buy", "2", "1890", display_quantity="0.5")
    http.enter("ETH-USDT", "buy", "1", "1880", time_in_force="gtd", expire_time=FAR_OFF)
    stop: dict[str, Any] = {"symbol": "BTC-USDT", "side": "sell", "order_type": "stop", "quantity": "0.01"}
    http.post("/order", stop | {"stop_price": "29000"}).granted()
    gone = http.enter("ETH-USDT", "sell", "1", "2100")["order_id"]
    http.post("/cancel", {"order_id": gone}).granted()
    eventually(lambda: is_archived(server))


def is_archived(server: RunningServer) -> bool:
    """Whether some records are archived; enters another order, so that there is something behind a snapshot."""
    server.http.enter("SOL-USDT", "buy", "1", "90")
    return any((server.data / "archive").glob("segment-*"))


def shown(server: RunningServer) -> dict[str, Any]:
    """What must be found again."""
    health = server.http.get("/health?digest=true")
    statistics = server.http.get("/statistics")
    return {
        "seq": health["seq"],
        "digest": health["digest"],
        "orders_processed": statistics["orders_processed"],
        "trades_executed": statistics["trades_executed"],
        "bids": server.http.depth("BTC-USDT")[0],
        "asks": server.http.depth("BTC-USDT")[1],
    }


if __name__ == "__main__":
    sys.exit(main())
