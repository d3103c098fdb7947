"""When descriptors run out, accepting pauses and idle connections give way; it never ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from tests.attacks import attackers
from tests.attacks.bystander import watched
from tests.attacks.probe import Probe
from tests.attacks.raw import connect, request
from tests.server import ROOT, RunningServer, eventually

FEW = 160  # descriptors
ORDINARY = request("GET", "/bbo/BTC-USDT", headers={"Connection": "close"})
RAISED = f"""
import resource
from api.http.front.descriptors import connections_possible
resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW}, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
print(connections_possible(1000), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
LIMITED = f"""
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW}, {FEW}))
sys.argv[0] = "api/app.py"
sys.path.insert(0, ".")
runpy.run_path("api/app.py", run_name="__main__")
"""
OPTIONS = ("--profile", "secured", "--max-connections-per-address", "100000")


def test_idle_connections_without_end_stop_neither_orders_nor_new_connections(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", *OPTIONS) as server:
        server.process.rlimit(psutil.RLIMIT_NOFILE, (FEW, FEW))  # behind its back: it finds out by accept()

        def attack() -> None:
            for _ in range(2):
                held = attackers.idle(server.url, 3 * FEW, within_s=0.5)
                with connect(server.url) as connection:
                    connection.send(ORDINARY)
                    assert connection.answer().status == 200
                for each in held:
                    each.close()

        with Probe(server) as probe:
            assert watched(server.url, attack).failures == 0
            eventually(lambda: probe.more_descriptors <= 0)
            probe.assert_calm_log()
            assert server.stop() == 0


def test_the_limit_of_open_files_is_raised_for_the_connections_that_are_wanted() -> None:
    asked = subprocess.run([sys.executable, "-c", RAISED], cwd=ROOT, capture_output=True, text=True, check=True)
    possible, soft = asked.stdout.split()
    assert int(possible) == 1000 < int(soft)


def test_where_it_cannot_be_raised_fewer_connections_are_served_and_it_says_so(tmp_path: Path) -> None:
    class Limited(RunningServer):
        program = ("-c", LIMITED)

    with Limited(tmp_path / "data", *OPTIONS) as server, Probe(server) as probe:
        assert f"the limit of open files is {FEW}" in server.log
        held = attackers.idle(server.url, 3 * FEW, within_s=0.5)
        with connect(server.url) as connection:
            connection.send(ORDINARY)
            assert connection.answer().status == 200
        assert probe.descriptors() < FEW
        assert "closed" not in probe.log  # accept() never failed
        for each in held:
            each.close()
