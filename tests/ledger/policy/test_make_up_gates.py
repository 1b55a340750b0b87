"""People who may make a year up: who fell short, had enrolled, had paid; once only; and by which minima it is judged."""

from datetime import date, datetime
from typing import Any, ClassVar

import pytest

from services.ledger.policy import Award, Enrolled, ProvenStudy, Registered, Rejected, award_study
from tests.ledger.policy.builders import BEIJING, Given, accredited, at, completion, credit, policy
from tests.ledger.policy.drafts import book, draft

HERE = accredited(BEIJING, 2030, 2031)
YEAR = {"year": "2030"}


def given(window: dict[str, Any], **account: Any) -> Given:
    """The year 2030, over, with a make-up window in the spring of 2031."""
    rule = {
        "kind": "make_up",
        "years": {"from": 2030, "to": 2030},
        "windows": [{"channel": "automatic", "from": "2031-04-01", "until": "2031-06-01"} | window],
    }
    notices = draft(), draft(rule, year=2031, issued_on="2031-03-01", name="beijing-2031")
    return Given(BEIJING, 2030, book=book(*notices), **account)


def made_up(window: dict[str, Any], on: str = "2031-05-01", **account: Any) -> Any:
    facts = completion(2030, on, provider="accredited")
    return given(window, **account).when_posted(facts, HERE)


def enrolled(on: str, paid: str | None = None) -> Enrolled:
    return Enrolled(
        enrolment_id="e",
        provider="another",
        mode="online",
        enrolled_on=date.fromisoformat(on),
        paid_on=date.fromisoformat(paid) if paid else None,
    )


class TestConditions:
    @pytest.mark.parametrize(
        ("enrolments", "problem"),
        [
            ([], "make-up-for-enrolled"),
            ([enrolled("2030-05-01")], None),
            ([enrolled("2031-03-31")], None),
            ([enrolled("2031-04-01")], "make-up-for-enrolled"),
        ],
    )
    def test_for_those_who_had_enrolled_before_it_opened(
        self, enrolments: list[Enrolled], problem: str | None
    ):
        answer = made_up({"conditions": ["enrolled"]}, enrolments=enrolments)
        assert (answer.problem if isinstance(answer, Rejected) else None) == problem

    @pytest.mark.parametrize(
        ("paid", "problem"),
        [(None, "make-up-for-paid"), ("2030-05-02", None), ("2031-04-01", "make-up-for-paid")],
    )
    def test_for_those_who_had_paid_before_it_opened(self, paid: str | None, problem: str | None):
        answer = made_up({"conditions": ["paid"]}, enrolments=[enrolled("2030-05-01", paid)])
        assert (answer.problem if isinstance(answer, Rejected) else None) == problem

    def test_for_those_who_fell_short_in_the_year_itself(self):
        """S3A-03: what has been made up since does not end the shortfall, so the order of records does not matter."""
        short = [
            credit("60", on="2030-05-01", number="1"),
            credit("90", on="2031-04-02", number="2", make_up=True),
        ]
        assert made_up({"conditions": ["shortfall"]}, credits=short) == Registered(False, True, "T-01")
        met = [credit("90", on="2030-05-01")]
        assert made_up({"conditions": ["shortfall"]}, credits=met) == Rejected(
            "make-up-not-needed", "T-01", YEAR
        )

    def test_a_total_without_its_category_is_a_shortfall(self):
        public = [credit("90", "public", on="2030-05-01")]
        assert isinstance(made_up({"conditions": ["shortfall"]}, credits=public), Registered)

    def test_once_means_not_again_in_another_window(self):
        before = [credit("30", on="2031-02-01", make_up=True)]
        assert made_up({"once": True}, credits=before) == Rejected("make-up-used", "T-01", YEAR)
        inside = [credit("30", on="2031-04-02", make_up=True)]
        assert isinstance(made_up({"once": True}, credits=inside), Registered)
        taken_back = [credit("30", on="2031-02-01", make_up=True, state="revoked")]
        assert isinstance(made_up({"once": True}, credits=taken_back), Registered)

    def test_what_no_longer_stands_did_not_meet_the_year(self):
        revoked = [credit("90", on="2030-05-01", state="revoked")]
        assert isinstance(made_up({"conditions": ["shortfall"]}, credits=revoked), Registered)


class TestOneCourseAtATime:
    @pytest.mark.parametrize(
        ("earlier", "beside"),
        [
            ({"started_on": date(2031, 4, 20), "on": "2031-05-05"}, True),
            ({"started_on": date(2031, 4, 20), "on": "2031-04-30"}, False),
            ({"started_on": date(2031, 5, 10), "on": "2031-05-20"}, False),
            ({"started_on": date(2031, 4, 20), "on": "2031-05-05", "course": "KJ-02"}, False),
            ({"started_on": date(2031, 4, 20), "on": "2031-05-05", "state": "revoked"}, False),
            ({"started_on": date(2031, 4, 20), "on": "2031-05-05", "make_up": False}, False),
        ],
    )
    def test_is_not_begun_before_the_other_has_ended(self, earlier: dict[str, Any], beside: bool):
        other = credit(**{"make_up": True, "course": "KJ-01"} | earlier)
        facts = completion(
            2030, "2031-05-10", provider="accredited", course="KJ-02", started_on=date(2031, 4, 30)
        )
        answer = given({"one_at_a_time": True}, credits=[other]).when_posted(facts, HERE)
        assert (answer.problem if isinstance(answer, Rejected) else None) == (
            "make-up-one-at-a-time" if beside else None
        )


class TestApplication:
    STUDY = ProvenStudy(
        mode="online", category="professional", credits=credit("30").credits, completed_on=date(2031, 5, 1)
    )

    def applied(self, window: dict[str, Any], **account: Any) -> Award | Rejected:
        who = given({"channel": "application"} | window, **account)
        now: datetime = at("2031-05-02")
        here = policy(BEIJING, 2030, who.book)
        return award_study(here, self.STUDY, BEIJING, 2030, now, who.account)

    def test_asks_the_same_of_the_account_as_study_does(self):
        """S4-07: a prerequisite binds applications too."""
        gate = {"prerequisite": {"category": "public", "minimum": 30}}
        answer = self.applied(gate)
        assert isinstance(answer, Rejected)
        assert answer.problem == "make-up-prerequisite"
        held = [credit("30", "public", on="2030-05-01")]
        assert isinstance(self.applied(gate, credits=held), Award)

    def test_is_for_those_who_fell_short(self):
        met = [credit("90", on="2030-05-01")]
        answer = self.applied({"conditions": ["shortfall"]}, credits=met)
        assert answer == Rejected("make-up-not-needed", "T-01", YEAR)


class TestDaysOfAWindow:
    @pytest.mark.parametrize(
        ("on", "inside"),
        [
            ("2031-03-10 23:59:59", False),
            ("2031-03-11 00:00:00", True),
            ("2031-05-30 23:59:59", True),
            ("2031-05-31 00:00:00", False),
        ],
    )
    def test_may_be_counted_from_the_issue(self, on: str, inside: bool):
        answer = made_up({"from": "issue+10d", "until": "issue+90d"}, on)
        assert isinstance(answer, Registered) is inside


def test_its_fee_is_shown():
    answer = given({"fee": "35.5"}).when_asked("2031-05-01")
    assert answer.make_up is not None
    assert [str(window.fee) for window in answer.make_up.windows] == ["35.5"]


class TestItsOwnMinima:
    """A-08: a make-up may be judged by minima of its own."""

    WINDOW: ClassVar[dict[str, Any]] = {"requirement": {"total": 60, "categories": {"professional": 45}}}

    @pytest.mark.parametrize(
        ("credits", "status"),
        [
            ([credit("60", on="2031-05-01", make_up=True)], "compliant"),
            ([credit("59.99", on="2031-05-01", make_up=True)], "deficient"),
            ([credit("60", "public", on="2031-05-01", make_up=True)], "deficient"),
            ([credit("60", on="2030-05-01")], "deficient"),
            ([credit("90", on="2030-05-01")], "compliant"),
        ],
    )
    def test_judge_a_year_of_which_something_was_made_up(self, credits: list[Any], status: str):
        answer = given(self.WINDOW, credits=credits).when_asked("2031-05-02")
        assert answer.status == status

    def test_are_those_that_the_answer_measures_by(self):
        made_up = [credit("50", on="2031-05-01", make_up=True)]
        answer = given(self.WINDOW, credits=made_up).when_asked("2031-05-02")
        assert [(str(one.minimum), one.clause) for one in answer.requirements] == [
            ("60.00", "T-01"),
            ("45.00", "T-01"),
        ]
        assert [str(one.credits) for one in answer.missing] == ["10.00"]


class TestTheWindowItself:
    """What a make-up takes in its days, and which rules of the year's own time it is free of (B-03)."""

    @pytest.mark.parametrize(("now", "late"), [("2031-06-01 23:59:59", False), ("2031-06-02 00:00:00", True)])
    def test_registration_is_late_once_its_last_day_has_passed(self, now: str, late: bool):
        facts = completion(2030, "2031-05-01", provider="accredited")
        assert given({}).when_posted(facts, HERE, now=now) == Registered(late, True, "T-01")

    @pytest.mark.parametrize(
        ("now", "registered"), [("2031-06-01 23:59:59", True), ("2031-06-02 00:00:00", False)]
    )
    def test_one_for_registering_goes_by_the_day_of_registering(self, now: str, registered: bool):
        """S4-08."""
        facts = completion(2030, "2031-03-01", provider="accredited")
        answer = given({"act": "register"}).when_posted(facts, HERE, now=now)
        assert isinstance(answer, Registered) is registered

    @pytest.mark.parametrize(
        "rule",
        [{"kind": "credit_year", "by": "completion"}, {"kind": "provider_choice", "one_a_year": True}],
        ids=lambda rule: rule["kind"],
    )
    def test_is_free_of_what_the_year_asks_in_its_own_time(self, rule: dict[str, Any]):
        window = {"channel": "automatic", "from": "2031-04-01", "until": "2031-06-01"}
        make_up = {"kind": "make_up", "years": {"from": 2030, "to": 2030}, "windows": [window]}
        notices = draft(rule), draft(make_up, year=2031, issued_on="2031-03-01", name="beijing-2031")
        elsewhere = Given(BEIJING, 2030, [credit("30", on="2030-05-01")], book=book(*notices))
        facts = completion(2030, "2031-05-01", provider="accredited")
        assert elsewhere.when_posted(facts, HERE) == Registered(False, True, "T-01")
