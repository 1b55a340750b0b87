"""The items of a change: what each is on record, what of it events may hold, and how it is shown masked."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.registry.people.profile import Profile, facts_of
from services.registry.personal_data.masking import HIDDEN, masked_name, masked_number, masked_phone
from services.registry.personal_data.vault import Identity

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
    "contact",
    "education",
)
SEALED_ITEMS = frozenset({"qualifications", "contact", "education"})
"""Kept among the details in the vault; of qualifications, events hold level and day."""
_DAYS = ("working_since", "left_on", "retired_on")
_FACTS: Mapping[str, tuple[str, ...]] = {
    "employer": ("employer",),
    "student": ("student", "student_since"),
    "qualifications": ("qualifications",),
    "jobs": ("jobs",),
    "working_since": ("working_since",),
    "left_on": ("left_on",),
    "retired_on": ("retired_on",),
}
"""The facts of a profile that an item is."""


def sealed_field(change_id: UUID | str) -> str:
    """The vault's field that holds a case: old and new values of its items, and its evidence."""
    return f"change:{change_id}"


def on_record(profile: Profile, identity: Identity, details: Mapping[str, Any]) -> dict[str, Any]:
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
        "contact": details.get("contact"),
        "education": details.get("education") or [],
    }


def facts_of_items(items: Mapping[str, Any]) -> dict[str, Any]:
    """What of the new values is no personal data, as a profile's facts."""
    facts: dict[str, Any] = {day: _day(items[day]) for day in _DAYS if day in items}
    if "employer" in items:
        facts["employer"] = items["employer"]
    if "jobs" in items:
        facts["jobs"] = items["jobs"]
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


def masked(item: str, value: Any) -> Any:
    """The value as shown to whoever has not said why they need it."""
    if value is None:
        return None
    match item:
        case "name":
            return masked_name(value)
        case "id_document":
            return value | {"id_number": masked_number(value["id_number"])}
        case "contact":
            phone = value.get("phone")
            hidden = {name: HIDDEN for name in ("email", "address") if value.get(name)}
            return value | hidden | {"phone": phone and masked_phone(phone)}
        case "qualifications" | "education":
            return [each | _without_certificate(each) for each in value]
        case _:
            return value


def _without_certificate(entry: Mapping[str, Any]) -> dict[str, Any]:
    number = entry.get("certificate_number")
    return {"certificate_number": number and masked_number(number)}


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
