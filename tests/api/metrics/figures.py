"""Reads GET /metrics with the library that clients use."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.server import Http


def samples(http: Http, headers: dict[str, str] | None = None) -> list[Sample]:
    """Every sample that the server shows."""
    answer = http.call("GET", "/metrics", None, headers)
    assert answer.status == 200, answer.content
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return [sample for family in text_string_to_metric_families(answer.content.decode()) for sample in family.samples]


def figure(http: Http, name: str, **labels: str) -> float:
    """One figure, the sum where several have these labels."""
    found = [each.value for each in samples(http) if each.name == name and labels.items() <= each.labels.items()]
    assert found, (name, labels)
    return sum(found)
