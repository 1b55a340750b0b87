"""Which events of filings and rosters the others are told, and in which words."""

from collections.abc import Callable
from typing import Any

from contracts import ledger as published
from contracts.envelope import PublishedEvent
from services.ledger.trainings import events as stored


def _submitted(event: stored.FilingSubmitted) -> PublishedEvent:
    return published.FilingSubmitted(**_filing(event), submitted_at=event.at)


def _approved(event: stored.FilingApproved) -> PublishedEvent:
    return published.FilingApproved(**_filing(event), approved_at=event.at)


def _uploaded(event: stored.RosterUploaded) -> PublishedEvent:
    return published.RosterUploaded(
        **_filing(event),
        roster_id=event.roster_id,
        rows=len(event.rows),
        due=event.due,
        late=event.late,
        uploaded_at=event.at,
    )


def _reviewed(event: stored.RosterReviewed) -> PublishedEvent:
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
    stored.FilingSubmitted.TOPIC: _submitted,
    stored.FilingApproved.TOPIC: _approved,
    stored.RosterUploaded.TOPIC: _uploaded,
    stored.RosterReviewed.TOPIC: _reviewed,
}
