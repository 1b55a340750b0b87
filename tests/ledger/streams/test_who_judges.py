"""The people judged for a year, and the profiles of a place in order."""

from datetime import date

import pytest

from contracts.divisions import authority_of, contains
from services.kit.clock import start_of_day
from services.ledger.policy import Account, Person
from services.ledger.store.profiles import Reach, reach_of, walk_profiles
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import JUDGED_FROM, JudgedYears, judged_by_us
from tests.ledger.policy.builders import (
    BEIJING,
    BOOK,
    CHAOYANG,
    DALIAN,
    JIANGMEN,
    JINCHENG,
    SHUANGTA,
    credit,
)
from tests.ledger.policy.drafts import book, draft
from tests.ledger.world import World


class TestJudgedYears:
    def test_are_those_a_notice_of_the_place_governs_up_to_the_present(self):
        assert JudgedYears(BOOK, 2024).of(SHUANGTA) == (2024,)
        assert JudgedYears(BOOK, 2025).of(SHUANGTA) == (2024, 2025)
        assert JudgedYears(BOOK, 2026).of(CHAOYANG)[:2] == (2024, 2025)

    def test_a_year_that_only_make_up_names_is_judged_for_who_has_an_account(self):
        """S2A-03 opens 2020 to 2023 for making up; no notice we hold governs them."""
        assert BOOK.resolve(JINCHENG, 2021) is not None
        assert not {2020, 2021, 2022, 2023} & set(JudgedYears(BOOK, 2026).of(JINCHENG))

    def test_where_no_notice_governs_the_nation_does(self):
        """B-20."""
        assert JudgedYears(BOOK, 2026).of(DALIAN) == tuple(range(JUDGED_FROM, 2027))
        assert JudgedYears(BOOK, 2026).of(BEIJING) == tuple(range(JUDGED_FROM, 2027))

    def test_begin_with_the_national_rule(self):
        assert min(JudgedYears(BOOK, 2026).of(JIANGMEN)) >= JUDGED_FROM


class TestReach:
    def test_is_a_place_and_all_under_it(self):
        assert reach_of(SHUANGTA) == Reach(SHUANGTA, SHUANGTA)
        assert reach_of("211300") == Reach("211300", "211399")
        assert reach_of("210000") == Reach("210000", "219999")

    def test_holds_what_the_tree_of_places_holds(self):
        for outer in ("100000", "210000", "211300", SHUANGTA, DALIAN):
            first, last = reach_of(outer)
            for inner in ("210000", "211300", SHUANGTA, "211303", "210202", "140500", "990000"):
                same_log = outer == "100000" or authority_of(outer) == authority_of(inner)
                assert (same_log and first <= inner <= last) == contains(outer, inner)


class TestWalkingProfiles:
    async def test_goes_by_place_and_person_and_leaves_nobody_out(self, world: World):
        people = [await world.collects(place) for place in ("211303", SHUANGTA, "211300", SHUANGTA, "210100")]
        seen: list[tuple[str, str]] = []
        async with world.ledger.databases.of("210000").acquire() as conn:
            after = ("", "")
            while page := await walk_profiles(conn, "210000", reach_of("211300"), after, 2):
                seen += [(profile.person.place, profile.person.person_id) for profile in page]
                after = seen[-1]
        ids = [person.person_id for person in people]
        assert seen == [("211300", ids[2]), (SHUANGTA, ids[1]), (SHUANGTA, ids[3]), ("211303", ids[0])]


class TestWhoLeaves:
    @pytest.mark.parametrize(
        ("left", "statuses"),
        [(date(2029, 6, 1), ["compliant"]), (date(2031, 1, 1), ["deficient", "deficient", "deficient"])],
        ids=["while the period goes on", "after it"],
    )
    def test_takes_a_period_that_goes_on_along(self, left: date, statuses: list[str]):
        """A year that is over is judged by its own minima then, and by a period that is over, too."""
        asked = draft(
            {"kind": "requirement", "total": 20, "categories": {"professional": 0, "public": 0}},
            {"kind": "period", "name": "p", "over": 3, "first_year": 2028, "total": 120},
            year=2028,
            through=2030,
        )
        person = Person(person_id="p", place=BEIJING, qualified_on=date(2020, 1, 1))
        profile = Profile(person=person, identity_hash="h", name_hash="n")
        account = Account(person_id="p", year=2028, credits=[credit("20", on="2028-05-01")])
        judged = judged_by_us(book(asked), profile, [account], start_of_day(left))
        assert [each.status for each in judged if each.year in (2028, 2029, 2030)] == statuses
