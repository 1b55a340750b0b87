"""What a place's notice asks of filings and rosters: what comes before, who reports, within how many working days."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct

from services.kit.calendar import UnknownYear, add_working_days, is_working_day
from services.kit.clock import end_of_day, local_date
from services.ledger.policy import Policy, Sourced
from services.ledger.trainings.events import Reporter
from services.ledger.trainings.filing import TrainingFiling
from services.ledger.trainings.problems import (
    FilingNotApprovedError,
    HeldBeforeApprovalError,
    ReporterNotAllowedError,
    RosterLateError,
    TrainingNotEndedError,
    WorkingDaysUnknownError,
)


class Reported(Struct, frozen=True):
    """By when a roster is due, and whether it comes later; `due` is None without a limit, or without a calendar."""

    due: date | None
    late: bool
    clause: str | None


class FilingTerms:
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
