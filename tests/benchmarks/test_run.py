"""A run of the benchmarks ends, whatever waits, and can be read again; nothing is measured here."""

import importlib
import pkgutil
import threading
from pathlib import Path

import pytest

from tests.benchmarks import references
from tests.benchmarks.__main__ import NAMES, _within
from tests.benchmarks.report import Goal, Report, Sample
from tests.benchmarks.stage import Helper


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_loaded_and_run(name: str) -> None:
    assert callable(importlib.import_module(f"tests.benchmarks.{name}").run)


@pytest.mark.parametrize("module", [found.name for found in pkgutil.iter_modules(references.__path__)])
def test_every_reference_can_be_loaded(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    importlib.import_module(f"tests.benchmarks.references.{module}")


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
