"""Published events: a stored event is not a published one, this mapping stands between."""

from collections.abc import Callable, Mapping
from typing import Any

from contracts.envelope import PublishedEvent
from contracts.registry import (
    AccreditationEnded,
    InfoChanged,
    InfoCollected,
    OrganizationRegistered,
    PersonErased,
    ProviderAccredited,
    ProviderDisqualified,
    ProviderReinstated,
    Qualification,
)
from services.kit.aggregates import domain_event
from services.kit.event_store import RecordedEvent
from services.registry.streams.profile import profile_of

SOURCE = "urn:xuefen:registry"
"""The CloudEvents source of this service."""


def published_event(recorded: RecordedEvent) -> dict[str, Any] | None:
    """The stored event as CloudEvents attributes, or None for what stays inside."""
    event = publish(recorded)
    if event is None:
        return None
    return {"type": event.TYPE, "subject": recorded.stream_id, "data": event.model_dump(mode="json")}


def publish(recorded: RecordedEvent) -> PublishedEvent | None:
    """The published event of a stored one, or None for what stays inside (submissions, returns, clients)."""
    make = _PUBLISHED.get(recorded.topic)
    return None if make is None else make(domain_event(recorded))


def _info_collected(event: Any) -> InfoCollected:
    profile = profile_of(event.profile)
    first = profile.first_qualification
    qualification = None
    if first is not None:
        qualification = Qualification(level=first.level, obtained_on=first.obtained_on)
    return InfoCollected(
        person_id=str(event.originator_id),
        identity_hash=event.identity_hash,
        name_hash=profile.name_hash,
        place=profile.place,
        employer=profile.employer,
        student=profile.student,
        qualification=qualification,
        level=profile.highest_level,
        working_since=profile.working_since,
        collected_at=event.timestamp,
    )


def _info_changed(event: Any) -> InfoChanged:
    profile = profile_of(event.profile)
    return InfoChanged(
        person_id=str(event.originator_id),
        change_id=event.change_id,
        cause=event.cause,
        items=tuple(event.items),
        identity_hash=event.identity_hash,
        name_hash=profile.name_hash,
        place=profile.place,
        employer=profile.employer,
        student=profile.student,
        student_since=profile.student_since,
        qualifications=tuple(
            Qualification(level=each.level, obtained_on=each.obtained_on) for each in profile.qualifications
        ),
        working_since=profile.working_since,
        left_on=profile.left_on,
        retired_on=profile.retired_on,
        changed_at=event.timestamp,
    )


def _person_erased(event: Any) -> PersonErased:
    return PersonErased(
        person_id=str(event.originator_id),
        place=event.place,
        reason=event.reason,
        erased_at=event.timestamp,
    )


def _organization_registered(event: Any) -> OrganizationRegistered:
    return OrganizationRegistered(
        organization_id=str(event.originator_id), name=event.name, uscc=event.uscc, kind=event.kind
    )


def _provider_accredited(event: Any) -> ProviderAccredited:
    return ProviderAccredited(
        organization_id=str(event.originator_id),
        place=event.place,
        years=tuple(event.years),
        modes=tuple(event.modes),
        published=event.published,
    )


def _provider_disqualified(event: Any) -> ProviderDisqualified:
    return ProviderDisqualified(
        organization_id=str(event.originator_id),
        place=event.place,
        from_date=event.from_date,
        reason=event.reason,
    )


def _accreditation_published(event: Any) -> ProviderAccredited:
    return ProviderAccredited(
        organization_id=str(event.originator_id),
        place=event.place,
        years=tuple(event.years),
        modes=tuple(event.modes),
        published=True,
    )


def _accreditation_ended(event: Any) -> AccreditationEnded | None:
    if not event.was_published:
        return None
    return AccreditationEnded(
        organization_id=str(event.originator_id),
        place=event.place,
        years=tuple(event.years),
        modes=tuple(event.modes),
        from_date=event.from_date,
        reason=event.reason,
    )


def _provider_reinstated(event: Any) -> ProviderReinstated:
    return ProviderReinstated(
        organization_id=str(event.originator_id),
        place=event.place,
        from_date=event.from_date,
        reason=event.reason,
    )


_PUBLISHED: Mapping[str, Callable[[Any], PublishedEvent | None]] = {
    "registry.InfoCollected": _info_collected,
    "registry.InfoChanged": _info_changed,
    "registry.PersonErased": _person_erased,
    "registry.OrganizationRegistered": _organization_registered,
    "registry.ProviderAccredited": _provider_accredited,
    "registry.AccreditationPublished": _accreditation_published,
    "registry.AccreditationEnded": _accreditation_ended,
    "registry.ProviderDisqualified": _provider_disqualified,
    "registry.ProviderReinstated": _provider_reinstated,
}
