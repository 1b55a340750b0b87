"""A run of the benchmarks ends, whatever waits, and can be read again; nothing is measured here."""

import threading
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import _within
from tests.benchmarks.report import Goal, Report, Sample
from tests.benchmarks.stage import Helper


def test_what_waits_without_end_is_given_up() -> None:
    with pytest.raises(TimeoutError, match="given up"), _within(0.001):
        threading.Event().wait()


def test_a_helper_that_waits_without_end_is_ended() -> None:
    helper = Helper()
    with pytest.raises(TimeoutError), _within(0.001):
        helper.call(_wait_for_ever)
    helper.close()


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    goals = [Goal("batches", 0.5, 0.6, spread=(0.4, 0.6)), Goal("ms an event", 0.1, 0.08, higher=False)]
    report = Report({"cores": "2"}, {"fsync": "on"}, goals=goals)
    report.samples["Batches"] = {"ledger": [Sample(500, 1.5, 0.2, 0.1, 3.0, 9.0)]}
    report.write(tmp_path / "bench.json")
    assert Report.read(tmp_path / "bench.json") == report


def _wait_for_ever() -> None:
    threading.Event().wait()
