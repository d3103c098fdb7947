"""The proxies of deploy/, started for real with the shipped files, whose ports and certificates alone are changed."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.attacks.raw import tcp
from tests.ports import free_port
from tests.server import eventually
from tests.tidy.sources import ROOT

DEPLOY = ROOT / "deploy"
SBIN = "/usr/sbin:/usr/local/sbin:/usr/bin"  # Debian keeps them off a user's path
KINDS = ("haproxy", "nginx")
DOORS = "haproxy-doors"  # before two front doors


def _text(kind: str, server_port: int) -> str:
    """The shipped file with the server's port in it; of front doors, that of the first."""
    name = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf", DOORS: "haproxy-doors.cfg"}[kind]
    ports = {"5000": server_port} if kind != DOORS else {"5101": server_port, "5102": server_port + 1}
    places = {f"127.0.0.1:{shipped}": f"127.0.0.1:{port}" for shipped, port in ports.items()}
    return replaced((DEPLOY / name).read_text(encoding="utf-8"), places)


def replaced(text: str, places: dict[str, str]) -> str:
    """`text` with each key, which must be there, as its value."""
    for old, new in places.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def _haproxy(text: str, port: int, plain_port: int, folder: Path, cert: Path, key: Path) -> tuple[str, list[str]]:
    joined = folder / "openbell.pem"
    joined.write_bytes(cert.read_bytes() + key.read_bytes())
    places = {
        "maxconn 9000": "maxconn 500",
        "bind :80\n": f"bind 127.0.0.1:{plain_port}\n",
        "bind :443 ": f"bind 127.0.0.1:{port} ",
        "/etc/haproxy/openbell.pem": str(joined),
    }
    return replaced(text, places), ["haproxy", "-db", "-f"]


def _nginx(text: str, port: int, plain_port: int, folder: Path, cert: Path, key: Path) -> tuple[str, list[str]]:
    places = {
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/nginx/openbell.pem": str(cert),
        "/etc/nginx/openbell.key": str(key),
        "pid /run/nginx.pid;": f"pid {folder}/nginx.pid;",
        "worker_connections 20000;": "worker_connections 500;",
    }
    return replaced(text, places), ["nginx", "-p", str(folder), "-g", "daemon off;", "-c"]


@contextmanager
def proxy(
    kind: str, server_port: int, folder: Path, certificate: tuple[Path, Path], *, bare_checks: bool = False
) -> Iterator[str]:
    """The https address of a proxy before the server at `server_port`.

    `bare_checks`: HAProxy asks for no page but only connects to see whether the server is there, ten times a second.
    """
    port, plain_port = free_port(), free_port()
    text = _text(kind, server_port)
    if bare_checks:
        text = replaced(re.sub(r"\n *(option httpchk|http-check).*", "", text), {"inter 2s": "inter 100ms"})
    make = {"haproxy": _haproxy, "nginx": _nginx, DOORS: _haproxy}[kind]
    text, command = make(text, port, plain_port, folder, *certificate)
    path = folder / f"{kind}.conf"
    path.write_text(text, encoding="utf-8")
    program = shutil.which(command[0], path=SBIN)
    assert program is not None, f"{kind} is not installed: make test installs it"
    with (folder / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen([program, *command[1:], str(path)], stdout=log, stderr=log)
    try:
        eventually(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, (folder / f"{kind}.log").read_text(encoding="utf-8")
        yield f"https://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _listens(port: int) -> bool:
    try:
        tcp(f"http://127.0.0.1:{port}").close()
    except OSError:
        return False
    return True
