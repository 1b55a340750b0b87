"""An authority's evaluation of a training organization over a period, by criteria (综合评价, S2B-15, S3B-15)."""

from datetime import date, datetime
from typing import Any

from eventsourcing.domain import event

from services.kit.aggregates import Aggregate
from services.registry.streams.actor import Actor
from services.registry.streams.organization import MODES_OF_KIND, Organization
from services.registry.streams.problems import NotAProviderError


class Evaluation(Aggregate):
    """One authority's scores of one organization for one period; a wrong one is corrected by a new event."""

    TOPIC = "registry.Evaluation"

    @classmethod
    def record(
        cls,
        organization: Organization,
        *,
        place: str,
        period_from: date,
        period_to: date,
        scores: list[dict[str, object]],
        by: Actor,
        at: datetime,
    ) -> "Evaluation":
        """Scores as `{"criterion", "points", "points_max"}`. Raises OutsidePlaceError, NotAProviderError."""
        by.must_cover(place, pointer="/place")
        if organization.kind not in MODES_OF_KIND:
            raise NotAProviderError
        return cls(
            identity=identity_of(str(organization.id), place, period_from, period_to),
            organization_id=str(organization.id),
            place=place,
            period_from=period_from,
            period_to=period_to,
            scores=scores,
            evaluated_by=by.subject,
            timestamp=at,
        )

    @event("ProviderEvaluated", topic="registry.ProviderEvaluated")
    def __init__(
        self,
        *,
        identity: str,
        organization_id: str,
        place: str,
        period_from: date,
        period_to: date,
        scores: list[dict[str, Any]],
        evaluated_by: str,
        timestamp: datetime,
    ) -> None:
        self.organization_id = organization_id
        self.place = place
        self.scores = scores

    def correct(self, *, scores: list[dict[str, object]], reason: str, by: Actor, at: datetime) -> None:
        """Replace the scores by those that were meant. Raises OutsidePlaceError."""
        by.must_cover(self.place)
        self._corrected(scores=scores, reason=reason, corrected_by=by.subject, timestamp=at)

    @event("EvaluationCorrected", topic="registry.EvaluationCorrected")
    def _corrected(
        self, *, scores: list[dict[str, object]], reason: str, corrected_by: str, timestamp: datetime
    ) -> None:
        self.scores = scores


def identity_of(organization_id: str, place: str, period_from: date, period_to: date) -> str:
    """One evaluation for each organization, authority and period, for ever."""
    return f"evaluation:{organization_id}:{place}:{period_from}:{period_to}"
