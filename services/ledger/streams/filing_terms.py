"""Terms of a place's notice for filings and rosters: what comes before, who reports, within how many working days,
and which completions cite their filing (S1-14, S3B-10, S2B-13)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from msgspec import Struct

from services.kit.clock import UnknownYear, add_working_days, end_of_day, is_working_day, local_date
from services.kit.errors import Problem
from services.ledger.policy import Account, CompletionFacts, Credit, Policy, Rejected, Sourced, Waiting
from services.ledger.policy.language.facts import Study
from services.ledger.policy.rules.repeats import RepeatTerms
from services.ledger.streams.filing import TrainingFiling
from services.ledger.streams.roster import Reporter


class FilingNotApprovedError(Problem):
    """The training was not approved by the bureau, so nobody can be reported for it (S1-14, S3B-10)."""

    code: ClassVar[str] = "filing-not-approved"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "培训备案未经审核通过，不得报送名单"
    title_en: ClassVar[str] = "The filing is not approved; its roster is refused"


class HeldBeforeApprovalError(Problem):
    """The first hour was before the filing was approved, or submitted where that is enough (S1-14, B-15)."""

    code: ClassVar[str] = "held-before-approval"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "培训在备案通过之前举办，不予登记"
    title_en: ClassVar[str] = "The training was held before its filing was approved"


class TrainingNotEndedError(Problem):
    """The last hour of the training is not over."""

    code: ClassVar[str] = "training-not-ended"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "培训尚未结束"
    title_en: ClassVar[str] = "The training has not ended"


class ReporterNotAllowedError(Problem):
    """The notice names who reports the persons of a training, and the caller is none of them (S1-15, S3B-08)."""

    code: ClassVar[str] = "reporter-not-allowed"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "通知未规定由该类单位报送名单"
    title_en: ClassVar[str] = "The notice does not let this kind of organization report"


class RosterLateError(Problem):
    """The working days after the training have run out (`due` was the last): give `late_reason` (S1-15, A-16)."""

    code: ClassVar[str] = "roster-late"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "已超过报送期限，须说明原因"
    title_en: ClassVar[str] = "The limit for the roster has passed; a reason is needed"


class WorkingDaysUnknownError(Problem):
    """The working days of `year` are not announced, so nobody can say whether the roster is late: give `late_reason`,
    or wait."""

    code: ClassVar[str] = "working-days-unknown"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度工作日安排尚未公布，无法判断是否逾期"
    title_en: ClassVar[str] = "The working days of that year are not announced"


class Reported(Struct, frozen=True):
    """By when a roster is due, and whether it comes later; `due` is None without a limit, or without a calendar."""

    due: date | None
    late: bool
    clause: str | None


class TrainingTerms:
    """The rules of one policy about trainings of one mode."""

    def __init__(self, policy: Policy | None, mode: str) -> None:
        self._policy = policy
        self._mode = mode
        self.before = self._setting("filing.before")
        self.reporters = self._setting("filing.reporters")
        self.report_days = self._setting("filing.report_working_days")
        self.approval = policy.settings.get("time_limit.filing_approval") if policy is not None else None

    def _setting(self, name: str) -> Sourced[Any] | None:
        if self._policy is None:
            return None
        settings = self._policy.settings
        return settings.get(f"{name}.{self._mode}") or settings.get(f"{name}.*")

    def approval_due(self, submitted_at: datetime) -> date | UnknownYear | None:
        """The last day for the bureau's decision; None where the notice sets no limit."""
        if self.approval is None:
            return None
        return add_working_days(local_date(submitted_at), self.approval.value.working_days)

    def must_report(self, reporter: Reporter) -> None:
        """Raises ReporterNotAllowedError; without a rule whoever filed the training reports."""
        allowed = self.reporters.value if self.reporters is not None else ("provider",)
        if reporter not in allowed:
            raise ReporterNotAllowedError(clause=self.reporters.clause if self.reporters else None)

    def must_have_come_before(self, filing: TrainingFiling, now: datetime) -> None:
        """The filing was approved before the first hour, and the last is over (S1-14, S3B-10, B-15).

        Where the notice asks for a plan handed in (S2B-13), its submission is what counts. Raises
        FilingNotApprovedError, HeldBeforeApprovalError and TrainingNotEndedError.
        """
        clause = self.before.clause if self.before is not None else None
        submitted = self.before is not None and self.before.value == "submitted"
        states = ("approved", "submitted") if submitted else ("approved",)
        if filing.state not in states:
            raise FilingNotApprovedError(clause=clause, state=filing.state)
        moment = filing.submitted_at if submitted else filing.decided_at
        if moment is None or moment >= filing.begins_at:
            raise HeldBeforeApprovalError(clause=clause)
        if now < filing.ends_at:
            raise TrainingNotEndedError(ends_at=filing.ends_at.isoformat())

    def reported(self, filing: TrainingFiling, now: datetime, reason: str | None) -> Reported:
        """Whether the roster comes in time (S1-15); the day of the training's end is day 0 (B-18).

        Raises RosterLateError and WorkingDaysUnknownError when no reason is given.
        """
        if self.report_days is None:
            return Reported(None, False, None)
        clause, days = self.report_days.clause, int(self.report_days.value)
        ended = local_date(filing.ends_at)
        due = add_working_days(ended, days)
        if isinstance(due, UnknownYear):
            late = _certainly_late(ended, local_date(now), days)
            if late is None and reason is None:
                raise WorkingDaysUnknownError(clause=clause, year=due.year)
            if late and reason is None:
                raise RosterLateError(clause=clause, working_days=days)
            return Reported(None, late is not False, clause)
        late = now >= end_of_day(due)
        if late and reason is None:
            raise RosterLateError(clause=clause, due=due.isoformat(), working_days=days)
        return Reported(due, late, clause)


def _certainly_late(ended: date, today: date, days: int) -> bool | None:
    """Whether the limit has passed, whatever the working days of unannounced years will be; None when that decides."""
    passed = [is_working_day(day) for day in _days(ended, today)]
    if len([day for day in passed if day is not False]) < days:
        return False
    return True if len([day for day in passed if day is True]) >= days else None


def _days(start: date, end: date) -> Iterator[date]:
    """The days after the start and before the end."""
    day = start + timedelta(days=1)
    while day < end:
        yield day
        day += timedelta(days=1)


def unfiled(
    policy: Policy, facts: CompletionFacts, filing_id: str | None, filings: Mapping[str, TrainingFiling]
) -> Rejected | None:
    """Why a completion lacks the filing that the notice demands of its mode; None when it demands none, or the one cited is
    of this provider and year, came before its first hour, and has a session that ended on this day."""
    before = policy.filed_first(facts.mode)
    if before is None:
        return None
    if filing_id is None:
        return Rejected("filing-needed", before.clause, {"mode": facts.mode})
    filing = filings.get(filing_id)
    if filing is None or not _is_of(filing, facts) or not _came_before(policy, filing):
        return Rejected("filing-not-suitable", before.clause)
    return None


def _is_of(filing: TrainingFiling, facts: CompletionFacts) -> bool:
    day = local_date(facts.completed_at)
    return (
        filing.organization_id == facts.provider_id
        and filing.year == facts.year
        and filing.mode == facts.mode
        and any(local_date(session.ends_at) == day for session in filing.sessions)
    )


def _came_before(policy: Policy, filing: TrainingFiling) -> bool:
    try:
        TrainingTerms(policy, filing.mode).must_have_come_before(filing, filing.ends_at)
    except Problem:
        return False
    return True


_FEW_CREDITS = 16
"""So many are looked through faster than put in order."""


class Courses:
    """The credits of an account by their course, and those of rosters, kept while records are decided one after another: to
    look through the whole account for each of them would take the square of a day on which thousands come.
    """

    __slots__ = ("_list", "_places", "_rostered", "_seen")

    def __init__(self) -> None:
        self._list: list[Credit] | None = None
        self._seen = 0
        self._places: dict[object, list[int]] = {}
        self._rostered: list[int] = []

    def of(self, credits: list[Credit], course: object) -> list[Credit]:
        """Those of a course, as they stand; the list is the one asked about before, perhaps longer, or another."""
        if len(credits) <= _FEW_CREDITS:
            return [credit for credit in credits if credit.course == course]
        self._look_at(credits)
        return [credits[place] for place in self._places.get(course, ())]

    def rostered(self, credits: list[Credit]) -> list[Credit]:
        """Those that a roster registered, likewise."""
        if len(credits) <= _FEW_CREDITS:
            return [credit for credit in credits if credit.route == "roster"]
        self._look_at(credits)
        return [credits[place] for place in self._rostered]

    def _look_at(self, credits: list[Credit]) -> None:
        if credits is not self._list or len(credits) < self._seen:
            self._list, self._seen = credits, 0
            self._places.clear()
            self._rostered.clear()
        for place in range(self._seen, len(credits)):
            self._places.setdefault(credits[place].course, []).append(place)
            if credits[place].route == "roster":
                self._rostered.append(place)
        self._seen = len(credits)


def reported_before(
    account: Account, facts: CompletionFacts, terms: RepeatTerms, courses: Courses
) -> Credit | Waiting | Rejected | None:
    """The record that counts for the study already: of the same course in the same time under another id, or of a course
    that may not count again (B-21). A refusal where the record that it says it repeats is none of the course."""
    if terms.again == "free" and facts.repeat_of is None and _is_alone(account, facts.completed_at):
        return None
    alike = courses.of(account.credits, facts.course) if "course" in terms.same else account.credits
    known: list[Credit | Waiting] = [
        each
        for each in alike
        if each.route == "provider" and each.state == "registered" and not _is_own(each, facts)
    ]
    known += [each for each in account.waiting if not _is_own(each, facts)]
    if not known and facts.repeat_of is None:
        return None
    if facts.repeat_of is not None and not any(
        each.completion_id == facts.repeat_of and terms.is_same_course(each, facts, facts.provider_id)
        for each in known
    ):
        return Rejected("repeat-unknown", terms.clause, {"repeat_of": facts.repeat_of})
    return next((each for each in known if terms.is_repeat(each, facts, facts.provider_id)), None)


def _is_alone(account: Account, at: datetime) -> bool:
    """Whether surely nothing else was completed at the moment: told of few credits without looking closer at any."""
    return (
        not account.waiting
        and len(account.credits) <= _FEW_CREDITS
        and at not in [credit.completed_at for credit in account.credits]
    )


def _is_own(known: Credit | Waiting, facts: CompletionFacts) -> bool:
    return known.completion_id == facts.completion_id and known.provider == facts.provider_id


def reported_for_another_year(accounts: Iterable[Account], facts: CompletionFacts) -> Credit | Waiting | None:
    """The record that counts the very study already for another of the person's years: of the same course in the same time
    (A-08, B-21)."""
    same = RepeatTerms()
    for account in accounts:
        every: list[Credit | Waiting] = [*account.credits, *account.waiting]
        for known in every:
            counts = isinstance(known, Waiting) or (known.route, known.state) == ("provider", "registered")
            if counts and same.is_repeat(known, facts, facts.provider_id):
                return known
    return None


class Attended(NamedTuple):
    """What a roster says that somebody attended of a filed training: from its first day to its last."""

    organization: str | None
    mode: str
    filing: str | None
    first: date
    last: date

    def is_reported_by(self, study: Study, provider: str | None) -> bool:
        """Whether a completion is of it (A-15): of the same organization and mode, it cites the filing, or, where it cites
        none, it ends on one of these days."""
        if (provider, study.mode) != (self.organization, self.mode):
            return False
        if study.filing is not None:
            return study.filing == self.filing
        return self.first <= study.days[1] <= self.last


def counted_by_roster(account: Account, facts: CompletionFacts, courses: Courses) -> Credit | None:
    """The credit by which a roster has counted the training already that is reported: of its last day."""
    standing = [each for each in courses.rostered(account.credits) if each.state == "registered"]
    if not standing:
        return None
    by_filing: dict[str | None, list[Credit]] = defaultdict(list)
    for credit in sorted(standing, key=lambda each: each.completed_at):
        by_filing[credit.filing].append(credit)
    for filing, credits in by_filing.items():
        last = credits[-1]
        attended = Attended(last.provider, last.mode, filing, credits[0].days[0], last.days[1])
        if attended.is_reported_by(facts, facts.provider_id):
            return last
    return None


def counted_already(
    account: Account,
    facts: CompletionFacts,
    terms: RepeatTerms,
    courses: Courses,
    beside: Iterable[Account] = (),
) -> Credit | Waiting | Rejected | None:
    """What counts for the study already: another record of the year, or of one of the accounts `beside` it, or a roster.

    A refusal as `reported_before` gives it.
    """
    return (
        reported_before(account, facts, terms, courses)
        or reported_for_another_year(beside, facts)
        or counted_by_roster(account, facts, courses)
    )
