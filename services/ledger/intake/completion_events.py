"""Posted records as the rules judge them, with the credits of one that states hours; and the events they become."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from msgspec.structs import asdict

from services.kit.clock import local_date
from services.kit.errors import Problem
from services.kit.pydantic_models import copier, view
from services.ledger.intake.records import Completion, Enrolment, ExamPass, Prepared, Record, without_person
from services.ledger.intake.schemas import Decided, Outcome
from services.ledger.policy import (
    Account,
    CompletionFacts,
    Credit,
    Enrolled,
    Held,
    HoldReason,
    HourCredits,
    Person,
    Policy,
    ProviderStanding,
    Registered,
    Rejected,
    Waiting,
    credits_of_hours,
)
from services.ledger.policy.language.target import Learning, of_provider
from services.ledger.streams.account_events import CompletionHeld, CreditEarned, EnrolmentRecorded, ExamPassed
from services.ledger.streams.problems import RecordConflictError
from services.ledger.streams.profile import Profile
from services.ledger.streams.waiting import RecordParked
from services.ledger.streams.who_judges import DepartureUnderWayError, YearJudgedElsewhereError, side_of

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


def learning_of(record: Completion, person: Person, provider: ProviderStanding) -> Learning:
    """What is known of a completion before its credits are."""
    reported = of_provider(person, provider, "provider")
    return reported._replace(categories=(record.category,), mode=record.mode, course=record.course or None)


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


_earned = copier(
    CreditEarned,
    CompletionFacts,
    "credit_id",
    "person_id",
    "place",
    "clause",
    "policy",
    "registered_at",
    "late",
    "make_up",
    "provisional",
)


def earned(
    facts: CompletionFacts,
    profile: Profile,
    policy: Policy,
    answer: Registered,
    credit_id: str,
    now: datetime,
) -> CreditEarned:
    """A completion became credits at once."""
    return _earned(
        facts,
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
        signature=None,
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


_NOT_COMPARED = {"id", "authority", "person"}


def differing_fields(event: Any, prepared: Prepared, profile: Profile | None) -> list[str]:
    """JSON pointers of the fields in which a repeated record differs from the recorded one, values never shown.

    The person is compared by keyed hash; who was called otherwise before is the same (B-24). Contents that differ in nothing
    else, of somebody who is not called so, differ in the person's name.
    """
    posted = without_person(prepared.record)
    known_otherwise = False
    if posted.get("of") == "exam":
        del posted["of"]
    names = [name for name in prepared.record.__struct_fields__ if name not in _NOT_COMPARED]
    if isinstance(event, RecordParked):
        recorded = dict(event.record)
        for amount in ("credits", "hours"):
            if amount in recorded:
                recorded[amount] = Decimal(recorded[amount])
        same_person = event.identity_hash == prepared.identity_hash or (
            profile is not None and event.identity_hash in profile.identities
        )
        same_name = profile is not None and profile.is_called(event.identity_hash, event.name_hash)
        if (event.identity_hash, event.name_hash) in prepared.also:
            same_person = known_otherwise = True
    else:
        recorded = {name: _plain(getattr(event, name, None)) for name in names}
        if recorded.get("hours") is not None:
            # The credits are the policy's, made from the hours that were posted.
            recorded["credits"] = None
        if recorded.get("of") == "exam":
            recorded["of"] = None
        same_person = profile is not None and profile.is_of(event.person_id)
        same_name = True
    differs = [f"/{name}" for name in names if not _same(recorded.get(name), posted.get(name))]
    if not same_person:
        differs.append("/person/id_number")
    if (
        differs
        or known_otherwise
        or (
            same_name
            and profile is not None
            and profile.is_called(prepared.identity_hash, prepared.name_hash)
        )
    ):
        return differs
    return ["/person/name"]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime | date) else value


def _same(recorded: object, posted: Any) -> bool:
    if isinstance(recorded, Decimal):
        return posted is not None and recorded == Decimal(posted)
    if isinstance(recorded, str) and isinstance(posted, str) and "T" in recorded and "T" in posted:
        try:
            return _moment(recorded) == _moment(posted)
        except ValueError:
            return recorded == posted
    return bool(recorded == posted)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_COMPARED = ("category", "mode", "course", "tier", "filing")


def whereabouts(record: Record, profile: Profile, policy: Policy | None) -> Problem | HoldReason | None:
    """Why a record of somebody who leaves, has left or has arrived is not decided here: a refusal, or a reason to wait.

    None when it is: study done before the person left is registered by the rules it was done under, and passed on.
    """
    side = side_of(profile, record.year, policy)
    if side == "elsewhere":
        judgement = profile.judgement(record.year)
        return YearJudgedElsewhereError(place=judgement.place if judgement is not None else "")
    if profile.departing is not None and isinstance(record, Enrolment):
        return DepartureUnderWayError(transfer_id=profile.departing.transfer_id, clause="S2C-14")
    if side == "moved" and profile.left is not None:
        done = _done_at(record)
        return None if done is not None and done < profile.left.left_at else "profile_elsewhere"
    return None


def repeats_travelled(account: Account, provider_id: str, record: Completion) -> Decided | None:
    """The answer to a completion that was reported elsewhere and travelled here with the person: a duplicate, or a conflict
    that names what differs. None when it is new."""
    for credit in account.credits:
        if credit.completion_id == record.id and credit.provider == provider_id:
            return _repeated(credit, record, credit.credit_id)
    for waiting in account.waiting:
        if waiting.completion_id == record.id and waiting.provider == provider_id:
            return _repeated(waiting, record, None)
    return None


def _repeated(known: Credit | Waiting, record: Completion, credit_id: str | None) -> Decided:
    differs = [f"/{name}" for name in _COMPARED if getattr(known, name) != getattr(record, name)]
    # Where hours were posted, the credits are those that another place's policy made of them.
    if record.credits is not None and known.credits != Decimal(record.credits):
        differs.append("/credits")
    if known.completed_at != record.completed_at.astimezone(UTC):
        differs.append("/completed_at")
    outcome = Outcome(id=record.id, outcome="conflict" if differs else "duplicate", credit_id=credit_id)
    if not differs:
        return Decided(outcome)
    names = ", ".join(sorted(differs))
    problem: Any = RecordConflictError(
        f"与首次提交的内容不同：“{names}”。如需更正，请先撤回原记录，再以新编号提交。",
        f"Differs from what was first posted in: {names}. To correct it, withdraw the first and post under a new id.",
        pointer=min(differs),
        differs=sorted(differs),
    )
    return Decided(outcome, refusal=problem)


def _done_at(record: Record) -> datetime | None:
    """When the study or the exam was done; an enrolment is of the days to come."""
    if isinstance(record, Completion):
        return record.completed_at
    return record.passed_at if isinstance(record, ExamPass) else None
