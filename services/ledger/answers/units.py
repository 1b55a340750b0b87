"""A unit (单位) and its people in a year: who has met it, and what the others miss (S0-24, S1-20, S3A-04)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.audit import about
from services.kit.clock import Clock, local_date
from services.kit.pydantic_models import view
from services.ledger.answers.other_years import OtherYears
from services.ledger.answers.viewers import Viewer
from services.ledger.policy import Assessment, Missing
from services.ledger.store.people import Cursor, Employers, Keeper, People
from services.ledger.store.profiles import reach_of
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.problems import NotOwnEmployerError


class UnitMember(Struct, frozen=True, kw_only=True):
    """One person's year as their employer sees it: no credit, no provider. `until` is the last day on which what is missing
    can still be studied, in the year or in a make-up that is open; `clause` sets it."""

    person_id: str
    place: str
    status: str
    provisional: bool
    total: Decimal
    missing: tuple[Missing, ...]
    until: date | None
    make_up: bool
    clause: str | None


class UnitAnswer(Struct, frozen=True, kw_only=True):
    """A page of an employer's people; `next` continues it, null at the end. With a status asked for, pages may be short."""

    employer: str
    year: int
    on: date
    items: list[UnitMember]
    next: str | None


class Units:
    """Answers about the people of one employer."""

    def __init__(
        self, employers: Employers, people: People, policies: PublishedPolicies, clock: Clock
    ) -> None:
        self._employers = employers
        self._people = people
        self._policies = policies
        self._clock = clock

    async def get_unit(
        self,
        employer: str,
        year: int,
        viewer: Viewer,
        *,
        on: date | None,
        statuses: Sequence[str],
        after: Cursor,
        limit: int,
    ) -> UnitAnswer:
        """A page of the employer's people: its own view, or an official's of those in their place.

        Raises NotOwnEmployerError for an organization that asks about another.
        """
        if viewer.place is None and viewer.employer != employer:
            raise NotOwnEmployerError
        place = viewer.place or NATION
        logs = AUTHORITIES if place == NATION else (authority_of(place),)
        homes = await self._employers.employed(employer, logs, reach_of(place), year, after, limit)
        for home in homes:
            about(home.person_id, home.profile.person.place)
        day = on or local_date(self._clock())
        years = OtherYears(self._people, self._policies.book, day, place)
        answers = await years.answers({home.person_id: home for home in homes}, year)
        members = (_member(home, answers[home.person_id]) for home in homes)
        following = f"{homes[-1].log}~{homes[-1].person_id}" if len(homes) == limit else None
        return UnitAnswer(
            employer=employer,
            year=year,
            on=day,
            items=[member for member in members if not statuses or member.status in statuses],
            next=following,
        )


def _member(home: Keeper, answer: Assessment) -> UnitMember:
    until, clause = _deadline(answer) if answer.missing else (None, None)
    make_up = answer.status == "deficient" and answer.make_up is not None and answer.make_up.open
    return view(UnitMember, answer, person_id=home.person_id, until=until, make_up=make_up, clause=clause)


def _deadline(answer: Assessment) -> tuple[date | None, str | None]:
    if answer.status == "undecided":
        return None, None
    if answer.status == "deficient":
        made = answer.make_up
        if made is None or not made.open:
            return None, None
        return made.study_until or made.until, made.clause
    last = [each for each in answer.deadlines if each.act in ("study", "deferral") and each.until is not None]
    found = max(last, key=lambda each: each.until or date.min, default=None)
    return (found.until, found.clause) if found is not None else (None, None)
