"""`openbell cluster`: how the nodes are, standing down, removing one that is gone, what is done with one's folder.

Asks etcd, and the nodes at their own ports. Layer: cluster.
"""

from __future__ import annotations

import contextlib
import getpass
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from cluster.caretaking import read_space
from cluster.etcd.addresses import BadAddresses, Certificates, parse_members
from cluster.etcd.etcd_members import EtcdMembers
from cluster.etcd.etcd_store import EtcdStore
from cluster.failures import ClusterError
from cluster.founding import found_log, opened_log
from cluster.keys import Keys, Owner, StoredHead
from cluster.known_nodes import addresses_of, ask_to_stand_down, forget_node, nodes_of
from cluster.last_known import nodes_last_known, states_of
from cluster.membership import member_statuses
from cluster.node_tls import client_context
from cluster.ownership import OwnerKey, Ownership
from cluster.peer_client import PeerClient, PeerError
from cluster.peer_frames import NodeState
from cluster.records import position_of
from cluster.seen_log import forget_seen
from cluster.space import SpaceLevel
from cluster.space_advice import advice_on
from cluster.store import StoreError
from cluster.trimming import Trimmer
from journal.port import JournalError
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal

STAND_DOWN_S: Final = 20.0  # for another node to write
CHECK_S: Final = 0.2
SETTLED_TRIES: Final = 5  # of a reading in which a node is a writer and another one owns the log
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


class Cluster(msgspec.Struct):
    """What every command uses."""

    urls: str  # of the members, as they were given
    store: EtcdStore
    alone: list[EtcdStore]  # one for each member, which says what that has
    members: EtcdMembers
    keys: Keys
    tls: ssl.SSLContext | None

    def owner(self) -> Ownership | None:
        """Who writes. Raises StoreError."""
        return OwnerKey(self.store, self.keys, Owner("", "", "")).current()

    def gone(self, states: list[tuple[NodeState, bool]]) -> list[str]:
        """The nodes that were not removed, and of which nothing was heard lately. Raises StoreError."""
        noted = {note.node for note in Trimmer(self.store, self.keys).notes()}
        return sorted((noted | addresses_of(self.store, self.keys).keys()) - {state.name for state, _ in states})

    def states(self) -> list[tuple[NodeState, bool]]:
        """Each node as it is now and that it answers, or as it was when its role changed last. Raises StoreError."""
        found = []
        for known in nodes_of(self.store, self.keys):
            try:
                with contextlib.closing(PeerClient(known.peer, self.tls)) as peer:
                    found.append((peer.state(), True))
            except PeerError:
                found.append((known, False))
        return found


class _Certificates(msgspec.Struct):
    cluster_ca: Path | None
    cluster_cert: Path | None
    cluster_key: Path | None


_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def _setting(option: str, name: str, **further: Any) -> Callable[[_Decorated], _Decorated]:
    """An option that is the server's as well, by the server's variable."""
    variable = "OPENBELL_" + option.removeprefix("--").replace("-", "_").upper()
    return click.option(option, name, envvar=variable, show_envvar=True, **further)


@click.group(context_settings={"auto_envvar_prefix": "OPENBELL", "help_option_names": ["-h", "--help"]})
@_setting("--cluster", "urls", required=True, help="etcd's members: http://HOST:PORT,... or https://.")
@_setting("--cluster-name", "name", default="openbell", show_default=True, help="Which of this etcd's clusters.")
@_setting("--cluster-ca", "ca", type=_FILE, help="PEM file of the authority; the three go together.")
@_setting("--cluster-cert", "cert", type=_FILE, help="PEM file of this machine's certificate.")
@_setting("--cluster-key", "key", type=_FILE, help="PEM file of its private key.")
@click.pass_context
def main(context: click.Context, urls: str, name: str, ca: Path | None, cert: Path | None, key: Path | None) -> None:
    """Look after a cluster: the nodes and their log in etcd.

    The options stand before the command and have the values that the nodes are started with. What the environment
    has need not be given.
    """
    try:
        addresses = parse_members(urls, None if ca is None else Certificates(ca, cert, key))
        keys, tls = Keys(name), client_context(_Certificates(ca, cert, key))
    except (BadAddresses, ValueError, OSError) as problem:
        raise click.UsageError(str(problem)) from problem
    store, members = EtcdStore(addresses), EtcdMembers(addresses)
    alone = [EtcdStore(addresses, at, reads_local=True) for at in range(len(addresses.addresses))]
    for each in alone:
        context.call_on_close(each.close)
    context.call_on_close(store.close)
    context.call_on_close(members.close)
    context.obj = Cluster(urls, store, alone, members, keys, tls)


@main.result_callback()
def _end(_result: Any, **_options: Any) -> None:
    sys.stdout.flush()


def _asked(call: Any) -> Any:
    """What `call` gives; what goes wrong becomes a message. Tried at each member once."""
    cluster = click.get_current_context().obj
    for left in range(len(cluster.members.addresses) - 1, -1, -1):
        try:
            return call()
        except StoreError as problem:
            cluster.store.next_member()
            if not left:
                raise _LogSilentError(_unanswered(cluster, problem)) from problem
        except (ClusterError, JournalError, OSError) as problem:
            raise click.ClickException(str(problem)) from problem
    return None


class _LogSilentError(click.ClickException):
    """No member of etcd answers for the log."""


def _unanswered(cluster: Cluster, problem: StoreError) -> str:
    """What to tell a person whom no member of etcd answers."""
    members, alive = len(cluster.members.addresses), len(member_statuses(cluster.members))
    return (
        f"The log does not answer: {problem}\n{alive} of the {members} members that --cluster names run; more than "
        "half have to, and to reach each other. Until then nobody writes, and nothing is lost."
    )


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@_setting(
    "--node-listen",
    "listening",
    multiple=True,
    help="A node as its --node-listen says, to be asked while etcd does not answer. Can be given several times.",
)
@click.pass_obj
def status(cluster: Cluster, as_json: bool, listening: tuple[str, ...]) -> None:
    """Who writes, how far each node is, and how etcd is.

    Status 1 where nobody writes, where a node or a member of etcd does not answer, or where etcd has no space. While
    etcd does not answer, the nodes that are known of say how they are.
    """
    try:
        head, owner, states = _settled(cluster)
    except _LogSilentError as silent:
        _show_last_known(cluster, silent, listening, as_json=as_json)
        sys.exit(1)
    gone = _asked(lambda: cluster.gone(states))
    space, statuses = read_space(cluster.members), member_statuses(cluster.members)
    found = {
        "writer": None if owner is None else owner.writer,
        "epoch": None if owner is None else owner.epoch,
        "record": head.n,
        "seq": head.head.position.seq,
        "nodes": [{**msgspec.to_builtins(state), "answers": answers} for state, answers in states],
        "gone": gone,
        "log": {
            "members": len(cluster.members.addresses),
            "answering": len(statuses),
            "space": None if space is None else str(space.level),
            "space_share": None if space is None else round(space.share, 4),
        },
    }
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        _show(found, head.n)
        snapshots = {note.node for note in _asked(Trimmer(cluster.store, cluster.keys).notes)}
        for line in advice_on(space, cluster.urls, snapshots):
            click.echo(line)
    all_answer = not gone and all(answers for _, answers in states) and len(statuses) == found["log"]["members"]
    sound = found["writer"] is not None and all_answer and found["log"]["space"] != SpaceLevel.FULL
    sys.exit(0 if sound else 1)


def _settled(cluster: Cluster) -> tuple[StoredHead, Ownership | None, list[tuple[NodeState, bool]]]:
    """The head, who writes and how the nodes are, at one time: read again while the writer changes, a few times."""
    head, owner, states = _asked(lambda: _read(cluster))
    for _ in range(SETTLED_TRIES - 1):
        writers = {state.name for state, answers in states if answers and state.role == "writer"}
        if writers <= {owner.writer if owner is not None else None}:
            break
        time.sleep(CHECK_S)
        head, owner, states = _asked(lambda: _read(cluster))
    return head, owner, states


def _read(cluster: Cluster) -> tuple[StoredHead, Ownership | None, list[tuple[NodeState, bool]]]:
    return opened_log(cluster.store, cluster.keys), cluster.owner(), cluster.states()


def _show_last_known(cluster: Cluster, silent: _LogSilentError, listening: tuple[str, ...], *, as_json: bool) -> None:
    """Print what the nodes say of themselves while the log does not answer."""
    try:
        states, unheard = states_of(nodes_last_known(cluster.alone, cluster.keys), listening, cluster.tls)
    except PeerError as problem:
        raise click.UsageError(f"--node-listen: {problem}") from problem
    answering = [state for state, answers in states if answers]
    furthest = max(answering, key=lambda state: state.n, default=None)
    found: dict[str, Any] = {
        "writer": None,
        "epoch": max((state.epoch for state in answering), default=None),
        "record": None if furthest is None else furthest.n,
        "seq": None if furthest is None else furthest.seq,
        "nodes": [{**msgspec.to_builtins(state), "answers": answers} for state, answers in states],
        "gone": [],
        "log": {
            "members": len(cluster.members.addresses),
            "answering": len(member_statuses(cluster.members)),
            "space": None,
            "space_share": None,
        },
        "problem": silent.message,
    }
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    click.echo(silent.message, err=True)
    _show(found, found["record"] or 0)
    for address in unheard:
        click.echo(f"nobody answers at {address}")
    if not states:
        click.echo("no node is known: name some by --node-listen, or ask GET /node of each")


def _show(found: dict[str, Any], head_n: int) -> None:
    log = found["log"]
    click.echo(f"writer    {found['writer'] or 'nobody'}, epoch {found['epoch'] or '-'}, record {head_n}")
    share = "" if log["space_share"] is None else f", {100 * log['space_share']:.0f} % of the quota ({log['space']})"
    click.echo(f"etcd      {log['answering']} of {log['members']} members answer{share}")
    click.echo(f"{'node':10}{'role':12}{'record':>10}{'behind':>8}  {'clients at':32} why it cannot become the writer")
    for node in sorted(found["nodes"], key=lambda node: node["name"]):
        role = node["role"] if node["answers"] else "no answer"
        behind = "-" if not node["answers"] else max(0, head_n - node["n"])
        why_not = node.get("why_not") or ""
        click.echo(f"{node['name']:10}{role:12}{node['n']:>10}{behind:>8}  {node['url']:32} {why_not}".rstrip())
    for name in found["gone"]:
        click.echo(
            f"{name:10}{'gone':12}{'-':>10}{'-':>8}  start it again, or, for good: openbell cluster remove {name}"
        )


@main.command(name="stand-down")
@click.argument("node")
@click.pass_obj
def stand_down(cluster: Cluster, node: str) -> None:
    """Have NODE hand over the role of the writer, so that it can be stopped; return when another node has it."""
    owner = _asked(cluster.owner)
    if owner is None or owner.owner.node != node:
        _require_known(cluster, node)
        writer = "nobody" if owner is None or owner.writer is None else owner.writer
        click.echo(f"{node} is not the writer: {writer} is")
        return
    if not any(answers and state.why_not is None and state.name != node for state, answers in _asked(cluster.states)):
        raise click.ClickException("No other node could take over now.")
    _asked(lambda: ask_to_stand_down(cluster.store, cluster.keys, node, getpass.getuser()))
    until = time.monotonic() + STAND_DOWN_S
    while time.monotonic() < until:
        now = _asked(cluster.owner)
        if now is not None and now.writer not in (None, node):
            click.echo(f"{now.owner.node} writes, epoch {now.epoch}")
            return
        time.sleep(CHECK_S)
    raise click.ClickException(f"{node} has not handed over in {STAND_DOWN_S:.0f} s.")


def _require_known(cluster: Cluster, node: str) -> list[tuple[NodeState, bool]]:
    """How the nodes are. Raises ClickException where none is called `node`."""
    states: list[tuple[NodeState, bool]] = _asked(cluster.states)
    known = [state.name for state, _ in states] + _asked(lambda: cluster.gone(states))
    if node not in known:
        raise click.ClickException(f"There is no node {node}. Known: {', '.join(sorted(known)) or 'none'}.")
    return states


@main.command()
@click.argument("node")
@click.pass_obj
def remove(cluster: Cluster, node: str) -> None:
    """Forget NODE, which is gone for good: the log is not kept for it any more. One that comes back is known again."""
    states = _require_known(cluster, node)
    if any(answers for state, answers in states if state.name == node):
        raise click.ClickException(f"{node} answers: stop it first.")
    _asked(lambda: forget_node(cluster.store, cluster.keys, node))
    left = [note.node for note in _asked(Trimmer(cluster.store, cluster.keys).notes)]
    click.echo(f"{node} is forgotten; the log is trimmed by the snapshots of: {', '.join(left) or 'nobody'}")


@main.command()
@click.option("--data", type=_FOLDER, required=True, help="The folder of that server.")
@click.pass_obj
def found(cluster: Cluster, data: Path) -> None:
    """Begin a cluster with what the folder of a server alone has. Stop that server first.

    The first node is started on this folder; the others on empty ones, when it has written a snapshot.
    """

    def made() -> int:
        with _journal_of(data) as journal:
            at = position_of(journal.last)
            newest = next(iter(SnapshotFolder(data / "snapshots").files()), None)
            head = found_log(cluster.store, cluster.keys, at)
            if head.n != at.n or head.head.position.chain != at.chain:
                raise ClusterError(f"There is a log already, which ends at record {head.n}: nothing was changed.")
            forget_seen(data)
            if newest is None or newest.n < at.n:
                click.echo("other nodes can join when the first one has written a snapshot")
            return at.n

    click.echo(f"the log begins behind record {_asked(made)}")


@main.command()
@click.option("--data", type=_FOLDER, required=True, help="The folder of that node.")
@click.pass_obj
def accept(cluster: Cluster, data: Path) -> None:
    """Have a node that refuses since etcd was restored follow the log as it is now. Stop that node first.

    A folder that has more records than the log is left as it is: it has what was lost. Others may, too: look before.
    """

    def accepted() -> tuple[int, int]:
        head = opened_log(cluster.store, cluster.keys)
        with _journal_of(data) as journal:
            own = position_of(journal.last)
            if own.n > head.n:
                raise ClusterError(
                    f"The log ends at record {head.n}, and this folder, which has {own.n}, has what the log has lost: "
                    "nothing was changed. To go on with that, found the cluster anew with the folder that has most."
                )
            forget_seen(data)
            return own.n, head.n

    own_n, head_n = _asked(accepted)
    click.echo(f"the log ends at record {head_n}, and this folder has {own_n}")


@contextlib.contextmanager
def _journal_of(data: Path) -> Iterator[SqliteJournal]:
    """The journal of a folder, which nobody else has open meanwhile. Raises ClusterError, JournalError."""
    path = data / "journal.sqlite"
    if not path.exists():
        raise ClusterError(f"There is no journal in {data}: nothing was changed.")
    with contextlib.closing(SqliteJournal(path)) as journal:
        yield journal


if __name__ == "__main__":
    main()
