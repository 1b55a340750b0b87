"""Persons as rules for some select them (`for:`, tiers): by what the registry states of them, followed as it changes."""

from datetime import date

from contracts import registry
from contracts.divisions import authority_of
from tests.ledger.policy.drafts import draft
from tests.ledger.reactions.test_changes import change_of
from tests.ledger.world import Somebody, World

WUHAN = "420100"


class TestSelectedPersons:
    async def test_people_of_a_group_are_asked_for_what_a_notice_asks_of_some(self, world: World):
        rule = {
            "kind": "requirement",
            "total": 30,
            "for": {"groups": ["township"], "affiliation": ["central"]},
        }
        notice = draft(rule, place=WUHAN, year=2025, issued_on="2025-01-02", name="wuhan-some-2025")
        await world.publishes(notice)
        who = await world.collects(WUHAN)
        before = await world.asks(who, 2025)
        await world.hears(
            change_of(world, who, WUHAN, items=("groups",), groups=("township",), affiliation="central")
        )
        after = await world.asks(who, 2025)

        assert [answer["requirements"][0]["minimum"] for answer in (before, after)] == ["90.00", "30.00"]
        assert after["requirements"][0]["clause"] == "T-01"

    async def test_an_age_is_told_by_the_month_of_birth_until_an_erasure(self, world: World):
        rule = {"kind": "requirement", "total": 30, "for": {"age": {"from": 55, "to": 60}}}
        notice = draft(rule, place=WUHAN, year=2025, issued_on="2025-01-02", name="wuhan-elder-2025")
        await world.publishes(notice)
        person_id, months = "person-elder", ("1970-12", "1971-01")
        who = Somebody(person_id, world.stranger())
        collected = world.collection(person_id, who.person, WUHAN)
        await world.hears(collected.model_copy(update={"birth_month": months[0]}))
        answers = [await world.asks(who, 2025)]
        await world.hears(change_of(world, who, WUHAN, items=("birth_month",), birth_month=months[1]))
        answers.append(await world.asks(who, 2025))
        assert [answer["requirements"][0]["minimum"] for answer in answers] == ["30.00", "90.00"]

        erased = registry.PersonErased(
            person_id=person_id, place=WUHAN, reason="court_order", erased_at=world.now
        )
        await world.hears(erased)
        async with world.ledger.databases.of(authority_of(WUHAN)).acquire() as conn:
            state = await conn.fetchval("select state from profiles where person_id = $1", person_id)
        assert not any(month in bytes(state).decode() for month in months)

    async def test_courses_are_tiered_by_the_highest_qualification_held(self, world: World):
        """S1-08, A-09: the duty counts from the first, the tier from the highest."""
        rule = {"kind": "tiers", "names": ["junior", "intermediate", "senior"], "lower": "refused"}
        notice = draft(rule, place=WUHAN, year=2025, issued_on="2025-01-02", name="wuhan-2025")
        await world.publishes(notice)
        who = await world.collects(WUHAN)
        provider = await world.provides("某网校", accredited=[WUHAN])
        [taken] = await provider.posts(provider.completion(who, 2025, "10", tier="junior"))
        assert taken["outcome"] == "registered"
        held = [("intermediate", date(2024, 9, 1)), ("junior", date(2018, 9, 1))]
        qualifications = tuple(registry.Qualification(level=level, obtained_on=day) for level, day in held)  # type: ignore[arg-type]
        await world.hears(
            change_of(world, who, WUHAN, items=("qualifications",), qualifications=qualifications)
        )
        [refused] = await provider.posts(provider.completion(who, 2025, "10", tier="junior"))
        assert refused["problem"]["type"] == "urn:xuefen:problem:tier-too-low"
        assert (await world.asks(who, 2025))["first_obliged_year"] == 2019
