"""Warnings: what nobody could ever meet, or what nothing would follow from. None of it stops a notice."""

from typing import Any

import pytest

from services.ledger.policy import Finding, Notice, PolicyBook, bundled_book, bundled_notices, warnings
from tests.ledger.policy.drafts import BUNDLED, book, draft
from tests.words import assert_words

ONLINE = {"kind": "modes", "allowed": ["online"]}


def doubts(notice: Notice, beside: PolicyBook) -> list[Finding]:
    """Every doubt but the one that is true of nearly all drafts here: a notice of one rule states no minima."""
    return [doubt for doubt in warnings(notice, beside) if doubt.code != "judged-without-minima"]


def codes(*rules: dict[str, Any], **head: Any) -> list[tuple[str, str]]:
    """The pointer and the code of every doubt about a draft of these rules."""
    found = doubts(draft(*rules, **head), BUNDLED)
    for doubt in found:
        assert_words(doubt.zh, doubt.en)
    return [(doubt.pointer, doubt.code) for doubt in found]


class TestBundledNotices:
    def test_leave_two_doubts(self):
        """S2B-09: what association training is worth stands in 晋财会〔2021〕23号, which is no notice here. Guangdong's
        says nothing of minima, and judges by the nation's."""
        found = {
            notice.id: [doubt.code for doubt in warnings(notice, bundled_book())]
            for notice in bundled_notices()
        }
        assert {name: told for name, told in found.items() if told} == {
            "guangdong-2020-4": ["judged-without-minima"],
            "shanxi-2024-10": ["form-unknown"],
        }


class TestOneRule:
    @pytest.mark.parametrize(
        ("rule", "pointer", "code"),
        [
            (
                {"kind": "tiers", "names": ["junior"], "lower": "refused"},
                "/clauses/0/rules/0/lower",
                "one-tier",
            ),
            (
                {"kind": "modes", "allowed": ["online"], "tiers": ["senior"], "open": True},
                "/clauses/0/rules/0/open",
                "no-limit",
            ),
            (
                {"kind": "equivalence", "forms": [{"form": "talk", "name": "讲座", "per": "event"}]},
                "/clauses/0/rules/0/forms/0",
                "worth-nothing",
            ),
            (
                {"kind": "direct_registration", "by": "province", "activities": ["考试"]},
                "/clauses/0/rules/0/forms",
                "no-forms",
            ),
            (
                {"kind": "conversion", "name": "hours", "hours": 0, "credits": 3, "category": "public"},
                "/clauses/0/rules/0/hours",
                "no-hours",
            ),
            (
                {"kind": "make_up", "years": {"from": 2030}, "windows": [{"channel": "application"}]},
                "/clauses/0/rules/0/years",
                "no-past-year",
            ),
        ],
    )
    def test_from_which_nothing_follows(self, rule: dict[str, Any], pointer: str, code: str):
        assert (pointer, code) in codes(rule)

    def test_a_form_that_a_route_names_and_nobody_may_bring(self):
        found = codes({"kind": "route", "name": "papers", "forms": ["paper"]})
        assert found == [("/clauses/0/rules/0/reporters", "nobody-reports")]

    def test_a_form_that_is_worth_nothing_anywhere(self):
        rule = {"kind": "route", "name": "talks", "forms": ["talk"], "reporters": ["person"]}
        assert codes(rule) == [("/clauses/0", "form-unknown")]


class TestTheYear:
    def test_a_window_that_closes_before_it_opens_across_two_notices(self):
        first = draft({"kind": "window", "from": "2030-06-01"})
        later = draft(
            {"kind": "window", "until": "2030-03-31"}, name="beijing-2030-b", issued_on="2030-02-01"
        )
        assert doubts(first, BUNDLED) == []
        [doubt] = doubts(later, book(first))
        assert (doubt.pointer, doubt.code) == ("/clauses/0", "never-open")
        assert "2030-06-01" in doubt.en

    def test_another_place_s_clause_of_the_same_id_is_not_doubted_here(self):
        city = draft({"kind": "route", "name": "papers", "forms": ["nothing"], "reporters": ["person"]})
        county = draft({"kind": "record_limit", "credits": 100}, place="110101", name="dongcheng-2030")
        assert [doubt.code for doubt in doubts(city, BUNDLED)] == ["form-unknown"]
        assert doubts(county, book(city)) == []

    @pytest.mark.parametrize(
        ("rule", "code"),
        [
            (
                {"kind": "requirement", "total": 90, "categories": {"professional": 60, "public": 40}},
                "minima-above-total",
            ),
            ({"kind": "window", "until": "2029-12-31"}, "never-open"),
            (
                {
                    "kind": "make_up",
                    "years": {"from": 2029, "to": 2029},
                    "windows": [{"channel": "application", "until": "2030-01-05"}],
                },
                "never-open",
            ),
            ({"kind": "mode_minimum", "modes": ["online"], "credits": 100}, "mode-minima-above-total"),
        ],
    )
    def test_what_another_notice_says_is_never_pointed_to_in_this_one(self, rule: dict[str, Any], code: str):
        """Both call their only clause T-01."""
        city = draft(rule)
        limit = {"kind": "record_limit", "credits": 100}
        county = draft(limit, year=2029, through=2030, place="110101", name="dongcheng-2030")
        assert code in {doubt.code for doubt in doubts(city, BUNDLED)}
        assert doubts(county, book(city)) == []

    def test_an_own_clause_is_pointed_to_beside_another_notice_s_of_the_same_id(self):
        city = draft({"kind": "requirement", "total": 90, "categories": {"professional": 60}})
        limit = {"kind": "cap", "name": "most", "per": "year", "credits": 50}
        county = draft({"kind": "record_limit", "credits": 100}, limit, place="110101", name="dongcheng-2030")
        other = draft(limit, place="110101", name="dongcheng-2030")
        for notice, pointer in ((county, "/clauses/1"), (other, "/clauses/0")):
            found = [(doubt.pointer, doubt.code) for doubt in doubts(notice, book(city))]
            assert (pointer, "minimum-above-cap") in found
            assert {each for each, _ in found} == {pointer}

    def test_an_absolute_day_does_not_serve_every_year_of_an_open_range(self):
        notice = draft({"kind": "window", "until": "2030-12-31"})
        open_ended = notice.__class__(
            **{f: getattr(notice, f) for f in notice.__struct_fields__}
            | {"years": notice.years.__class__(first=2030)}
        )
        assert {doubt.code for doubt in doubts(open_ended, BUNDLED)} == {"never-open"}

    @pytest.mark.parametrize(
        "rule",
        [
            {"kind": "units", "modes": ["face_to_face"], "hour_credits": 3},
            {"kind": "window", "modes": ["face_to_face"], "until": "2030-11-30"},
            {"kind": "registration", "modes": ["face_to_face"], "at": "exam"},
            {
                "kind": "providers",
                "modes": ["face_to_face"],
                "rule": "listed",
                "list": [{"name": "某培训中心"}],
            },
        ],
    )
    def test_what_is_said_of_a_mode_that_is_not_allowed(self, rule: dict[str, Any]):
        assert ("/clauses/1", "mode-not-allowed") in codes(ONLINE, rule)
        assert codes(rule) == []

    def test_a_tier_that_is_left_without_a_mode(self):
        seniors = {"kind": "modes", "allowed": ["face_to_face"], "tiers": ["senior"]}
        assert codes(ONLINE, seniors) == [("/clauses/1", "tier-without-mode")]

    def test_minima_that_add_up_to_more_than_the_total(self):
        rule = {"kind": "requirement", "total": 90, "categories": {"professional": 60, "public": 40}}
        assert codes(rule) == [("/clauses/0", "minima-above-total")]

    @pytest.mark.parametrize(
        ("cap", "told"),
        [
            ({"credits": 89}, True),
            ({"credits": 90}, False),
            ({"credits": 59, "categories": ["professional"]}, True),
            ({"credits": 60, "categories": ["professional"]}, False),
            ({"credits": 30, "categories": ["public"]}, False),
            ({"credits": 30, "modes": ["online"]}, False),
        ],
    )
    def test_a_minimum_above_a_cap_of_the_year(self, cap: dict[str, Any], told: bool):
        minimum = {"kind": "requirement", "total": 90, "categories": {"professional": 60}}
        found = codes(minimum, {"kind": "cap", "name": "most", "per": "year"} | cap)
        assert (("/clauses/1", "minimum-above-cap") in found) is told

    def test_a_minimum_of_a_category_that_the_set_leaves_out(self):
        """The nation asks for professional credits, wherever a place has no such category."""
        only = {"kind": "categories", "set": [{"code": "hr_public", "name": "人社公需"}]}
        assert codes(only) == [("/clauses/0", "category-not-earned")]
        lifted = {"kind": "requirement", "categories": {"professional": 0}}
        assert codes(only, lifted) == []

    @pytest.mark.parametrize(
        "rule",
        [
            {"kind": "conversion", "name": "hours", "hours": 40, "credits": 20, "category": "hr_public"},
            {
                "kind": "equivalence",
                "forms": [
                    {
                        "form": "talk",
                        "name": "讲座",
                        "per": "day",
                        "credits": 5,
                        "covers": {"category": "hr_public"},
                    }
                ],
            },
        ],
    )
    def test_credits_of_a_category_that_is_not_known(self, rule: dict[str, Any]):
        assert codes(rule) == [("/clauses/0", "category-not-known")]

    def test_too_few_days_for_the_hours_a_day(self):
        days = {"kind": "window", "modes": ["online"], "from": "2030-03-01", "until": "2030-03-02"}
        rate = {"kind": "units", "hour_credits": 3, "day_hours_max": 10}
        assert ("/clauses/2", "too-few-days") in codes(ONLINE, days, rate)
        assert codes(ONLINE, days | {"until": "2030-03-03"}, rate) == []

    def test_study_that_comes_after_a_firm_end_of_registering(self):
        firm = {"kind": "window", "act": "register", "modes": ["online"], "until": "2030-11-30", "firm": True}
        assert codes(firm) == [("/clauses/0", "study-not-registered")]
        assert codes(firm, {"kind": "window", "until": "2030-11-30"}) == []

    def test_make_up_that_ends_before_it_begins(self):
        """B-08: without a first day it opens after the year, or with the notice."""
        rule = {
            "kind": "make_up",
            "years": {"from": 2029, "to": 2029},
            "windows": [{"channel": "automatic", "until": "2030-01-09"}],
        }
        assert codes(rule) == [("/clauses/0", "never-open")]

    @pytest.mark.parametrize(
        ("window", "told"),
        [
            ({"from": "2031-04-01", "until": "2031-04-01"}, []),
            ({"from": "2030-03-01"}, []),
            ({"from": "2030-02-28"}, ["before-the-year"]),
        ],
    )
    def test_make_up_before_the_study_of_its_year_or_on_no_day(self, window: dict[str, str], told: list[str]):
        study = {"kind": "window", "from": "2030-03-01", "until": "2030-12-31"}
        before = book(draft(study, ONLINE, issued_on="2030-01-05"))
        rule = {"kind": "make_up", "years": {"from": 2030, "to": 2030}}
        made = draft(
            rule | {"windows": [{"channel": "automatic"} | window]},
            year=2031,
            issued_on="2031-03-01",
            name="beijing-2031",
        )
        found = [one.code for one in warnings(made, before) if one.code in ("never-open", "before-the-year")]
        assert found == told

    def test_a_prerequisite_of_the_make_up_that_is_nothing(self):
        gate = {"category": "public", "minimum": 0}
        rule = {"kind": "make_up", "years": {"from": 2029, "to": 2029}}
        window = {"channel": "automatic", "until": "2030-06-01"}
        found = codes(rule | {"windows": [window | {"prerequisite": gate}]})
        assert found == [("/clauses/0/rules/0/windows/0/prerequisite/minimum", "no-minimum")]
        assert codes(rule | {"windows": [window | {"prerequisite": gate | {"minimum": 1}}, window]}) == []

    def test_credits_that_nobody_owes_as_no_obligation_reaches_the_year(self):
        """The nation's begins with 2018."""
        asked = {"kind": "requirement", "total": 90}
        assert codes(asked, year=2017) == [("/clauses/0", "nobody-owes")]
        assert codes(asked, {"kind": "obligation", "working": "same_year"}, year=2017) == []
        assert codes(asked, year=2018) == []

    def test_a_notice_that_alone_makes_the_year_judged_and_states_no_minima(self):
        cap = {"kind": "record_limit", "credits": 100}
        [doubt] = warnings(draft(cap), BUNDLED)
        assert_words(doubt.zh, doubt.en)
        assert (doubt.pointer, doubt.code) == ("/standalone", "judged-without-minima")
        asked = {"kind": "requirement", "total": 90}
        assert warnings(draft(cap, asked), BUNDLED) == []
        county = draft(cap, place="110101", name="dongcheng-2030")
        assert warnings(county, book(draft(asked))) == []
