"""Refusals that hold anywhere, whatever the notice, and their words."""

from datetime import date, datetime
from string import Formatter

import pytest

from services.ledger.policy import (
    REJECTIONS,
    Accreditation,
    ProviderStanding,
    Registered,
    Rejected,
    rejection_words,
)
from services.ledger.policy.judging.admission import is_out_of_range
from tests.ledger.policy.builders import (
    BEIJING,
    CHANGZHI,
    SHANXI,
    Given,
    accredited,
    at,
    completion,
)

STAR = accredited(SHANXI, 2026)
GIVEN = Given(CHANGZHI, 2026)
ON = "2026-05-01"


class TestFiledUntil:
    def test_a_filing_does_not_cover_the_day_it_ended(self):
        """B-14: `until` is the first day that is not covered."""
        ended = ProviderStanding(
            organization_id="accredited",
            name="会计之星培训中心",
            accreditations=(
                Accreditation(place=SHANXI, years=(2026,), modes=("online",), until=date(2026, 5, 2)),
            ),
        )
        assert isinstance(GIVEN.when_posted(completion(2026, "2026-05-01 23:59:59"), ended), Registered)
        answer = GIVEN.when_posted(completion(2026, "2026-05-02 00:00:00"), ended)
        assert isinstance(answer, Rejected)
        assert answer.problem == "provider-not-accredited"


class TestPlausibility:
    @pytest.mark.parametrize("credits", ["0", "0.00", "-1"])
    def test_a_completion_carries_credits(self, credits: str):
        assert GIVEN.when_posted(completion(2026, ON, credits), STAR) == Rejected("credits-not-positive")

    def test_one_record_has_a_limit(self):
        assert isinstance(GIVEN.when_posted(completion(2026, ON, "360"), STAR), Registered)
        answer = GIVEN.when_posted(completion(2026, ON, "360.01"), STAR)
        assert answer == Rejected("credits-above-limit", None, {"limit": "360"})

    def test_a_clock_may_run_five_minutes_ahead(self):
        facts = completion(2026, "2026-05-01 12:05:00")
        assert isinstance(GIVEN.when_posted(facts, STAR, now="2026-05-01 12:00:00"), Registered)
        answer = GIVEN.when_posted(facts, STAR, now="2026-05-01 11:59:59")
        assert answer == Rejected("completed-in-future")

    def test_an_exam_in_the_future_was_not_passed(self):
        facts = completion(2026, ON, exam_passed="2026-06-01")
        assert GIVEN.when_posted(facts, STAR, now="2026-05-02") == Rejected("completed-in-future")

    def test_nothing_starts_after_it_ends(self):
        facts = completion(2026, ON, started_on=date(2026, 5, 2))
        answer = GIVEN.when_posted(facts, STAR)
        assert answer == Rejected("started-after-completion", None, {"started_on": "2026-05-02"})

    @pytest.mark.parametrize(
        ("now", "refused"), [("2026-12-31T15:59:59+00:00", True), ("2026-12-31T16:00:00+00:00", False)]
    )
    def test_the_year_turns_in_shanghai(self, now: str, refused: bool):
        """The ledger's clock is in UTC, eight hours behind."""
        assert is_out_of_range(2028, datetime.fromisoformat(now)) is refused

    @pytest.mark.parametrize("year", [1, 1999, 2028, 9999])
    def test_a_year_out_of_range_is_refused_as_such(self, year: int):
        answer = Given(CHANGZHI, year).when_posted(completion(year, ON), STAR)
        assert answer == Rejected("year-out-of-range", None, {"year": str(year)})

    def test_a_year_before_the_national_rule_has_no_policy(self):
        answer = Given(BEIJING, 2017).when_posted(completion(2017, ON), accredited(BEIJING, 2017))
        assert answer == Rejected("no-policy", None, {"place": BEIJING, "year": "2017"})

    def test_moments_are_compared_whatever_zone_they_are_written_in(self):
        facts = completion(2026, "2026-04-01 00:00:00")
        assert facts.completed_at == at("2026-04-01 00:00:00")
        written = facts.completed_at.astimezone(tz=None)
        same = facts.__class__(
            **{f: getattr(facts, f) for f in facts.__struct_fields__} | {"completed_at": written}
        )
        assert isinstance(GIVEN.when_posted(same, STAR), Registered)


class TestDisqualification:
    """A-12: where no clause speaks of it, the default does."""

    def test_from_the_first_second_of_the_day(self):
        barred = accredited(SHANXI, 2026, disqualified_from=date(2026, 5, 1))
        before = completion(2026, "2026-04-30 23:59:59")
        assert isinstance(GIVEN.when_posted(before, barred), Registered)
        answer = GIVEN.when_posted(completion(2026, "2026-05-01 00:00:00"), barred)
        assert answer == Rejected("provider-disqualified", None, {"from": "2026-05-01"})


class TestWords:
    @pytest.mark.parametrize("code", sorted(REJECTIONS))
    def test_every_code_has_a_title_and_a_sentence_in_both_languages(self, code: str):
        words = REJECTIONS[code]
        names = [name for _, name, _, _ in Formatter().parse(words.detail_zh + words.detail_en) if name]
        rejected = Rejected(code, None, dict.fromkeys(names, "2025"))
        for language in ("zh", "en"):
            title, detail = rejection_words(rejected, language)
            assert title
            assert detail.endswith(("。", "."))
            assert "{" not in detail
