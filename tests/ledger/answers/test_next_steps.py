"""Next steps and their last days, each step with its clause: over the five notices, and over pure facts."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from services.ledger.answers.next_steps import NextStep, Situation, next_steps
from services.ledger.answers.other_years import shortfalls
from services.ledger.policy import (
    Award,
    Deferral,
    Enrolled,
    ProvenStudy,
    Registered,
    Rejected,
    admit_terms,
    assess,
    award_study,
)
from services.ledger.policy.judging.release import HeldCredits
from services.ledger.streams.claim import Claim
from tests.ledger.policy.builders import (
    BEIJING,
    CHANGZHI,
    CHAOYANG,
    JIANGMEN,
    JINCHENG,
    SHENYANG,
    Given,
    accredited,
    at,
    completion,
    credit,
    deferred,
    exempt,
    waiting,
)
from tests.ledger.policy.drafts import book, draft


def claim(**changes: Any) -> Claim:
    facts: dict[str, Any] = {
        "claim_id": "claim-1",
        "person_id": "person-1",
        "place": CHAOYANG,
        "year": 2024,
        "form": "paper",
        "happened_on": date(2024, 5, 1),
        "fact": "x",
        "evidence": (),
        "quantity": Decimal(1),
        "mode": "equivalence",
        "studied": None,
        "special_reason": False,
        "make_up": False,
        "role": "sole",
        "result_on": None,
        "credits": Decimal(30),
        "category": "any",
        "fill": ("professional",),
        "clause": "S0-17",
        "submitted_by": "portal",
        "submitted_at": datetime.fromisoformat("2024-05-02T00:00:00+08:00"),
    }
    others = {field.name: None for field in fields(Claim) if field.required}
    return Claim(**others | facts | changes)


def steps(
    who: Given,
    on: str,
    claims: Sequence[Claim] = (),
    parked: Sequence[HeldCredits] = (),
    account: Any = None,
) -> list[NextStep]:
    policy = who.book.resolve(who.place, who.year)
    account = account or who.account
    answer = assess(policy, account, who.person, who.year, date.fromisoformat(on), parked=parked)
    situation = Situation(policy=policy, answer=answer, person=who.person, account=account, claims=claims)
    return list(next_steps(situation))


def parked(credits: str, reason: Any, **facts: Any) -> HeldCredits:
    facts = {"category": "professional", "mode": "online", "record": "c-1"} | facts
    return HeldCredits(reason=reason, credits=Decimal(credits), **facts)


def told(found: Sequence[NextStep]) -> list[tuple[Any, ...]]:
    return [
        (step.code, step.category, str(step.credits), str(step.until), step.clause)
        if step.credits is not None
        else (step.code, str(step.until), step.clause)
        for step in found
    ]


class TestStudy:
    def test_says_how_much_of_which_category_in_which_modes_and_by_when(self):
        """S1-03, S1-16: 90 in all, 60 professional, 30 public, until 31 December."""
        found = steps(Given(SHENYANG, 2025, credits=[credit("47.5", on="2025-05-06")]), "2025-06-01")
        assert told(found) == [
            ("study", "professional", "12.50", "2025-12-31", "S1-16"),
            ("study", "public", "30.00", "2025-12-31", "S1-16"),
        ]
        assert found[0].text_en == (
            "Study 12.5 professional credits more face to face or online or in other ways until 2025-12-31."
        )
        assert (
            found[0].text_zh
            == "在2025年12月31日（含当日）前通过面授教育、网络教育、其他方式再取得专业科目12.5学分。"
        )

    def test_what_the_total_asks_beyond_the_categories_may_be_of_any(self):
        """S2B-06: 90 in all, of which 60 professional."""
        found = steps(Given(JINCHENG, 2024, credits=[credit("40", on="2024-06-01")]), "2024-07-01")
        assert [(step.category, str(step.credits)) for step in found] == [
            ("professional", "20.00"),
            (None, "30.00"),
        ]

    def test_before_the_year_opens_it_says_from_when(self):
        """S0-02, S0-06: from 1 February."""
        [step, _] = steps(Given(CHAOYANG, 2024), "2024-01-20")
        assert (str(step.since), str(step.until)) == ("2024-02-01", "2025-01-31")

    def test_the_last_day_is_a_day_to_study_and_the_next_is_not(self):
        """S3B-04, A-11."""
        [step, _] = steps(Given(CHANGZHI, 2026), "2026-12-31")
        assert str(step.until) == "2026-12-31"
        assert steps(Given(CHANGZHI, 2026), "2027-01-01")[0].code == "no_make_up"

    def test_a_deferral_is_the_time_that_is_left(self):
        """A-14."""
        who = Given(SHENYANG, 2025)
        account = who.account
        account.deferred = Deferral(
            until=date(2026, 6, 30), reason="childbirth", authority=SHENYANG, granted_on=date(2025, 9, 1)
        )
        assert {str(step.until) for step in steps(who, "2026-02-01", account=account)} == {"2026-06-30"}


class TestWhatWaits:
    def test_an_exam_has_to_be_passed_before_the_window_ends(self):
        """S0-11: registered once the exam is passed; what was studied is not asked for again."""
        who = Given(CHAOYANG, 2024, waits=[waiting("90", "exam_pending", on="2024-06-01")])
        assert told(steps(who, "2024-07-01")) == [
            ("await_registration", None, "90", "2025-01-31", "S0-11"),
        ]

    def test_what_waits_for_the_total_names_what_is_still_to_study(self):
        """S2B-07: 60 wait, 30 more and all is registered."""
        who = Given(JINCHENG, 2024, waits=[waiting("60", "below_total", on="2024-06-01")])
        assert told(steps(who, "2024-07-01")) == [
            ("await_registration", None, "60", "None", "S2B-07"),
            ("study", None, "30.00", "2025-03-31", "S2A-02"),
        ]

    def test_credits_that_wait_for_recognition_are_waited_for(self):
        """S4-03, B-11."""
        credits = [credit("60", on="2020-06-01"), credit("30", "public", on="2020-06-02")]
        found = steps(Given(JIANGMEN, 2020, credits=credits), "2020-07-01")
        assert [(step.code, step.clause) for step in found] == [("await_recognition", "S4-03")]

    def test_open_claims_are_waited_for_or_amended(self):
        """S0-12: a claim goes back with a reason, or lies with the reviewer."""
        claims = [claim(state="returned"), claim(claim_id="claim-2", state="accepted")]
        found = steps(Given(CHAOYANG, 2024), "2024-07-01", claims)
        assert [step.code for step in found] == ["amend_claim", "study", "study", "await_claim"]
        assert [step.subject for step in found] == ["claim-1", None, None, "claim-2"]

    def test_a_name_that_differs_has_to_be_corrected_first(self):
        """S0-23."""
        misnamed = [parked("60", "name_differs", clause="S0-23")]
        first, *others = steps(Given(CHAOYANG, 2024), "2024-07-01", parked=misnamed)
        assert told([first]) == [("correct_identity", "professional", "60", "None", "S0-23")]
        assert (first.subject, "60学分" in first.text_zh) == ("c-1", True)
        assert [(step.code, step.category, str(step.credits)) for step in others] == [
            ("study", None, "30.00")
        ]

    def test_ninety_credits_of_another_name_leave_nothing_to_study(self):
        """S0-23: they are said, by the sentence, too, and nobody is told to study all of it again."""
        who = Given(CHAOYANG, 2024)
        found = steps(who, "2024-07-01", parked=[parked("90", "name_differs", clause="S0-23")])
        assert [step.code for step in found] == ["correct_identity"]
        policy = who.book.resolve(CHAOYANG, 2024)
        held = [parked("90", "name_differs", clause="S0-23")]
        answer = assess(policy, who.account, who.person, 2024, date(2024, 7, 1), parked=held)
        assert "另有90学分待登记：报送的姓名与信息采集不一致" in answer.explanation_zh
        assert "90 more credits are reported under another name" in answer.explanation_en
        assert "S0-23" in answer.clauses


class TestMakeUp:
    def test_an_open_window_says_the_channel_and_its_last_day(self):
        """S1-17, S1-18: automatic until 31 March, then by application."""
        who = Given(SHENYANG, 2024, credits=[credit("60", on="2024-06-01")])
        assert told(steps(who, "2025-03-31"))[0] == ("make_up_study", None, "30.00", "2025-03-31", "S1-17")
        assert told(steps(who, "2025-04-01"))[0] == ("make_up_apply", None, "30.00", "None", "S1-18")

    def test_a_window_that_will_open_says_from_when(self):
        """S3B-05: 2025 from 1 April to 1 June 2026."""
        [first, *_] = steps(Given(CHANGZHI, 2025), "2026-03-01")
        assert (first.code, str(first.since), str(first.until)) == (
            "make_up_study",
            "2026-04-01",
            "2026-06-01",
        )

    def test_without_a_window_it_says_so_with_the_clause(self):
        """S3A-02, S3B-05: no make-up in principle."""
        assert [step.code for step in steps(Given(CHANGZHI, 2026), "2027-02-01")] == ["no_make_up"]


class TestWords:
    """Credits are taken (取得), not studied; 补登 where the notice says so."""

    def test_of_make_up_by_study_by_application_and_by_registering(self):
        """S1-17, S1-18, S4-08."""
        who = Given(SHENYANG, 2024, credits=[credit("60", on="2024-06-01")])
        assert steps(who, "2025-03-31")[0].text_zh == "在2025年3月31日（含当日）前通过补学取得30学分。"
        assert steps(who, "2025-04-01")[0].text_zh == "提交补登申请和证明材料，补登已学的30学分。"
        late = Given(
            JIANGMEN,
            2018,
            credits=[credit("30", "public", on="2018-06-01")],
            qualified_on=date(2015, 5, 1),
        )
        assert steps(late, "2020-06-01")[0].text_zh == (
            "在2020年9月30日（含当日）前补登已学的专业科目60学分。"
        )


class TestNothingToDo:
    def test_nothing_is_asked_of_whoever_owes_nothing(self):
        full = [credit("60", on="2025-05-06"), credit("30", "public", on="2025-05-07")]
        assert steps(Given(SHENYANG, 2025, credits=full), "2025-06-01") == []
        assert steps(Given(SHENYANG, 2025, exempt=exempt()), "2025-06-01") == []
        assert steps(Given(SHENYANG, 2025, student=True), "2025-06-01") == []
        assert steps(Given(SHENYANG, 2025, qualified_on=date(2025, 2, 1)), "2025-06-01") == []

    def test_without_a_ground_the_record_may_be_incomplete(self):
        """S0-03: either ground obliges; none is on record."""
        [step] = steps(Given(SHENYANG, 2025, qualified_on=None), "2025-06-01")
        assert step.code == "complete_information"
        assert step.clause is not None

    def test_where_nothing_governs_the_authority_is_asked(self):
        assert [step.code for step in steps(Given(BEIJING, 2017), "2017-06-01")] == ["ask_authority"]

    def test_an_undecided_year_awaits_its_notice(self):
        """B-20."""
        assert [step.code for step in steps(Given(BEIJING, 2024), "2025-06-01")] == ["await_notice"]


amounts = st.decimals(min_value=0, max_value=120, places=2)


class TestShortfalls:
    @given(st.lists(st.tuples(amounts, st.sampled_from(["professional", "public"])), max_size=6))
    def test_studying_what_is_said_is_enough_and_none_of_it_is_too_much(self, earned: list[tuple[Any, Any]]):
        credits = [
            credit(str(amount), category, on="2025-05-06", number=str(number))
            for number, (amount, category) in enumerate(earned)
        ]
        who = Given(SHENYANG, 2025, credits=credits)
        answer = who.when_asked("2025-06-01")
        missing = shortfalls(answer, who.account)
        studied = [
            credit(str(each.credits), each.category or "professional", on="2025-05-08", number=f"s{number}")
            for number, each in enumerate(missing)
        ]
        after = Given(SHENYANG, 2025, credits=[*credits, *studied])
        assert after.when_asked("2025-06-01").status == "compliant"
        for left_out in range(len(studied)):
            fewer = [*credits, *studied[:left_out], *studied[left_out + 1 :]]
            assert Given(SHENYANG, 2025, credits=fewer).when_asked("2025-06-01").status == "in_progress"

    def test_what_a_moment_ago_was_studied_does_not_count_twice(self):
        who = Given(JINCHENG, 2024, waits=[waiting("60", "below_total", on="2024-06-01")])
        assert [tuple(each) for each in shortfalls(who.when_asked("2024-06-02"), who.account)] == [
            (None, Decimal("30.00"))
        ]


class TestEachModeHasItsOwnTime:
    def test_online_study_that_opens_in_march_is_not_told_in_january(self):
        """S1-16: face to face from 1 January, online from 1 March."""
        found = steps(Given(SHENYANG, 2025), "2025-01-15")
        online = [step for step in found if "online" in step.modes]
        assert {str(step.since) for step in online} == {"2025-03-01"}
        others = [step for step in found if "face_to_face" in step.modes]
        assert {step.since for step in others} == {None}

    def test_nobody_studies_in_changzhi_before_april(self):
        """S3B-04."""
        found = [step for step in steps(Given(CHANGZHI, 2026), "2026-03-15") if step.code == "study"]
        assert {(step.modes, str(step.since)) for step in found if "online" in step.modes} == {
            (("online",), "2026-04-01")
        }


class TestOnePersonsOwnGates:
    def test_a_year_without_its_public_part_is_closed_in_the_sentence_and_in_the_steps(self):
        """S4-07: professional credits of 2018 are made up where the public subjects are finished."""
        who = Given(JIANGMEN, 2018, credits=[credit("20", on="2018-06-01")], qualified_on=date(2015, 5, 1))
        answer = who.when_asked("2020-06-01")
        codes = {step.code for step in steps(who, "2020-06-01")}
        assert answer.make_up is not None
        assert not answer.make_up.open
        assert "make_up_study" not in codes
        assert "现可" not in answer.explanation_zh

    def test_a_deferral_is_kept_after_a_firm_end_of_registering(self):
        """A-14: what is done in the time that was given is registered."""
        rules: tuple[dict[str, Any], ...] = (
            {"kind": "window", "act": "register", "until": "Y+1-01-31", "firm": True},
            {"kind": "credit_year", "by": "completion"},
        )
        who = Given(
            BEIJING,
            2030,
            deferred=deferred("2031-12-31"),
            book=book(draft(*rules)),
            qualified_on=date(2019, 5, 1),
        )
        assert "2031年12月31日" in who.when_asked("2031-10-01").explanation_zh
        answer = who.when_posted(completion(2030, "2031-10-08"), accredited(BEIJING, 2030))
        assert isinstance(answer, Registered)
        late = who.when_posted(completion(2030, "2032-01-01"), accredited(BEIJING, 2030))
        assert isinstance(late, Rejected)

    def test_a_deferral_is_kept_by_the_claim_of_proven_study(self):
        """A-14, S1-12: the day that the answer names is the last on which the claim is taken."""
        who = Given(SHENYANG, 2025, deferred=deferred("2026-12-31"))
        assert "2026年12月31日" in who.when_asked("2026-10-01").explanation_zh
        answers = [
            award_study(
                who.book.resolve(SHENYANG, 2025),
                ProvenStudy(
                    mode="face_to_face",
                    category="professional",
                    credits=Decimal(30),
                    completed_on=date.fromisoformat(day),
                ),
                SHENYANG,
                2025,
                at(day),
                who.account,
            )
            for day in ("2026-10-08", "2026-12-31", "2027-01-01")
        ]
        assert [isinstance(answer, Award) and not answer.make_up for answer in answers] == [True, True, False]

    def test_make_up_for_the_enrolled_is_told_to_nobody_else_and_no_enrolment_inside_it_is_taken(self):
        window = {"channel": "automatic", "from": "2031-04-01", "conditions": ["enrolled"]}
        make_up = {"kind": "make_up", "years": {"from": 2030, "to": 2030}, "windows": [window]}
        notices = draft(), draft(make_up, year=2031, issued_on="2031-03-01", name="beijing-2031")
        who = Given(BEIJING, 2030, book=book(*notices))
        [step] = steps(who, "2031-05-01")
        assert (step.code, step.clause) == ("no_make_up", "T-01")
        assert (
            step.text_en.removeprefix("2030 cannot be made up now: ")
            in who.when_asked("2031-05-01").explanation_en
        )
        policy = who.book.resolve(BEIJING, 2030)
        assert policy is not None
        inside = Enrolled(enrolment_id="e", provider="p", mode="online", enrolled_on=date(2031, 4, 5))
        refused = admit_terms(policy, inside, who.person, who.account)
        assert refused is not None
        assert refused.problem == "make-up-for-enrolled"
