"""How a server with front doors ends: asked to, or killed; what it has answered is there at the next start."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil

from tests.api.doors.serving import Load, open_names, server_with_doors
from tests.server import RunningServer, eventually


def test_nothing_that_any_door_answered_is_lost_by_a_stop_or_by_killing_the_writer(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    server = server_with_doors(tmp_path / "data")
    for how, status in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
        server.start()
        doors = [door for door in server.process.children() if "api.door" in door.cmdline()]
        assert len(doors) == 2
        load = Load(server, "stopped" if status == 0 else "killed")
        eventually(lambda load=load: len(load.acknowledged) > 100)
        assert server.stop(how) == status, server.log
        load.join()
        acknowledged |= load.acknowledged
        _, alive = psutil.wait_procs(doors, 30)
        assert alive == []
    assert "all that was taken is durable and answered" in server.log
    with RunningServer(tmp_path / "data") as one:  # the folder is any server's
        assert acknowledged <= open_names(one)
