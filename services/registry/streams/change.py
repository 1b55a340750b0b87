"""A change of a collected person's information (信息变更, S2C-09): item by item, reviewed once, returned or approved.

The events name the items and carry what the ledger may know; names, numbers and contact, old and new, are in the vault.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from eventsourcing.domain import event
from msgspec import Struct

from services.kit.aggregates import Aggregate
from services.kit.review import Case, Role, Step
from services.registry.streams.actor import OWN, Actor
from services.registry.streams.problems import ChangeNotPendingError, OwnSubmissionError
from services.registry.streams.profile import (
    HIDDEN,
    Identity,
    Profile,
    facts_of,
    masked_name,
    masked_number,
    masked_phone,
)

SUBMITTED = "submitted"
RETURNED = "returned"
APPROVED = "approved"
WITHDRAWN = "withdrawn"
REVERSED = "reversed"

REVERSAL, SEPARATION, REHASH = "reversal", "separation", "rehash"
"""The two ways to undo an approved change: take it back, or give the second document to a person of their own; and hashes
that are derived anew, which change nothing else."""

IDENTITY_ITEMS = frozenset({"name", "id_document", "merge"})
"""A name's hash is bound to the number, and a merged profile brings a name and a number: they stand and fall together."""

SUBMITTER, REVIEWER = Role("collection:submit", OWN), Role("collection:review")
CASE: Case[object] = Case(
    "change",
    (
        Step("resubmit", "resubmission", frozenset({RETURNED}), SUBMITTED, SUBMITTER),
        Step("withdraw", "withdrawal", frozenset({SUBMITTED, RETURNED}), WITHDRAWN, SUBMITTER),
        Step("review", "review", frozenset({SUBMITTED}), APPROVED, REVIEWER, never_own=True),
        Step("reverse", "reversal", frozenset({APPROVED}), REVERSED, REVIEWER, never_own=True),
    ),
    wrong_state=ChangeNotPendingError,
    own=OwnSubmissionError,
    waiting=frozenset({SUBMITTED}),
    decider=REVIEWER,
)
"""The steps of a change; a review that finds fault returns it instead (S2C-09)."""


class Change(Aggregate):
    """One case of change. A person has one at a time: its first event claims the person's next number of cases."""

    TOPIC = "registry.Change"

    @classmethod
    def submit(
        cls,
        *,
        person_id: UUID,
        number: int,
        place: str,
        employer: str | None,
        items: Sequence[str],
        values: dict[str, object],
        evidence: Sequence[str],
        by: Actor,
        at: datetime,
    ) -> "Change":
        """A new case; `values` holds what is not personal, and keyed hashes."""
        return cls(
            identity=f"change:{person_id}:{number}",
            person_id=str(person_id),
            number=number,
            place=place,
            employer=employer,
            items=sorted(items),
            values=values,
            evidence=list(evidence),
            submitted_by=by.subject,
            timestamp=at,
        )

    @event("ChangeSubmitted", topic="registry.ChangeSubmitted")
    def __init__(
        self,
        *,
        identity: str,
        person_id: str,
        number: int,
        place: str,
        employer: str | None,
        items: list[str],
        values: dict[str, Any],
        evidence: list[str],
        submitted_by: str,
        timestamp: datetime,
    ) -> None:
        self.person_id = person_id
        self.number = number
        self.former: dict[str, Any] = {}
        self._await_review(items, values, submitted_by)

    def resubmit(
        self,
        *,
        place: str,
        employer: str | None,
        items: Sequence[str],
        values: dict[str, object],
        evidence: Sequence[str],
        by: Actor,
        at: datetime,
    ) -> None:
        """Submit again after a return, corrected (S2C-09). Raises ChangeNotPendingError in any other state."""
        CASE.must_allow("resubmit", self, by.subject)
        self._resubmitted(
            person_id=self.person_id,
            place=place,
            employer=employer,
            items=sorted(items),
            values=values,
            evidence=list(evidence),
            submitted_by=by.subject,
            timestamp=at,
        )

    @event("ChangeResubmitted", topic="registry.ChangeResubmitted")
    def _resubmitted(
        self,
        *,
        person_id: str,
        place: str,
        employer: str | None,
        items: list[str],
        values: dict[str, object],
        evidence: list[str],
        submitted_by: str,
        timestamp: datetime,
    ) -> None:
        self._await_review(items, values, submitted_by)

    def _await_review(self, items: list[str], values: dict[str, object], submitted_by: str) -> None:
        self.state = SUBMITTED
        self.items = tuple(items)
        self.values = values
        self.submitted_by = submitted_by
        self.submitted_version = self.version

    def approve(self, *, place: str, former: dict[str, Any], by: Actor, at: datetime) -> None:
        """Accept it; `former` is what it replaces, for a reversal.

        Raises OutsidePlaceError, OwnSubmissionError, ChangeNotPendingError.
        """
        by.must_cover(place)
        CASE.must_allow("review", self, by.subject)
        self._approved(person_id=self.person_id, former=former, approved_by=by.subject, timestamp=at)

    @event("ChangeApproved", topic="registry.ChangeApproved")
    def _approved(
        self, *, person_id: str, former: dict[str, object], approved_by: str, timestamp: datetime
    ) -> None:
        self.state = APPROVED
        self.former = former

    def return_to_submitter(self, *, place: str, reason: str, by: Actor, at: datetime) -> None:
        """Send it back with a reason (S2C-09). Raises as `approve` does."""
        by.must_cover(place)
        CASE.must_allow("review", self, by.subject)
        self._returned(person_id=self.person_id, reason=reason, returned_by=by.subject, timestamp=at)

    @event("ChangeReturned", topic="registry.ChangeReturned")
    def _returned(self, *, person_id: str, reason: str, returned_by: str, timestamp: datetime) -> None:
        self.state = RETURNED

    def withdraw(self, *, by: Actor, at: datetime) -> None:
        """Give it up before it is decided. Raises ChangeNotPendingError."""
        CASE.must_allow("withdraw", self, by.subject)
        self._withdrawn(person_id=self.person_id, withdrawn_by=by.subject, timestamp=at)

    @event("ChangeWithdrawn", topic="registry.ChangeWithdrawn")
    def _withdrawn(self, *, person_id: str, withdrawn_by: str, timestamp: datetime) -> None:
        self.state = WITHDRAWN

    def reverse(
        self, *, place: str, cause: str, reason: str, separated_id: UUID | None, by: Actor, at: datetime
    ) -> None:
        """Undo an approved change that was wrong, by whose authority and why; nothing is deleted.

        Raises OutsidePlaceError, OwnSubmissionError, ChangeNotPendingError.
        """
        by.must_cover(place)
        CASE.must_allow("reverse", self, by.subject)
        self._reversed(
            person_id=self.person_id,
            cause=cause,
            reason=reason,
            separated_id=None if separated_id is None else str(separated_id),
            authority=by.place or place,
            reversed_by=by.subject,
            timestamp=at,
        )

    @event("ChangeReversed", topic="registry.ChangeReversed")
    def _reversed(
        self,
        *,
        person_id: str,
        cause: str,
        reason: str,
        separated_id: str | None,
        authority: str,
        reversed_by: str,
        timestamp: datetime,
    ) -> None:
        self.state = REVERSED


ITEMS = (
    "name",
    "id_document",
    "employer",
    "student",
    "qualifications",
    "jobs",
    "working_since",
    "left_on",
    "retired_on",
    "affiliation",
    "groups",
    "graduated_on",
    "birth_month",
    "contact",
    "education",
    "merge",
)
SEALED_ITEMS = frozenset({"qualifications", "contact", "education"})
"""Kept among the details in the vault; of qualifications, events hold level and day."""
_DAYS = ("working_since", "left_on", "retired_on", "graduated_on")
_PLAIN = ("employer", "jobs", "affiliation", "groups", "birth_month")
_FACTS: Mapping[str, tuple[str, ...]] = {
    "employer": ("employer",),
    "student": ("student", "student_since"),
    "qualifications": ("qualifications",),
    "jobs": ("jobs",),
    "working_since": ("working_since",),
    "left_on": ("left_on",),
    "retired_on": ("retired_on",),
    "affiliation": ("affiliation",),
    "groups": ("groups",),
    "graduated_on": ("graduated_on",),
    "birth_month": ("birth_month",),
    "id_document": ("birth_month",),
}
"""The facts of a profile that an item is."""


class SealedCase(Struct, frozen=True):
    """What of a case is sealed: its items as they were on record and as they are to be, and the files it names."""

    old: dict[str, object]
    new: dict[str, object]
    evidence: list[str]


def sealed_field(change_id: UUID | str) -> str:
    """The vault's field that holds a case: old and new values of its items, and its evidence."""
    return f"change:{change_id}"


def on_record(profile: Profile, identity: Identity, details: Mapping[str, object]) -> dict[str, object]:
    """Every item as it is on record now, as plain data."""
    qualifications = details.get("qualifications")
    if qualifications is None:
        qualifications = [
            {
                "level": each.level,
                "obtained_on": each.obtained_on.isoformat(),
                "certificate_number": None,
            }
            for each in profile.qualifications
        ]
    return {
        "name": identity.name,
        "id_document": {"id_type": identity.id_type, "id_number": identity.id_number},
        "employer": profile.employer,
        "student": {"student": profile.student, "since": _iso(profile.student_since)},
        "qualifications": qualifications,
        "jobs": list(profile.jobs),
        "working_since": _iso(profile.working_since),
        "left_on": _iso(profile.left_on),
        "retired_on": _iso(profile.retired_on),
        "affiliation": profile.affiliation,
        "groups": list(profile.groups),
        "graduated_on": _iso(profile.graduated_on),
        "birth_month": profile.birth_month,
        "contact": details.get("contact"),
        "education": details.get("education") or [],
        "merge": None,
    }


def facts_of_items(items: Mapping[str, Any]) -> dict[str, object]:
    """What of the new values is no personal data, as a profile's facts."""
    facts: dict[str, object] = {day: _day(items[day]) for day in _DAYS if day in items}
    facts |= {name: items[name] for name in _PLAIN if name in items}
    if "student" in items:
        facts |= {"student": items["student"]["student"], "student_since": _day(items["student"]["since"])}
    if "qualifications" in items:
        facts["qualifications"] = [
            {"level": each["level"], "obtained_on": _day(each["obtained_on"])}
            for each in items["qualifications"]
        ]
    return facts


def restored_facts(profile: Profile, former: Mapping[str, Any], items: Sequence[str]) -> dict[str, Any]:
    """The profile's facts with those of the items as they were before."""
    return facts_of(profile) | {name: former[name] for item in items for name in _FACTS.get(item, ())}


def identity_with(identity: Identity, items: Mapping[str, Any]) -> Identity:
    """The identity with what the items say of it."""
    document = items.get("id_document") or {"id_type": identity.id_type, "id_number": identity.id_number}
    return Identity(document["id_type"], document["id_number"], items.get("name", identity.name))


def masked(item: str, value: Any) -> object:
    """The value as shown to whoever has not said why they need it."""
    if value is None:
        return None
    match item:
        case "name":
            return masked_name(value)
        case "id_document":
            return value | {"id_number": masked_number(value["id_number"])}
        case "birth_month":
            return HIDDEN
        case "contact":
            phone = value.get("phone")
            hidden = {name: HIDDEN for name in ("email", "address") if value.get(name)}
            return value | hidden | {"phone": phone and masked_phone(phone)}
        case "qualifications" | "education":
            return [each | _without_certificate(each) for each in value]
        case _:
            return value


def _without_certificate(entry: Mapping[str, Any]) -> dict[str, object]:
    number = entry.get("certificate_number")
    return {"certificate_number": number and masked_number(number)}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
