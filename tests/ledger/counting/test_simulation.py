"""A simulation says what publishing does, and does nothing itself."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest

from services.ledger.counting.simulation import Judging, Simulation, simulate
from services.ledger.policy import Account, Person, bundled_book, parse_notice
from services.ledger.streams.profile import Profile
from tests.conftest import FreshDatabaseFactory
from tests.ledger.policy.builders import credit
from tests.ledger.world import Somebody, World, make_world

LIAONING, SHENYANG, HEPING, SHUANGTA, DALIAN = "210000", "210100", "210102", "211302", "210200"
LISTED = "北京东奥时代教育科技有限公司"
DAY = date(2026, 1, 15)
YEARS = (2023, 2024, 2025, 2026)

RAISED = {"kind": "requirement", "total": 100}
PUBLIC_LIFTED = {"kind": "requirement", "categories": {"public": 0}}
LONGER = {"kind": "window", "act": "study", "until": "2026-02-28"}
FROM_THE_SAME_YEAR = {"kind": "obligation", "qualified": "same_year"}
MAKE_UP = {
    "kind": "make_up",
    "years": {"from": 2025, "to": 2025},
    "windows": [{"channel": "automatic", "from": "2026-01-01", "until": "2026-03-31"}],
}
DRAFTS: dict[str, tuple[str, dict[str, Any], str, str | None]] = {
    "a higher total": (LIAONING, RAISED, "requirement.total", "T-01"),
    "no public minimum in one city": (SHENYANG, PUBLIC_LIFTED, "requirement.public", "T-01"),
    "a longer year": (LIAONING, LONGER, "window.study", "T-01"),
    "an earlier obligation": (LIAONING, FROM_THE_SAME_YEAR, "obligation", "T-01"),
    "a make-up": (LIAONING, MAKE_UP, "make_up", "T-01"),
    "a notice where there was none": (DALIAN, {"kind": "requirement", "total": 60}, "policy", None),
}
"""The place, the rule, and the reason with its clause: the draft's own, which changes what another had said."""


def draft(place: str, rule: dict[str, Any], issued_on: str = "2026-01-10") -> Any:
    return parse_notice(
        {
            "id": "a-draft",
            "title": "征求意见稿",
            "issuers": ["某财政局"],
            "issued_on": issued_on,
            "place": place,
            "years": {"from": 2025, "to": 2025},
            "excludes": [DALIAN] if place == LIAONING else [],
            "clauses": [{"id": "T-01", "article": "一", "text": "新规定。", "rules": [rule]}],
        }
    )


@pytest.fixture
async def small(fresh_database: FreshDatabaseFactory) -> AsyncIterator[tuple[World, list[Somebody]]]:
    """A ledger with a few people: with nothing, half a year, a whole one, only professional credits, exempt, new."""
    async with make_world(fresh_database)().running() as world:
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        provider = await world.provides(LISTED, accredited=[LIAONING])
        people = []
        for place in (HEPING, SHUANGTA, DALIAN):
            earned: tuple[tuple[str, ...], ...] = (
                (),
                ("45.00",),
                ("60.00", "public"),
                ("95.00",),
                ("120.00",),
            )
            for credits in earned:
                who = await world.collects(place)
                people.append(who)
                records = [
                    provider.completion(who, 2025, amount, authority=LIAONING)
                    if amount != "public"
                    else provider.completion(who, 2025, "30.00", category="public", authority=LIAONING)
                    for amount in credits
                ]
                if records:
                    await provider.posts(*records)
            people.append(await world.collects(place, qualified_on=date(2025, 4, 1)))
            people.append(await world.collects(place, qualified_on=None))
        exempted = people[0]
        await world.client.post(
            f"/v1/persons/{exempted.person_id}/exemptions",
            json={"year": 2025, "reason": "illness"},
            headers=world.official(LIAONING) | {"Idempotency-Key": "exempt"},
        )
        world.now = datetime(2026, 1, 15, 4, tzinfo=UTC)
        yield world, people


async def answers(world: World, people: list[Somebody]) -> dict[tuple[str, int], dict[str, Any]]:
    found = {}
    for year in YEARS:
        response = await world.client.post(
            "/v1/compliance/query",
            json={"year": year, "persons": [who.person_id for who in people], "on": DAY.isoformat()},
            headers=world.official("100000"),
        )
        for answer in response.json()["results"]:
            found[answer["person_id"], year] = answer
    return found


def verdict(answer: dict[str, Any]) -> tuple[Any, ...]:
    return answer["status"], answer["missing"], bool(answer["make_up"] and answer["make_up"]["open"])


async def contents(world: World) -> dict[str, str]:
    """Every row of every table, as one hash each."""
    conn = await asyncpg.connect(world.fresh.admin_dsn, server_settings={"search_path": "ledger"})
    try:
        names = [
            row[0] for row in await conn.fetch("select tablename from pg_tables where schemaname = 'ledger'")
        ]
        return {
            name: await conn.fetchval(f"select md5(string_agg(t::text, ',' order by t::text)) from {name} t")
            for name in names
        }
    finally:
        await conn.close()


async def simulates(world: World, notice: Any, **options: Any) -> Simulation:
    return await simulate(
        world.ledger.databases, world.ledger.policies.book, notice, on=options.pop("on", DAY), **options
    )


class TestSimulate:
    @pytest.mark.parametrize("name", DRAFTS)
    async def test_says_what_publishing_then_does(self, small: tuple[World, list[Somebody]], name: str):
        world, people = small
        place, rule, reason, clause = DRAFTS[name]
        notice = draft(place, rule)
        before = await answers(world, people)
        said = await simulates(world, notice)
        await world.publishes(notice)
        after = await answers(world, people)
        really = Counter(
            (old["place"], year, old["status"], after[who, year]["status"])
            for (who, year), old in before.items()
            if verdict(old) != verdict(after[who, year])
        )
        told: Counter[tuple[str, int, str, str]] = Counter()
        for change in said.changes:
            told[change.place, change.year, change.before, change.after] += change.persons
        assert told == really
        assert really, "the draft was made to change something"
        reasons = {each for change in said.changes for each in change.reasons}
        assert {each.what for each in reasons} == {reason}
        assert clause is None or {each.clause for each in reasons} == {clause}

    async def test_writes_nothing(self, small: tuple[World, list[Somebody]]):
        world, _ = small
        before = await contents(world)
        positions = [await world.count_events(), list(world.ledger.policies.book)]
        said = await simulates(world, draft(LIAONING, RAISED))
        assert said.changed > 0
        assert await contents(world) == before
        assert [await world.count_events(), list(world.ledger.policies.book)] == positions

    async def test_reads_in_batches_and_says_how_far_it_is(self, small: tuple[World, list[Somebody]]):
        world, people = small
        there = len(await world.ledger.people.by_id([who.person_id for who in people], LIAONING, 0))
        whole = await simulates(world, draft(LIAONING, RAISED))
        steps: list[tuple[str, int, int]] = []
        again = await simulates(
            world, draft(LIAONING, RAISED), batch=4, progress=lambda *step: steps.append(step)
        )
        assert again == whole
        assert steps == [(LIAONING, min(4 * turn, there), there) for turn in range(1, -(-there // 4) + 1)]

    async def test_touches_no_place_that_the_draft_carves_out(self, small: tuple[World, list[Somebody]]):
        """S1-01: Dalian is not in Liaoning's notice."""
        world, _ = small
        said = await simulates(world, draft(LIAONING, RAISED))
        assert {change.place for change in said.changes} == {HEPING, SHUANGTA}
        assert list(said.positions) == [LIAONING]

    async def test_a_draft_of_the_nation_is_tried_in_every_log(self, small: tuple[World, list[Somebody]]):
        """It judges Dalian, which no notice speaks for; Liaoning's own clause stays the nearer one."""
        world, _ = small
        said = await simulates(world, draft("100000", FROM_THE_SAME_YEAR))
        assert {LIAONING, DALIAN, "440000"} <= set(said.positions)
        assert {(change.place, change.before, change.after) for change in said.changes} == {
            (DALIAN, "undecided", "deficient"),
            (DALIAN, "not_required", "deficient"),
        }

    async def test_what_is_in_force_already_changes_nothing(self, small: tuple[World, list[Somebody]]):
        world, _ = small
        in_force = next(
            entry.notice for entry in world.ledger.policies.book if entry.notice.id == "liaoning-2025"
        )
        said = await simulates(world, in_force)
        assert (said.changes, said.years, said.judged) == ((), (), 0)


class TestTheClauseThatChangesIsCited:
    """Not one that both books inherit."""

    def reasons(
        self, rule: dict[str, Any], year: int, on: str, credits: str = "0", place: str = SHENYANG
    ) -> set[tuple[str, str | None]]:
        before = bundled_book()
        notice = draft(place, rule, issued_on=on)
        after = before.with_notice(notice, datetime.fromisoformat(f"{on}T00:00:00+08:00"), "test", 999)
        judging = Judging(before, after, [notice], date.fromisoformat(on))
        person = Person(person_id="p", place=place, qualified_on=date(2015, 5, 1))
        account = Account(person_id="p", year=year, credits=[credit(credits, on=f"{year}-06-01")])
        profile = Profile(person=person, identity_hash="h", name_hash="n")
        judging.judge(profile, {year: account})
        return {(each.what, each.clause) for changed in judging.changed() for each in changed.reasons}

    def test_of_a_late_window_of_one_mode_that_is_extended(self):
        """S1-16 opens and ends the year in general, the draft alone lets online study last longer."""
        longer = {"kind": "window", "act": "study", "modes": ["online"], "until": "2026-03-31"}
        assert self.reasons(longer, 2025, "2026-02-10") == {("window.study", "T-01")}

    def test_of_a_make_up_that_is_extended_beside_one_that_stands(self):
        """S3B-05 lets 2025 be made up in spring, the draft until autumn."""
        window = {"channel": "automatic", "from": "2026-04-01", "until": "2026-09-30"}
        later = {"kind": "make_up", "years": {"from": 2025, "to": 2025}, "windows": [window]}
        assert self.reasons(later, 2025, "2026-08-10", place="140400") == {("make_up", "T-01")}

    def test_of_credits_that_count_otherwise(self):
        cap = {
            "kind": "cap",
            "name": "record",
            "per": "record",
            "credits": 10,
            "categories": ["professional"],
        }
        assert self.reasons(cap, 2025, "2025-10-01", credits="60") == {
            ("counting.total", "T-01"),
            ("counting.professional", "T-01"),
        }
