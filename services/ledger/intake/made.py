"""The events that decided records become: what was posted, and the terms on which it was admitted."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from services.ledger.accounts import account as accounts
from services.ledger.accounts.profile import Profile
from services.ledger.events import CompletionHeld, CreditEarned, ExamPassed
from services.ledger.intake.records import Completion, ExamPass, Prepared, identity_of
from services.ledger.policy import CompletionFacts, Held, Policy, Registered

_TWO_PLACES = Decimal("0.01")


@lru_cache(maxsize=4096)
def credits_of(text: str) -> Decimal:
    """Credits as they are stored, with two places; batches know few different amounts."""
    return Decimal(text).quantize(_TWO_PLACES)


def earned(
    prepared: Prepared,
    record: Completion,
    facts: CompletionFacts,
    profile: Profile,
    policy: Policy,
    answer: Registered,
    credit_id: str,
    now: datetime,
) -> CreditEarned:
    """The credit of a completion that was admitted."""
    return CreditEarned(
        credit_id=credit_id,
        person_id=profile.person.person_id,
        year=record.year,
        category=record.category,
        credits=facts.credits,
        mode=record.mode,
        completion_id=record.id,
        completed_at=facts.completed_at,
        content=prepared.content,
        provider_id=facts.provider_id,
        course=record.course,
        title=record.title,
        tier=record.tier,
        started_on=record.started_on,
        exam_passed_at=facts.exam_passed_at,
        place=profile.person.place,
        clause=answer.clause,
        policy=policy.hash,
        registered_at=now,
        late=answer.late,
        make_up=answer.make_up,
    )


def held_back(
    prepared: Prepared,
    record: Completion,
    facts: CompletionFacts,
    profile: Profile,
    policy: Policy,
    answer: Held,
    now: datetime,
) -> CompletionHeld:
    """A completion that was admitted and waits in the account."""
    return CompletionHeld(
        provider_id=facts.provider_id,
        completion_id=record.id,
        year=record.year,
        category=record.category,
        credits=facts.credits,
        mode=record.mode,
        course=record.course,
        completed_at=facts.completed_at,
        content=prepared.content,
        title=record.title,
        tier=record.tier,
        started_on=record.started_on,
        exam_passed_at=facts.exam_passed_at,
        person_id=profile.person.person_id,
        clause=answer.clause,
        policy=policy.hash,
        reason=answer.reason,
        held_at=now,
    )


def credit_id_of(log: str, provider_id: str, completion_id: str) -> str:
    """The id of the credit that a provider's completion earns in a log."""
    return accounts.credit_id_of(log, identity_of(Completion.KIND, provider_id, completion_id))


def exam_passed(provider_id: str, record: ExamPass, person_id: str, content: str) -> ExamPassed:
    """A pass of the provider\'s exam."""
    return ExamPassed(
        provider_id=provider_id,
        exam_id=record.id,
        person_id=person_id,
        year=record.year,
        passed_at=record.passed_at.astimezone(UTC),
        content=content,
    )
