"""Lists an authority registers itself, and history from another system: one real fact counts once, whatever the route."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.cli.demo.fictitious import FictitiousPerson
from services.ledger.counting import rebuild as rebuilding
from tests.kit.http import bearer
from tests.ledger.cases.test_claims import Desk
from tests.ledger.world import Somebody, World

SHUANGTA, CHAOYANG, LIAONING, JIANGMEN, GUANGDONG = "211302", "211300", "210000", "440703", "440000"
EXAM = {"exam": "中级会计职称", "subject": "经济法", "sitting": "2024"}


@pytest.fixture(autouse=True)
def year_2024(world: World) -> None:
    world.now = datetime(2024, 12, 1, 4, tzinfo=UTC)


def identity(person: FictitiousPerson) -> dict[str, str]:
    return {"id_type": "resident_id", "id_number": person.id_number, "name": person.name}


def passed(who: Somebody | FictitiousPerson, **fields: Any) -> dict[str, Any]:
    person = who.person if isinstance(who, Somebody) else who
    return {
        "person": identity(person),
        "year": 2024,
        "form": "exam_subject",
        "happened_on": "2024-09-07",
        "fact": EXAM,
    } | fields


async def registers(world: World, *lines: dict[str, Any], place: str = LIAONING, to: str = "direct") -> Any:
    return await world.client.post(
        f"/v1/registrations/{to}",
        json={"records": list(lines)},
        headers=bearer("registration:write", subject="province", place=place)
        | {"Idempotency-Key": str(uuid.uuid4())},
    )


class TestRegisterList:
    async def test_registers_what_nobody_applies_for(self, world: World):
        """S0-13, S0-14."""
        who = await world.collects(SHUANGTA)
        [line] = (await registers(world, passed(who))).json()["results"]
        assert (line["outcome"], line["credits"], line["clause"]) == ("registered", "90.00", "S0-13")
        assert line["rate_clause"] == "S0-14"
        answer = await world.asks(who, 2024, include="credits")
        assert answer["status"] == "compliant"
        assert [(one["clause"], one["rate_clause"]) for one in answer["credits"]] == [("S0-13", "S0-14")]

    async def test_the_same_list_again_doubles_nothing(self, world: World):
        who = await world.collects(SHUANGTA)
        [first] = (await registers(world, passed(who))).json()["results"]
        [again] = (await registers(world, passed(who))).json()["results"]
        assert (again["outcome"], again["credit_id"]) == ("duplicate", first["credit_id"])

    async def test_two_subjects_are_two_facts(self, world: World):
        """B-06."""
        who = await world.collects(SHUANGTA)
        other = passed(who, fact=EXAM | {"subject": "财务管理"})
        await registers(world, passed(who), other)
        answer = await world.asks(who, 2024)
        assert (answer["total"], answer["excess"]) == ("180.00", "90.00")

    async def test_every_line_is_answered(self, world: World):
        who = await world.collects(SHUANGTA)
        paper = passed(
            who, form="paper", role="sole", fact={"cn_number": "CN21-1", "issue": "1", "title": "论"}
        )
        results = (await registers(world, passed(world.stranger()), paper, passed(who))).json()["results"]
        assert [line["outcome"] for line in results] == ["rejected", "rejected", "registered"]
        assert results[0]["problem"]["type"] == "urn:xuefen:problem:person-unknown"
        assert results[1]["problem"]["type"] == "urn:xuefen:problem:not-registered-directly"

    async def test_only_the_first_level_authority_registers(self, world: World):
        who = await world.collects(SHUANGTA)
        assert (await registers(world, passed(who), place=CHAOYANG)).status_code == 403

    async def test_wrong_numbers_are_all_named_and_nothing_is_stored(self, world: World):
        who = await world.collects(SHUANGTA)
        before = await world.count_events()
        wrong = passed(who)
        wrong["person"] = wrong["person"] | {"id_number": "210000196501020000"}
        response = await registers(world, passed(who), wrong, wrong)
        assert [error["pointer"] for error in response.json()["errors"]] == [
            "/records/1/person/id_number",
            "/records/2/person/id_number",
        ]
        assert await world.count_events() == before


class TestOrganisedTraining:
    """N-11, B-26: what the authority itself organised, as it states it."""

    TRAINING = {"mode": "face_to_face", "category": "professional", "credits": "20.00"}  # noqa: RUF012
    FACT = {"organiser": "辽宁省财政厅", "title": "政府会计准则制度培训"}  # noqa: RUF012

    def held(self, who: Somebody, **fields: Any) -> dict[str, Any]:
        said = {"form": "authority_training", "happened_on": "2024-05-21", "fact": self.FACT}
        return passed(who, **(said | {"training": self.TRAINING} | fields))

    async def test_is_registered_with_the_credits_that_the_authority_states(self, world: World):
        who = await world.collects(SHUANGTA)
        [line] = (await registers(world, self.held(who))).json()["results"]
        assert (line["outcome"], line["credits"], line["clause"]) == ("registered", "20.00", "N-11")
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(LIAONING)
        )
        [credit] = transcript.json()["credits"]
        assert (credit["route"], credit["form"], credit["mode"], credit["category"]) == (
            "direct",
            "authority_training",
            "face_to_face",
            "professional",
        )

    async def test_days_of_one_training_are_facts_of_their_own_and_the_same_day_is_one(self, world: World):
        """A-15."""
        who = await world.collects(SHUANGTA)
        lines = [
            self.held(who, happened_on="2024-05-21"),
            self.held(who, happened_on="2024-05-22"),
            self.held(who, started_on="2024-05-20", happened_on="2024-05-21"),
            self.held(who, started_on="2024-05-23", happened_on="2024-05-24"),
        ]
        results = (await registers(world, *lines)).json()["results"]
        assert [line["outcome"] for line in results] == [
            "registered",
            "registered",
            "duplicate",
            "registered",
        ]
        assert results[2]["credit_id"] == results[0]["credit_id"]
        assert (await world.asks(who, 2024))["total"] == "60.00"

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"training": None}, "credits-needed"),
            ({"training": TRAINING | {"credits": "0"}}, "credits-not-positive"),
            ({"training": TRAINING | {"category": "cooking"}}, "category-unknown"),
            ({"form": "exam_subject", "fact": EXAM}, "credits-converted"),
            ({"happened_on": "2023-05-21"}, "not-yet-open"),
        ],
    )
    async def test_is_refused_with_what_is_wrong(self, world: World, fields: dict[str, Any], problem: str):
        who = await world.collects(SHUANGTA)
        [line] = (await registers(world, self.held(who, **fields))).json()["results"]
        assert (line["outcome"], line["problem"]["type"]) == ("rejected", f"urn:xuefen:problem:{problem}")


class TestOneFactByTwoRoutes:
    """A-15."""

    def notice(self, notice_id: str, forms: list[str]) -> dict[str, Any]:
        """A later notice by which the province registers some forms itself."""
        rule = {"kind": "direct_registration", "by": "province", "activities": ["省内活动"], "forms": forms}
        clause = {"id": "D1-01", "article": "一", "text": "由省财政厅统一登记。", "rules": [rule]}
        return {
            "id": notice_id,
            "title": "关于统一登记学分的通知",
            "place": "140000",
            "years": {"from": 2026, "to": 2026},
            "issuers": ["山西省财政厅"],
            "issued_on": "2026-09-01",
            "clauses": [clause],
        }

    async def test_a_list_closes_the_open_claim_of_the_same_fact(self, world: World):
        """Claimed in Shanxi under the nation's table; then a notice has the province register conferences directly."""
        world.now = datetime(2026, 10, 1, 4, tzinfo=UTC)
        who = await world.collects("140403")
        desk = Desk(world, "140400")
        fact = {"organiser": "山西省会计学会", "title": "2026年学术年会"}
        asked = {
            "form": "conference",
            "year": 2026,
            "happened_on": "2026-05-16",
            "quantity": "2",
            "fact": fact,
        }
        claim = (await desk.submits(who, role=None, **asked)).json()
        notice = self.notice("shanxi-2026-direct", ["conference"])
        await world.publishes(notice)
        [result] = (await registers(world, passed(who, **asked), place="140000")).json()["results"]
        assert (result["outcome"], result["claim_id"]) == ("registered", claim["claim_id"])
        state = await world.client.get(
            f"/v1/claims/{claim['claim_id']}", headers=desk.headers("140400", "clerk")
        )
        assert (state.json()["state"], state.json()["credit_id"]) == ("satisfied", result["credit_id"])
        assert (await world.asks(who, 2026))["total"] == "20.00"

    async def test_a_list_confirms_what_an_approved_claim_registered(self, world: World):
        """Provenance is added to the credit; there is no second one. The notice of the test above is in force."""
        world.now = datetime(2026, 10, 2, 4, tzinfo=UTC)
        who = await world.collects("140403")
        asked = {"form": "research", "role": "sole", "year": 2026, "happened_on": "2026-05-16"}
        desk = Desk(world, "140400")
        approved = await desk.approved(who, **asked, fact={"project_number": "2026-1"})
        notice = self.notice("shanxi-2026-research", ["research"])
        await world.publishes(notice)
        line = passed(who, **asked, fact={"project_number": "2026-1"})
        for _ in range(2):
            [result] = (await registers(world, line, place="140000")).json()["results"]
            assert (result["outcome"], result["credit_id"]) == ("duplicate", approved["credit_id"])
        events = [event.topic for event in await world.events("140000")]
        assert events.count("ledger.CreditConfirmed") == 1

    async def test_a_claim_of_what_is_registered_directly_already_is_a_duplicate(self, world: World):
        """S0-13, A-15: the credit is named, also where nobody may claim the form at all; so in an employer's list."""
        who = await world.collects(SHUANGTA)
        [line] = (await registers(world, passed(who))).json()["results"]
        desk = Desk(world, CHAOYANG)
        asked = {"year": 2024, "form": "exam_subject", "happened_on": "2024-09-07"}
        claimed = await desk.submits(who, role=None, fact=EXAM, **asked)
        assert (claimed.status_code, claimed.json()["type"]) == (409, "urn:xuefen:problem:fact-counted")
        assert claimed.json()["credit_id"] == line["credit_id"]
        other = await desk.submits(who, role=None, fact=EXAM | {"subject": "财务管理"}, **asked)
        assert other.json()["type"] == "urn:xuefen:problem:registered-directly"
        row = {"id": "1", "person": identity(who.person), "fact": EXAM} | asked
        listed = await world.client.post(
            "/v1/collective-claims",
            json={"place": SHUANGTA, "records": [row]},
            headers=desk.headers(CHAOYANG, "clerk"),
        )
        [result] = listed.json()["results"]
        assert (result["outcome"], result["credit_id"]) == ("duplicate", line["credit_id"])

    async def test_days_of_one_conference_are_claimed_separately(self, world: World):
        """A-15: the day is part of the key; days that share one are the same fact."""
        world.now = datetime(2025, 10, 20, 4, tzinfo=UTC)
        who = await world.collects("210102")
        desk = Desk(world, "210102")
        said = {
            "form": "conference",
            "role": None,
            "fact": {"organiser": "辽宁省会计学会", "title": "2025年会"},
        }
        first = await desk.approved(who, happened_on="2025-05-16", **said)
        second = await desk.submits(who, happened_on="2025-05-17", **said)
        assert second.status_code == 201, second.text
        both = await desk.submits(who, happened_on="2025-05-17", quantity="2", **said)
        assert (both.status_code, both.json()["credit_id"]) == (409, first["credit_id"])

    @pytest.mark.parametrize(
        ("last", "days", "shares"),
        [
            ("2025-05-18", "1", False),
            ("2025-05-17", "1", True),
            ("2025-05-19", "2", False),
            ("2025-05-19", "3", True),
        ],
    )
    async def test_open_claims_share_no_day(self, world: World, last: str, days: str, shares: bool):
        """A-15: of two claims of 16 and 17 May one would count a day twice."""
        world.now = datetime(2025, 10, 20, 4, tzinfo=UTC)
        who, desk = await world.collects("210102"), Desk(world, "210102")
        said = {
            "form": "conference",
            "role": None,
            "fact": {"organiser": "辽宁省会计学会", "title": "2025年会"},
        }
        first = await desk.submits(who, happened_on="2025-05-17", quantity="2", **said)
        second = await desk.submits(who, happened_on=last, quantity=days, **said)
        if not shares:
            assert second.status_code == 201, second.text
            return
        assert second.json()["type"] == "urn:xuefen:problem:fact-counted"
        assert second.json()["claim_id"] == first.json()["claim_id"]
        await desk.steps(first.json()["claim_id"], "withdrawal", subject="clerk")
        again = await desk.submits(who, happened_on=last, quantity=days, **said)
        assert again.status_code == 201, again.text


class TestImportHistory:
    def line(self, who: Somebody, **fields: Any) -> dict[str, Any]:
        return {
            "person": identity(who.person),
            "year": 2019,
            "category": "public",
            "credits": "30.00",
            "mode": "online",
            "completed_on": "2019-10-08",
            "system": "gd_hrss",
            "record_id": "2019-0007",
        } | fields

    async def test_takes_history_over_once_with_its_provenance(self, world: World):
        """S4-06, and the make-up that then opens (S4-08)."""
        who = await world.collects(JIANGMEN, qualified_on=date(2015, 9, 1))
        results = []
        for _ in range(2):
            response = await registers(world, self.line(who), place=GUANGDONG, to="history")
            results += [line["outcome"] for line in response.json()["results"]]
        assert results == ["registered", "duplicate"]
        transcript = await world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=world.official(GUANGDONG)
        )
        assert [(line["route"], line["credits"]) for line in transcript.json()["credits"]] == [
            ("import", "30.00")
        ]
        assert (await world.asks(who, 2019))["by_category"]["public"] == "30.00"

    async def test_read_models_come_out_of_the_log_as_they_are(self, world: World):
        done = await rebuilding.rebuild(
            world.ledger.databases, models=["accounts", "claims"], logs=[LIAONING, GUANGDONG, "140000"]
        )
        assert [result.rows_changed for result in done] == [0] * 6
