"""Publication of stored events: which of them the others are told, and in which words."""

from collections.abc import Callable
from typing import Any

from contracts import ledger as published
from contracts.envelope import PublishedEvent
from services.kit import events as codec
from services.kit.event_store import RecordedEvent
from services.ledger.streams import account_events as reliefs
from services.ledger.streams import claim as claim_events
from services.ledger.streams import year as year_events
from services.ledger.streams.account_events import (
    CompletionHeld,
    CreditEarned,
    CreditRecognised,
    CreditRevoked,
    CreditWithdrawn,
    EnrolmentRecorded,
    EnrolmentWithdrawn,
    ExamPassed,
)
from services.ledger.streams.filing import FilingApproved, FilingSubmitted
from services.ledger.streams.notice import PolicyPublished
from services.ledger.streams.roster import RosterReviewed, RosterUploaded
from services.ledger.streams.waiting import HeldRecordReleased, RecordHeld


def _submitted(event: FilingSubmitted) -> PublishedEvent:
    return published.FilingSubmitted(**_filing(event), submitted_at=event.at)


def _approved(event: FilingApproved) -> PublishedEvent:
    return published.FilingApproved(**_filing(event), approved_at=event.at)


def _uploaded(event: RosterUploaded) -> PublishedEvent:
    return published.RosterUploaded(
        **_filing(event),
        roster_id=event.roster_id,
        rows=len(event.rows),
        due=event.due,
        late=event.late,
        uploaded_at=event.at,
    )


def _reviewed(event: RosterReviewed) -> PublishedEvent:
    outcomes = [row.outcome for row in event.rows]
    return published.RosterReviewed(
        **_filing(event),
        roster_id=event.roster_id,
        registered=outcomes.count("registered"),
        held=outcomes.count("held"),
        refused=outcomes.count("refused"),
        reviewed_at=event.at,
    )


def _filing(event: Any) -> dict[str, Any]:
    return {
        "filing_id": event.filing_id,
        "organization_id": event.organization_id,
        "place": event.place,
        "year": event.year,
    }


TRANSLATE: dict[str, Callable[[Any], PublishedEvent | None]] = {
    FilingSubmitted.TOPIC: _submitted,
    FilingApproved.TOPIC: _approved,
    RosterUploaded.TOPIC: _uploaded,
    RosterReviewed.TOPIC: _reviewed,
}


Translate = Callable[[Any], PublishedEvent | None]


def _earned(event: CreditEarned) -> PublishedEvent:
    return published.CreditEarned(
        credit_id=event.credit_id,
        person_id=event.person_id,
        year=event.year,
        category=event.category,
        credits=event.credits,
        mode=event.mode,
        place=event.place,
        route=event.route,
        source=event.title if event.route == "import" else None,
        form=event.form,
        provider_id=event.provider_id,
        completion_id=event.completion_id,
        course=event.course or None,
        tier=event.tier,
        completed_at=event.completed_at,
        make_up=event.make_up,
        late=event.late,
        correction=event.correction,
        policy=event.policy,
    )


def _withdrawn(event: CreditWithdrawn) -> PublishedEvent:
    return published.CreditWithdrawn(
        credit_id=event.credit_id,
        person_id=event.person_id,
        year=event.year,
        category=event.category,
        credits=event.credits,
        place=event.place,
        reason=event.reason,
        provider_id=event.provider_id,
    )


def _revoked(event: CreditRevoked) -> PublishedEvent:
    return published.CreditRevoked(
        credit_id=event.credit_id,
        person_id=event.person_id,
        year=event.year,
        category=event.category,
        credits=event.credits,
        place=event.place,
        reason=event.reason,
        clause=event.clause,
        authority=event.authority,
    )


def _held(event: CompletionHeld) -> PublishedEvent:
    return published.CompletionHeld(
        provider_id=event.provider_id,
        completion_id=event.completion_id,
        year=event.year,
        reason=event.reason,
    )


def _record_held(event: RecordHeld) -> PublishedEvent | None:
    if event.kind != "completion":
        return None
    return published.CompletionHeld(
        provider_id=event.provider_id, completion_id=event.record_id, year=event.year, reason=event.reason
    )


def _released(event: HeldRecordReleased) -> PublishedEvent | None:
    if event.kind != "completion" or event.problem is None:
        return None
    return published.HeldCompletionRejected(
        provider_id=event.provider_id,
        completion_id=event.record_id,
        year=event.year,
        problem=event.problem,
    )


def _enrolled(event: EnrolmentRecorded) -> PublishedEvent:
    return published.EnrolmentRecorded(
        enrolment_id=event.enrolment_id,
        person_id=event.person_id,
        year=event.year,
        provider_id=event.provider_id,
        enrolled_on=event.enrolled_on,
    )


def _enrolment_withdrawn(event: EnrolmentWithdrawn) -> PublishedEvent:
    return published.EnrolmentClosed(
        enrolment_id=event.enrolment_id,
        person_id=event.person_id,
        year=event.year,
        provider_id=event.provider_id,
        reason=event.reason,
    )


def _exam_passed(event: ExamPassed) -> PublishedEvent:
    return published.ExamPassed(
        person_id=event.person_id,
        provider_id=event.provider_id,
        year=event.year,
        passed_at=event.passed_at,
    )


def _recognised(event: CreditRecognised) -> PublishedEvent:
    return published.CreditRecognised(
        credit_id=event.credit_id,
        person_id=event.person_id,
        year=event.year,
        category=event.category,
        credits=event.credits,
        place=event.place,
        authority=event.authority,
        recognised_at=event.recognised_at,
    )


def _exempted(event: reliefs.ExemptionGranted) -> PublishedEvent:
    return published.ExemptionGranted(**_relief(event))


def _exemption_ended(event: reliefs.ExemptionEnded) -> PublishedEvent:
    return published.ExemptionEnded(**_relief(event))


def _deferred(event: reliefs.DeferralGranted) -> PublishedEvent:
    return published.DeferralGranted(**_relief(event))


def _deferral_ended(event: reliefs.DeferralEnded) -> PublishedEvent:
    return published.DeferralEnded(**_relief(event))


def _relief(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ("person_id", "year", "reason", "authority", "until")}


def _policy(event: PolicyPublished) -> PublishedEvent:
    return published.PolicyPublished(
        notice_id=event.notice_id,
        place=event.place,
        document=event.document,
        dated=event.dated,
        years_from=event.years_from,
        years_to=event.years_to,
        policy=event.notice_hash,
    )


def _claim_approved(event: claim_events.ClaimApproved) -> PublishedEvent:
    return published.ClaimApproved(
        claim_id=event.claim_id,
        person_id=event.person_id,
        year=event.year,
        form=event.form,
        credit_id=event.credit_id,
        credits=event.credits,
        approved_at=event.at,
    )


def _year_closed(event: year_events.YearClosed) -> PublishedEvent:
    return published.YearClosed(
        place=event.place, year=event.year, last_day=event.last_day, closed_at=event.closed_at
    )


_TRANSLATE: dict[str, Translate] = {
    CreditEarned.TOPIC: _earned,
    CreditWithdrawn.TOPIC: _withdrawn,
    CreditRevoked.TOPIC: _revoked,
    CompletionHeld.TOPIC: _held,
    RecordHeld.TOPIC: _record_held,
    HeldRecordReleased.TOPIC: _released,
    EnrolmentRecorded.TOPIC: _enrolled,
    EnrolmentWithdrawn.TOPIC: _enrolment_withdrawn,
    ExamPassed.TOPIC: _exam_passed,
    CreditRecognised.TOPIC: _recognised,
    reliefs.ExemptionGranted.TOPIC: _exempted,
    reliefs.ExemptionEnded.TOPIC: _exemption_ended,
    reliefs.DeferralGranted.TOPIC: _deferred,
    reliefs.DeferralEnded.TOPIC: _deferral_ended,
    PolicyPublished.TOPIC: _policy,
    claim_events.ClaimApproved.TOPIC: _claim_approved,
    year_events.YearClosed.TOPIC: _year_closed,
    **TRANSLATE,
}


def publish(recorded: RecordedEvent) -> dict[str, Any] | None:
    """What the feed says of a stored event; None for what stays inside (profiles, providers, room-keeping)."""
    translate = _TRANSLATE.get(recorded.topic)
    event = translate(codec.decode(recorded.topic, recorded.state)) if translate is not None else None
    return event.attributes() if event is not None else None
