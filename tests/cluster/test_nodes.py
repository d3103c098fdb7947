"""Three nodes over a real etcd: orders at any, roles that change, what `openbell cluster` says and does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from openbell.programs import PROGRAMS
from tests.access.cast import operator
from tests.cluster.nodes import Nodes, nodes, state_of
from tests.etcd import EtcdCluster, needs_etcd
from tests.ports import free_port
from tests.programs import run
from tests.server import RunningServer, eventually
from tests.tidy.pages import page, rows, section

pytestmark = needs_etcd


@pytest.fixture(scope="module")
def venue(etcd: EtcdCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three nodes, which the tests of this module leave running."""
    with nodes(tmp_path_factory.mktemp("nodes"), etcd, "abc") as made:
        yield made


def entered(server: RunningServer, name: str) -> int:
    """The id of an order that rests, entered at that node."""
    order_id: int = server.http.enter("BTC-USDT", "buy", "0.01", "30000.00", client_order_id=name)["order_id"]
    return order_id


def cluster(venue: Nodes, *words: str) -> tuple[int, str]:
    """Status and output of `openbell cluster`."""
    done = run("-m", PROGRAMS["cluster"].module, "--cluster", venue.etcd.url, "--cluster-name", venue.cluster, *words)
    return done.returncode, done.stdout + done.stderr


def test_orders_at_any_node_are_orders_of_one_venue(venue: Nodes) -> None:
    ids = [entered(venue[name], f"at-{name}") for name in "abcabc"[:3]]
    assert len(set(ids)) == 3
    for name in "abc":
        for order_id, at in zip(ids, "abc", strict=True):
            eventually(
                lambda order_id=order_id, name=name: venue[name].http.call("GET", f"/order/{order_id}").status == 200
            )
            assert venue[name].http.get(f"/order/{order_id}")["client_order_id"] == f"at-{at}"
    venue.agree()


def test_an_order_is_done_once_at_whichever_node_it_is_asked_for_again(venue: Nodes) -> None:
    first = entered(venue["a"], "once")
    assert [entered(venue[name], "once") for name in "bca"] == [first] * 3


def test_a_node_says_who_writes_and_where_the_others_are(venue: Nodes) -> None:
    writer = venue.writer()
    for name in "abc":
        eventually(lambda name=name: len(state_of(venue[name])["nodes"]) == 3)
        state = state_of(venue[name])
        assert (state["name"], state["stale"], state["accepting"]) == (name, False, True)
        assert state["role"] == ("writer" if venue[name] is writer else "follower")
        assert venue[state["writer"]] is writer
        assert {node["name"]: node["url"] for node in state["nodes"]} == {n: venue[n].url for n in "abc"}
        assert state["cluster"]["log"]["answers"]


def test_a_node_that_is_stopped_is_listed_as_away_until_it_is_removed(venue: Nodes) -> None:
    away = venue.follower()
    name, there = state_of(away)["name"], venue.writer()

    def listed() -> dict[str, str]:
        return {node["url"]: node["role"] for node in state_of(there)["nodes"]}

    eventually(lambda: len(listed()) == 3)
    url = away.url
    away.stop()
    eventually(lambda: listed()[url] == "away")
    assert there.http.call("GET", "/node", headers={"Origin": url}).headers["Access-Control-Allow-Origin"] == url
    printed = cluster(venue, "status")[1]
    assert f"remove {name}" in printed
    assert "why it cannot become the writer" in printed
    removed, printed = cluster(venue, "remove", name)
    assert (removed, "the log is trimmed by the snapshots of: " in printed) == (0, True)
    eventually(lambda: url not in listed())
    assert "Access-Control-Allow-Origin" not in there.http.call("GET", "/node", headers={"Origin": url}).headers
    away.start()
    eventually(lambda: listed().get(away.url) == "follower")


def test_a_killed_writer_is_followed_by_another_and_comes_back_as_a_follower(venue: Nodes) -> None:
    writer = venue.writer()
    before, other = entered(writer, "before"), venue.follower()
    epoch = state_of(other)["epoch"]
    writer.kill_all()
    after = entered(other, "after")  # it waits for whoever writes next
    assert venue.writer() is not writer
    assert state_of(other)["epoch"] > epoch
    assert other.http.get(f"/order/{before}")["client_order_id"] == "before"
    writer.start(writer.port)
    eventually(lambda: state_of(writer)["accepting"])
    assert state_of(writer)["role"] == "follower"
    eventually(lambda: writer.http.call("GET", f"/order/{after}").status == 200)
    venue.agree()


def test_a_writer_that_is_stopped_hands_over_and_answers_what_it_has_taken(venue: Nodes) -> None:
    writer = venue.writer()
    assert writer.stop() == 0
    assert "stands down" in writer.log
    assert entered(venue.follower(), "behind-a-stop")
    writer.start(writer.port)


def test_an_operator_at_one_node_is_one_at_all_and_the_writer_keeps_a_schedule_given_at_another(venue: Nodes) -> None:
    follower = venue.follower()
    boss = operator(follower.http)
    night = {"time_zone": "UTC", "days": ["mon"], "trading": "09:00:00", "closed": "09:00:01"}
    listed: dict[str, Any] = {
        "symbol": "GOLD-USDT",
        "base": "GOLD",
        "quote": "USDT",
        "tick_size": "0.01",
        "lot_size": "1",
    }
    listed |= {"quote_scale": 10, "max_quantity": "1000", "max_notional": "1000000"}
    follower.http.call("POST", "/admin/symbols", listed | {"schedule": night}, boss.bearer).granted()
    path = "/admin/symbols/GOLD-USDT/schedule"
    for name in "abc":
        http = venue[name].http
        eventually(lambda http=http: http.call("GET", "/status/GOLD-USDT").json.get("status") == "closed")
        eventually(lambda http=http: http.call("GET", path, headers=boss.bearer).granted()["schedule"] is not None)


def test_every_figure_of_a_node_is_there_and_documented(venue: Nodes) -> None:
    text = venue.writer().http.call("GET", "/metrics").content.decode()
    named = set(re.findall(r"^# TYPE (openbell_(?:node|log)_\w+) ", text, re.MULTILINE))
    assert named == {cells[0].strip("`") for cells in rows(section(page("metrics.md"), "Figures of a node"))} - {"name"}
    assert 'openbell_node_role{role="writer"} 1.0' in text.splitlines()
    assert float(re.findall(r"^openbell_log_append_seconds_count (\S+)", text, re.MULTILINE)[0]) > 0


def test_the_command_says_how_the_nodes_are_while_the_log_does_not_answer(venue: Nodes) -> None:
    """By a member that runs alone, or by their own addresses where none does."""
    eventually(lambda: cluster(venue, "status")[0] == 0)
    nodes = {node["name"]: node for node in json.loads(cluster(venue, "status", "--json")[1])["nodes"]}
    leader, *others = venue.etcd.leader(), *venue.etcd.followers()
    try:
        for member in (leader, others[0]):
            member.kill()
        status, printed = cluster(venue, "status")
        assert (status, "The log does not answer" in printed, "1 of the 3 members" in printed) == (1, True, True)
        for name in "abc":
            assert re.search(rf"^{name} +(follower|writer) +\d+ +\d+ +{nodes[name]['url']}", printed, re.MULTILINE)
        others[1].kill()
        assert "no node is known" in cluster(venue, "status")[1]
        host, _, port = nodes["b"]["peer"].rpartition(":")
        words = ("--node-listen", f"{host}:{int(port) - 1}", "--node-listen", f"127.0.0.1:{free_port()}")
        status, printed = cluster(venue, "status", "--json", *words)
        found = json.loads(printed)
        assert (status, found["writer"], found["log"]["answering"]) == (1, None, 0)
        assert [(node["name"], node["answers"]) for node in found["nodes"]] == [("b", True)]
        assert "The log does not answer" in found["problem"]
        assert "nobody answers at 127.0.0.1:" in cluster(venue, "status", *words)[1]
        assert "no host and port" in cluster(venue, "status", "--node-listen", "b")[1]
    finally:
        venue.etcd.start()
    eventually(lambda: cluster(venue, "status")[0] == 0)


def test_the_command_says_how_the_nodes_are_and_has_one_stand_down(venue: Nodes) -> None:
    writer = state_of(venue.writer())["name"]
    eventually(lambda: cluster(venue, "status")[0] == 0)
    status, printed = cluster(venue, "status", "--json")
    found = json.loads(printed)
    assert (status, found["writer"]) == (0, writer)
    assert sorted(node["name"] for node in found["nodes"] if node["answers"]) == ["a", "b", "c"]
    status, printed = cluster(venue, "stand-down", writer)
    assert (status, "writes, epoch" in printed) == (0, True), printed
    assert state_of(venue.writer())["name"] != writer
    assert cluster(venue, "stand-down", writer)[1].startswith(f"{writer} is not the writer")
    status, printed = cluster(venue, "stand-down", "nobody")
    assert (status, "There is no node nobody. Known: a, b, c" in printed) == (1, True), printed
    assert cluster(venue, "remove", writer)[0] == 1  # it answers
    assert "There is no node nobody. Known: a, b, c" in cluster(venue, "remove", "nobody")[1]
