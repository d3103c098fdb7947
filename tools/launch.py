"""What `make run` starts: the server and, once it takes orders, the simulated traders beside it.

    python -m tools.launch [--strategy NAME ...] [--seed N] [options of api/app.py]

Both end together on SIGINT or SIGTERM, the traders first, so that they can cancel their
quotes. A server that ends by itself ends this too, with its status. Nothing is restarted.
Layer: tools.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from listings.numbers import whole
from openbell.programs import called, started_by_command
from openbell_client import AsyncClient
from tools.spawn import ROOT, start_server, url_of
from tools.venue import wait_until_accepting

FLOW_STOP_S: Final = 25.0  # for the traders to cancel their quotes
SERVER_STOP_S: Final = 30.0
PATIENCE_S: Final = 10.0  # until it is said why the traders wait
LAST_PORT: Final = 65_535


async def run(arguments: list[str], flow: list[str]) -> int:
    """Run both until one signal or the server's end; return the server's exit status.

    `arguments` are the server's; `flow` the module of the traders and its own.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    server = await start_server(*arguments)
    ended = asyncio.create_task(server.wait())
    stopping = asyncio.create_task(stop.wait())
    bringing_up = asyncio.create_task(_url_when_accepting(server))
    try:
        await asyncio.wait({bringing_up, ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            return await _stopped(server, SERVER_STOP_S)
        if ended.done() or bringing_up.exception() is not None:
            return _status(await ended)
        return await _trade_beside(server, bringing_up.result(), flow, ended, stopping)
    finally:
        bringing_up.cancel()
        stopping.cancel()
        if server.returncode is None:
            server.kill()
            await server.wait()


async def _trade_beside(
    server: asyncio.subprocess.Process,
    url: str,
    traders: list[str],
    ended: asyncio.Task[int],
    stopping: asyncio.Task[bool],
) -> int:
    print(f"The page: {url}/ - with simulated traders, labelled as such.", flush=True)
    print(
        f"Without them: {alone()}; beside this server, with a port and a folder of its own: {beside(url)}", flush=True
    )
    echoed = asyncio.create_task(_echo(server))
    flow = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *traders, "--url", url),
        cwd=ROOT,
        env=_environment(),
        start_new_session=True,
    )
    flow_ended = asyncio.create_task(flow.wait())
    try:
        await asyncio.wait({ended, stopping, flow_ended}, return_when=asyncio.FIRST_COMPLETED)
        if flow_ended.done() and not ended.done() and not stopping.done():
            print(f"The simulated traders ended with status {flow.returncode}; the server goes on.", flush=True)
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            print(f"The server ended with status {_status(ended.result())}.", file=sys.stderr, flush=True)
            await _stopped(flow, FLOW_STOP_S)
            return _status(ended.result())
        await _stopped(flow, FLOW_STOP_S)
        return await _stopped(server, SERVER_STOP_S)
    finally:
        if flow.returncode is None:
            flow.kill()
        await flow_ended
        await echoed


def _environment() -> dict[str, str]:
    """Ours, in which programs are found by their folder, and strategies by the folder that this was started in."""
    found_by = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(Path.cwd()))))
    return {**os.environ, "PYTHONSAFEPATH": "", "PYTHONPATH": found_by}


def alone() -> str:
    """The command that starts a server without traders."""
    return called("serve") if started_by_command() else "make serve"


def beside(url: str) -> str:
    """The command that starts another server while the one at `url` runs."""
    port = urlsplit(url).port or 0
    other = port + 1 if port < LAST_PORT else port - 1
    return f"{alone()} --port {other} --data data-2" if started_by_command() else f"{alone()} PORT={other} DATA=data-2"


async def _url_when_accepting(server: asyncio.subprocess.Process) -> str:
    url = await url_of(server, echo=True)
    async with AsyncClient(url, retry_for_s=0) as client:
        await wait_until_accepting(client, _Patient())
    return url


class _Patient:
    """Says once why the traders wait, when they have for longer than a start takes: as for a certificate to trust."""

    def __init__(self) -> None:
        self._said_at = time.monotonic() + PATIENCE_S
        self._said = False

    def __call__(self, reason: str) -> None:
        if not self._said and time.monotonic() >= self._said_at:
            self._said = True
            print(f"The simulated traders wait for the server ({reason}).", file=sys.stderr, flush=True)


async def _echo(server: asyncio.subprocess.Process) -> None:
    while server.stdout is not None and (line := await server.stdout.readline()):
        sys.stdout.write(line.decode(errors="replace"))
        sys.stdout.flush()


async def _stopped(process: asyncio.subprocess.Process, patience_s: float) -> int:
    """Ask a process to end, by SIGTERM; kill it when it does not in time. Return its exit status."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        return _status(await asyncio.wait_for(process.wait(), patience_s))
    except TimeoutError:
        print(f"Process {process.pid} did not end within {patience_s:.0f} s and was killed.", file=sys.stderr)
        process.kill()
        return _status(await process.wait())


def _status(returncode: int) -> int:
    """An exit status as a shell gives it: 128 and the signal's number where a signal ended the process."""
    return 128 - returncode if returncode < 0 else returncode


def main() -> int:
    """Run the command line, which is the server's but for --help; the exit status."""
    options = argparse.ArgumentParser(
        prog=called("run"),
        usage="%(prog)s [OPTIONS OF THE SERVER]",
        description="Starts the server and, once it takes orders, simulated traders beside it. Both end on Ctrl-C. "
        f"Every option goes to the server: {called('serve')} --help lists them.",
        allow_abbrev=False,
    )
    options.add_argument(
        "--strategy", action="append", default=[], help="in the place of the simulated traders, as of strategies"
    )
    options.add_argument("--seed", type=whole, default=1, help="of the traders (default: %(default)s)")
    asked, arguments = options.parse_known_args()
    own = [word for name in asked.strategy for word in ("--strategy", name)]
    flow = ["tools.strategies", *own] if own else ["tools.flow"]
    return asyncio.run(run(arguments, [*flow, "--seed", str(asked.seed)]))


if __name__ == "__main__":
    sys.exit(main())
