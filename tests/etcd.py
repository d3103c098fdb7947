"""Real etcd members of our own, on loopback, with the flags that the documentation asks for.

They are killed, paused and started again as a test likes. With `secure` they speak TLS to clients and to each other,
and take only those who have a certificate of the same authority.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster.etcd.addresses import Certificates, Members, parse_members
from cluster.etcd.etcd_members import EtcdMembers
from cluster.store import MemberStatus, StoreError
from tests.certificates import Authority
from tests.ports import free_port

READY_S = 60.0

needs_etcd = pytest.mark.skipif(
    shutil.which("etcd") is None, reason="etcd is not installed: sh tools/setup/system-packages.sh etcd"
)


class EtcdMember:
    """One member: its process, which comes and goes, and its folder, which stays."""

    def __init__(
        self, name: str, folder: Path, *, secure: bool, host: str = "127.0.0.1", before: tuple[str, ...] = ()
    ) -> None:
        """`before`: words before its command, of a program that becomes this one."""
        self.name = name
        self.folder = folder
        self.host = host
        self._before = before
        scheme = "https" if secure else "http"
        self.client_port, self.peer_port = free_port(), free_port()
        self.client_url = f"{scheme}://{host}:{self.client_port}"
        self.peer_url = f"{scheme}://{host}:{self.peer_port}"
        self.command: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port, as our client names it."""
        return f"{self.host}:{self.client_port}"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self.process is not None, f"member {self.name} does not run"
        return self.process.pid

    def start(self, *before: str) -> None:
        """Start it on what is in its folder; `before` are words before its command, such as another program's."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._before, *before, *self.command], stdout=log, stderr=log, cwd=self.folder
            )

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self.process is not None:
            started = psutil.Process(self.process.pid).children(recursive=True)  # the member, behind another program
            for child in started:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            self.process.kill()
            self.process.wait(20)
            self.process = None
            _wait_gone(started)  # which nobody else waits for: it has its ports until then

    def stop(self) -> None:
        """Have it end by itself."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)
        self.process = None

    def pause(self) -> None:
        """Have it do nothing, with all its connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on after a pause."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


class EtcdCluster:
    """One or three members, and who leads them."""

    def __init__(
        self,
        folder: Path,
        count: int,
        authority: Authority | None,
        flags: tuple[str, ...],
        hosts: Sequence[tuple[str, tuple[str, ...]]] = (),
    ) -> None:
        """`hosts`: for each member its address, and what stands before a command that is to run there."""
        self.certificates = None
        if authority is not None:
            certificate, key = authority.issue("client")
            self.certificates = Certificates(authority.path, certificate, key)
        places = hosts or [("127.0.0.1", ())] * count
        self.members = [
            EtcdMember(f"m{i}", folder / f"m{i}", secure=authority is not None, host=host, before=before)
            for i, (host, before) in enumerate(places)
        ]
        together = ",".join(f"{member.name}={member.peer_url}" for member in self.members)
        for member in self.members:
            member.folder.mkdir(parents=True)
            member.command = _command(member, together, flags)
            if authority is not None:
                member.command += _tls_flags(authority)

    @property
    def url(self) -> str:
        """All members, as `--cluster` takes them."""
        return ",".join(member.client_url for member in self.members)

    @property
    def parsed(self) -> Members:
        """All members, as our client takes them."""
        return parse_members(self.url, self.certificates)

    def start(self) -> None:
        """Start every member that does not run, and wait until they have a leader."""
        for member in self.members:
            if member.process is None:
                member.start()
        self.wait_until_ready()

    def statuses(self) -> dict[str, MemberStatus]:
        """What the members that answer say of themselves, by name."""
        found = {}
        with _closing(EtcdMembers(self.parsed)) as client:
            for member in self.members:
                with suppress(StoreError):
                    found[member.name] = client.status(member.address, 2.0)
        return found

    def wait_until_ready(self, count: int | None = None) -> None:
        """Wait until so many members, or all, follow one leader."""
        wanted = len(self.members) if count is None else count
        deadline = time.monotonic() + READY_S
        while True:
            statuses = self.statuses()
            led = [status for status in statuses.values() if status.leader_id]
            if len(led) >= wanted and len({status.leader_id for status in led}) == 1:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"etcd did not become ready: {statuses}\n{self._logs()}")
            time.sleep(0.05)

    def leader(self) -> EtcdMember:
        """The member that leads now; waits until one says so."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            self.wait_until_ready(len(self.members) // 2 + 1)
            for name, status in self.statuses().items():
                if status.leads:
                    return next(member for member in self.members if member.name == name)
        raise TimeoutError("no member of etcd leads")

    def followers(self) -> list[EtcdMember]:
        """The members that do not lead."""
        leader = self.leader()
        return [member for member in self.members if member is not leader]

    def close(self) -> None:
        """End all of them."""
        for member in self.members:
            member.kill()

    def _logs(self) -> str:
        return "\n".join((member.folder / "log").read_text(errors="replace")[-2000:] for member in self.members)


def _wait_gone(processes: Sequence[psutil.Process]) -> None:
    """Wait until none of them has its ports any more, be its end noted by its parent or not."""
    deadline = time.monotonic() + READY_S
    while not all(map(_is_gone, processes)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"they were killed and do not end: {processes}")
        time.sleep(0.01)


def _is_gone(process: psutil.Process) -> bool:
    try:
        # its first thread may have ended before the others, which have its ports as well
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return True


@contextmanager
def running_etcd(
    folder: Path, count: int = 3, *, secure: bool = False, flags: tuple[str, ...] = ()
) -> Iterator[EtcdCluster]:
    """So many members that run meanwhile, below `folder`; `flags` come on top of the documented ones."""
    cluster = EtcdCluster(folder, count, Authority(folder / "tls") if secure else None, flags)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def _command(member: EtcdMember, together: str, flags: tuple[str, ...]) -> list[str]:
    return [
        "etcd",
        *("--name", member.name, "--data-dir", str(member.folder / "data")),
        *("--listen-client-urls", member.client_url, "--advertise-client-urls", member.client_url),
        *("--listen-peer-urls", member.peer_url, "--initial-advertise-peer-urls", member.peer_url),
        *("--initial-cluster", together, "--initial-cluster-state", "new"),
        *("--pre-vote", "--heartbeat-interval", "100", "--election-timeout", "1000"),
        *("--experimental-initial-corrupt-check", "--quota-backend-bytes", str(4 * 2**30)),
        *("--logger", "zap", "--log-outputs", "stderr"),
        *flags,
    ]


def _tls_flags(authority: Authority) -> list[str]:
    certificate, key = authority.issue("member")
    words = []
    for prefix in ("", "peer-"):
        words += [f"--{prefix}cert-file", str(certificate), f"--{prefix}key-file", str(key)]
        words += [f"--{prefix}trusted-ca-file", str(authority.path), f"--{prefix}client-cert-auth"]
    return words


@contextmanager
def _closing(client: Any) -> Iterator[Any]:
    try:
        yield client
    finally:
        client.close()
