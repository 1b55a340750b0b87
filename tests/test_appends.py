"""Appends to the event store: one module makes them for every service, beside the store itself."""

import ast
import re

import pytest

from tests.test_tidy import calls, dotted, name, nodes, nothing, python, where


def appends(call: ast.Call) -> bool:
    """Whether a call stores events, whatever the store is called there: it is given a connection first."""
    named = dotted(call.func)
    given = dotted(call.args[0]).rpartition(".")[2] if call.args else ""
    return bool(
        re.search(r"\b_?store\.(append|touch)$", named)
        or (re.search(r"\.(append|touch)$", named) and re.search(r"conn(ection)?$", given))
    )


def writes_events(node: ast.AST) -> bool:
    """Whether a statement, or a COPY, writes the table of events."""
    if isinstance(node, ast.Call) and dotted(node.func).endswith("copy_records_to_table"):
        tables = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "table_name")]
        return any(isinstance(table, ast.Constant) and table.value == "events" for table in tables)
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"\b(insert\s+into|update|delete\s+from)\s+events\b", node.value, re.I) is not None
    )


class TestAppends:
    def test_events_are_appended_by_a_unit_of_work_alone(self):
        """Whoever appends by hand forgets the second attempt, the confirmations or the news of it. Group commit stores its
        units of work by the same `commit`, and only the event store itself writes the table."""
        nothing(
            [
                where(path, call)
                for path in python("services/")
                if name(path) != "services/kit/command.py"
                for call in calls(path)
                if appends(call)
            ]
        )
        nothing(
            [
                where(path, node)
                for path in python("services/")
                if name(path) != "services/kit/event_store.py" and "/migrations/" not in name(path)
                for node in nodes(path)
                if writes_events(node)
            ]
        )

    @pytest.mark.parametrize(
        "source",
        [
            "self._store.append(conn, log, events)",
            "unit.store.touch(conn)",
            "events.append(self.conn, log, new)",
            "conn.execute('Insert into\\n events (log) values ($1)')",
            "conn.copy_records_to_table('events', records=rows)",
            "conn.copy_records_to_table(table_name='events', records=rows)",
        ],
    )
    def test_whatever_appends_is_seen(self, source: str):
        found = [
            node
            for node in ast.walk(ast.parse(source))
            if (isinstance(node, ast.Call) and appends(node)) or writes_events(node)
        ]
        assert found
