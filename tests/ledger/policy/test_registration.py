"""The moment at which study becomes credits: at once, after an exam, an evaluation, at the total, or several of these
together."""

from datetime import date
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from services.ledger.policy import Enrolled, Held, PassedExam, Registered, Rejected, reconsidered
from tests.ledger.policy.builders import BEIJING, Given, accredited, at, completion, credit, policy, waiting
from tests.ledger.policy.drafts import book, draft

HERE = accredited(BEIJING, 2030)


def rule(at_: str, *also: str) -> dict[str, Any]:
    return {"kind": "registration", "at": at_, **({"also": list(also)} if also else {})}


def passed(of: Any, on: str = "2030-06-01") -> PassedExam:
    return PassedExam(provider="accredited", passed_at=at(on), of=of)


def posted(registration: dict[str, Any], exams: list[PassedExam] | None = None, **facts: Any) -> Any:
    given = Given(BEIJING, 2030, exams=exams or [], book=book(draft(registration)))
    evaluated = facts.pop("evaluated", None)
    return given.when_posted(
        completion(
            2030,
            "2030-05-01",
            provider="accredited",
            evaluated_at=at(evaluated) if evaluated else None,
            **facts,
        ),
        HERE,
        now="2031-02-01",
    )


class TestEvaluation:
    def test_study_waits_for_the_providers_evaluation(self):
        assert posted(rule("evaluation")) == Held("evaluation_pending", "T-01")

    def test_a_mark_on_the_record_or_on_the_years_study_is_enough(self):
        assert isinstance(posted(rule("evaluation"), evaluated="2030-05-02"), Registered)
        assert isinstance(posted(rule("evaluation"), [passed("evaluation")]), Registered)

    def test_an_exam_is_no_evaluation(self):
        assert posted(rule("evaluation"), [passed("exam")]) == Held("evaluation_pending", "T-01")
        assert posted(rule("exam"), [passed("evaluation")]) == Held("exam_pending", "T-01")

    def test_one_after_the_window_is_too_late(self):
        assert posted(rule("evaluation"), evaluated="2031-01-01 00:00:00") == Rejected(
            "evaluation-too-late", "T-01"
        )
        assert isinstance(posted(rule("evaluation"), evaluated="2030-12-31 23:59:59"), Registered)


class TestSeveralTogether:
    BOTH = rule("total", "exam")

    @pytest.mark.parametrize(
        ("credits", "exams", "expected"),
        [
            ("90", [], Held("exam_pending", "T-01")),
            ("30", [passed("exam")], Held("below_total", "T-01")),
            ("30", [], Held("exam_pending", "T-01")),
        ],
    )
    def test_the_first_that_is_missing_is_told(self, credits: str, exams: list[PassedExam], expected: Held):
        assert posted(self.BOTH, exams, credits=credits) == expected

    def test_all_fulfilled_registers(self):
        assert isinstance(posted(self.BOTH, [passed("exam")], credits="90"), Registered)

    def test_what_was_waited_for_changes_the_reason_and_then_frees_all_together(self):
        given = Given(
            BEIJING,
            2030,
            waits=[
                waiting("60", "exam_pending", on="2030-05-01", number="1"),
                waiting("30", "exam_pending", on="2030-05-02", number="2"),
            ],
            book=book(draft(self.BOTH)),
        )
        here = policy(BEIJING, 2030, given.book)
        assert reconsidered(here, given.account, at("2030-07-01")) == {}
        given.exams = [passed("exam")]
        assert list(reconsidered(here, given.account, at("2030-07-01"))) == [
            ("accredited", "waiting-1"),
            ("accredited", "waiting-2"),
        ]
        given.waits = list(given.waits)[:1]
        answers = reconsidered(here, given.account, at("2030-07-01"))
        assert answers == {("accredited", "waiting-1"): Held("below_total", "T-01")}

    def test_credits_by_another_route_complete_the_total(self):
        """B-05."""
        given = Given(
            BEIJING,
            2030,
            credits=[credit("30", on="2030-03-01", provider=None, route="claim", mode="equivalence")],
            waits=[waiting("60", on="2030-05-01")],
            book=book(draft(rule("total"))),
        )
        assert given.when_released("2030-06-01") == ["waiting-1"]


class TestEnrolmentNeeded:
    def given(self, needed: str, **enrolled: Any) -> Given:
        enrolments = (
            [
                Enrolled(
                    enrolment_id="e",
                    mode="online",
                    enrolled_on=date(2030, 3, 1),
                    **{"provider": "accredited"} | enrolled,
                )
            ]
            if enrolled
            else []
        )
        asked = {"kind": "enrolment", "needed": needed}
        return Given(BEIJING, 2030, enrolments=enrolments, book=book(draft(asked)))

    def test_study_waits_for_an_enrolment_with_the_same_provider(self):
        facts = completion(2030, "2030-05-01", provider="accredited")
        assert self.given("enrolled").when_posted(facts, HERE) == Held("enrolment_pending", "T-01")
        other = self.given("enrolled", provider="another")
        assert other.when_posted(facts, HERE) == Held("enrolment_pending", "T-01")
        own = self.given("enrolled", provider="accredited")
        assert isinstance(own.when_posted(facts, HERE), Registered)

    def test_or_for_its_payment(self):
        facts = completion(2030, "2030-05-01", provider="accredited")
        unpaid = self.given("paid", provider="accredited")
        assert unpaid.when_posted(facts, HERE) == Held("enrolment_pending", "T-01")
        paid = self.given("paid", paid_on=date(2030, 3, 2))
        assert isinstance(paid.when_posted(facts, HERE), Registered)

    def test_what_waited_is_freed_by_the_enrolment(self):
        given = self.given("enrolled", provider="accredited")
        given.waits = [waiting("30", "enrolment_pending", on="2030-05-01")]
        assert given.when_released("2030-06-01") == ["waiting-1"]


class TestOneProviderAYear:
    RULE: ClassVar[dict[str, Any]] = {"kind": "provider_choice", "one_a_year": True, "modes": ["online"]}

    @pytest.mark.parametrize(
        "taken",
        [
            {"credits": [credit("30", on="2030-03-01", provider="another")]},
            {"waits": [waiting("30", on="2030-03-01", provider="another")]},
            {
                "enrolments": [
                    Enrolled(
                        enrolment_id="e", provider="another", mode="online", enrolled_on=date(2030, 3, 1)
                    )
                ]
            },
        ],
    )
    def test_the_year_belongs_to_the_first(self, taken: dict[str, Any]):
        """A-10."""
        facts = completion(2030, "2030-05-01", provider="accredited")
        given = Given(BEIJING, 2030, book=book(draft(self.RULE)), **taken)
        assert given.when_posted(facts, HERE) == Rejected("other-provider-this-year", "T-01")
        free = Given(BEIJING, 2030, book=book(draft(self.RULE | {"one_a_year": False})), **taken)
        assert isinstance(free.when_posted(facts, HERE), Registered)

    @pytest.mark.parametrize(
        "other",
        [
            {"make_up": True},
            {"state": "withdrawn"},
            {"mode": "face_to_face"},
            {"route": "roster"},
        ],
    )
    def test_what_is_made_up_taken_back_or_of_another_mode_does_not_bind(self, other: dict[str, Any]):
        earlier = credit("30", on="2030-03-01", **{"provider": "another"} | other)
        given = Given(BEIJING, 2030, credits=[earlier], book=book(draft(self.RULE)))
        facts = completion(2030, "2030-05-01", provider="accredited")
        assert isinstance(given.when_posted(facts, HERE), Registered)


class TestCreditYearOfStudy:
    def test_may_be_the_year_of_completing(self):
        """A-05: the notice may decide so by mode."""
        rules = (
            {"kind": "window", "until": "Y+1-03-31"},
            {"kind": "credit_year", "by": "completion", "modes": ["online"]},
        )
        given = Given(BEIJING, 2030, book=book(draft(*rules)))
        inside = completion(2030, "2030-12-31 23:59:59", provider="accredited")
        assert isinstance(given.when_posted(inside, HERE), Registered)
        answer = given.when_posted(completion(2030, "2031-01-01 00:00:00", provider="accredited"), HERE)
        assert answer == Rejected("activity-of-other-year", "T-02", {"counted": "2031", "year": "2030"})


class TestOrder:
    def test_what_is_released_together_comes_in_order_of_completion(self):
        first = replace(waiting("45", on="2030-05-01", number="1"), held_at=at("2030-06-02"))
        second = replace(waiting("45", on="2030-05-02", number="2"), held_at=at("2030-06-01"))
        notices = book(draft({"kind": "registration", "at": "total"}))
        given = Given(BEIJING, 2030, waits=[second, first], book=notices)
        assert given.when_released("2030-06-03") == ["waiting-1", "waiting-2"]


class TestWhatIsMissingIsCited:
    """Study waits by the clause of what is really missing: the enrolment, its payment, or its days."""

    @pytest.mark.parametrize(
        ("enrolled_on", "paid_on", "clause"),
        [
            (None, None, "T-01"),
            (date(2030, 3, 1), None, "T-01"),
            (date(2030, 1, 2), date(2030, 1, 3), "T-02"),
        ],
    )
    def test_of_an_enrolment_its_payment_or_its_days(
        self, enrolled_on: date | None, paid_on: date | None, clause: str
    ):
        window = {"kind": "window", "modes": ["online"], "until": "enrolment+30d"}
        asked = draft({"kind": "enrolment", "needed": "paid"}, window)
        enrolments = (
            [
                Enrolled(
                    enrolment_id="e",
                    provider="accredited",
                    mode="online",
                    enrolled_on=enrolled_on,
                    paid_on=paid_on,
                )
            ]
            if enrolled_on
            else []
        )
        who = Given(BEIJING, 2030, enrolments=enrolments, book=book(asked))
        answer = who.when_posted(completion(2030, "2030-03-20", provider="accredited"), HERE)
        assert answer == Held("enrolment_pending", clause)
