"""Alarms, dashboards and units for operators: they ask for metrics that there are, and run commands that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from services.cli.main import app
from services.kit.budgets import Budgets
from services.kit.observability import HttpMetrics
from services.ledger.counting.lag import LagMetrics
from services.sync.viewing import SyncMetrics

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES, DASHBOARDS = DEPLOY / "prometheus" / "rules.yaml", sorted((DEPLOY / "grafana").glob("*.json"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OF_PROMETHEUS = {"up"}
_STRING = re.compile(r'"[^"]*"|\$\{?\w+\}?')
_NAME = re.compile(r"(?<![\w.])([a-z][a-z0-9]*(?:_[a-z0-9]+)+|up)(?![\w(])")
_BY = re.compile(r"\b(?:by|on|without|ignoring|group_left) ?\(([^)]*)\)")
_MATCHED = re.compile(r"\b([a-z_]+) ?(?:=~|!~|!=|=)")
_ENDS = re.compile(r"_(?:bucket|count|sum|total|created)$")


def registry() -> CollectorRegistry:
    """Every metric of every service."""
    of_all = HttpMetrics().registry
    LagMetrics(of_all, [])
    SyncMetrics(of_all)
    Budgets.count_in(Budgets.__new__(Budgets), of_all)
    return of_all


def expressions() -> Iterator[str]:
    """Everything that is asked of Prometheus."""
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            yield from (target["expr"] for target in panel["targets"])


class TestMetrics:
    def test_that_are_asked_for_are_there(self):
        known = {
            name for each in registry().collect() for name in (each.name, *(one.name for one in each.samples))
        }
        asked = set[str]()
        for expression in expressions():
            plain = _BY.sub("", re.sub(r"\{[^}]*\}", "", _STRING.sub("", expression)))
            asked |= set(_NAME.findall(plain)) - OF_PROMETHEUS
        assert asked
        assert not {name for name in asked if name not in known and _ENDS.sub("", name) not in known}

    def test_are_split_by_labels_that_they_have(self):
        labels = {"job", "instance", "le", "schema", "state"}
        for collector in registry()._collector_to_names:
            labels |= set(getattr(collector, "_labelnames", ()))
        for expression in expressions():
            named = {label.strip() for by in _BY.findall(expression) for label in by.split(",")}
            assert named | set(_MATCHED.findall(expression)) <= labels, expression

    def test_tell_of_the_process_and_its_connections(self):
        text = HttpMetrics().exposition()[0].decode()
        assert {"process_resident_memory_bytes", "process_open_fds"} <= set(
            re.findall(r"^(\w+) ", text, re.MULTILINE)
        )


class TestRules:
    def test_say_in_both_languages_what_is_wrong_and_what_to_do(self):
        rules = [
            rule
            for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
            for rule in group["rules"]
        ]
        for rule in rules:
            assert re.search(r"[\u4e00-\u9fff]", rule["annotations"]["summary"]), rule["alert"]
            assert rule["annotations"]["action"]
            assert rule["labels"]["severity"] in {"page", "warn"}
        names = [rule["alert"] for rule in rules]
        assert len(names) == len(set(names))

    @pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
    def test_are_taken_by_promtool(self):
        subprocess.run(["promtool", "check", "rules", str(RULES)], check=True, capture_output=True)


class TestDashboards:
    @pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
    def test_have_what_grafana_needs(self, path: Path):
        board: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        assert {"title", "uid", "schemaVersion", "panels", "templating"} <= board.keys()
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
        assert len(places) == len(set(places))
        assert all(panel["datasource"]["uid"] == "${source}" for panel in board["panels"])


class TestUnits:
    def test_run_commands_that_there_are_and_let_them_end(self):
        assert UNITS
        for path in UNITS:
            text = path.read_text(encoding="utf-8")
            [command] = re.findall(r"^ExecStart=\S+ (\w+) %i$", text, re.MULTILINE)
            assert command in app
            assert re.search(r"^TimeoutStopSec=20$", text, re.MULTILINE)
