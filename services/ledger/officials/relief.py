"""Reliefs: what an authority grants a person for a year, to be free of it, more time for it (A-14), or its make-up for a
special reason (A-06), and how each ends."""

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar, Literal

from msgspec import Struct

from contracts.divisions import contains
from services.kit.clock import local_date
from services.kit.command import WritePath
from services.kit.errors import Problem
from services.kit.events import Event
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.pydantic_models import view
from services.ledger.policy import Account, Policy, granted_for
from services.ledger.policy.judging.make_up_gates import has_special_reason
from services.ledger.policy.judging.requirements import deferral_on, exemption_on
from services.ledger.store.people import Keeper, People
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams.account_events import (
    DeferralEnded,
    DeferralGranted,
    ExemptionEnded,
    ExemptionGranted,
    SpecialReasonApproved,
    SpecialReasonEnded,
)
from services.ledger.streams.problems import NoPolicyHereError, OutsidePlaceError
from services.ledger.streams.who_judges import must_judge
from services.ledger.streams.year import last_day_of


class AlreadyExemptError(Problem):
    """The year is exempt already."""

    code: ClassVar[str] = "already-exempt"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度已免除"
    title_en: ClassVar[str] = "The year is exempt already"


class AlreadyDeferredError(Problem):
    """The year is deferred already; end that first, or let it run out. `until` is its last day."""

    code: ClassVar[str] = "already-deferred"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度已延期"
    title_en: ClassVar[str] = "The year is deferred already"


class NoReliefError(Problem):
    """Nothing was granted for the year that would still hold after that day."""

    code: ClassVar[str] = "relief-absent"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "没有可终止的免除、延期或特殊原因认可"
    title_en: ClassVar[str] = "There is nothing to end"


class SpecialReasonApprovedAlreadyError(Problem):
    """The person's special reason for the year is approved already."""

    code: ClassVar[str] = "special-reason-approved"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度的特殊原因已认可"
    title_en: ClassVar[str] = "The special reason for the year is approved already"


class SpecialReasonNotAskedError(Problem):
    """No make-up of the year asks for a special reason here: approving one would open nothing (A-06)."""

    code: ClassVar[str] = "special-reason-not-asked"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "该年度的补学不以特殊原因为条件"
    title_en: ClassVar[str] = "No make-up of the year asks for a special reason"


class ReliefNotAllowedError(Problem):
    """The notice here (`clause`) allows no such relief for this reason."""

    code: ClassVar[str] = "relief-not-allowed"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "通知未规定可因此原因免除或延期"
    title_en: ClassVar[str] = "The notice allows no such relief for this reason"


class DeferralTooLongError(Problem):
    """The notice here (`clause`) lets nobody have longer than its own day (`last_day`) for this reason."""

    code: ClassVar[str] = "deferral-too-long"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "延期日期晚于通知允许的日期"
    title_en: ClassVar[str] = "A deferral may not lead beyond the day the notice allows"


class DeferralNotLaterError(Problem):
    """The day is not after today, or not after the year's own last day (`last_day`): nothing would be deferred."""

    code: ClassVar[str] = "deferral-not-later"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "延期日期须晚于该年度的截止日期"
    title_en: ClassVar[str] = "A deferral must lead beyond the year's own last day"


ExemptionReason = Literal[
    "illness", "childbirth", "abroad", "age", "retired", "left_accounting", "disaster", "seconded", "other"
]
DeferralReason = Literal["illness", "childbirth", "abroad", "disaster", "seconded", "other"]
EndReason = Literal["returned_to_work", "reason_ceased", "granted_in_error", "withdrawn_by_person", "other"]
Relief = Literal["exemption", "deferral", "special_reason"]


class GrantExemption(Struct, frozen=True, kw_only=True):
    """An authority frees a person of a year, for good or until a day (A-14)."""

    person_id: str
    year: int
    reason: ExemptionReason
    authority: str
    decided_by: str
    until: date | None = None


class GrantDeferral(Struct, frozen=True, kw_only=True):
    """An authority gives a person until a later day for a year (A-14)."""

    person_id: str
    year: int
    reason: DeferralReason
    authority: str
    decided_by: str
    until: date


class ApproveSpecialReason(Struct, frozen=True, kw_only=True):
    """An official approves the special reason for which a person missed a year (A-06)."""

    person_id: str
    year: int
    reason: DeferralReason
    authority: str
    decided_by: str


class EndRelief(Struct, frozen=True, kw_only=True):
    """An authority ends what it granted; `until` is the last day it holds, today when left out."""

    kind: Relief
    person_id: str
    year: int
    reason: EndReason
    authority: str
    decided_by: str
    until: date | None = None


class ReliefOutcome(Struct, frozen=True, kw_only=True):
    """What was granted or ended, and the last day it holds; null for one without an end."""

    person_id: str
    year: int
    reason: ExemptionReason | EndReason
    until: date | None


def grant_exemption(
    account: Account, policy: Policy | None, command: GrantExemption, today: date
) -> ExemptionGranted:
    """Free the person of the year. Raises AlreadyExemptError while an exemption holds, and ReliefNotAllowedError where the
    notice speaks of the reason and frees nobody for it."""
    allowed = granted_for(policy.settings, command.reason, account.year) if policy is not None else None
    if allowed is not None and allowed.effect != "exempt":
        raise ReliefNotAllowedError(pointer="/reason", clause=allowed.clause)
    if exemption_on(account, today) is not None:
        raise AlreadyExemptError
    return ExemptionGranted(
        person_id=account.person_id,
        year=account.year,
        reason=command.reason,
        authority=command.authority,
        decided_by=command.decided_by,
        granted_on=today,
        until=command.until,
    )


def grant_deferral(account: Account, policy: Policy, command: GrantDeferral, today: date) -> DeferralGranted:
    """Give the person until a later day. Raises AlreadyDeferredError, DeferralNotLaterError and, where the notice speaks of
    the reason, ReliefNotAllowedError and DeferralTooLongError."""
    allowed = granted_for(policy.settings, command.reason, account.year)
    if allowed is not None and allowed.effect == "none":
        raise ReliefNotAllowedError(pointer="/reason", clause=allowed.clause)
    if allowed is not None and allowed.until is not None and command.until > allowed.until:
        raise DeferralTooLongError(
            pointer="/until", clause=allowed.clause, last_day=allowed.until.isoformat()
        )
    held = deferral_on(account, today)
    if held is not None:
        raise AlreadyDeferredError(until=held.until.isoformat())
    last_day = last_day_of([policy])
    if command.until <= max(last_day, today):
        raise DeferralNotLaterError(pointer="/until", last_day=last_day.isoformat())
    return DeferralGranted(
        person_id=account.person_id,
        year=account.year,
        reason=command.reason,
        authority=command.authority,
        decided_by=command.decided_by,
        granted_on=today,
        until=command.until,
        clause=allowed.clause if allowed is not None else None,
    )


def approve_special_reason(
    account: Account, policy: Policy, command: ApproveSpecialReason, today: date
) -> SpecialReasonApproved:
    """Open the make-up that asks for a special reason to providers' records. Raises SpecialReasonApprovedAlreadyError, and
    SpecialReasonNotAskedError where no window of the year asks for one."""
    asked = [window for window in policy.make_up if "special_reason" in window.conditions]
    if not asked:
        raise SpecialReasonNotAskedError
    if has_special_reason(account):
        raise SpecialReasonApprovedAlreadyError
    return SpecialReasonApproved(
        person_id=account.person_id,
        year=account.year,
        reason=command.reason,
        authority=command.authority,
        decided_by=command.decided_by,
        granted_on=today,
        clause=asked[0].clause,
    )


def end_relief(
    account: Account, command: EndRelief, today: date
) -> ExemptionEnded | DeferralEnded | SpecialReasonEnded:
    """End what was granted with a day that becomes the last it holds; an approved reason ends at once. Raises NoReliefError
    when there is nothing to end, or it ends no later anyway."""
    until = command.until or today
    if command.kind == "special_reason":
        if not has_special_reason(account):
            raise NoReliefError
        return SpecialReasonEnded(
            person_id=account.person_id,
            year=account.year,
            reason=command.reason,
            authority=command.authority,
            decided_by=command.decided_by,
            ended_on=today,
        )
    granted = account.exempt if command.kind == "exemption" else account.deferred
    if granted is None or (granted.until is not None and granted.until <= until):
        raise NoReliefError
    ended = ExemptionEnded if command.kind == "exemption" else DeferralEnded
    return ended(
        person_id=account.person_id,
        year=account.year,
        reason=command.reason,
        authority=command.authority,
        decided_by=command.decided_by,
        until=until,
        ended_on=today,
    )


Decide = Callable[[Keeper, Account, date], Event]


class Reliefs:
    """Grants and ends exemptions, deferrals and special reasons for officials of the person's place."""

    def __init__(self, path: WritePath[LedgerUnit], policies: PublishedPolicies, people: People) -> None:
        self._policies = policies
        self._people = people
        self._path = path

    async def grant_exemption(self, command: GrantExemption, key: CommandKey) -> StoredAnswer:
        """Free a person of a year, for good or until a day.

        Raises UnknownPersonError, OutsidePlaceError, AlreadyExemptError, ReliefNotAllowedError, and as `must_judge`.
        """

        def decide(home: Keeper, account: Account, today: date) -> Event:
            policy = self._policies.book.policy_for(home.profile.person, command.year)
            return grant_exemption(account, policy, command, today)

        return await self._carry_out(command, key, 201, decide)

    async def grant_deferral(self, command: GrantDeferral, key: CommandKey) -> StoredAnswer:
        """Give a person more time for a year.

        Raises UnknownPersonError, OutsidePlaceError, NoPolicyHereError, AlreadyDeferredError, DeferralNotLaterError,
        ReliefNotAllowedError, DeferralTooLongError, and as `must_judge`.
        """

        def decide(home: Keeper, account: Account, today: date) -> Event:
            policy = self._policies.book.policy_for(home.profile.person, command.year)
            if policy is None:
                raise NoPolicyHereError
            return grant_deferral(account, policy, command, today)

        return await self._carry_out(command, key, 201, decide)

    async def approve_special_reason(self, command: ApproveSpecialReason, key: CommandKey) -> StoredAnswer:
        """Approve the special reason for which a person missed a year: its make-up is open to providers' records (A-06).

        Raises UnknownPersonError, OutsidePlaceError, NoPolicyHereError, SpecialReasonNotAskedError,
        SpecialReasonApprovedAlreadyError, and as `must_judge`.
        """

        def decide(home: Keeper, account: Account, today: date) -> Event:
            policy = self._policies.book.policy_for(home.profile.person, command.year)
            if policy is None:
                raise NoPolicyHereError
            return approve_special_reason(account, policy, command, today)

        return await self._carry_out(command, key, 201, decide)

    async def end(self, command: EndRelief, key: CommandKey) -> StoredAnswer:
        """End what was granted. Raises UnknownPersonError, OutsidePlaceError, NoReliefError, and as `must_judge`."""
        return await self._carry_out(
            command, key, 200, lambda _, account, today: end_relief(account, command, today)
        )

    async def _carry_out(
        self,
        command: GrantExemption | GrantDeferral | ApproveSpecialReason | EndRelief,
        key: CommandKey,
        status: int,
        decide: Decide,
    ) -> StoredAnswer:
        home = await self._people.keeper_of(command.person_id, command.authority)
        if not contains(command.authority, home.profile.person.place):
            raise OutsidePlaceError
        must_judge(home.profile, command.year, self._policies.book)

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            await unit.read_accounts([command.person_id], [command.year])
            entry = unit.account(command.person_id, command.year)
            event: Any = decide(home, entry.account, local_date(unit.now))
            unit.append_to_account(entry, event)
            return status, view(ReliefOutcome, command, until=getattr(event, "until", None))

        return await self._path.execute(home.log, key, act)
