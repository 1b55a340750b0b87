"""A year whose notice is not out yet: the nation's rule judges it provisionally, what is taken is marked, and a notice, or
the word that none will come, decides (B-20)."""

import dataclasses
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from services.kit import events as codec
from services.kit.clock import local_date
from services.kit.events import Event
from services.kit.pydantic_models import names_of
from services.ledger.streams.account_events import CompletionHeld, CreditEarned
from services.ledger.streams.claim import ClaimAmended
from services.ledger.streams.filing import FilingAmended
from services.ledger.streams.year import YearClosed
from tests.kit.http import bearer
from tests.ledger.cases.test_claims import Desk
from tests.ledger.cases.test_registrations import identity, passed, registers
from tests.ledger.cases.training import Training
from tests.ledger.world import Provider, Somebody, World

CHONGQING, DALIAN, NINGBO, XIAMEN, QINGDAO, SHENZHEN = (
    "500000",
    "210200",
    "330200",
    "350200",
    "370200",
    "440300",
)
LIAONING, NANMING, KUNMING = "210000", "520102", "530100"
OTHER_PAPER = {"cn_number": "CN50-1", "issue": "2", "title": "论内部控制"}
JANUARY = datetime(2026, 1, 12, 4, tzinfo=UTC)


def said(recorded: Any) -> Event:
    return codec.decode(recorded.topic, recorded.state)


def notice(place: str, year: int, *rules: dict[str, Any], issued_on: str) -> dict[str, Any]:
    return {
        "id": f"late-{place}-{year}",
        "title": "年度继续教育通知",
        "issuers": ["某市财政局"],
        "issued_on": issued_on,
        "place": place,
        "years": {"from": year, "to": year},
        "clauses": [
            {"id": f"T-{number:02d}", "article": "一", "text": "规定。", "rules": [rule]}
            for number, rule in enumerate(rules, 1)
        ],
    }


THE_NATIONS = {"kind": "requirement", "total": 90, "categories": {"professional": 60}}


async def publishes(world: World, text: dict[str, Any]) -> None:
    await world.publishes(text)


async def declares(world: World, place: str, year: int, *, by: str = "", key: str = "") -> Any:
    return await world.client.post(
        f"/v1/years/{place}/{year}/no-notice",
        headers=world.official(by or place, "policy:write") | {"Idempotency-Key": key or str(uuid.uuid4())},
    )


def problem_of(response: Any) -> str:
    return str(response.json()["type"].rpartition(":")[2])


async def credits_of(world: World, who: Somebody, year: int) -> dict[str, Any]:
    answer = await world.asks(who, year, include="credits")
    return {credit["credit_id"]: credit for credit in answer["credits"]}


class TestWhatIsTakenInJanuary:
    async def test_a_training_is_filed_before_the_notice_and_everything_taken_is_marked(self, world: World):
        """S1-14: filing precedes the training, and the notice comes in March."""
        world.now = JANUARY
        school = await world.provides("大连会计学校", accredited=[DALIAN])
        who = await world.collects(DALIAN)
        training = Training(world, school, DALIAN, [date(2026, 2, 3)], year=2026)
        filed = await training.files()
        assert filed.status_code == 201, filed.text
        listed = await world.client.get(f"/v1/filings/{training.filing_id}", headers=training.headers())
        assert listed.json()["provisional"] is True
        assert (await training.steps("approval")).status_code == 200
        enrolment = {
            "id": "e-1",
            "person": identity(who.person),
            "year": 2026,
            "mode": "online",
            "enrolled_on": "2026-01-10",
        }
        [enrolled] = await school.posts(enrolment, to="enrolments")
        [studied] = await school.posts(school.completion(who, 2026, "30.00"))
        assert (enrolled["outcome"], studied["outcome"]) == ("registered", "registered")
        world.now = datetime(2026, 2, 4, 4, tzinfo=UTC)
        [row] = await training.approved(training.row(who, "r-1"))
        assert row["outcome"] == "registered", row
        claim = await Desk(world, DALIAN).approved(who, year=2026, happened_on="2026-01-15")
        listing = passed(who, year=2026, happened_on="2026-01-17")
        [direct] = (await registers(world, listing, place=DALIAN)).json()["results"]
        assert direct["outcome"] == "registered", direct

        shown = await credits_of(world, who, 2026)
        assert {studied["credit_id"], claim["credit_id"], direct["credit_id"]} < set(shown)
        assert all(credit["provisional"] and credit["not_taken_by"] is None for credit in shown.values())
        stored = [said(each) for each in await world.events(DALIAN)]
        marks = [event.provisional for event in stored if isinstance(event, MARKED)]  # type: ignore[attr-defined]
        assert marks
        assert all(marks)
        routes = {event.route for event in stored if isinstance(event, CreditEarned)}
        assert routes == {"provider", "roster", "claim", "direct"}
        # A waiting completion needs a rule to wait for, which the nation's has not; what is amended says the same again.
        assert {type(event) for event in stored if isinstance(event, MARKED)} == set(MARKED) - {
            CompletionHeld,
            ClaimAmended,
            FilingAmended,
            ATTESTED,
        }

    async def test_history_of_years_whose_notices_nobody_wrote_down_is_taken(self, world: World):
        """S4-06."""
        world.now = JANUARY
        who = await world.collects(DALIAN)
        line = {
            "person": identity(who.person),
            "year": 2019,
            "category": "professional",
            "credits": "90.00",
            "mode": "online",
            "completed_on": "2019-06-01",
            "system": "dl_old",
            "record_id": "r-1",
        }
        [taken] = (await registers(world, line, place=DALIAN, to="history")).json()["results"]
        assert taken["outcome"] == "registered", taken
        answer = await world.asks(who, 2019)
        assert (answer["status"], answer["basis"], answer["provisional"]) == ("compliant", "national", True)
        [credit] = (await credits_of(world, who, 2019)).values()
        assert (credit["route"], credit["provisional"]) == ("import", True)


MARKED = tuple(
    kind
    for topic, kind in codec.registered().items()
    if topic.startswith("ledger.") and "provisional" in names_of(kind)
)
[ATTESTED] = [kind for kind in MARKED if kind.__name__ == "AttestationIssued"]


class TestMarks:
    def test_every_event_that_was_decided_by_a_policy_says_whether_it_was_provisional(self):
        """A close is not made of a year that is provisional."""
        decided = {
            kind
            for topic, kind in codec.registered().items()
            if topic.startswith("ledger.") and "policy" in names_of(kind)
        }
        assert decided - set(MARKED) == {YearClosed}

    def test_what_was_stored_without_the_mark_was_not_provisional(self):
        for kind in MARKED:
            [field] = [each for each in msgspec.structs.fields(kind) if each.name == "provisional"]
            assert field.default is False


class TestALaterNotice:
    async def test_judges_the_year_and_what_it_would_not_have_taken_stays_with_its_clause(self, world: World):
        world.now = JANUARY
        listed = await world.provides("宁波某网校有限公司", accredited=[NINGBO])
        other = await world.provides("宁波另一学校", accredited=[NINGBO])
        who = await world.collects(NINGBO)
        [early] = await listed.posts(listed.completion(who, 2026, "20.00"))
        [unlisted] = await other.posts(
            other.completion(who, 2026, "30.00", completed_at="2026-01-11T10:00:00+08:00")
        )
        world.now = datetime(2026, 3, 2, 4, tzinfo=UTC)
        [fine] = await listed.posts(listed.completion(who, 2026, "10.00"))
        await publishes(
            world,
            notice(
                NINGBO,
                2026,
                {"kind": "requirement", "total": 60, "categories": {"professional": 60}},
                {"kind": "window", "from": "2026-01-12", "until": "2026-11-30"},
                {"kind": "window", "modes": ["online"], "from": "2026-03-01", "until": "2026-11-30"},
                issued_on="2026-03-01",
            ),
        )
        answer = await world.asks(who, 2026, include="credits")
        assert (answer["status"], answer["total"]) == ("compliant", "60.00")
        assert (answer["basis"], answer["provisional"]) == ("notice", False)
        shown = {credit["credit_id"]: credit for credit in answer["credits"]}
        assert all(credit["provisional"] for credit in shown.values())
        for outcome in (early, unlisted):
            refused = shown[outcome["credit_id"]]["not_taken_by"]
            assert (refused["problem"], refused["clause"]) == ("not-yet-open", "T-03")
            assert refused["text_zh"]
            assert refused["text_en"]
        assert shown[fine["credit_id"]]["not_taken_by"] is None
        [refused_now] = await listed.posts(
            listed.completion(who, 2026, "20.00", completed_at="2026-02-20T10:00:00+08:00")
        )
        assert refused_now["problem"]["type"].endswith("not-yet-open")

    async def test_the_answer_before_it_can_be_asked_again_with_all_it_showed(self, world: World):
        world.now = JANUARY
        school = await world.provides("厦门会计学校", accredited=[XIAMEN])
        who = await world.collects(XIAMEN)
        await school.posts(school.completion(who, 2026, "90.00"))
        before = await world.asks(who, 2026, on="2026-06-30", include="credits")
        async with world.ledger.databases.of(XIAMEN).acquire() as conn:
            at = (await conn.fetchval("select recorded_at from logs where log = $1", XIAMEN)).isoformat()
        until = {"kind": "window", "from": "2026-02-01", "until": "2026-11-30"}
        await publishes(world, notice(XIAMEN, 2026, THE_NATIONS, until, issued_on="2026-03-01"))
        world.now = datetime.now(UTC)
        after = await world.asks(who, 2026, on="2026-06-30", include="credits")
        assert after["credits"][0]["not_taken_by"]["clause"] == "T-02"
        then = await world.asks(who, 2026, on="2026-06-30", as_of=at, include="credits")
        assert then | {"as_of": None} == before


class TestWhatWaitedWhenTheNoticeCame:
    """B-25: who was collected later, or decided on later, gets what somebody with the same facts got that day.

    What had been published when is what the database says, so that these tests are of today.
    """

    def strict(self, world: World, place: str) -> dict[str, Any]:
        """A notice that takes nothing of what was done and applied for before tomorrow."""
        tomorrow = local_date(world.now) + timedelta(days=1)
        span = {"from": tomorrow.isoformat(), "until": f"{tomorrow.year + 1}-12-31"}
        windows = [{"kind": "window", **act, **span} for act in ({}, {"act": "enrol"}, {"act": "apply"})]
        return notice(
            place, self.day(world).year, THE_NATIONS, *windows, issued_on=str(local_date(world.now))
        )

    def day(self, world: World) -> date:
        return local_date(world.now) - timedelta(days=3)

    async def test_counts_as_it_would_have_counted_at_once(self, world: World):
        world.now = datetime.now(UTC)
        day, school = self.day(world), await world.provides("重庆会计学校", accredited=[CHONGQING])
        training = await Training(world, school, CHONGQING, [day], year=day.year).held()
        world.now = datetime.now(UTC)
        there, stranger = await world.collects(CHONGQING), world.stranger()
        first, second = [await self.reported(school, who, day) for who in (there, stranger)]
        rows = await training.approved(training.row(there, "r-1"), training.row(stranger, "r-2"))
        assert {each["outcome"] for each in (*first, rows[0])} == {"registered"}
        assert {each["outcome"] for each in (*second, rows[1])} == {"held"}
        await publishes(world, self.strict(world, CHONGQING))
        later = await world.collects(CHONGQING, person=stranger)
        totals = [(await world.asks(who, day.year))["total"] for who in (there, later)]
        assert totals == ["35.00", "35.00"]
        shown = await credits_of(world, later, day.year)
        assert all(credit["provisional"] and credit["not_taken_by"] for credit in shown.values())
        taken_back = await school.withdraws(second[1]["id"], kind="enrolments")
        assert taken_back.status_code == 200, taken_back.text

    async def test_is_told_of_while_it_waits_for_its_name(self, world: World):
        world.now = datetime.now(UTC)
        day, school = self.day(world), await world.provides("昆明会计学校", accredited=[KUNMING])
        who = await world.collects(KUNMING)
        misspelt = dataclasses.replace(who.person, name="吴别名")
        await self.reported(school, misspelt, day)
        await publishes(world, self.strict(world, KUNMING))
        [held] = (await world.asks(who, day.year))["held"]
        assert (held["reason"], held["credits"]) == ("name_differs", "30.00")

    async def reported(self, school: Provider, who: Any, day: date) -> list[dict[str, Any]]:
        """A completion and an enrolment of the day."""
        studied = school.completion(who, day.year, "30.00", completed_at=f"{day}T10:00:00+08:00")
        enrolled = {name: studied[name] for name in ("person", "year", "mode")}
        enrolled |= {"id": f"e-{studied['id']}", "enrolled_on": day.isoformat()}
        return [*await school.posts(studied), *await school.posts(enrolled, to="enrolments")]

    async def test_a_claim_that_was_handed_in_before_is_approved(self, world: World):
        world.now = datetime.now(UTC)
        day, desk = self.day(world), Desk(world, NANMING)
        who = await world.collects(NANMING)
        submitted = await desk.submits(who, year=day.year, happened_on=day.isoformat())
        await publishes(world, self.strict(world, NANMING))
        again = await desk.submits(who, year=day.year, happened_on=day.isoformat(), fact=OTHER_PAPER)
        assert problem_of(again) == "apply-not-yet-open"
        claim_id = submitted.json()["claim_id"]
        await desk.steps(claim_id, "acceptance")
        approved = await desk.steps(claim_id, "approval")
        assert approved.status_code == 200, approved.text
        assert (await world.asks(who, day.year))["total"] == "30.00"


async def idle(world: World, place: str) -> Somebody:
    """Somebody who owes every year since 2019 and has studied in none."""
    return await world.collects(place)


class TestPolicyInForce:
    async def test_says_by_what_it_judges(self, world: World):
        async def basis(place: str, year: int) -> tuple[str, bool]:
            response = await world.client.get(f"/v1/policies/{place}/{year}", headers=world.official(place))
            return response.json()["basis"], response.json()["provisional"]

        assert await basis(DALIAN, 2025) == ("national", True)
        assert await basis(LIAONING, 2025) == ("notice", False)


class TestAttestation:
    async def issues(self, world: World, who: Somebody, place: str, **fields: Any) -> Any:
        return await world.client.post(
            "/v1/attestations",
            json={"person_id": who.person_id, "year": 2024, "purpose": "annual"} | fields,
            headers=bearer("attestation:issue", subject="bureau", place=place)
            | {"Idempotency-Key": str(uuid.uuid4())},
        )

    async def test_of_an_undecided_year_says_neither_yes_nor_no(self, world: World):
        world.now = JANUARY
        who = await idle(world, DALIAN)
        refused = await self.issues(world, who, DALIAN)
        assert (refused.status_code, problem_of(refused)) == (409, "attestation-undecided")
        assert refused.json()["years"] == [2024]
        assert problem_of(await self.issues(world, who, DALIAN, year=2017)) == "attestation-undecided"

    async def test_of_a_year_that_is_met_provisionally_says_so(self, world: World):
        world.now = JANUARY
        school = await world.provides("大连会计学院", accredited=[DALIAN])
        who = await world.collects(DALIAN)
        await school.posts(school.completion(who, 2026, "90.00"))
        issued = await self.issues(world, who, DALIAN, year=2026)
        assert issued.json()["met"] is True, issued.text
        printed = await world.client.get(
            f"/v1/attestations/{issued.json()['reference']}",
            headers=bearer("attestation:issue", place=DALIAN),
        )
        assert printed.json()["provisional"] is True
        assert printed.json()["text_zh"].endswith("暂按国家规定判定。")
        assert printed.json()["text_en"].endswith("Judged by the national rule, provisionally.")

    async def test_that_said_no_in_time_does_not_hold_once_nobody_can_say(self, world: World):
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        who = await idle(world, DALIAN)
        issued = (await self.issues(world, who, DALIAN, year=2025)).json()
        assert issued["met"] is False
        world.now = JANUARY
        printed = await world.client.get(
            f"/v1/attestations/{issued['reference']}", headers=bearer("attestation:issue", place=DALIAN)
        )
        assert printed.json()["still_holds"] is False
