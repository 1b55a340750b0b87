"""Windows by act and mode: absolute, relative to the year, to the issue, to an enrolment; extended by a later notice."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.ledger.policy import Enrolled, Held, NoticeError, Registered, Rejected
from services.ledger.policy.judging.enrolments import admit_enrolment, admit_terms
from tests.ledger.policy.builders import BEIJING, Given, accredited, at, completion, policy
from tests.ledger.policy.drafts import book, draft

HERE = accredited(BEIJING, 2030, 2031)


def window(**fields: Any) -> dict[str, Any]:
    return {"kind": "window", **fields}


def posted(*rules: dict[str, Any], on: str, now: str | None = None, **facts: Any) -> Any:
    given = Given(BEIJING, 2030, book=book(draft(*rules)))
    return given.when_posted(completion(2030, on, provider="accredited", **facts), HERE, now)


class TestStudy:
    @pytest.mark.parametrize(
        ("until", "last"),
        [
            ("2030-10-31", "2030-10-31"),
            ("Y+1-03-31", "2031-03-31"),
            ("Y-02-28", "2030-02-28"),
            ("issue+30d", "2030-02-09"),
        ],
    )
    def test_it_ends_at_midnight_of_its_last_day(self, until: str, last: str):
        """A-11."""
        inside = posted(window(until=until), on=f"{last} 23:59:59", now="2031-05-01")
        assert isinstance(inside, Registered)
        day_after = date.fromordinal(date.fromisoformat(last).toordinal() + 1)
        assert posted(window(until=until), on=f"{day_after} 00:00:00", now="2031-05-01") == Rejected(
            "window-closed", "T-01", {"year": "2030", "until": last}
        )

    def test_it_opens_with_the_first_second_of_days_counted_from_the_issue(self):
        rule = window(**{"from": "issue+10d"})
        assert isinstance(posted(rule, on="2030-01-20 00:00:00"), Registered)
        answer = posted(rule, on="2030-01-19 23:59:59")
        assert answer == Rejected("not-yet-open", "T-01", {"year": "2030", "since": "2030-01-20"})

    def test_each_mode_has_its_own(self):
        rules = (window(until="2030-12-31"), window(modes=["online"], until="2030-06-30"))
        assert isinstance(posted(*rules, on="2030-06-30 23:59:59"), Registered)
        assert isinstance(posted(*rules, on="2030-07-01 00:00:00"), Rejected)

    def test_years_may_overlap_and_the_stated_year_decides(self):
        """B-04, C-02: in January 2031 both 2030 and 2031 are open."""
        both = book(
            draft(window(until="Y+1-01-31")),
            draft(window(**{"from": "Y-01-01"}), year=2031, issued_on="2031-01-02", name="beijing-2031"),
        )
        for year in (2030, 2031):
            given = Given(BEIJING, year, book=both)
            facts = completion(year, "2031-01-15", provider="accredited")
            assert isinstance(given.when_posted(facts, HERE), Registered)

    def test_a_later_notice_extends_it_and_leaves_the_rest(self):
        """C-04."""
        first = draft(window(**{"from": "2030-03-01", "until": "2030-10-31"}))
        later = draft(window(until="2030-11-30"), issued_on="2030-10-20", name="beijing-2030-extended")
        given = Given(BEIJING, 2030, book=book(first, later))
        last = completion(2030, "2030-11-30 23:59:59", provider="accredited")
        assert isinstance(given.when_posted(last, HERE), Registered)
        early = given.when_posted(completion(2030, "2030-02-28", provider="accredited"), HERE)
        assert early == Rejected("not-yet-open", "T-01", {"year": "2030", "since": "2030-03-01"})


class TestDaysAfterEnrolment:
    RULE = window(modes=["online"], until="enrolment+180d")

    def given(self, *enrolled_on: str) -> Given:
        enrolments = [
            Enrolled(
                enrolment_id=str(number),
                provider="accredited",
                mode="online",
                enrolled_on=date.fromisoformat(day),
            )
            for number, day in enumerate(enrolled_on)
        ]
        return Given(BEIJING, 2030, enrolments=enrolments, book=book(draft(self.RULE)))

    def test_the_last_day_is_inside_to_midnight(self):
        """Enrolled on 1 March, day 180 is 28 August."""
        given = self.given("2030-03-01")
        inside = completion(2030, "2030-08-28 23:59:59", provider="accredited")
        assert isinstance(given.when_posted(inside, HERE), Registered)
        outside_ = completion(2030, "2030-08-29 00:00:00", provider="accredited")
        assert given.when_posted(outside_, HERE) == Held("enrolment_pending", "T-01")

    def test_study_before_the_day_of_enrolment_is_not_covered(self):
        given = self.given("2030-03-01")
        before = completion(2030, "2030-02-28 23:59:59", provider="accredited")
        assert given.when_posted(before, HERE) == Held("enrolment_pending", "T-01")
        first = completion(2030, "2030-03-01 00:00:00", provider="accredited")
        assert isinstance(given.when_posted(first, HERE), Registered)

    def test_without_an_enrolment_study_waits_for_it(self):
        answer = self.given().when_posted(completion(2030, "2030-08-01", provider="accredited"), HERE)
        assert answer == Held("enrolment_pending", "T-01")

    def test_any_enrolment_that_covers_the_day_is_enough(self):
        given = self.given("2030-01-02", "2030-08-01")
        facts = completion(2030, "2030-09-01", provider="accredited")
        assert isinstance(given.when_posted(facts, HERE), Registered)

    def test_the_calendar_end_of_the_year_holds_as_well(self):
        given = self.given("2030-12-01")
        late = completion(2030, "2031-01-02", provider="accredited")
        answer = given.when_posted(late, HERE)
        assert isinstance(answer, Rejected)
        assert answer.problem == "window-closed"

    def test_a_later_notice_lifts_it_with_no_days(self):
        lifted = draft(
            window(modes=["online"], until="enrolment+0d"), issued_on="2030-05-01", name="beijing-2030-lifted"
        )
        given = Given(BEIJING, 2030, book=book(draft(self.RULE), lifted))
        facts = completion(2030, "2030-08-01", provider="accredited")
        assert isinstance(given.when_posted(facts, HERE), Registered)


class TestOtherActs:
    @pytest.mark.parametrize("act", ["enrol", "pay", "apply"])
    def test_an_act_is_open_from_its_first_second_to_its_last(self, act: Any):
        rule = window(act=act, **{"from": "2030-02-01", "until": "2030-04-30"})
        terms = policy(BEIJING, 2030, book(draft(rule))).terms_of("online")
        for moment in ("2030-02-01 00:00:00", "2030-04-30 23:59:59"):
            assert terms.windows.outside(act, at(moment)) is None
        early = terms.windows.outside(act, at("2030-01-31 23:59:59"))
        assert early == Rejected(f"{act}-not-yet-open", "T-01", {"since": "2030-02-01"})
        late = terms.windows.outside(act, at("2030-05-01 00:00:00"))
        assert late == Rejected(f"{act}-closed", "T-01", {"until": "2030-04-30"})

    def test_who_may_teach_on_the_day_may_enrol_for_a_year_that_is_past(self):
        """B-03: past years are made up with those who may teach now."""
        later, person = accredited(BEIJING, 2031), Given(BEIJING, 2030).person
        here = policy(BEIJING, 2030, book(draft()))
        assert admit_enrolment(here, later, person, 2030, "online", date(2031, 5, 1)) is None
        assert admit_enrolment(here, later, person, 2030, "online", date(2030, 5, 1)) is not None

    def test_nobody_enrols_or_pays_outside_its_window(self):
        rules = (window(act="enrol", until="2030-03-31"), window(act="pay", until="enrolment+3d"))
        here = policy(BEIJING, 2030, book(draft(*rules)))
        person = Given(BEIJING, 2030).person

        def problem(enrolled_on: str, paid_on: str | None = None) -> str | None:
            enrolled = Enrolled(
                enrolment_id="e",
                provider="accredited",
                mode="online",
                enrolled_on=date.fromisoformat(enrolled_on),
                paid_on=date.fromisoformat(paid_on) if paid_on else None,
            )
            refused = admit_terms(here, enrolled, person, None)
            return refused.problem if refused else None

        assert problem("2030-03-31") is None
        assert problem("2030-04-01") == "enrol-closed"
        assert problem("2030-03-31", "2030-04-03") is None
        assert problem("2030-03-31", "2030-04-04") == "pay-closed"

    def test_a_deadline_for_registering_marks_as_late_and_refuses_when_it_is_firm(self):
        """B-07."""
        soft = window(act="register", until="2030-12-31")
        late = posted(soft, on="2030-12-01", now="2031-01-01 00:00:00")
        assert late == Registered(True, False, "N-12")
        firm = soft | {"firm": True}
        assert posted(firm, on="2030-12-01", now="2030-12-31 23:59:59") == Registered(False, False, "N-12")
        answer = posted(firm, on="2030-12-01", now="2031-01-01 00:00:00")
        assert answer == Rejected("register-closed", "T-01", {"until": "2030-12-31"})


class TestSense:
    @pytest.mark.parametrize(
        "rule",
        [
            window(until="2030-02-30"),
            window(until="enrolment+30"),
            window(**{"from": "enrolment+30d"}),
            window(act="register", until="enrolment+30d"),
            window(until="2030-12-31", firm=True),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, rule: dict[str, Any]):
        with pytest.raises(NoticeError):
            draft(rule)


@pytest.mark.parametrize(
    ("deferred_until", "now", "late"),
    [
        ("2030-05-10", "2030-05-31 23:59:59", False),
        ("2030-05-10", "2030-06-01 00:00:00", True),
        ("2030-06-10", "2030-06-10 23:59:59", False),
        ("2030-06-10", "2030-06-11 00:00:00", True),
    ],
)
def test_days_to_register_end_with_a_deferral_only_where_it_is_later(
    deferred_until: str, now: str, late: bool
):
    """A-14: a deferral gives time and takes none."""
    made = policy(BEIJING, 2030, book(draft(window(act="register", until="completion+30d"))))
    given = at(f"{deferred_until} 23:59:59") + timedelta(seconds=1)

    assert made.terms_of("online").windows.is_late(at("2030-05-01"), at(now), given) is late
