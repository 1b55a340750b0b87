"""Differences of a place's year between three sides: the ledger, which is right, our record, and the system outside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from contracts.targets import (
    HeldRecord,
    PersonTotal,
    PlaceTotal,
    TargetRecord,
    hash_of,
    line_of,
    place_total,
)

Content = Mapping[str, str | None]
Side = Literal["theirs", "ours"]
Kind = Literal["missing", "extra", "changed"]


@dataclass(frozen=True)
class Recorded:
    """How a subject stands in our record: what was last said, its revision, and how far that got."""

    revision: int
    action: str
    content: Content
    state: str
    reason: str | None
    person_id: str
    place: str


@dataclass(frozen=True)
class Difference:
    """A subject that is not the same everywhere: on which side it is at fault, how, and why as far as we know.

    `right` is what the ledger says, None where it holds nothing; `fields` are those that are changed.
    """

    subject: str
    person_id: str
    place: str
    side: Side
    kind: Kind
    why: str
    right: Content | None
    revision: int
    """The highest revision on any side."""
    fields: tuple[str, ...] = ()

    @property
    def on_its_way(self) -> bool:
        """Whether a delivery that waits its turn will mend it."""
        return self.why == "pending"

    @property
    def is_ours_to_mend(self) -> bool:
        """Whether a repair here is due: nothing is on its way, and no other authority speaks for the person by now."""
        return self.why not in ("pending", "told_by_another")


@dataclass
class Ledger:
    """The canonical records that the ledger says a system should hold, by place, person and subject."""

    kind: type[TargetRecord]
    places: dict[str, dict[str, dict[str, Content]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(dict))
    )

    def add(self, content: Content) -> None:
        """Take in one record."""
        place, person, subject = (content[each] or "" for each in ("place", "person_ref", "subject"))
        self.places[place][person][subject] = content

    def by_subject(self) -> dict[str, Content]:
        """Every record by its subject."""
        return {
            subject: content
            for people in self.places.values()
            for records in people.values()
            for subject, content in records.items()
        }

    def person_total(self, place: str, person: str) -> PersonTotal | None:
        """Count and hash of one person at a place."""
        records = self.places.get(place, {}).get(person)
        if not records:
            return None
        lines = [line_of(self.kind, content) for content in records.values()]
        return PersonTotal(person_ref=person, records=len(lines), hash=hash_of(lines))

    def place_total(self, place: str) -> PlaceTotal:
        """Count and hash of a place."""
        people = self.places.get(place, {})
        totals = [total for person in people if (total := self.person_total(place, person)) is not None]
        return place_total(place, sorted(totals, key=lambda each: each.person_ref))


def places_that_differ(ledger: Ledger, theirs: Iterable[PlaceTotal]) -> list[str]:
    """The places whose count or hash is not the ledger's, by code."""
    held = {total.place: total for total in theirs}
    return [
        place
        for place in sorted(held.keys() | ledger.places.keys())
        if held.get(place, place_total(place, [])) != ledger.place_total(place)
    ]


def people_who_differ(ledger: Ledger, place: str, theirs: Iterable[PersonTotal]) -> list[str]:
    """The people of a place whose count or hash is not the ledger's, by reference."""
    held = {total.person_ref: total for total in theirs}
    everybody = held.keys() | ledger.places.get(place, {}).keys()
    return [person for person in sorted(everybody) if held.get(person) != ledger.person_total(place, person)]


def differences_at_theirs(
    ledger: Ledger,
    place: str,
    person: str,
    theirs: Iterable[HeldRecord],
    recorded: Mapping[str, Recorded],
) -> Iterator[Difference]:
    """What the system holds otherwise than the ledger of one person's year at a place."""
    right = ledger.places.get(place, {}).get(person, {})
    held = {record.subject: record for record in theirs}
    for subject in sorted(right.keys() | held.keys()):
        wanted, found, ours = right.get(subject), held.get(subject), recorded.get(subject)
        revision = max(found.revision if found else 0, ours.revision if ours else 0)
        kind: Kind
        fields: tuple[str, ...] = ()
        if wanted is None:
            kind, why = "extra", _why_extra(ours)
        elif found is None:
            kind, why = "missing", _why_missing(ours)
        elif dict(found.content) != dict(wanted):
            kind, why = "changed", _why_changed(ours, wanted)
            fields = tuple(name for name in wanted if wanted[name] != found.content.get(name))
        else:
            continue
        yield Difference(subject, person, place, "theirs", kind, why, wanted, revision, fields)


def differences_at_ours(
    ledger: Ledger, recorded: Mapping[str, Recorded], people: Iterable[str]
) -> Iterator[Difference]:
    """What our own record of deliveries says otherwise than the ledger, of the people named."""
    right: dict[str, Content] = {}
    named = set(people)
    for at in ledger.places.values():
        for person in named & at.keys():
            right |= at[person]
    for subject in sorted(right.keys() | recorded.keys()):
        wanted, ours = right.get(subject), recorded.get(subject)
        said = ours.content if ours is not None and ours.action == "put" else None
        if said == wanted or (said is not None and wanted is not None and dict(said) == dict(wanted)):
            continue
        revision = ours.revision if ours else 0
        person = (wanted or {}).get("person_ref") or (ours.person_id if ours else "")
        place = (wanted or {}).get("place") or (ours.place if ours else "")
        if wanted is None:
            yield Difference(subject, person, place, "ours", "extra", "not_in_ledger", None, revision)
        elif said is None:
            why = "never_recorded" if ours is None else "recorded_as_ended"
            yield Difference(subject, person, place, "ours", "missing", why, wanted, revision)
        else:
            changed = tuple(name for name in wanted if wanted[name] != said.get(name))
            yield Difference(
                subject, person, place, "ours", "changed", "recorded_otherwise", wanted, revision, changed
            )


def _why_missing(ours: Recorded | None) -> str:
    if ours is None:
        return "never_recorded"
    if ours.state in ("refused", "unsynced"):
        return f"{ours.state}:{ours.reason or 'unknown'}"
    if ours.state == "pending":
        return "pending"
    return "recorded_as_ended" if ours.action == "end" else "lost_there"


def _why_extra(ours: Recorded | None) -> str:
    if ours is None:
        return "not_from_us"
    if ours.state == "pending":
        return "pending"
    return "end_not_taken" if ours.action == "end" else "not_in_ledger"


def _why_changed(ours: Recorded | None, wanted: Content) -> str:
    if ours is None:
        return "not_from_us"
    if ours.state == "pending":
        return "pending"
    return "changed_there" if dict(ours.content) == dict(wanted) else "sent_otherwise"
