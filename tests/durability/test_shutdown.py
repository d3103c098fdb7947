"""Stopping in good order, and one server to a data folder."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.durability.checks import all_orders, all_trades, broken_promises, replay_copy
from tests.durability.load import Load, Promises, ask_again
from tests.durability.server import Server


@pytest.mark.timeout(180)
def test_sigterm_under_load_ends_with_status_0_and_everything_durable(tmp_path: Path) -> None:
    data, promises = tmp_path / "data", Promises()
    with Server(data, "--checkpoint-every", "50") as server:
        load = Load(server.ready(), promises, "term")
        time.sleep(1.0)
        load.at_least(20)
        assert server.terminate() == 0, server.log()
        load.stop()
        assert "Traceback" not in server.log()
    assert len(promises.orders) > 20
    unanswered = [wrong for wrong in promises.wrong if "503" not in wrong]  # a refusal on the way down is right
    assert unanswered == []
    promises.wrong.clear()
    assert not (data / "journal.sqlite-wal").exists()  # closed, not left to be recovered
    result, differing = replay_copy(data, tmp_path / "scratch", promises.digests)
    assert differing == []
    with Server(data) as server:
        client = server.ready().client()
        assert client.get("/health?digest=true")["digest"] == result.digest
        ask_again(client, promises, random.Random(1), repeats=10)
        assert broken_promises(promises, all_orders(client), all_trades(client)) == []
        client.close()


@pytest.mark.timeout(180)
def test_a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    data, promises = tmp_path / "data", Promises()
    with Server(data) as first:
        client = first.ready().client()
        with Server(data) as second:
            assert second.exit_status() != 0
            assert second.process.stdout is not None
            assert second.process.stdout.read() == ""
            said = second.log()
            assert "Another Openbell is running on" in said
            assert "--data" in said
            assert "Traceback" not in said
        load = Load(first, promises, "first", traders=2)
        load.at_least(5)
        load.stop()
        assert broken_promises(promises, all_orders(client), all_trades(client)) == []
        assert len(promises.orders) > 5
        client.close()
