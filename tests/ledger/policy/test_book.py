"""The notice that wins: nearest place, then latest, setting by setting; and what was known when."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

from contracts import divisions
from contracts.divisions import AUTHORITIES
from services.ledger.policy import Policy, PolicyBook, bundled_notices, parse_notice
from tests.ledger.policy.builders import BOOK, CHAOYANG, JINCHENG, SHUANGTA, notice_text, policy

DAY_ONE = datetime(2030, 1, 1, tzinfo=UTC)
DAY_TWO = datetime(2030, 2, 1, tzinfo=UTC)
NATION = next(notice for notice in bundled_notices() if notice.id == "national-2018-10")


def book_of(*texts: str, nation: bool = True) -> PolicyBook:
    """A book of the national rule and the notices given, recorded one after another on one day."""
    book = PolicyBook().with_notice(NATION, DAY_ONE, "100000", 1) if nation else PolicyBook()
    for position, text in enumerate(texts, start=2):
        book = book.with_notice(parse_notice(text), DAY_ONE, "110000", position)
    return book


def rules(*rules: str, clause: str = "T-01") -> str:
    """One clause with the rules given, each in YAML's flow style."""
    lines = "\n".join(f"      - {rule}" for rule in rules)
    return f"\n  - id: {clause}\n    article: 一\n    text: 本款。\n    rules:\n{lines}\n"


def found(book: PolicyBook, place: str = "110101", year: int = 2030) -> Policy:
    resolved = book.resolve(place, year)
    assert resolved is not None
    return resolved


class TestPrecedence:
    CITY_WIDE = notice_text(clauses=rules("{kind: requirement, total: 100, categories: {public: 20}}"))

    def test_a_county_wins_over_its_city_setting_by_setting(self):
        county = notice_text(
            id="dongcheng-2030",
            place='"110101"',
            clauses=rules("{kind: requirement, total: 110}", clause="D-01"),
        )
        assert [
            (r.category, r.minimum, r.clause) for r in found(book_of(self.CITY_WIDE, county)).requirements
        ] == [
            (None, Decimal(110), "D-01"),
            ("professional", Decimal(60), "N-02"),
            ("public", Decimal(20), "T-01"),
        ]

    def test_within_a_notice_the_last_clause_wins(self):
        twice = rules("{kind: requirement, total: 100}", "{kind: requirement, total: 110}")
        [total, *_] = found(book_of(notice_text(clauses=twice))).requirements
        assert total.minimum == Decimal(110)

    def test_the_order_of_publication_does_not_matter_between_places(self):
        county = notice_text(
            id="dongcheng-2030", place='"110101"', clauses=rules("{kind: requirement, total: 110}")
        )
        one, other = found(book_of(self.CITY_WIDE, county)), found(book_of(county, self.CITY_WIDE))
        assert one.hash == other.hash

    def test_the_later_issued_notice_of_a_place_wins_whichever_was_published_first(self):
        """C-04."""
        later = notice_text(
            id="beijing-2030-b",
            issued_on="2030-06-01",
            clauses=rules("{kind: window, until: 2031-01-31}", clause="L-01"),
        )
        earlier = notice_text(
            clauses=rules(
                "{kind: window, from: 2030-02-01, until: 2030-12-31}", "{kind: requirement, total: 90}"
            )
        )
        for book in (book_of(earlier, later), book_of(later, earlier)):
            study = found(book).any_mode.study
            assert (study.since, study.since_clause) == (date(2030, 2, 1), "T-01")
            assert (study.until, study.until_clause) == (date(2031, 1, 31), "L-01")

    def test_a_minimum_of_zero_lifts_an_inherited_one(self):
        county = notice_text(
            id="dongcheng-2030",
            place='"110101"',
            clauses=rules("{kind: requirement, categories: {public: 0, professional: 0}}"),
        )
        assert [r.category for r in found(book_of(self.CITY_WIDE, county)).requirements] == [None]

    def test_what_is_said_of_a_mode_wins_over_what_the_same_notice_says_of_all(self):
        text = notice_text(
            clauses=rules(
                "{kind: window, modes: [online], until: 2030-06-30}",
                "{kind: window, from: 2030-01-01, until: 2030-12-31}",
                "{kind: requirement, total: 90}",
            )
        )
        resolved = found(book_of(text))
        assert resolved.terms_of("online").study.until == date(2030, 6, 30)
        assert resolved.terms_of("face_to_face").study.until == date(2030, 12, 31)

    def test_a_later_extension_for_all_modes_reaches_each_of_them(self):
        earlier = notice_text(
            clauses=rules(
                "{kind: window, modes: [online], until: 2030-06-30}", "{kind: requirement, total: 90}"
            )
        )
        later = notice_text(
            id="beijing-2030-b", issued_on="2030-06-01", clauses=rules("{kind: window, until: 2030-12-31}")
        )
        assert found(book_of(earlier, later)).terms_of("online").study.until == date(2030, 12, 31)

    def test_relative_days_follow_the_year(self):
        text = notice_text(
            years="{from: 2030}",
            clauses=rules("{kind: window, until: Y+1-03-31}", "{kind: requirement, total: 90}"),
        )
        book = book_of(text)
        assert found(book, year=2030).any_mode.study.until == date(2031, 3, 31)
        assert found(book, year=2033).any_mode.study.until == date(2034, 3, 31)


class TestGoverning:
    def test_without_a_notice_the_national_rule_judges_provisionally(self):
        """B-20."""
        resolved = found(book_of())
        assert (resolved.basis, resolved.provisional, resolved.ordinary) == ("national", True, True)
        assert [notice.place for notice in resolved.notices] == [divisions.NATION]

    def test_the_nation_itself_is_judged_by_nothing(self):
        assert book_of().resolve(divisions.NATION, 2030) is None

    def test_without_any_required_total_there_is_no_policy(self):
        text = notice_text(clauses=rules("{kind: window, until: 2030-12-31}"))
        assert book_of(text, nation=False).resolve("110101", 2030) is None

    def test_a_notice_governs_its_own_years_alone(self):
        book = book_of(TestPrecedence.CITY_WIDE)
        assert [found(book, year=year).basis for year in (2029, 2030, 2031)] == [
            "national",
            "notice",
            "national",
        ]

    def test_excluded_places_are_not_reached(self):
        text = notice_text(excludes='["110101"]', clauses=rules("{kind: requirement, total: 90}"))
        assert found(book_of(text)).basis == "national"
        assert found(book_of(text), "110102").basis == "notice"

    def test_unknown_places_and_absurd_years_have_no_policy(self):
        assert BOOK.resolve("999999", 2024) is None
        assert BOOK.resolve("", 2024) is None
        assert BOOK.resolve(CHAOYANG, 0) is None
        assert BOOK.resolve(CHAOYANG, 10**9) is None

    def test_every_authority_can_be_asked(self):
        for place in AUTHORITIES:
            BOOK.resolve(place, 2024)


class TestMakeUpOfSeveralNotices:
    YEARS = "years: {from: 2029, to: 2029}"

    def test_no_more_make_up_closes_what_the_same_place_had_opened(self):
        opened = notice_text(
            clauses=rules(
                f"{{kind: make_up, {self.YEARS}, windows: [{{channel: automatic, until: 2030-12-31}}]}}"
            )
        )
        closed = notice_text(
            id="beijing-2030-b",
            issued_on="2030-06-01",
            clauses=rules(f"{{kind: make_up, {self.YEARS}, never: true}}"),
        )
        assert found(book_of(opened), year=2029).make_up
        assert found(book_of(opened, closed), year=2029).basis == "national"

    def test_a_county_narrows_what_its_city_offered_before(self):
        city = notice_text(
            clauses=rules(
                f"{{kind: make_up, {self.YEARS}, windows: [{{channel: automatic, until: 2030-12-31}}]}}"
            )
        )
        county = notice_text(
            id="dongcheng-2030",
            place='"110101"',
            issued_on="2030-02-01",
            clauses=rules(
                f"{{kind: make_up, {self.YEARS}, windows: [{{channel: automatic, until: 2030-06-30}}]}}"
            ),
        )
        book = book_of(city, county)
        assert [w.until for w in found(book, year=2029).make_up] == [date(2030, 6, 30)]
        assert [w.until for w in found(book, "110102", 2029).make_up] == [date(2030, 12, 31)]

    def test_both_channels_of_one_notice_stand(self):
        assert [w.channel for w in policy("210100", 2024).make_up] == ["automatic", "application"]


class TestSources:
    def test_every_value_names_clause_document_and_place(self):
        for name, sourced in policy(JINCHENG, 2024).settings.items():
            assert sourced.clause, name
            assert sourced.document, name
            assert sourced.place in {"140500", "140000", "100000"}, name

    def test_a_county_with_nothing_of_its_own_is_judged_as_its_city(self):
        city, county = policy(CHAOYANG, 2024), policy(SHUANGTA, 2024)
        assert city.settings == county.settings
        assert city.hash != county.hash

    def test_the_hash_is_of_what_is_in_force_and_nothing_else(self):
        book = book_of(TestPrecedence.CITY_WIDE)
        elsewhere = notice_text(id="tianjin-2030", place='"120000"')
        more = book.with_notice(parse_notice(elsewhere), DAY_TWO, "120000", 1)
        assert found(more).hash == found(book).hash
        changed = notice_text(clauses=rules("{kind: requirement, total: 101, categories: {public: 20}}"))
        assert found(book_of(changed)).hash != found(book).hash


class TestDeterminism:
    def test_hash_seed_time_zone_and_locale_do_not_matter(self):
        asked = [(CHAOYANG, 2024), (CHAOYANG, 2025), (JINCHENG, 2022), ("440700", 2019), ("140400", 2026)]
        script = (
            "from services.ledger.policy import bundled_book; book = bundled_book();"
            f"print(*(book.resolve(place, year).hash for place, year in {asked!r}))"
        )
        for seed, zone in (("1", "America/New_York"), ("2", "Pacific/Kiritimati")):
            environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
            run = subprocess.run(
                [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
            )
            assert run.stdout.split() == [policy(place, year).hash for place, year in asked]


class TestTime:
    def test_the_same_notice_again_changes_nothing(self):
        book = book_of(TestPrecedence.CITY_WIDE)
        again = parse_notice("# a comment\n" + TestPrecedence.CITY_WIDE)
        assert book.with_notice(again, DAY_TWO, "110000", 9) is book

    def test_a_changed_notice_replaces_its_earlier_publication_from_then_on(self):
        first = book_of(TestPrecedence.CITY_WIDE)
        changed = notice_text(clauses=rules("{kind: requirement, total: 120}"))
        second = first.with_notice(parse_notice(changed), DAY_TWO, "110000", 9)
        assert found(first).total == Decimal(100)
        assert found(second).total == Decimal(120)
        assert [r.category for r in found(second).requirements] == [None, "professional"]
        assert found(second.known_at(DAY_ONE)).total == Decimal(100)

    def test_a_book_as_known_before_a_notice_does_not_hold_it(self):
        book = book_of().with_notice(parse_notice(TestPrecedence.CITY_WIDE), DAY_TWO, "110000", 2)
        assert found(book.known_at(DAY_ONE)).basis == "national"
        assert found(book.known_at(DAY_TWO)).basis == "notice"
        assert book.known_at(DAY_TWO) is book

    def test_a_notice_of_another_place_with_the_same_name_is_another_notice(self):
        other = notice_text(place='"120000"')
        book = book_of(TestPrecedence.CITY_WIDE, other)
        assert found(book).total == Decimal(100)
        assert found(book, "120101").total == Decimal(90)

    def test_policies_are_made_once(self):
        book = book_of(TestPrecedence.CITY_WIDE)
        assert book.resolve("110101", 2030) is book.resolve("110101", 2030)
