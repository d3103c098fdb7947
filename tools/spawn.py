"""Starts a server of its own for a script or a test: free port, temporary folder, gone afterwards.

Layer: tools.
"""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

import openbell
from openbell.programs import started_by_command
from openbell_client import AsyncClient
from tools.venue import wait_until_accepting

ROOT: Final = Path(__file__).resolve().parents[1]
READY_S: Final = 60.0  # for the server to say its URL and take orders
STOP_S: Final = 20.0  # for it to end after SIGTERM
URL_LINE: Final = re.compile(r"https?://[^\s/]+:\d+")


class SpawnError(Exception):
    """The server did not come up; the message says what it printed."""


class Spawned(msgspec.Struct, frozen=True):
    """A server that takes orders."""

    url: str
    process: asyncio.subprocess.Process
    data: Path


@asynccontextmanager
async def spawned(*arguments: str, data: Path | None = None) -> AsyncIterator[Spawned]:
    """A server on a free port of 127.0.0.1, stopped at the end. Its folder is temporary unless `data` is given.

    Raises SpawnError when it does not come up within a minute.
    """
    with tempfile.TemporaryDirectory(prefix="openbell-") as temporary:
        folder = data if data is not None else Path(temporary) / "data"
        process = await start_server("--host", "127.0.0.1", "--port", "0", "--data", str(folder), *arguments)
        drained: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(READY_S):
                url = await url_of(process)
                drained = asyncio.create_task(_drain(process))
                async with AsyncClient(url, retry_for_s=0) as client:
                    await wait_until_accepting(client)
            yield Spawned(url, process, folder)
        except TimeoutError as error:
            raise SpawnError(f"the server was not ready after {READY_S:.0f} s") from error
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), STOP_S)
                except TimeoutError:
                    process.kill()
                    await process.wait()
            if drained is not None:
                await drained


async def start_server(*arguments: str) -> asyncio.subprocess.Process:
    """Start the server in a session of its own: it gets only the signals we send it.

    It is started as this program was, so that what it says fits: as `openbell serve`, or as api/app.py.
    """
    return await asyncio.create_subprocess_exec(
        *server_command(),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


def server_command() -> list[str]:
    """What starts a server, before its options."""
    command = [str(Path(openbell.__file__).with_name("__main__.py")), "serve"]
    return [sys.executable, *(command if started_by_command() else [str(ROOT / "api" / "app.py")])]


async def url_of(process: asyncio.subprocess.Process, *, echo: bool = False) -> str:
    """Read what the server prints until it says its URL; `echo` passes it on. Raises SpawnError when it ends first."""
    if process.stdout is None:
        raise ValueError("the server's output is not ours to read")
    printed: list[str] = []
    while line := (await process.stdout.readline()).decode(errors="replace"):
        if echo:
            sys.stdout.write(line)
            sys.stdout.flush()
        printed.append(line)
        found = URL_LINE.search(line)
        if found:
            return found.group()
    status = await process.wait()
    raise SpawnError(f"the server ended with status {status}: {''.join(printed).strip() or 'it printed nothing'}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Read and drop what else it prints, so that it never waits for a reader."""
    while process.stdout is not None and await process.stdout.readline():
        pass
