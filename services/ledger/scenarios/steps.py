"""The steps of a scenario in the words of the rules: completions, claims and enrolments."""

from datetime import datetime

from services.kit.clock import local_date
from services.ledger.policy import (
    Activity,
    Award,
    CompletionFacts,
    Enrolled,
    Policy,
    Rejected,
    award,
    credits_of_hours,
)
from services.ledger.policy.language.target import Learning
from services.ledger.scenarios.beginnings import PERSON
from services.ledger.scenarios.scenario_file import ActivityStep, CourseStep, Enrol, moment
from services.ledger.streams.account_events import EnrolmentRecorded


def facts_of(record: str, study: CourseStep, year: int, policy: Policy | None) -> CompletionFacts | Rejected:
    """A completed course; hours are converted as the ledger's intake converts them."""
    completed, credits = moment(study.completed), study.credits
    if credits is None:
        assert study.hours is not None, f"{record} states credits or hours"
        assert policy is not None, f"{record}: hours need a policy"
        last = local_date(completed)
        days = (last - (study.started or last)).days + 1
        converted = credits_of_hours(policy.terms_of(study.mode).units, study.hours, days, study.mode)
        if isinstance(converted, Rejected):
            return converted
        credits = converted.credits
    return CompletionFacts(
        completion_id=record,
        provider_id=study.provider,
        year=year,
        category=study.category,
        credits=credits,
        mode=study.mode,
        completed_at=completed,
        exam_passed_at=moment(study.exam) if study.exam else None,
        tier=study.tier,
        started_on=study.started,
        evaluated_at=moment(study.evaluated) if study.evaluated else None,
    )


def latest_of(facts: CompletionFacts) -> datetime:
    """The moment at which all of it has happened."""
    moments = (facts.completed_at, facts.exam_passed_at, facts.evaluated_at)
    return max(each for each in moments if each is not None)


def claimed(
    policy: Policy | None, claim: ActivityStep, place: str, year: int, now: datetime
) -> Award | Rejected:
    """What an activity that is applied for is worth, inside the window for applications."""
    activity = Activity(
        form=claim.form,
        happened_on=claim.on,
        result_on=claim.result_on,
        document_on=claim.document_on,
        role=claim.role,  # type: ignore[arg-type]
        quantity=claim.quantity,
        score=claim.score,
        sat_in=claim.sat_in,
    )
    refused = None
    if policy is not None:
        policy = policy.of_learning(Learning(mode="equivalence", form=claim.form, route="claim"))
        refused = policy.terms_of("equivalence").windows.outside("apply", now)
    return refused or award(policy, activity, place, year, local_date(now))


def enrolment_of(record: str, enrol: Enrol, year: int) -> EnrolmentRecorded:
    """An enrolment, as its provider reports it."""
    return EnrolmentRecorded(
        provider_id=enrol.provider,
        enrolment_id=record,
        person_id=PERSON,
        year=year,
        mode=enrol.mode,
        enrolled_on=enrol.on,
        content=record,
        tier=enrol.tier,
        paid_on=enrol.paid,
    )


def enrolled_of(event: EnrolmentRecorded) -> Enrolled:
    """The enrolment as the rules judge it."""
    return Enrolled(
        enrolment_id=event.enrolment_id,
        provider=event.provider_id,
        mode=event.mode,
        enrolled_on=event.enrolled_on,
        tier=event.tier,
        paid_on=event.paid_on,
    )
