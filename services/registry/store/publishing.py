"""Published events: a stored event is not a published one, this table stands between.

A published field is the stored event's of the same name, or that of its profile; others are given in the table.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from contracts.envelope import PublishedEvent
from contracts.registry import (
    AccreditationEnded,
    InfoChanged,
    InfoCollected,
    OrganizationRegistered,
    PersonErased,
    ProfilesMerged,
    ProviderAccredited,
    ProviderDisqualified,
    ProviderReinstated,
)
from services.kit.aggregates import domain_event
from services.kit.event_store import RecordedEvent
from services.registry.streams.profile import profile_of

SOURCE = "urn:xuefen:registry"
"""The CloudEvents source of this service."""

Given = Callable[[Any], object]


class Publication(NamedTuple):
    """What a stored event is published as: the name of its stream's id there, that of its time, and what else differs."""

    kind: type[PublishedEvent]
    stream: str
    at: str | None = None
    given: Mapping[str, Given] = {}
    when: Given = lambda event: True

    def of(self, event: Any) -> PublishedEvent | None:
        """The published event, None when this one stays inside."""
        if not self.when(event):
            return None
        stored = getattr(event, "profile", {}) | vars(event)
        stored |= {self.stream: str(event.originator_id), self.at: event.timestamp}
        stored |= {name: value(event) for name, value in self.given.items()}
        fields = {name: stored[name] for name in self.kind.model_fields}
        return self.kind(
            **{name: tuple(each) if isinstance(each, list) else each for name, each in fields.items()}
        )


def published_event(recorded: RecordedEvent) -> dict[str, object] | None:
    """The stored event as CloudEvents attributes, or None for what stays inside."""
    event = publish(recorded)
    if event is None:
        return None
    return {"type": event.TYPE, "subject": recorded.stream_id, "data": event.model_dump(mode="json")}


def publish(recorded: RecordedEvent) -> PublishedEvent | None:
    """The published event of a stored one, or None for what stays inside (submissions, returns, clients)."""
    publication = PUBLICATIONS.get(recorded.topic.removeprefix("registry."))
    return None if publication is None else publication.of(domain_event(recorded))


def _first_qualification(event: Any) -> Mapping[str, object] | None:
    first = profile_of(event.profile).first_qualification
    return None if first is None else vars(first)


PUBLICATIONS: Mapping[str, Publication] = {
    "InfoCollected": Publication(
        InfoCollected,
        "person_id",
        "collected_at",
        {
            "qualification": _first_qualification,
            "level": lambda event: profile_of(event.profile).highest_level,
        },
    ),
    "InfoChanged": Publication(InfoChanged, "person_id", "changed_at"),
    "ProfileMerged": Publication(ProfilesMerged, "merged_id", "merged_at"),
    "PersonErased": Publication(PersonErased, "person_id", "erased_at"),
    "OrganizationRegistered": Publication(OrganizationRegistered, "organization_id"),
    "ProviderAccredited": Publication(ProviderAccredited, "organization_id"),
    "AccreditationPublished": Publication(
        ProviderAccredited, "organization_id", given={"published": lambda event: True}
    ),
    "AccreditationEnded": Publication(
        AccreditationEnded, "organization_id", when=lambda event: event.was_published
    ),
    "ProviderDisqualified": Publication(ProviderDisqualified, "organization_id"),
    "ProviderReinstated": Publication(ProviderReinstated, "organization_id"),
}
"""What of the log others are told, by the name of the stored event."""
