"""What `make cluster` starts: three members of etcd, three nodes and, once they take orders, the simulated traders.

    python -m tools.cluster [--port 5000] [--data data-cluster] [--nodes 3] [--no-traders] [options of api/app.py]

All on loopback, to try it: a cluster on one machine survives a process, not the machine. What ends by itself or is
killed is started again after a moment, as a supervisor would. All of it ends on SIGINT or SIGTERM, the traders first.
Layer: tools.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from listings.numbers import whole
from openbell.programs import called
from openbell_client import AsyncClient
from tools.spawn import ROOT, server_command
from tools.venue import wait_until_accepting

MEMBERS: Final = 3
AGAIN_S: Final = 3.0  # before what has ended is started again
STOP_S: Final = 15.0
PORTS: Final = range(23790, 24290)  # below those that systems give to whoever asks for any
IDENTITY: Final = "OPENBELL_IDENTITY_URL"
ACCEPTING_S: Final = 600.0
STILL_S: Final = 15.0  # between two lines that say for whom one waits
# an election later than on machines of their own: where ten processes share two cores, a member that has no turn for a
# second is not gone
FLAGS: Final = (
    *("--pre-vote", "--heartbeat-interval", "250", "--election-timeout", "2500"),
    *("--experimental-initial-corrupt-check=true", "--quota-backend-bytes", str(4 * 2**30), "--log-level", "error"),
)


class Supervised:
    """One process, which is started again when it ends, until it is stopped."""

    def __init__(self, name: str, command: Sequence[str], log: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are put into its environment, which others on the machine cannot read."""
        self._environment = {**_environment(), **(settings or {})}
        self.name = name
        self._command = command
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it, by SIGTERM; by force where it does not."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
        await self._task

    async def _run(self) -> None:
        while not self._stopping:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True, env=self._environment
                )
            print(f"{self.name}: process {self._process.pid}", flush=True)
            status = await self._process.wait()
            if self._stopping:
                return
            print(
                f"{self.name} has ended ({status}); it is started again in {AGAIN_S:.0f} s. Its log: {self._log}",
                flush=True,
            )
            if status > 0 and (last := _last_line(self._log)):
                print(f"  {last}", flush=True)
            for _ in range(int(AGAIN_S / 0.1)):
                await asyncio.sleep(0.1)
                if self._stopping:
                    return


async def run(asked: argparse.Namespace, further: list[str]) -> int:
    """Run all of it until a signal; the exit status."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    asked.data = asked.data.absolute()  # the processes have another working directory
    for port in range(asked.port, asked.port + asked.nodes):
        if not _is_free(port):
            raise SystemExit(
                f"Port {port} is in use, and the nodes need {asked.port} to {asked.port + asked.nodes - 1}: "
                f"end what listens there, or choose others, such as PORT={asked.port + 100} (--port)"
            )
    asked.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    urls, log = _log(asked.data)
    print(f"Starting {MEMBERS} members of etcd and {asked.nodes} nodes; their data and logs: {asked.data}/", flush=True)
    started = [Supervised(name, command, asked.data / f"{name}.log") for name, command in log]
    names = [chr(ord("a") + number) for number in range(asked.nodes)]
    try:
        for at, name in enumerate(names):
            command = node_command(name, asked.port + at, asked.data, urls, further)
            started.append(Supervised(f"node {name}", command, asked.data / f"{name}.log", users_of(asked.data)))
        pages = [f"http://127.0.0.1:{asked.port + number}" for number in range(asked.nodes)]
        waiting = asyncio.create_task(_all_accepting(pages))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            if (silent := await waiting) is not None:
                print(
                    f"{silent} takes no orders after {ACCEPTING_S:.0f} s: the logs in {asked.data}/ say why.",
                    flush=True,
                )
                return 1
            if not asked.no_traders:
                flow = [sys.executable, "-m", "tools.flow", "--url", pages[0]]
                started.append(Supervised("traders", flow, asked.data / "traders.log"))
            _say(names, pages, urls)
            await stopping
        waiting.cancel()
        stopping.cancel()
    finally:
        print("Stopping all of it, the traders first.", flush=True)
        for one in reversed(started):
            await one.stop()
    return 0


def _say(names: list[str], pages: list[str], urls: str) -> None:
    print("The cluster takes orders. The page of each node, all of the same venue:")
    for name, page in zip(names, pages, strict=True):
        print(f"  node {name}: {page}/")
    print("Kill any node or member of etcd by its process; what was acknowledged is there, and the others go on.")
    # "python -m cluster", of a checkout, is what this very Python has.
    program = called("cluster").replace("python ", f"{os.path.relpath(sys.executable)} ", 1)
    print(f"How it is: {program} --cluster {urls} status", flush=True)


async def _all_accepting(pages: list[str]) -> str | None:
    """Wait until all take orders; otherwise the one that did not in time."""
    now = asyncio.get_running_loop().time
    began = said = now()
    for page in pages:
        while not await _is_accepting(page):
            if now() > began + ACCEPTING_S:
                return page
            if now() > said + STILL_S:
                said = now()
                print(f"Waiting for {page} to take orders, for {said - began:.0f} s now.", flush=True)
            await asyncio.sleep(0.2)
    return None


async def _is_accepting(page: str) -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(STILL_S), AsyncClient(page, retry_for_s=0) as client:
            await wait_until_accepting(client)
            return True
    return False


def node_command(name: str, port: int, data: Path, urls: str, further: Sequence[str]) -> list[str]:
    """The command line of one node, beside what `users_of` gives."""
    return [
        *server_command(),
        *("--cluster", urls, "--node", name, "--host", "127.0.0.1", "--port", str(port)),
        *("--data", str(data / name), "--secret-file", str(data / "secret.key")),
        *further,
    ]


def users_of(data: Path) -> dict[str, str]:
    """Where the users of all nodes are: as we were given it, or in a file, which will do on one machine.

    Not on the command line: a URL may have a password.
    """
    return {IDENTITY: os.environ.get(IDENTITY) or f"sqlite:///{data / 'identity.sqlite'}"}


def _log(data: Path) -> tuple[str, list[tuple[str, list[str]]]]:
    """The members' URLs, and the name and command of each. Raises SystemExit where there is no etcd."""
    etcd = shutil.which("etcd")
    if etcd is None:
        raise SystemExit("etcd is not installed: sh tools/setup/system-packages.sh etcd (Debian: etcd-server)")
    ports = member_ports(data)
    together = ",".join(f"etcd-{n}=http://127.0.0.1:{peer}" for n, (_, peer) in enumerate(ports))
    commands = []
    for n, (client, peer) in enumerate(ports):
        listen = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        where = [
            *("--listen-client-urls", listen[0], "--advertise-client-urls", listen[0]),
            *("--listen-peer-urls", listen[1], "--initial-advertise-peer-urls", listen[1]),
        ]
        command = [etcd, "--name", f"etcd-{n}", "--data-dir", str(data / f"etcd-{n}"), *where, *FLAGS]
        commands.append((f"etcd-{n}", [*command, "--initial-cluster", together]))
    return ",".join(f"http://127.0.0.1:{client}" for client, _ in ports), commands


def member_ports(data: Path) -> list[tuple[int, int]]:
    """Each member's port for clients and for its peers: free at the first start, the same at each later one, since
    members know each other by them."""
    taken: set[int] = set()
    ports = []
    for n in range(MEMBERS):
        ports.append((_kept_port(data / f"etcd-{n}.port", taken), _kept_port(data / f"etcd-{n}.peer-port", taken)))
    return ports


def _kept_port(path: Path, taken: set[int]) -> int:
    """The port in that file, or one that is free and of nobody in `taken`, which it joins."""
    if path.is_file():
        port = int(path.read_text(encoding="ascii"))
    else:
        port = next((port for port in PORTS if port not in taken and _is_free(port)), 0)
        if not port:
            raise SystemExit(f"no port from {PORTS[0]} on is free for etcd")
        path.write_text(str(port), encoding="ascii")
    taken.add(port)
    return port


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


def _last_line(log: Path) -> str:
    """The last of what it wrote, from the last 4 kB."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _environment() -> dict[str, str]:
    """Ours, without the settings of a server: each process is given its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENBELL_")}
    return {**kept, "PYTHONSAFEPATH": "", "PYTHONPATH": str(ROOT)}


def main() -> int:
    """Run the command line; the exit status."""
    options = argparse.ArgumentParser(
        prog=called("try-cluster"),
        usage="%(prog)s [--port PORT] [--data DIR] [--nodes N] [--no-traders] [OPTIONS OF THE SERVER]",
        description="Starts three members of etcd, the nodes of a cluster and simulated traders, all on this machine. "
        f"Further options go to each node: {called('serve')} --help lists them.",
        allow_abbrev=False,
    )
    options.add_argument("--port", type=whole, default=5000, help="of the first node; the others have the next ones")
    options.add_argument("--data", type=Path, default=Path("data-cluster"), help="folder of all of it")
    options.add_argument("--nodes", type=whole, default=3, help="how many (default: %(default)s)")
    options.add_argument("--no-traders", action="store_true", help="without simulated traders")
    asked, further = options.parse_known_args()
    return asyncio.run(run(asked, further))


if __name__ == "__main__":
    sys.exit(main())
