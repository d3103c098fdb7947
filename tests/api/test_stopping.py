"""In which order a server ends, and how long each part of it is waited for."""

from __future__ import annotations

import time
from unittest import mock

import pytest

from api import serving, stopping
from engine.types import Seq
from replica.historian import host
from replica.historian.host import CLOSE_S
from sequencer.port import STOPPING


def test_the_history_is_written_beside_the_last_answers_and_has_its_time_of_the_stops_alone() -> None:
    stopped = mock.MagicMock()  # the server, and what serves it
    stopped.sequencer.refusal, stopped.finish.return_value = STOPPING, 0
    began = time.monotonic() + 3_600.0
    serving._stop(stopped, stopped, began)
    assert [call[0] for call in stopped.method_calls[:5]] == [
        *("last_requests", "stop_taking", "historian.finish", "finish", "close")
    ]
    stopped.historian.finish.assert_called_once_with(began + stopping.WRITTEN_S)
    stopped.finish.assert_called_once_with(began + stopping.ANSWERED_S)


@pytest.mark.parametrize(("end_by_s", "given_s"), [(3_600.0, CLOSE_S), (-1.0, 0.0)])
def test_the_historian_is_waited_for_until_the_stop_says_and_no_longer_than_it_may_take(
    monkeypatch: pytest.MonkeyPatch, end_by_s: float, given_s: float
) -> None:
    child = mock.Mock()
    monkeypatch.setattr(host, "ChildFollower", lambda *_, **__: child)
    historian = host.HistorianHost(mock.Mock(last=None), mock.Mock(), Seq(0), mock.Mock())
    historian.finish(time.monotonic() + end_by_s)
    child.finish.assert_called_once_with()
    historian.close()
    child.close.assert_called_once_with(given_s)
