"""Credits that one row of an approved roster earns: one for each training day, judged by the policy of the person's
place."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

import msgspec
from msgspec import Struct

from contracts.divisions import chain_of
from services.kit.clock import local_date
from services.ledger.policy import (
    Account,
    Accreditation,
    Activity,
    Category,
    CompletionFacts,
    CreditCategory,
    Policy,
    ProviderStanding,
    Registered,
    Rejected,
    admit,
    award,
    credits_of_hours,
)
from services.ledger.policy.language.facts import Study
from services.ledger.store.unit import AccountEntry, LedgerUnit
from services.ledger.streams import account as accounts
from services.ledger.streams.account import rejected
from services.ledger.streams.account_events import CreditEarned
from services.ledger.streams.facts import FactCountedError, Facts, identity_in
from services.ledger.streams.filing import Session, TrainingFiling
from services.ledger.streams.filing_terms import Attended, TrainingTerms
from services.ledger.streams.problems import refusal_of
from services.ledger.streams.profile import Profile
from services.ledger.streams.provider import Provider
from services.ledger.streams.roster import AttendanceUnclearError, NotEmployedHereError

_CENT = Decimal("0.01")
ROSTER_ROW = "roster_row"
"""The kind under which an approved row waits for its person."""


class TrainingDay(Struct, frozen=True, kw_only=True):
    """What one attended day is worth."""

    day: date
    completed_at: datetime
    credits: Decimal
    category: CreditCategory
    fill: tuple[Category, ...] = ()
    started_on: date | None = None
    rate_clause: str | None = None
    cut: Decimal | None = None


class ApprovedRow(Struct, frozen=True, kw_only=True):
    """A row as it was approved, with all that registering it takes; it waits like this where its person is not known."""

    roster_id: str
    row_id: str
    filing_id: str
    organization_id: str
    employer: str | None
    year: int
    category: Category
    mode: str
    title: str
    course: str
    content: str
    late: bool
    days: tuple[TrainingDay, ...]
    decided_by: str
    reported_at: datetime

    @property
    def attended(self) -> Attended:
        """From the first attended day to the last."""
        first = min(each.started_on or each.day for each in self.days)
        return Attended(
            self.organization_id, self.mode, self.filing_id, first, max(each.day for each in self.days)
        )


def days_of(
    filing: TrainingFiling,
    sessions: Iterable[int],
    hours: Decimal | None,
    policy: Policy | None,
    today: date,
) -> tuple[TrainingDay, ...]:
    """The days a row earns credits for.

    Credits that the filing gives to each session add up day by day, and so do hours where the policy says what an hour is
    worth; hours under a named conversion are one sum, of the days from the first attended to the last.

    Raises AttendanceUnclearError, and a refusal when the policy converts nothing.
    """
    numbers = set(sessions)
    if (hours is None) == (not numbers):
        raise AttendanceUnclearError(pointer="/sessions")
    if any(not 1 <= number <= len(filing.sessions) for number in numbers):
        raise AttendanceUnclearError(pointer="/sessions", planned=len(filing.sessions))
    if hours is not None:
        if not 0 < hours <= filing.hours:
            raise AttendanceUnclearError(pointer="/hours", planned=f"{filing.hours:.2f}")
        if filing.conversion is None and not filing.counted_by_hours and hours < filing.hours:
            raise AttendanceUnclearError(
                "该培训按场次计分，请填写出勤场次。",
                "This training counts by session: name those attended.",
                pointer="/hours",
            )
    attended = [
        session for number, session in enumerate(filing.sessions, 1) if hours is not None or number in numbers
    ]
    if filing.conversion is not None:
        total = hours if hours is not None else sum((session.hours for session in attended), Decimal(0))
        last = max(session.ends_at for session in attended)
        activity = Activity(form=filing.conversion, happened_on=local_date(last), quantity=total)
        awarded = award(policy, activity, filing.place, filing.year, today)
        if isinstance(awarded, Rejected):
            raise refusal_of(awarded)
        return (
            TrainingDay(
                day=local_date(last),
                completed_at=last,
                started_on=min(local_date(session.ends_at) for session in attended),
                credits=awarded.credits,
                category=awarded.category,
                fill=awarded.fill,
                rate_clause=awarded.clause,
            ),
        )
    by_day: dict[date, list[Session]] = {}
    for session in attended:
        by_day.setdefault(local_date(session.ends_at), []).append(session)
    if filing.counted_by_hours:
        return _by_hours(filing, by_day, hours, policy)
    return tuple(
        TrainingDay(
            day=day,
            completed_at=max(session.ends_at for session in there),
            credits=sum((session.credits or Decimal(0) for session in there), Decimal(0)),
            category=filing.category,
        )
        for day, there in sorted(by_day.items())
    )


def _by_hours(
    filing: TrainingFiling, by_day: dict[date, list[Session]], hours: Decimal | None, policy: Policy | None
) -> tuple[TrainingDay, ...]:
    """The policy's credits for the hours of each day; hours told as one sum are spread over the days as planned (B-22)."""
    units = policy.terms_of(filing.mode).units if policy is not None else None
    planned = {day: sum((s.hours for s in there), Decimal(0)) for day, there in sorted(by_day.items())}
    days = []
    for day, counted in (planned if hours is None else _spread(hours, planned)).items():
        worth = credits_of_hours(units, counted, 1, filing.mode)
        if isinstance(worth, Rejected):
            raise refusal_of(worth)
        days.append(
            TrainingDay(
                day=day,
                completed_at=max(session.ends_at for session in by_day[day]),
                credits=worth.credits,
                category=filing.category,
                rate_clause=worth.clause,
                cut=worth.cut,
            )
        )
    return tuple(days)


def _spread(hours: Decimal, planned: Mapping[date, Decimal]) -> dict[date, Decimal]:
    """Attended hours over the planned days, in proportion to each; hundredths that are left over go to the last days."""
    total = sum(planned.values(), Decimal(0))
    shares, before, told = {}, Decimal(0), Decimal(0)
    for day, there in planned.items():
        before += there
        reached = (hours * before / total).quantize(_CENT, rounding=ROUND_DOWN)
        if reached > told:
            shares[day] = reached - told
        told = reached
    return shares


def trainer(
    organization_id: str, here: Provider | None, nation: Provider | None, policy: Policy | None
) -> ProviderStanding:
    """The standing of whoever held a filed training: the approval of the filing is its admission, unless the notice closes
    its list, or the organization was disqualified (S0-25)."""
    unknown = Provider(organization_id=organization_id)
    if policy is None:
        return ProviderStanding(organization_id=organization_id, name="")
    standing = (here or unknown).standing(nation or unknown, chain_of(policy.place))
    years = tuple(range(policy.year, policy.year + 10))
    admitted = Accreditation(place=policy.place, years=years, modes=("face_to_face",))
    return msgspec.structs.replace(standing, accreditations=(admitted,))


class Judged(Struct, frozen=True):
    """A day that counts, with the terms of its registration and its fact."""

    day: TrainingDay
    terms: Registered
    fact: str
    identity: str


def judge(
    policy: Policy | None,
    standing: ProviderStanding,
    profile: Profile,
    account: Account,
    facts: Facts,
    row: ApprovedRow,
    now: datetime,
) -> list[Judged]:
    """The days of a row that count; a day that another route registered is left out (A-15).

    Raises NotEmployedHereError, a refusal of the policy, and FactCountedError when every day is counted already.
    """
    if row.employer is not None and profile.person.employer != row.employer:
        raise NotEmployedHereError
    counted: FactCountedError | None = None
    found = []
    for day in row.days:
        terms = _admitted(policy, standing, profile, account, row, day, now)
        fact = facts.training(row.year, row.filing_id, day.day)
        try:
            identity = identity_in(account, fact)
            _must_not_be_reported(account, row, day)
        except FactCountedError as error:
            counted = counted or error
            continue
        found.append(Judged(day, terms, fact, identity))
    if not found and counted is not None:
        raise counted
    return found


def _admitted(
    policy: Policy | None,
    standing: ProviderStanding,
    profile: Profile,
    account: Account,
    row: ApprovedRow,
    day: TrainingDay,
    now: datetime,
) -> Registered:
    completion = CompletionFacts(
        completion_id=f"{row.roster_id}.{row.row_id}",
        provider_id=row.organization_id,
        year=row.year,
        category=row.category,
        credits=day.credits,
        mode=row.mode,
        completed_at=day.completed_at,
        exam_passed_at=day.completed_at,
        reported_at=row.reported_at,
    )
    answer = admit(policy, completion, profile.person, account, standing, now, "roster")
    if isinstance(answer, Rejected):
        raise refusal_of(answer)
    if answer.make_up:
        return Registered(isinstance(answer, Registered) and answer.late, True, answer.clause)
    # An official has approved it: it waits neither for the total nor for anything else (S3B-10).
    terms = TrainingTerms(policy, row.mode)
    source = terms.report_days or terms.reporters or terms.before
    clause = source.clause if source is not None else answer.clause
    return Registered(isinstance(answer, Registered) and answer.late, False, clause)


def _must_not_be_reported(account: Account, row: ApprovedRow, day: TrainingDay) -> None:
    """The same organization reported the day of the training as a completion already."""
    for credit in account.credits:
        reported = credit.state == "registered" and credit.route == "provider"
        if reported and _is_reported_by(row, day, credit, credit.provider):
            raise FactCountedError(credit_id=credit.credit_id)


def _is_reported_by(row: ApprovedRow, day: TrainingDay, study: Study, provider: str | None) -> bool:
    first, last = study.days
    on_it = (day.started_on or day.day) <= last and first <= day.day
    return on_it and row.attended.is_reported_by(study, provider)


def _end_waiting(unit: LedgerUnit, entry: AccountEntry, row: ApprovedRow, day: TrainingDay) -> None:
    """What the organization reported of the day, and waits, gives way to what an official approved (A-15)."""
    for item in list(entry.account.waiting):
        if _is_reported_by(row, day, item, item.provider):
            refused = Rejected(FactCountedError.code, None)
            unit.append_to_account(entry, rejected(item, entry.account, refused, unit.now))


def settle(
    unit: LedgerUnit,
    policy: Policy | None,
    standing: ProviderStanding,
    profile: Profile,
    facts: Facts,
    row: ApprovedRow,
    correction_in: Callable[[Profile, Account, bool], str | None],
) -> list[CreditEarned]:
    """Register a row; its credits as earned. Raises as `judge`, and what `correction_in` raises of a closed year."""
    entry = unit.account(profile.person.person_id, row.year)
    judged = judge(policy, standing, profile, entry.account, facts, row, unit.now)
    assert policy is not None, "nothing is admitted where no policy is"
    earned = []
    for item in judged:
        day = item.day
        corrected = correction_in(profile, entry.account, item.terms.make_up)
        credit_id = accounts.credit_id_of(
            unit.log, f"roster:{row.roster_id}:{row.row_id}:{day.day.isoformat()}"
        )
        event = CreditEarned(
            credit_id=credit_id,
            person_id=profile.person.person_id,
            year=row.year,
            category=day.category,
            credits=day.credits,
            mode=row.mode,
            completion_id=f"{row.roster_id}.{row.row_id}",
            completed_at=day.completed_at,
            started_on=day.started_on,
            rate_clause=day.rate_clause,
            cut=day.cut,
            content=row.content,
            provider_id=row.organization_id,
            course=row.course,
            title=row.title,
            filing=row.filing_id,
            route="roster",
            fill=day.fill,
            decided_by=row.decided_by,
            fact=item.fact,
            place=profile.person.place,
            clause=item.terms.clause,
            policy=policy.hash,
            registered_at=unit.now,
            late=row.late or item.terms.late,
            make_up=item.terms.make_up,
            correction=corrected,
            provisional=policy.provisional,
        )
        unit.append_to_account(entry, event, item.identity)
        _end_waiting(unit, entry, row, day)
        earned.append(event)
    return earned
