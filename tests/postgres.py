"""A real PostgreSQL server of our own, in a temporary folder, reached by a Unix socket or on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

START_S = 180
UNPRIVILEGED = ("postgres", "nobody")  # PostgreSQL refuses to run as root


def program(name: str) -> str | None:
    """Where a program of PostgreSQL is; Debian keeps them off the path."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or (str(kept[0]) if kept else None)


def absent() -> str | None:
    """Why no server can be started here; None when it can."""
    if program("initdb") is None or program("pg_ctl") is None:
        return "PostgreSQL is not installed: sh tools/setup/system-packages.sh postgresql"
    return None


@contextmanager
def running(port: int | None = None) -> Iterator[str]:
    """The URL of a server that runs meanwhile; its folder is gone afterwards.

    It is reached by a socket in that folder and, with `port`, on 127.0.0.1 besides.
    """
    folder = Path(tempfile.mkdtemp(prefix="openbell-postgres-"))  # short: a socket's path has 107 bytes
    user = _owner(folder)
    data, initdb, pg_ctl = str(folder / "data"), str(program("initdb")), str(program("pg_ctl"))
    try:
        _run(
            user,
            initdb,
            "--pgdata",
            data,
            "--username",
            "openbell",
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-sync",
        )
        # durability is PostgreSQL's affair, not that of these tests
        _run(
            user,
            pg_ctl,
            "start",
            "-D",
            data,
            "-o",
            _options(folder, port),
            "-l",
            str(folder / "log"),
            "-w",
            "-t",
            str(START_S),
        )
        try:
            at_port = "" if port is None else f"&port={port}"
            yield f"postgresql://openbell@/postgres?host={quote(str(folder), safe='')}{at_port}"
        finally:
            _run(user, pg_ctl, "stop", "-D", data, "-m", "immediate", "-w")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def away(url: str) -> Iterator[None]:
    """Stop the server of that URL meanwhile, as a machine that is gone."""
    folder = Path(parse_qs(urlsplit(url).query)["host"][0])
    user, pg_ctl, data = _owner(folder), str(program("pg_ctl")), str(folder / "data")
    _run(user, pg_ctl, "stop", "-D", data, "-m", "immediate", "-w")
    try:
        yield
    finally:
        _run(user, pg_ctl, "start", "-D", data, "-o", _options(folder), "-l", str(folder / "log"), "-w")


@contextmanager
def database(server_url: str, name: str) -> Iterator[str]:
    """The URL of an empty database on that server, dropped afterwards."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield server_url.replace("/postgres?", f"/{name}?")
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _options(folder: Path, port: int | None = None) -> str:
    reached = "-c listen_addresses=''" if port is None else f"-c listen_addresses=127.0.0.1 -p {port}"
    return f"{reached} -c unix_socket_directories={folder} -c fsync=off"


def _owner(folder: Path) -> str | None:
    """Who shall run it: None for ourselves, or somebody without rights when we are root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in UNPRIVILEGED if name in known)
    shutil.chown(folder, user)
    return user


def _run(user: str | None, *arguments: str) -> None:
    done = subprocess.run(
        arguments,
        user=user,
        extra_groups=[] if user else None,
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=2 * START_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
