"""Two who want the same at the same moment: one is stored, the other hears why not. One list of every such pair."""

import itertools
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import pytest

from services.cli.demo import fictitious
from services.kit.command import Question
from services.ledger.moving.arrivals import NAMESAKE
from services.ledger.store.claims import OPEN_CLAIM_OF_FACT
from services.ledger.store.filings import FILING_OF_FACT
from tests.kit.races import at_once, confirmations, declared_questions
from tests.ledger.cases.test_claims import PAPER, Desk
from tests.ledger.cases.test_collective import Unit
from tests.ledger.cases.test_registrations import passed, registers
from tests.ledger.cases.training import DAYS, Training, held_training, transcript
from tests.ledger.moving.mover import JINCHENG, Mover
from tests.ledger.officials.closing.closing import closes, corrects
from tests.ledger.officials.test_relief import asks_for
from tests.ledger.world import Somebody, World

LIAONING, SHENYANG, HEPING, DALIAN, SHANXI = "210000", "210102", "210102", "210200", "140000"
_UNITS = itertools.count(900)

Request = Coroutine[Any, Any, httpx.Response]
Given = Callable[[World], Awaitable[tuple[Request, Request]]]


class Pair(NamedTuple):
    """Two requests for the same, and what the second of them is told."""

    name: str
    given: Given
    told: tuple[str, ...]
    one_row: bool
    asks: Question | None


PAIRS: list[Pair] = []


def pair(*told: str, one_row: bool = False, asks: Question | None = None) -> Callable[[Given], Given]:
    """Put a pair on the list: `told` is the code of the problem, or the outcome of the line, of who comes second, which may
    depend on who that is; of a pair with `one_row` both change the same row; `asks` is the question on which they meet.
    """

    def listed(given: Given) -> Given:
        PAIRS.append(Pair(given.__name__, given, told, one_row, asks))
        return given

    return listed


def headers(world: World, place: str, *scopes: str, subject: str = "official-1") -> dict[str, str]:
    return world.official(place, *scopes, subject=subject) | {"Idempotency-Key": str(uuid.uuid4())}


async def employed(world: World) -> tuple[Unit, Somebody]:
    code = fictitious.uscc(next(_UNITS))
    return Unit(world, code), await world.collects(SHENYANG, employer=code)


@pair("fact-counted")
async def two_claims_of_a_fact(world: World) -> tuple[Request, Request]:
    desk, who = Desk(world), await world.collects(SHENYANG)
    return desk.submits(who), desk.submits(who, subject="another")


@pair("fact-counted")
async def two_claims_that_share_a_day(world: World) -> tuple[Request, Request]:
    desk, who = Desk(world), await world.collects(SHENYANG)
    said = {
        "form": "conference",
        "role": None,
        "fact": {"organiser": "辽宁省会计学会", "title": "2025年会"},
        "quantity": "2",
    }
    return (
        desk.submits(who, happened_on="2025-05-16", **said),
        desk.submits(who, happened_on="2025-05-17", subject="another", **said),
    )


@pair("fact-counted")
async def a_claim_and_an_amendment_to_the_same_fact(world: World) -> tuple[Request, Request]:
    desk, who = Desk(world), await world.collects(SHENYANG)
    other = PAPER | {"title": "论成本会计"}
    claim_id = (await desk.submits(who, fact=other)).json()["claim_id"]
    body = {
        "person_id": who.person_id, "year": 2025, "form": "paper", "role": "sole", "happened_on": "2025-03-10",
        "fact": PAPER,
    }  # fmt: skip
    amending = world.client.post(
        f"/v1/claims/{claim_id}/amendment", json=body, headers=desk.headers(SHENYANG, "clerk")
    )
    return desk.submits(who), amending


@pair("fact-counted", "duplicate")
async def a_claim_and_a_row_of_an_employers_list(world: World) -> tuple[Request, Request]:
    unit, who = await employed(world)
    row = unit.row(who, "r-1", fact=PAPER)
    await unit.headers()
    return Desk(world).submits(who), unit.submits(row)


@pair("duplicate")
async def two_lists_of_an_employer(world: World) -> tuple[Request, Request]:
    unit, who = await employed(world)
    await unit.headers()
    return unit.submits(unit.row(who, "r-1")), unit.submits(unit.row(who, "r-1"))


@pair("duplicate", asks=OPEN_CLAIM_OF_FACT)
async def two_direct_lists_with_a_line(world: World) -> tuple[Request, Request]:
    who = await world.collects("211302")
    return registers(world, passed(who)), registers(world, passed(who))


@pair("duplicate")
async def two_lists_of_history_with_a_line(world: World) -> tuple[Request, Request]:
    who = await world.collects("211302")
    line = {
        "person": passed(who)["person"], "year": 2024, "category": "professional", "credits": "30.00",
        "mode": "online", "completed_on": "2024-05-01", "system": "gd_hrss", "record_id": "2024-0007",
    }  # fmt: skip
    return registers(world, line, to="history"), registers(world, line, to="history")


@pair("claim-state", one_row=True)
async def two_approvals_of_a_claim(world: World) -> tuple[Request, Request]:
    desk, who = Desk(world), await world.collects(SHENYANG)
    claim_id = (await desk.submits(who)).json()["claim_id"]
    await desk.steps(claim_id, "acceptance")
    return desk.steps(claim_id, "approval"), desk.steps(claim_id, "approval", subject="another")


@pair("duplicate", one_row=True)
async def two_rosters_with_a_row(world: World) -> tuple[Request, Request]:
    training = await held_training(world)
    row = training.row(await world.collects(HEPING), "r-1")
    return training.uploads(row), training.uploads(row)


@pair("roster-decided", one_row=True)
async def two_approvals_of_a_roster(world: World) -> tuple[Request, Request]:
    training = await held_training(world)
    roster_id = (await training.uploads(training.row(await world.collects(HEPING), "r-1"))).json()[
        "roster_id"
    ]
    return training.reviews(roster_id), training.reviews(roster_id, subject="another")


@pair("filing-state", one_row=True)
async def two_decisions_on_a_filing(world: World) -> tuple[Request, Request]:
    training = Training(world, await world.provides("某会计培训学校"), HEPING, DAYS)
    world.now = datetime(2025, 9, 1, 4, tzinfo=UTC)
    assert (await training.files()).status_code == 201
    return training.steps("approval"), training.steps("refusal", subject="another", reason="other")


@pair("filing-duplicate", asks=FILING_OF_FACT)
async def two_filings_of_a_training(world: World) -> tuple[Request, Request]:
    training = Training(world, await world.provides("某会计培训学校"), HEPING, DAYS)
    world.now = datetime(2025, 9, 1, 4, tzinfo=UTC)
    return training.files(), training.files(expected=50)


@pair("filing-duplicate", asks=FILING_OF_FACT)
async def a_filing_and_an_amendment_to_the_same_training(world: World) -> tuple[Request, Request]:
    training = Training(world, await world.provides("某会计培训学校"), HEPING, DAYS)
    world.now = datetime(2025, 9, 1, 4, tzinfo=UTC)
    await training.files(title="另一门课程")
    await training.steps("return", reason="plan_incomplete")
    url = f"/v1/filings/{training.filing_id}/amendment"
    return training.files(), world.client.post(url, json=training.plan(), headers=training.headers())


@pair("already-exempt")
async def two_exemptions_of_a_year(world: World) -> tuple[Request, Request]:
    who = await world.collects("211302")
    return (
        asks_for(world, who, "exemptions", reason="illness"),
        asks_for(world, who, "exemptions", reason="abroad"),
    )


@pair("credit-already-ended")
async def two_revocations_of_a_credit(world: World) -> tuple[Request, Request]:
    who = await world.collects("211302")
    [line] = (await registers(world, passed(who))).json()["results"]
    body = {"year": 2024, "reason": "wrong_record"}

    def revokes() -> Request:
        url = f"/v1/persons/{who.person_id}/credits/{line['credit_id']}/revocation"
        return world.client.post(url, json=body, headers=headers(world, LIAONING, "credit:revoke"))

    return revokes(), revokes()


@pair("year-already-closed", one_row=True)
async def two_closes_of_a_year(world: World) -> tuple[Request, Request]:
    world.now = datetime(2026, 1, 20, 4, tzinfo=UTC)
    return closes(world, LIAONING, 2023), closes(world, LIAONING, 2023, key="another")


@pair("fact-counted")
async def two_corrections_by_a_reference(world: World) -> tuple[Request, Request]:
    world.now = datetime(2026, 1, 20, 4, tzinfo=UTC)
    who = await world.collects("211302")
    assert (await closes(world, "211300", 2025)).status_code == 201
    return (
        corrects(world, who, LIAONING, "k-1", reference="2026-1"),
        corrects(world, who, LIAONING, "k-2", reference="2026-1"),
    )


@pair("departure-under-way", one_row=True)
async def two_departures_of_a_person(world: World) -> tuple[Request, Request]:
    mover, who = Mover(world), await world.collects(SHENYANG)
    return (
        mover.guards(mover.transfer_id(), who, SHANXI),
        mover.guards(mover.transfer_id(), who, DALIAN),
    )


@pair("identity-held", one_row=True, asks=NAMESAKE)
async def two_arrivals_under_one_number(world: World) -> tuple[Request, Request]:
    mover = Mover(world)
    first, second = await world.collects(SHENYANG), await world.collects(SHENYANG)
    requests: list[Request] = []
    for who in (first, second):
        transfer_id = mover.transfer_id()
        assert (await mover.guards(transfer_id, who, JINCHENG)).status_code == 200
        handover = (await mover.leaves(transfer_id, who, JINCHENG)).json()
        requests.append(mover.arrives(Somebody(who.person_id, first.person), JINCHENG, handover))
    return requests[0], requests[1]


@pytest.fixture(autouse=True)
def october(world: World) -> None:
    world.now = datetime(2025, 10, 20, 4, tzinfo=UTC)


def told_of(answer: httpx.Response) -> str:
    """What a request was told: the code of its problem, or what became of its one line; `stored` when it was taken."""
    body = answer.json()
    if answer.status_code >= 400:
        return str(body["type"].rpartition(":")[2])
    for line in body.get("results", []):
        if "problem" in line:
            return str(line["problem"]["type"].rpartition(":")[2])
        if line["outcome"] == "duplicate":
            return "duplicate"
    return "stored"


class TestOneOfTwo:
    @pytest.mark.parametrize("pair", PAIRS, ids=[each.name for each in PAIRS])
    async def test_is_stored_and_the_other_hears_why_not(
        self, world: World, monkeypatch: pytest.MonkeyPatch, pair: Pair
    ):
        requests = await pair.given(world)
        with confirmations(monkeypatch) as confirmed:
            answers = await at_once(monkeypatch, *requests, one_row=pair.one_row)

        assert pair.asks is None or pair.asks in confirmed
        told = sorted(map(told_of, answers), key="stored".__ne__)
        assert told in [["stored", each] for each in pair.told], [each.text for each in answers]

    def test_is_tried_on_every_question_that_is_asked(self):
        assert declared_questions("ledger") == {each.asks for each in PAIRS} - {None}


class TestAClaimAndAListOfItsFact:
    async def test_are_one_credit_and_leave_no_claim_open(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        """A-15: whoever comes first; the province registers exams sat within it, claims are for those sat elsewhere."""
        world.now = datetime(2024, 12, 1, 4, tzinfo=UTC)
        who, desk = await world.collects("140403"), Desk(world, "140400")
        exam = {
            "form": "exam_subject", "year": 2024, "happened_on": "2024-09-07",
            "fact": {"exam": "中级会计职称", "subject": "经济法", "sitting": "2024"},
        }  # fmt: skip
        answers = await at_once(
            monkeypatch,
            desk.submits(who, role=None, sat_in="310000", **exam),
            registers(world, passed(who, sat_in="140100", **exam), place=SHANXI),
        )

        claimed, listed = answers
        assert told_of(listed) == "stored", listed.text
        assert told_of(claimed) in ("stored", "fact-counted"), claimed.text
        assert len(await transcript(world, who, "140400")) == 1
        if told_of(claimed) == "stored":
            url = f"/v1/claims/{claimed.json()['claim_id']}"
            seen = await world.client.get(url, headers=desk.headers("140400", "clerk"))
            assert seen.json()["state"] == "satisfied"
