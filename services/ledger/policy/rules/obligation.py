"""Who owes a year: from when, until when, and for which reasons an authority may free somebody or give more time."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.days import day_of
from services.ledger.policy.language.facts import Person
from services.ledger.policy.language.rule import Code, Day, Rule, Text

End = Literal["obliged", "next_year", "same_year"]
"""The duty goes on, or ends with the year of the event, or before it."""


class Obligation(Rule, frozen=True, tag="obligation"):
    """义务: 自取得资格或从事会计工作的次年 (next_year) 或当年 (same_year) 起, 至退休或离开会计岗位的次年或当年止。

    From which year somebody is obliged and, after retiring or leaving accounting work, from which year no longer.
    """

    qualified: Literal["next_year", "same_year"] | None = None
    working: Literal["next_year", "same_year"] | None = None
    both: Literal["earlier", "later"] | None = None
    students: Literal["not_obliged", "obliged"] | None = None
    retired: End | None = None
    left: End | None = None

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting per ground, one for both grounds (A-01), one for students (B-09), one for each end (A-14)."""
        for field in ("qualified", "working", "both", "students", "retired", "left"):
            if (value := getattr(self, field)) is not None:
                yield f"obligation.{field}", value


class Relief(Rule, frozen=True, tag="relief"):
    """免除与延期: 病假、生育、境外工作、年龄等原因, 由财政部门批准免除 (exempt) 或延至某日 (deferred)。

    For which reasons an authority frees somebody of a year, or gives more time until a day. The ledger knows neither illness
    nor age: an official who has seen the proof grants it, and the decision cites this clause (A-14).
    """

    reasons: Annotated[tuple[Code, ...], Meta(min_length=1)]
    effect: Literal["exempt", "deferred", "none"]
    until: Day | None = None
    evidence: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each reason."""
        for reason in self.reasons:
            yield f"relief.{reason}", self


class Duty(Struct, frozen=True):
    """From which year somebody is obliged: years after each ground, None where the ground does not oblige.

    `retired_offset` and `left_offset` are years from the event to the first year no longer owed; None where it ends nothing.
    """

    qualified_offset: int | None
    working_offset: int | None
    both_earlier: bool
    students: bool
    clause: str | None
    retired_offset: int | None = None
    left_offset: int | None = None
    end_clause: str | None = None


class Granted(Struct, frozen=True):
    """What a notice lets an authority grant for a reason; `until` is the new last day of a deferral."""

    effect: Literal["exempt", "deferred", "none"]
    until: date | None
    clause: str


_OFFSETS: Mapping[str, int | None] = {"next_year": 1, "same_year": 0, "obliged": None}


def duty_of(settings: Mapping[str, Any]) -> Duty:
    """The duty a policy sets, from its settings; without a clause retiring and leaving end nothing (A-14)."""
    said = {
        name.removeprefix("obligation."): s for name, s in settings.items() if name.startswith("obligation.")
    }
    offsets = {name: _OFFSETS.get(sourced.value) for name, sourced in said.items()}
    source = said.get("qualified") or said.get("working")
    end = said.get("retired") or said.get("left")
    return Duty(
        qualified_offset=offsets.get("qualified"),
        working_offset=offsets.get("working"),
        both_earlier="both" not in said or said["both"].value == "earlier",
        students="students" in said and said["students"].value == "obliged",
        clause=source.clause if source else None,
        retired_offset=offsets.get("retired"),
        left_offset=offsets.get("left"),
        end_clause=end.clause if end else None,
    )


def granted_for(settings: Mapping[str, Any], reason: str, year: int) -> Granted | None:
    """What the policy lets an authority grant for the reason; None where it is silent and the authority decides (A-14)."""
    sourced = settings.get(f"relief.{reason}")
    if sourced is None:
        return None
    until = day_of(sourced.value.until, year) if sourced.value.until is not None else None
    return Granted(sourced.value.effect, until, sourced.clause)


def first_obliged_year(duty: Duty, person: Person) -> int | None:
    """The first credit year the person owes (S0-04, S0-05); None for who has no ground, and for students (B-09)."""
    if person.student and not duty.students:
        return None
    qualified = working = None
    if person.qualified_on is not None and duty.qualified_offset is not None:
        qualified = person.qualified_on.year + duty.qualified_offset
    if person.working_since is not None and duty.working_offset is not None:
        working = person.working_since.year + duty.working_offset
    if qualified is None or working is None:
        return working if qualified is None else qualified
    return min(qualified, working) if duty.both_earlier else max(qualified, working)


def last_obliged_year(duty: Duty, person: Person) -> int | None:
    """The last credit year owed where retiring or leaving accounting work ends the duty; None where nothing does."""
    ended = [
        on.year + offset - 1
        for on, offset in ((person.retired_on, duty.retired_offset), (person.left_on, duty.left_offset))
        if on is not None and offset is not None
    ]
    return min(ended, default=None)
