"""Notices of our own invention use the whole language and judge people once published: no code knows them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ledger.policy import (
    Notice,
    bundled_book,
    bundled_notices,
    read_notice,
    warnings,
)
from services.ledger.policy.document.notice import AnyRule, Clause
from services.ledger.policy.document.yaml_source import read_yaml
from tests.ledger.policy.fields import fields_of, said_in, selected_in, selectors_of
from tests.ledger.world import World

FOLDER = Path(__file__).parent
COAST, HARBOUR, STEPPE, OASIS = "coast_2025", "harbour_2025", "steppe_2025", "oasis_2025"
DELTA, RIDGE, TERRACE, PLATEAU = "delta_2025", "ridge_2025", "terrace_2025", "plateau_2025"
INSTITUTE, CLINIC = "institute_2024", "clinic_2025"
NAMES = (COAST, HARBOUR, STEPPE, OASIS, DELTA, RIDGE, TERRACE, PLATEAU, INSTITUTE, CLINIC)
LHASA = "540102"
WENZHOU, HANGZHOU, LANZHOU = "330302", "330106", "620102"


def notice(name: str) -> Notice:
    return read_notice(FOLDER / f"{name}.yaml")


def written(name: str) -> dict[str, Any]:
    data, _ = read_yaml((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = data
    return found


class TestTheWholeLanguage:
    """A field that no example uses is a field that nobody has tried: use it in one of the files beside this test."""

    def test_every_kind_of_rule_and_every_field_is_used(self):
        used = {
            path
            for name in NAMES
            for clause in written(name)["clauses"]
            for rule in clause.get("rules", [])
            for path in said_in(rule)
        }
        assert fields_of(*AnyRule.__args__) - used == set()

    def test_every_selector_is_used(self):
        rules = (r for name in NAMES for clause in written(name)["clauses"] for r in clause.get("rules", []))
        assert (
            selectors_of(*AnyRule.__args__) - {path for rule in rules for path in selected_in(rule)} == set()
        )

    def test_every_field_of_head_and_clause_is_used(self):
        heads = {field for name in NAMES for field in written(name)}
        clauses = {field for name in NAMES for clause in written(name)["clauses"] for field in clause}
        assert set(Notice.__struct_encode_fields__) - heads == set()
        assert set(Clause.__struct_encode_fields__) - clauses == {"note"}

    def test_they_are_examples_and_not_among_the_notices_that_come_with_the_ledger(self):
        assert all(notice(name).title.startswith("【示例】") for name in NAMES)
        assert not {notice(name).id for name in NAMES} & {bundled.id for bundled in bundled_notices()}

    @pytest.mark.parametrize("name", NAMES)
    def test_nothing_in_them_is_out_of_reach(self, name: str):
        assert warnings(notice(name), bundled_book()) == []


@pytest.fixture
async def published(world: World) -> World:
    """Given the notices, published to a running ledger by officials of their places."""
    world.now = datetime(2025, 12, 1, 4, tzinfo=UTC)
    for name in NAMES:
        one = notice(name)
        await world.publishes(one)
    return world


class TestPublished:
    async def test_a_province_that_counts_hours_holds_study_until_all_is_there(self, published: World):
        world = published
        who = await world.collects(WENZHOU, qualified_on=datetime(2019, 5, 1, tzinfo=UTC).date())
        provider = await world.provides("示例网络学校")
        person = provider.completion(who, 2025, "1")["person"]
        common = {"person": person, "year": 2025, "mode": "online", "authority": "330000"}
        study = common | {"category": "professional", "tier": "junior", "course": "FALV-01"}
        first = study | {"id": "c-1", "hours": "2", "completed_at": "2025-04-01T12:00:00+08:00"}
        first["category"] = "professional/ethics"
        second = study | {
            "id": "c-2",
            "hours": "28",
            "started_on": "2025-04-02",
            "completed_at": "2025-04-04T12:00:00+08:00",
        }
        [held] = await provider.posts(first)
        assert (held["outcome"], held["reason"], held["clause"]) == ("held", "enrolment_pending", "X1-07")
        enrolment = {"id": "e-1", "enrolled_on": "2025-03-01", "paid_on": "2025-03-02"}
        await provider.posts(common | enrolment, to="enrolments")
        passed = {k: v for k, v in common.items() if k != "mode"} | {"passed_at": "2025-05-01T12:00:00+08:00"}
        await provider.posts(passed | {"id": "x-1"}, to="exam-passes")
        await provider.posts(passed | {"id": "x-2", "of": "evaluation"}, to="exam-passes")
        [last] = await provider.posts(second)
        assert (last["outcome"], last["released"]) == ("registered", ["c-1"])
        answer = await world.asks(who, 2025)
        assert (answer["status"], answer["total"]) == ("compliant", "90.00")
        assert {"X1-02", "X1-04"} <= set(answer["clauses"])

    async def test_the_citys_later_notice_holds_there_and_the_provinces_elsewhere(self, published: World):
        world = published
        answer = await world.client.get(
            f"/v1/policies/{HANGZHOU}/2025", headers=world.official("100000", "compliance:read")
        )
        settings = {item["setting"]: item["clause"] for item in answer.json()["settings"]}
        assert settings["window.study.until.online"] == "X2-01"
        assert settings["units.hour_credits.online"] == "X1-03"
        assert settings["tiers"] == "X1-05"

    async def test_another_duty_is_answered_beside_the_accounting_one(self, published: World):
        """One report counts in both regimes; each answer is by its own notice, with its own credits and purposes."""
        world = published
        who = await world.collects(LHASA)
        school = await world.provides("示例网络学校", accredited=["540000"])
        await school.posts(school.completion(who, 2025, "72.00", authority="540000"))
        path = f"/v1/persons/{who.person_id}/compliance/2025"

        async def asks(regime: str) -> dict[str, Any]:
            answer = await world.client.get(
                path, params={"regime": regime, "include": "credits"}, headers=world.official("540000")
            )
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        accounting, institute, nobody = [await asks(each) for each in ("accounting", "institute", "nobody")]
        assert accounting == {**await world.asks(who, 2025), "credits": accounting["credits"]}
        told = [(each["regime"], each["total"], each["status"]) for each in (accounting, institute, nobody)]
        assert told == [
            ("accounting", "72.00", "in_progress"),
            ("institute", "36.00", "in_progress"),
            ("nobody", "0.00", "no_policy"),
        ]
        assert institute["missing"][1] == {"category": "ethics", "credits": "4.00"}
        assert [(one["counted"], one["clause"]) for one in institute["credits"]] == [("36.00", "X9-02")]
        more = {"include": ["credits", "next_steps"], "purpose": "award"}
        whole = await world.client.get(
            path, params={"regime": "institute", **more}, headers=world.official("540000")
        )
        assert whole.status_code == 200, whole.text
        assert whole.json()["purpose"]["met"] is False, whole.text
        unclear = await world.client.get(path, params={"regime": "协会"}, headers=world.official("540000"))
        assert (unclear.status_code, unclear.json()["errors"][0]["parameter"]) == (422, "regime"), (
            unclear.text
        )
        policy = await world.client.get(
            "/v1/policies/540102/2025",
            params={"regime": "institute"},
            headers=world.official("540000", "compliance:read"),
        )
        assert [each["id"] for each in policy.json()["notices"]] == ["example-institute-2024"]

    async def test_a_person_of_the_third_place_is_judged_by_its_own_categories(self, published: World):
        world = published
        who = await world.collects(LANZHOU)
        answer = await world.asks(who, 2025)
        assert answer["status"] == "in_progress"
        assert [(one["category"], one["credits"]) for one in answer["missing"]] == [
            (None, "90.00"),
            ("professional", "50.00"),
            ("hr_public", "20.00"),
        ]
