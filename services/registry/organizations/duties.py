"""Duties: what training organizations owe, to whom and until when, by rules that are data, and how far each is by what
was handed in. Pure functions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import TypeAdapter

from contracts.divisions import authority_of, contains
from services.kit.clock import local_date
from services.kit.schemas import StrictModel
from services.registry.streams import yearly_document as documents
from services.registry.streams.organization import FILED

RULES_FILE = Path(__file__).parent / "duties.yaml"

DUE, LATE, SUBMITTED, RETURNED, DONE = "due", "late", "submitted", "returned", "done"


class DutyRule(StrictModel):
    """Who owes what, by which day, to whom, by which clause; as written in `duties.yaml`."""

    kind: Literal["plan", "report"]
    mode: Literal["online", "face_to_face"]
    place: str
    from_year: int
    until_year: int | None = None
    month: int
    day: int
    years_ahead: int
    to: Literal["authority", "filing_place"]
    clause: str

    def holds(self, mode: str, place: str, due_year: int) -> bool:
        """Whether the rule speaks of this mode, place and year of the due date."""
        until = due_year if self.until_year is None else self.until_year
        return mode == self.mode and self.from_year <= due_year <= until and contains(self.place, place)

    def due_on(self, due_year: int) -> date:
        """The last day, with its 24:00."""
        return date(due_year, self.month, self.day)

    def reader(self, place: str) -> str:
        """The bureau it is owed to."""
        return authority_of(place) if self.to == "authority" else place


@dataclass(frozen=True)
class Filing:
    """An accreditation of an organization, as far as duties ask."""

    organization_id: str
    organization: str
    place: str
    years: Sequence[int]
    modes: Sequence[str]
    state: str
    published_at: datetime | None
    ended_from: date | None

    def binds_on(self, day: date) -> bool:
        """Whether it was published and had not ended on the day."""
        if self.state == FILED or self.published_at is None or local_date(self.published_at) > day:
            return False
        return self.ended_from is None or self.ended_from > day


@dataclass(frozen=True)
class Barred:
    """A time in which an organization had no standing at a place and under it (S0-25)."""

    organization_id: str
    place: str
    from_date: date
    until: date | None

    def binds(self, filing: Filing, day: date) -> bool:
        """Whether it reached the filing's place on the day."""
        return (
            self.organization_id == filing.organization_id
            and contains(self.place, filing.place)
            and self.from_date <= day
            and (self.until is None or day < self.until)
        )


@dataclass(frozen=True)
class Handed:
    """A plan or report that was handed in."""

    document_id: str
    organization_id: str
    kind: str
    mode: str
    place: str
    year: int
    state: str
    first_submitted_at: datetime


@dataclass(frozen=True)
class Duty:
    """One thing owed by an organization; see `DutyView`."""

    organization_id: str
    organization: str
    kind: str
    mode: str
    place: str
    to: str
    year: int
    due_on: date
    state: str
    late: bool
    document_id: str | None
    clause: str


@cache
def rules() -> tuple[DutyRule, ...]:
    """The rules of this release."""
    found = yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))
    return tuple(TypeAdapter(list[DutyRule]).validate_python(found))


def rule_for(kind: str, mode: str, place: str, year: int) -> tuple[DutyRule, date] | None:
    """The rule that asks for a year's plan or report, and its last day; None where no clause asks for one."""
    for rule in rules():
        due_year = year - rule.years_ahead
        if rule.kind == kind and rule.holds(mode, place, due_year):
            return rule, rule.due_on(due_year)
    return None


def was_late(first_submitted_at: datetime, due_on: date | None) -> bool:
    """Whether it was first handed in after the last day; a return and a second try do not make it late."""
    return due_on is not None and local_date(first_submitted_at) > due_on


def duties_due_in(
    due_year: int,
    filings: Iterable[Filing],
    barred: Sequence[Barred],
    handed: Iterable[Handed],
    today: date,
) -> list[Duty]:
    """What is owed with a last day in the year, in order of that day.

    Who trains in the year of the last day or in the year the plan is for owes it, when published by that day, and
    neither ended nor disqualified on it.
    """
    known = {(each.organization_id, each.kind, each.mode, each.place, each.year): each for each in handed}
    found: dict[tuple[str, str, str, str, int], Duty] = {}
    for filing in filings:
        for mode in filing.modes:
            for rule in rules():
                if rule.holds(mode, filing.place, due_year):
                    duty = _duty(rule, due_year, filing, barred, known, today)
                    if duty is not None:
                        found[duty.organization_id, duty.kind, duty.mode, duty.place, duty.year] = duty
    return sorted(
        found.values(), key=lambda each: (each.due_on, each.organization_id, each.kind, each.mode, each.place)
    )


def count(duties: Iterable[Duty]) -> Mapping[str, int]:
    """How many are in each state."""
    counts = dict.fromkeys((DUE, LATE, SUBMITTED, RETURNED, DONE), 0)
    for duty in duties:
        counts[duty.state] += 1
    return counts


def _duty(
    rule: DutyRule,
    due_year: int,
    filing: Filing,
    barred: Sequence[Barred],
    known: Mapping[tuple[str, str, str, str, int], Handed],
    today: date,
) -> Duty | None:
    due_on, year = rule.due_on(due_year), due_year + rule.years_ahead
    if not {due_year, year} & set(filing.years) or not filing.binds_on(due_on):
        return None
    if any(each.binds(filing, due_on) for each in barred):
        return None
    document = known.get((filing.organization_id, rule.kind, rule.mode, filing.place, year))
    state, late = _state(document, due_on, today)
    return Duty(
        organization_id=filing.organization_id,
        organization=filing.organization,
        kind=rule.kind,
        mode=rule.mode,
        place=filing.place,
        to=rule.reader(filing.place),
        year=year,
        due_on=due_on,
        state=state,
        late=late,
        document_id=None if document is None else document.document_id,
        clause=rule.clause,
    )


def _state(document: Handed | None, due_on: date, today: date) -> tuple[str, bool]:
    if document is None:
        return (LATE, True) if today > due_on else (DUE, False)
    state = {
        documents.SUBMITTED: SUBMITTED,
        documents.RETURNED: RETURNED,
        documents.ACCEPTED: DONE,
    }[document.state]
    return state, was_late(document.first_submitted_at, due_on)
