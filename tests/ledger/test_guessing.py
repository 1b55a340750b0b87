"""Guessing: every route of the ledger that takes a number, asked by everybody who may try about a number nobody has, one
that has another name, and one that is right (SECURITY.md, "Numbers").

Whoever is not entitled gets the same bytes for "not there" and "differs"; only what is drawn or counted for the answer
is taken out before they are compared.
"""

import itertools
import re
import uuid
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
import pytest_asyncio

from services.cli.demo import fictitious
from services.kit.budgets import Budget
from services.ledger.intake.statements import EVENT_TYPE
from tests.conftest import FreshDatabaseFactory
from tests.kit.http import bearer
from tests.ledger.cases.test_collective import EVIDENCE
from tests.ledger.cases.test_registrations import EXAM
from tests.ledger.cases.training import CSV, Training, held_training
from tests.ledger.test_access import EVERY_SCOPE, LISTED
from tests.ledger.world import Somebody, World, make_world
from tests.number_routes import number_routes

LIAONING, SHENYANG, HEPING, CHAOYANG, NATION = "210000", "210100", "210102", "211300", "100000"
DRAWN = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-\d+)?|"position":\d+')
COMPLETIONS, ENROLMENTS, EXAMS = "POST /v1/completions", "POST /v1/enrolments", "POST /v1/exam-passes"
EVENTS, TABLE, ROSTERS = (
    "POST /v1/completions/events",
    "POST /v1/completions/table",
    "POST /v1/filings/{filing_id}/rosters",
)
QUERY, CHECK, LISTS = "POST /v1/compliance/query", "POST /v1/attestations/check", "POST /v1/collective-claims"
DIRECT, HISTORY = "POST /v1/registrations/direct", "POST /v1/registrations/history"
PROVIDER, TRAINER = (
    "a provider accredited where the person is",
    "whose training was filed where the person is",
)
BUREAU = "an official of the place"
OTHERS = (
    "a provider accredited for another city",
    "a provider accredited by another authority",
    "a provider that nobody accredited",
    "an official of another city",
    "an official of another authority",
    "an employer of others",
    "a person of themselves",
)
ENTITLED: dict[str, set[str]] = {
    **{route: {PROVIDER} for route in (COMPLETIONS, ENROLMENTS, EVENTS, EXAMS, TABLE)},
    ROSTERS: {TRAINER},
    **{route: set() for route in (QUERY, CHECK, LISTS, DIRECT, HISTORY)},
}
"""Who is told that a number is there, of every route that takes one."""
SERIAL = itertools.count(1)


class Asked:
    """One ledger, with a training whose organization reports who came, and everybody who asks."""

    def __init__(self, world: World, training: Training, providers: dict[str, dict[str, str]]) -> None:
        self.world = world
        self.training = training
        self.who = providers

    async def by(self, caller: str, route: str, identity: dict[str, str]) -> str:
        """All that the answer says, but for what is drawn or counted for it."""
        method, path = route.split(" ")
        content, media_type = self.body(route, identity)
        headers = self.who[caller] | {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": media_type}
        path = path.replace("{filing_id}", self.training.filing_id)
        sent = {"content": content} if isinstance(content, str) else {"json": content}
        answer = await self.world.client.request(method, path, headers=headers, **sent)
        return DRAWN.sub("#", f"{answer.status_code} {answer.text}")

    def body(self, route: str, identity: dict[str, str]) -> tuple[Any, str]:
        record: dict[str, Any] = {"person": identity, "year": 2025}
        moment = self.world.now.isoformat()
        study = {"category": "professional", "mode": "online"}
        if route == TABLE:
            header = "id,id_number,name,year,category,credits,mode,course,completed_at,authority"
            number, name = identity["id_number"], identity["name"]
            return "\n".join(
                [header, f"id-{next(SERIAL):06d},{number},{name},2025,professional,1.00,online,K1,"
                 f"{self.world.now:%Y-%m-%d %H:%M:%S},{LIAONING}"]
            ), CSV  # fmt: skip
        if route == QUERY:
            return {"year": 2025, "identities": [identity]}, "application/json"
        if route == CHECK:
            return identity | {"reference": f"{LIAONING}-{'0' * 24}"}, "application/json"
        if route == ROSTERS:
            row = {"id": f"r-{next(SERIAL)}", "person": identity, "sessions": [1, 2], "passed": True}
            return {"records": [row]}, "application/json"
        further = {
            EVENTS: study | {"credits": "1.00", "course": "K1"},
            COMPLETIONS: study | {"credits": "1.00", "course": "K1", "completed_at": moment},
            ENROLMENTS: {"mode": "online", "enrolled_on": "2025-05-01"},
            EXAMS: {"passed_at": moment},
            LISTS: {"form": "paper", "role": "sole", "happened_on": "2025-03-10", "evidence": EVIDENCE,
                    "fact": {"cn_number": "CN21-1234/F", "issue": "2025-03", "title": "论"}},
            DIRECT: {"form": "exam_subject", "happened_on": "2025-05-07", "fact": EXAM},
            HISTORY: study | {"credits": "1.00", "completed_on": "2025-05-01", "system": "old", "record_id": "r-1"},
        }[route]  # fmt: skip
        if route not in (DIRECT, HISTORY):
            record["id"] = f"id-{next(SERIAL):06d}"
        if route in (COMPLETIONS, ENROLMENTS, EVENTS, EXAMS):
            record["authority"] = LIAONING
        if route == EVENTS:
            event = {
                "specversion": "1.0",
                "id": record.pop("id"),
                "source": "urn:platform:lms",
                "time": moment,
            }
            told = {"type": EVENT_TYPE, "datacontenttype": "application/json", "data": record | further}
            return event | told, "application/json"
        body = {"records": [record | further]} | ({"place": HEPING} if route == LISTS else {})
        return body, "application/json"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asked(fresh_database: FreshDatabaseFactory) -> AsyncIterator[Asked]:
    """A ledger and all its callers, each with every scope."""
    async with make_world(fresh_database)().running() as world:
        training = await held_training(world)

        async def provider(*accredited: str, name: str = "") -> str:
            known = await world.provides(name or f"某培训机构{next(SERIAL)}", accredited=accredited)
            return known.organization_id

        async def employer() -> str:
            headers = await world.employs(fictitious.uscc(950))
            assert headers
            return f"organization-{world._records:04d}"

        made: dict[str, Awaitable[str]] = {
            PROVIDER: provider(HEPING, name=LISTED),
            OTHERS[0]: provider(CHAOYANG),
            OTHERS[1]: provider("140000"),
            OTHERS[2]: provider(),
            OTHERS[5]: employer(),
        }
        who = {
            caller: bearer(*EVERY_SCOPE, subject="asker", organization=await organization)
            for caller, organization in made.items()
        }
        for caller, place in ((BUREAU, HEPING), (OTHERS[3], CHAOYANG), (OTHERS[4], "140000")):
            who[caller] = bearer(*EVERY_SCOPE, subject="asker", place=place)
        who[OTHERS[6]] = bearer("compliance:own", "attestation:own", "transcript:own", subject="person-x")
        who[TRAINER] = training.headers(*EVERY_SCOPE)
        yield Asked(world, training, who)


def test_every_route_that_takes_a_number_says_whom_it_tells() -> None:
    assert number_routes("ledger") == set(ENTITLED)


class TestAnswers:
    @pytest.mark.parametrize("caller", [PROVIDER, TRAINER, BUREAU, *OTHERS])
    @pytest.mark.parametrize("route", ENTITLED)
    async def test_tell_only_those_entitled_whether_a_number_is_there(
        self, asked: Asked, route: str, caller: str
    ):
        world = asked.world
        known, other = await world.collects(HEPING), await world.collects(HEPING)
        elsewhere = await world.collects("140000")
        absent = await ask_alike(asked, caller, route, nobody(world))
        differs = await ask_alike(asked, caller, route, known.identity | {"name": "王另名"})
        moved = await ask_alike(asked, caller, route, elsewhere.identity | {"name": "王另名"})
        right = await ask_alike(asked, caller, route, other.identity)
        assert (differs != absent) == (caller in ENTITLED[route]), (absent, differs)
        if caller == "a provider accredited by another authority":
            moved = absent  # theirs, by another log: not asked here
        assert moved == absent
        if caller in ("an official of another city", "an official of another authority"):
            assert right == absent

    async def test_tell_who_names_number_and_name_what_became_of_the_record(self, asked: Asked):
        who = await asked.world.collects(HEPING)
        assert '"registered"' in await asked.by(PROVIDER, COMPLETIONS, who.identity)
        elsewhere = await asked.world.collects("140000")
        assert '"profile_elsewhere"' in await asked.by(PROVIDER, COMPLETIONS, elsewhere.identity)

    async def test_what_the_log_keeps_of_a_waiting_record_is_true(self, asked: Asked):
        """A provider is told less; the reason for which it waits is kept, and frees it when it goes away."""
        who = await asked.world.collects(HEPING)
        caller = "a provider accredited for another city"
        assert '"not_collected"' in await asked.by(caller, COMPLETIONS, who.identity | {"name": "王另名"})
        [last] = (await asked.world.events(LIAONING))[-1:]
        assert b'"name_differs"' in last.state


def nobody(world: World) -> dict[str, str]:
    """The identity of somebody nobody has collected."""
    return Somebody("", world.stranger()).identity


async def ask_alike(asked: Asked, caller: str, route: str, identity: dict[str, str]) -> str:
    """The answer, with the id of the caller's own record taken out, which differs from question to question."""
    return re.sub(r'"(?:id|row_id)":"(?:id|r)-\d+"', "#", await asked.by(caller, route, identity))


class TestBudgets:
    @pytest.mark.parametrize(
        ("route", "caller", "budget"),
        [
            (COMPLETIONS, PROVIDER, "reports"),
            (ENROLMENTS, PROVIDER, "reports"),
            (EXAMS, PROVIDER, "reports"),
            (TABLE, PROVIDER, "reports"),
            (ROSTERS, TRAINER, "reports"),
            (QUERY, BUREAU, "queries"),
            (CHECK, BUREAU, "attestation-checks"),
            (LISTS, BUREAU, "claim-lists"),
        ],
    )
    async def test_who_names_too_many_that_are_not_there_is_refused_whatever_they_ask_then(
        self, asked: Asked, route: str, caller: str, budget: str
    ):
        world = asked.world
        budgets = world.ledger.budgets
        known = await world.collects(HEPING)
        before = dict(budgets._budgets)
        try:
            budgets._budgets = before | {budget: Budget(misses=1)}
            for _ in range(2):
                answer = await asked.by(caller, route, nobody(world))
            refused = await asked.by(caller, route, known.identity)
        finally:
            budgets._budgets = before
            await forget(world)
        assert refused.startswith("429"), (answer, refused)


async def forget(world: World) -> None:
    """Give everybody their budgets back."""
    async with world.ledger.databases.of(NATION).acquire() as conn:
        await conn.execute("delete from budgets where log = $1", NATION)
    world.ledger.budgets._spent = {}
