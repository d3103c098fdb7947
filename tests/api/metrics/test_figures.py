"""GET /metrics counts what happens, and the documentation lists what it shows."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.metrics.page import KEPT_S
from engine.rejects import CancelReason, RejectReason
from tests.api.clients import FeedClient
from tests.api.metrics.figures import figure, samples
from tests.replica.historian import historian_of
from tests.server import Http, RunningServer, eventually
from tests.tidy.pages import page, rows, section

SYMBOL = "BTC-USDT"
ORDER = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "0.1", "price": "1.00"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("figures") / "data", "--snapshot-every", "1") as running:
        eventually(lambda: b"openbell_snapshot_bytes" in running.http.call("GET", "/metrics").content)
        yield running


@pytest.fixture
def own_http(server: RunningServer) -> Iterator[Http]:
    http = Http(server.url)
    yield http
    http.close()


def test_the_documentation_lists_what_is_served_and_nothing_else(server: RunningServer) -> None:
    text = server.http.call("GET", "/metrics").content.decode()
    served = set(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    listed = {(cells[0].strip("`"), cells[1]) for cells in rows(section(page("metrics.md"), "Every figure"))}
    assert listed - {("name", "kind")} == served


def test_the_labels_are_those_of_the_documentation(server: RunningServer) -> None:
    listed = {
        cells[0].strip("`").removesuffix("_total"): set(re.findall(r"\w+", cells[2]))
        for cells in rows(section(page("metrics.md"), "Every figure"))
    }
    families = text_string_to_metric_families(server.http.call("GET", "/metrics").content.decode())
    for family in families:
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == listed[family.name], sample


def test_every_family_has_a_sentence_and_a_unit_where_it_has_one(server: RunningServer) -> None:
    text = server.http.call("GET", "/metrics").content.decode()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        assert re.search(rf"^# HELP {name} \S.*$", text, re.MULTILINE), name
        assert name.startswith(("openbell_", "process_"))
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|millis|kb|percent)\b", name)


def test_an_order_is_counted_where_it_came_in_and_where_it_rests(server: RunningServer, own_http: Http) -> None:
    time.sleep(KEPT_S)
    names = ("openbell_orders_total", "openbell_open_orders", "openbell_bid_levels")
    before = [figure(own_http, name, symbol=SYMBOL) for name in names]
    own_http.post("/order", ORDER).granted()
    time.sleep(KEPT_S)
    assert [figure(own_http, name, symbol=SYMBOL) for name in names] == [value + 1 for value in before]
    counted = {"method": "POST", "route": "/order", "status": "2xx"}
    assert figure(own_http, "openbell_http_request_duration_seconds_count", **counted) >= 1
    assert figure(own_http, "openbell_journal_commit_seconds_count") >= 2
    assert figure(own_http, "openbell_loop_delay_seconds_count") > 0


def test_the_lane_and_flask_count_under_the_same_routes(server: RunningServer, own_http: Http) -> None:
    order_id = own_http.post("/order", ORDER).granted()["order_id"]
    assert own_http.call("DELETE", f"/order/{order_id}").status == 200  # by the lane
    assert own_http.call("DELETE", f"/order/{order_id}?symbol={SYMBOL}").status == 409  # a query: by Flask
    assert own_http.call("GET", f"/book/{SYMBOL}").status == 200
    assert own_http.call("GET", "/book/NOWHERE").status == 404
    time.sleep(KEPT_S)
    name = "openbell_http_request_duration_seconds_count"
    one = {"method": "DELETE", "route": "/order/<order_id>"}
    assert figure(own_http, name, status="2xx", **one) == 1
    assert figure(own_http, name, status="4xx", **one) == 1
    for status in ("2xx", "4xx"):
        assert figure(own_http, name, method="GET", route="/book/<symbol>", status=status) == 1


def test_a_request_takes_from_its_first_byte_to_the_last_of_its_answer(server: RunningServer, own_http: Http) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 30) as slow:
        slow.sendall(b"GET /quote/BTC-USDT?side=buy&quantity=1 HTTP/1.1\r\n")
        time.sleep(1.5)  # much longer than a busy machine takes to read the first part
        slow.sendall(b"Host: 127.0.0.1\r\n\r\n")
        assert slow.recv(65_536)
    time.sleep(KEPT_S)
    assert figure(own_http, "openbell_http_request_duration_seconds_sum", route="/quote/<symbol>") > 0.4
    bucket = {"route": "/quote/<symbol>", "le": "0.25"}
    assert figure(own_http, "openbell_http_request_duration_seconds_bucket", **bucket) == 0


def test_every_reason_is_there_from_the_first(server: RunningServer, own_http: Http) -> None:
    shown = {(each.name, each.labels.get("reason")) for each in samples(own_http)}
    assert {("openbell_rejects_total", reason.value) for reason in RejectReason} <= shown
    assert {("openbell_cancels_total", reason.value) for reason in CancelReason} <= shown
    assert ("openbell_cancels_total", "expired") in shown


def test_refusals_and_ends_are_counted_by_their_reasons(server: RunningServer, own_http: Http) -> None:
    time.sleep(KEPT_S)
    refused = figure(own_http, "openbell_rejects_total", reason="bad_tick")
    ended = figure(own_http, "openbell_cancels_total", reason="immediate_or_cancel")
    assert own_http.post("/order", ORDER | {"price": "1.0000001"}).status == 400
    own_http.post("/order", ORDER | {"order_type": "limit", "time_in_force": "ioc", "price": "2.00"}).granted()
    time.sleep(KEPT_S)
    assert figure(own_http, "openbell_rejects_total", reason="bad_tick") == refused + 1
    assert figure(own_http, "openbell_cancels_total", reason="immediate_or_cancel") == ended + 1


def test_connections_and_events_of_the_feed_are_counted_by_kind(server: RunningServer, own_http: Http) -> None:
    client = FeedClient(server.url)
    client.call("subscribe", {"type": "ticker", "symbol": SYMBOL})
    client.call("no such event", {})
    time.sleep(KEPT_S)
    assert figure(own_http, "openbell_feed_sessions", transport="websocket") == 1
    assert figure(own_http, "openbell_connections", kind="websocket") == 1
    assert figure(own_http, "openbell_connections", kind="http") >= 1
    assert figure(own_http, "openbell_feed_event_duration_seconds_count", event="subscribe") == 1
    assert figure(own_http, "openbell_feed_event_duration_seconds_count", event="unknown") == 1
    client.close()


def test_the_figures_of_the_machine_are_those_of_its_processes_and_files(server: RunningServer, own_http: Http) -> None:
    resident = server.process.memory_info().rss
    assert resident / 2 < figure(own_http, "process_resident_memory_bytes") < resident * 2
    assert figure(own_http, "openbell_child_resident_memory_bytes", process="historian") > 2**20
    journal = (server.data / "journal.sqlite").stat().st_size
    assert figure(own_http, "openbell_data_bytes", part="journal") >= journal
    assert 0 < figure(own_http, "openbell_data_free_bytes") <= figure(own_http, "openbell_data_filesystem_bytes")
    assert figure(own_http, "openbell_clock_held_seconds") == 0


def test_the_historian_catches_up_and_its_lag_is_seen(server: RunningServer, own_http: Http) -> None:
    process = historian_of(server)
    process.suspend()
    try:
        for _ in range(3):
            own_http.post("/order", ORDER).granted()
        time.sleep(2 * KEPT_S)
        assert figure(own_http, "openbell_follower_lag_records", follower="historian") >= 3
        assert figure(own_http, "openbell_follower_lag_seconds", follower="historian") > 0.5
        assert figure(own_http, "openbell_history_lag_commands") >= 3
    finally:
        process.resume()

    eventually(lambda: figure(own_http, "openbell_follower_lag_records", follower="historian") == 0)
    eventually(lambda: figure(own_http, "openbell_follower_lag_seconds", follower="historian") == 0)
