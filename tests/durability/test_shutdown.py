"""Stopping in good order, and one server to a data folder."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.durability.checks import all_orders, all_trades, broken_promises, replay_copy
from tests.durability.client import Client
from tests.durability.load import Load, Promises, ask_again
from tests.server import RunningServer


@pytest.mark.timeout(180)
def test_sigterm_under_load_ends_with_status_0_and_everything_durable(tmp_path: Path) -> None:
    data, promises = tmp_path / "data", Promises()
    with RunningServer(data, "--snapshot-every", "50") as server:
        load = Load(server, promises, "term")
        time.sleep(1.0)
        load.at_least(20)
        assert server.stop() == 0, server.log
        load.stop()
        assert "Traceback" not in server.log
    assert len(promises.orders) > 20
    unanswered = [wrong for wrong in promises.wrong if "503" not in wrong]  # a refusal on the way down is right
    assert unanswered == []
    promises.wrong.clear()
    assert not (data / "journal.sqlite-wal").exists()  # closed, not left to be recovered
    result, differing = replay_copy(data, tmp_path / "scratch", promises.digests)
    assert differing == []
    with RunningServer(data) as server:
        client = Client(server.port)
        assert client.get("/health?digest=true")["digest"] == result.digest
        ask_again(client, promises, random.Random(1), repeats=10)
        assert broken_promises(promises, all_orders(client), all_trades(client)) == []
        client.close()


@pytest.mark.timeout(180)
def test_a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    data, promises = tmp_path / "data", Promises()
    with RunningServer(data) as first:
        client = Client(first.port)
        second = RunningServer(data)
        status, printed = second.fails_to_start()
        assert status != 0
        assert printed == ""
        said = second.log
        assert "Another Openbell is running on" in said
        assert "--data" in said
        assert "with make: DATA=" in said, "who used make has no --data to give"
        assert "Traceback" not in said
        load = Load(first, promises, "first", traders=2)
        load.at_least(5)
        load.stop()
        assert broken_promises(promises, all_orders(client), all_trades(client)) == []
        assert len(promises.orders) > 5
        client.close()
