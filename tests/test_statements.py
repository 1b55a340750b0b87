"""The rule for statements, tried on statements: what the recorder would find, and what it lets pass."""

import pytest

from tests.statements import faults_of


class TestFaults:
    @pytest.mark.parametrize(
        "statement",
        [
            "update logs set recorded_at = clock_timestamp() where log = $1",
            "insert into logs (log, recorded_at) values ($1, clock_timestamp())",
            "update accounts set state = $2 where person_id = $1",
            "delete from waiting where log = any($1::text[])",
            "insert into checks (log, name) select each, $2 from unnest($1::text[]) each on conflict do nothing",
            "select position from logs where log = any($1::text[]) for update",
            "select from logs for no key update skip locked",
        ],
    )
    def test_are_found(self, statement: str):
        assert list(faults_of(statement))

    @pytest.mark.parametrize(
        "statement",
        [
            "update logs set recorded_at = greatest(statement_timestamp(), recorded_at) where log = $1",
            "insert into checks (log, name) values ($1, $2) on conflict do nothing",
            "insert into rows (log, id) select $1, id from unnest($2::text[]) id on conflict (log, id) do update set id = 1",
            "select position from logs where log = $1 for update",
            "select clock_timestamp()",
            "select state from accounts where log = any($1::text[])",
        ],
    )
    def test_are_not_seen_where_there_are_none(self, statement: str):
        assert not list(faults_of(statement))
