"""Posted records as the rules judge them, with the credits of one that states hours; and the events they become."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from msgspec.structs import asdict

from services.kit.clock import local_date
from services.kit.views import view
from services.ledger.intake.records import Completion, Enrolment, ExamPass
from services.ledger.policy import (
    CompletionFacts,
    Enrolled,
    Held,
    HourCredits,
    Policy,
    Registered,
    Rejected,
    credits_of_hours,
)
from services.ledger.streams.account_events import CompletionHeld, CreditEarned, EnrolmentRecorded, ExamPassed
from services.ledger.streams.profile import Profile

_TWO_PLACES = Decimal("0.01")


def facts_of(
    provider_id: str, record: Completion, policy: Policy | None, content: str, reported_at: datetime
) -> CompletionFacts | Rejected:
    """The completion as the rules judge it; refused when it states hours that no clause converts (C-09)."""
    completed_at = record.completed_at.astimezone(UTC)
    rate_clause = cut = None
    if record.credits is not None:
        credits = quantity_of(record.credits)
    elif policy is None:
        credits = _TWO_PLACES
    else:
        converted = _converted(record, policy, completed_at)
        if isinstance(converted, Rejected):
            return converted
        credits, rate_clause, cut = converted.credits, converted.clause, converted.cut
    return CompletionFacts(
        completion_id=record.id,
        provider_id=provider_id,
        year=record.year,
        category=record.category,
        credits=credits,
        mode=record.mode,
        completed_at=completed_at,
        course=record.course,
        title=record.title,
        tier=record.tier,
        started_on=record.started_on,
        exam_passed_at=record.exam_passed_at.astimezone(UTC) if record.exam_passed_at else None,
        evaluated_at=record.evaluated_at.astimezone(UTC) if record.evaluated_at else None,
        hours=quantity_of(record.hours) if record.hours is not None else None,
        filing=record.filing,
        reported_at=reported_at,
        repeat_of=record.repeat_of,
        rate_clause=rate_clause,
        cut=cut,
        content=content,
    )


def _converted(record: Completion, policy: Policy, completed_at: datetime) -> HourCredits | Rejected:
    """The hours are spread over the days from the start to the end; a start that is not stated is the same day."""
    assert record.hours is not None, "a completion states credits or hours"
    last = local_date(completed_at)
    days = max(1, (last - (record.started_on or last)).days + 1)
    return credits_of_hours(policy.terms_of(record.mode).units, quantity_of(record.hours), days, record.mode)


@lru_cache(maxsize=4096)
def quantity_of(text: str) -> Decimal:
    """Credits or hours as they are stored, with two places; batches know few different amounts."""
    return Decimal(text).quantize(_TWO_PLACES)


def earned(
    facts: CompletionFacts,
    profile: Profile,
    policy: Policy,
    answer: Registered,
    credit_id: str,
    now: datetime,
) -> CreditEarned:
    """A completion became credits at once."""
    return CreditEarned(
        **asdict(facts),
        credit_id=credit_id,
        person_id=profile.person.person_id,
        place=profile.person.place,
        clause=answer.clause,
        policy=policy.hash,
        registered_at=now,
        late=answer.late,
        make_up=answer.make_up,
        provisional=policy.provisional,
    )


def held(
    facts: CompletionFacts, profile: Profile, policy: Policy, answer: Held, now: datetime
) -> CompletionHeld:
    """A completion of a known person waits."""
    return CompletionHeld(
        **asdict(facts),
        person_id=profile.person.person_id,
        clause=answer.clause,
        policy=policy.hash,
        reason=answer.reason,
        held_at=now,
        provisional=policy.provisional,
    )


def enrolment_recorded(
    provider_id: str, record: Enrolment, person_id: str, content: str, policy: Policy | None
) -> EnrolmentRecorded:
    """An enrolment, as its provider reports it."""
    return view(
        EnrolmentRecorded,
        record,
        provider_id=provider_id,
        enrolment_id=record.id,
        person_id=person_id,
        content=content,
        provisional=policy is not None and policy.provisional,
    )


def enrolled(provider_id: str, record: Enrolment, policy: Policy) -> Enrolled:
    """The enrolment as the rules judge it."""
    return view(
        Enrolled,
        record,
        enrolment_id=record.id,
        provider=provider_id,
        provisional=policy.provisional,
    )


def exam_passed(provider_id: str, record: ExamPass, person_id: str, content: str) -> ExamPassed:
    """An exam, or an evaluation, was passed."""
    return ExamPassed(
        provider_id=provider_id,
        exam_id=record.id,
        person_id=person_id,
        year=record.year,
        passed_at=record.passed_at.astimezone(UTC),
        content=content,
        of=record.of or "exam",
    )
