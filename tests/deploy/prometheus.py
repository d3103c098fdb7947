"""Prometheus, started for real with the shipped files, whose addresses, paths and intervals alone are changed."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.deploy.files import DEPLOY
from tests.deploy.proxies import replaced
from tests.ports import free_port
from tests.server import Http, eventually

FOLDER = DEPLOY / "prometheus"
SCRAPE_S = 1


def config(target: str, token_file: Path, folder: Path) -> Path:
    """The shipped configuration with a server and a token of ours, beside the shipped alerts, in `folder`."""
    places = {
        "scrape_interval: 15s": f"scrape_interval: {SCRAPE_S}s",
        "evaluation_interval: 15s": f"evaluation_interval: {SCRAPE_S}s",
        "/run/secrets/metrics-token": str(token_file),
        "openbell:5000": target,
    }
    shutil.copy(FOLDER / "alerts.yml", folder)
    path = folder / "prometheus.yml"
    path.write_text(replaced((FOLDER / "prometheus.yml").read_text(encoding="utf-8"), places), encoding="utf-8")
    return path


class Prometheus:
    """A client of one that runs."""

    def __init__(self, port: int) -> None:
        self._http = Http(f"http://127.0.0.1:{port}")

    def asked(self, path: str, **query: str) -> Any:
        """What its API answers."""
        answer = self._http.call("GET", f"/api/v1/{path}?{urlencode(query)}")
        body = json.loads(answer.content)
        assert body["status"] == "success", (path, query, body)
        return body["data"]

    def numbers(self, expression: str) -> list[float]:
        """The present values of an expression, those left out that are no numbers."""
        values = [float(found["value"][1]) for found in self.asked("query", query=expression)["result"]]
        return [value for value in values if value == value]  # noqa: PLR0124 - not NaN

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._http.call("GET", "/-/ready").status == 200
        except OSError:
            return False

    def close(self) -> None:
        """End the connection."""
        self._http.close()


@contextmanager
def prometheus(target: str, token_file: Path, folder: Path) -> Iterator[Prometheus]:
    """One that scrapes the server at `target`."""
    port = free_port()
    command = ["prometheus", f"--config.file={config(target, token_file, folder)}", "--log.level=error"]
    command += [f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    client = Prometheus(port)
    try:
        eventually(client.is_ready, 60)
        yield client
    finally:
        client.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
