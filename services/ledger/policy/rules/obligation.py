"""The obligation to a year (义务): from when, and until when."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from contracts.divisions import NATION
from services.ledger.policy.language.facts import Person
from services.ledger.policy.language.findings import Finding, Kind, OwnClauses
from services.ledger.policy.language.settings import Settings, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule

End = Literal["obliged", "next_year", "same_year"]
"""The duty goes on, or ends with the year of the event, or before it."""


class Obligation(TargetedRule, frozen=True, tag="obligation"):
    """义务: 自取得资格或从事会计工作的次年 (next_year) 或当年 (same_year) 起, 至退休或离开会计岗位的次年或当年止。

    From which year somebody is obliged and, after retiring or leaving accounting work, from which year no longer.
    """

    qualified: Literal["next_year", "same_year"] | None = None
    working: Literal["next_year", "same_year"] | None = None
    graduated: Literal["next_year", "same_year"] | None = None
    both: Literal["earlier", "later"] | None = None
    students: Literal["not_obliged", "obliged"] | None = None
    retired: End | None = None
    left: End | None = None

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting per ground, one for both grounds (A-01), one for students (B-09), one for each end (A-14)."""
        for field in ("qualified", "working", "graduated", "both", "students", "retired", "left"):
            if (value := getattr(self, field)) is not None:
                yield f"obligation.{field}", value


class ObligationTerms(Struct, frozen=True):
    """From which year somebody is obliged: years after each ground, None where the ground does not oblige.

    `clauses` are those of the grounds, the nearer notice's first, `qualified_clause` and `working_clause` each ground's own,
    `students_clause` what frees students. `retired_offset` and `left_offset` are years from the event to the first year no
    longer owed; None where it ends nothing.
    """

    qualified_offset: int | None
    working_offset: int | None
    both_earlier: bool
    students: bool
    clauses: tuple[str, ...]
    qualified_clause: str | None = None
    working_clause: str | None = None
    students_clause: str | None = None
    retired_offset: int | None = None
    left_offset: int | None = None
    end_clause: str | None = None
    graduated_offset: int | None = None
    graduated_clause: str | None = None


_OFFSETS: Mapping[str, int | None] = {"next_year": 1, "same_year": 0, "obliged": None}


def terms_of(settings: Settings) -> ObligationTerms:
    """The duty a policy sets; without a clause retiring and leaving end nothing (A-14)."""
    said = dict(settings.under("obligation."))
    offsets = {name: _OFFSETS.get(sourced.value) for name, sourced in said.items()}
    grounds = [said[name] for name in ("qualified", "working") if name in said]
    grounds.sort(key=lambda source: source.place == NATION)
    own = {name: sourced.clause for name, sourced in said.items()}
    end = said.get("retired") or said.get("left")
    return ObligationTerms(
        qualified_offset=offsets.get("qualified"),
        working_offset=offsets.get("working"),
        both_earlier="both" not in said or said["both"].value == "earlier",
        students="students" in said and said["students"].value == "obliged",
        clauses=tuple(dict.fromkeys(source.clause for source in grounds)),
        qualified_clause=own.get("qualified"),
        working_clause=own.get("working"),
        students_clause=own.get("students"),
        retired_offset=offsets.get("retired"),
        left_offset=offsets.get("left"),
        end_clause=end.clause if end else None,
        graduated_offset=offsets.get("graduated"),
        graduated_clause=own.get("graduated"),
    )


def first_obliged_year(duty: ObligationTerms, person: Person) -> int | None:
    """The first credit year the person owes (S0-04, S0-05); None for who has no ground, and for students (B-09)."""
    if person.student and not duty.students:
        return None
    qualified = working = None
    if person.qualified_on is not None and duty.qualified_offset is not None:
        qualified = person.qualified_on.year + duty.qualified_offset
    if person.working_since is not None and duty.working_offset is not None:
        working = person.working_since.year + duty.working_offset
    if qualified is None or working is None:
        first = working if qualified is None else qualified
    else:
        first = min(qualified, working) if duty.both_earlier else max(qualified, working)
    graduated = person.traits.graduated_on
    if graduated is None or duty.graduated_offset is None:
        return first
    after = graduated.year + duty.graduated_offset
    return after if first is None else min(first, after)


def binding_clauses(duty: ObligationTerms, person: Person, year: int) -> tuple[str, ...]:
    """The clauses of the ground that binds the person in the year: of the qualification where it does, else of the work
    (S0-04, S0-05); of both where only both together do, or neither is there; of what frees students (B-09)."""
    if person.student and not duty.students:
        return (duty.students_clause,) if duty.students_clause is not None else duty.clauses
    if duty.qualified_clause == duty.working_clause and duty.graduated_clause is None:
        return duty.clauses
    grounds = (
        (person.traits.graduated_on, duty.graduated_offset, duty.graduated_clause),
        (person.qualified_on, duty.qualified_offset, duty.qualified_clause),
        (person.working_since, duty.working_offset, duty.working_clause),
    )
    since = [
        (on.year + after, clause) for on, after, clause in grounds if on and after is not None and clause
    ]
    if not since:
        return duty.clauses
    first = first_obliged_year(duty, person)
    binding = [clause for begins_in, clause in since if begins_in <= max(year, first or year)]
    return tuple(binding) if first is not None and not duty.both_earlier else tuple(binding[:1])


def last_obliged_year(duty: ObligationTerms, person: Person) -> int | None:
    """The last credit year owed where retiring or leaving accounting work ends the duty; None where nothing does."""
    ended = [
        on.year + offset - 1
        for on, offset in ((person.retired_on, duty.retired_offset), (person.left_on, duty.left_offset))
        if on is not None and offset is not None
    ]
    return min(ended, default=None)


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """A total that nobody owes, as no clause obliges anybody in the year."""
    duty, asked = policy.of(ObligationTerms), policy.settings.get("requirement.total")
    obliging = duty.qualified_offset is not None or duty.working_offset is not None
    if obliging or not policy.ordinary or asked is None or asked not in own:
        return
    yield Finding(
        own.pointer(asked) or "",
        "nobody-owes",
        f"没有任何条款规定谁在 {policy.year} 年度负有义务，所要求的学分无人须完成",
        f"no clause says who is obliged in {policy.year}: nobody owes the credits that are asked",
    )


KIND = Kind(rule=Obligation, selectors=PERSONS, terms=terms_of, year_warnings=year_warnings)
