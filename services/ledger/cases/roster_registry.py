"""Registration of approved rows: in accounts, in waiting rooms those of strangers, and out of them when the person
arrives."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from contracts.divisions import contains
from services.kit.clock import local_date
from services.kit.errors import Problem
from services.ledger.cases.roster_credits import ROSTER_ROW, ApprovedRow, days_of, judge, settle, trainer
from services.ledger.policy import Account, HoldReason, Policy, PolicyBook, hold_clause
from services.ledger.policy.language.target import Learning
from services.ledger.store.filings import ROSTER_ROWS
from services.ledger.store.unit import LedgerUnit, release_waiting
from services.ledger.streams.account_events import CreditEarned
from services.ledger.streams.facts import Facts
from services.ledger.streams.filing import TrainingFiling
from services.ledger.streams.profile import Profile
from services.ledger.streams.provider import Provider
from services.ledger.streams.roster import Roster, RosterRow, RosterRowsReleased, RowDecision
from services.ledger.streams.waiting import ParkedRecord, ParkedRecordReleased, RecordParked
from services.ledger.streams.who_judges import ProfileLeftError, must_judge
from services.ledger.streams.year import CorrectionReason, correction_in


class Registrar:
    """What rows become, over the state of one log."""

    def __init__(
        self,
        unit: LedgerUnit,
        book: PolicyBook,
        nation: Mapping[str, Provider],
        facts: Facts,
        correction: CorrectionReason | None = None,
    ) -> None:
        """With a `correction` rows of closed years are registered too, marked with that reason (B-07)."""
        self._correction = correction
        self._unit = unit
        self._book = book
        self._nation = dict(nation)
        self._facts = facts

    def preview(self, filing: TrainingFiling, row: RosterRow, employer: str | None) -> str | None:
        """Why a row would wait, None when it would be registered today. Raises what refuses it."""
        approved = self._approved(
            filing, f"{filing.filing_id}-0", row, employer, late=False, by="", at=self._unit.now
        )
        profile, reason = self._person(row)
        if profile is None:
            assert reason is not None, "whoever is absent is absent for a reason"
            return self._told(filing, row, reason, employer)
        policy = self._book.policy_for(profile.person, filing.year)
        here = self._unit.providers.get(filing.organization_id)
        standing = trainer(filing.organization_id, here, self._nation.get(filing.organization_id), policy)
        account = self._unit.account(profile.person.person_id, filing.year).account
        for item in judge(policy, standing, profile, account, self._facts, approved, self._unit.now):
            self._correction_in(profile, account, item.terms.make_up)
        return None

    def hold_clause(self, filing: TrainingFiling, reason: str) -> str | None:
        """The clause by which a row waits for its person (S0-23, S1-06)."""
        policy = self._book.resolve(filing.place, filing.year)
        return hold_clause(policy.settings, reason) if policy is not None else None

    def _correction_in(self, profile: Profile, account: Account, make_up: bool) -> CorrectionReason | None:
        state, place = self._unit, profile.person.place
        return correction_in(
            state.closures, place, account, state.now, make_up=make_up, correction=self._correction
        )

    def approve(
        self, filing: TrainingFiling, roster: Roster, row: RosterRow, employer: str | None, by: str
    ) -> RowDecision:
        """Register one row, let it wait for its person, or refuse it with the problem's code."""
        try:
            late, at = roster.late, roster.uploaded_at
            approved = self._approved(filing, roster.roster_id, row, employer, late=late, by=by, at=at)
            profile, reason = self._person(row)
            if profile is not None:
                reason = self._whereabouts(profile, approved)
            if profile is None or reason is not None:
                assert reason is not None, "whoever is absent is absent for a reason"
                self._hold(approved, row, reason, self.hold_clause(filing, reason))
                told = self._told(filing, row, reason, employer)
                clause = self.hold_clause(filing, told)
                return RowDecision(row_id=row.row_id, outcome="held", reason=told, clause=clause)
            return self._settle(approved, profile)
        except Problem as problem:
            return _refused(row.row_id, problem)

    def release(self, identity_hash: str, held: ParkedRecord, profile: Profile) -> tuple[str, RowDecision]:
        """Decide a row whose person has arrived; the roster it is of, and what became of it."""
        approved = msgspec.convert(held.record, ApprovedRow, strict=False)
        try:
            decision = self._settle(approved, profile)
        except Problem as problem:
            decision = _refused(approved.row_id, problem)
        self._unit.append_to_room(
            identity_hash,
            ParkedRecordReleased(
                kind=held.kind,
                provider_id=held.provider_id,
                record_id=held.record_id,
                year=approved.year,
                person_id=profile.person.person_id,
                outcome="registered" if decision.outcome == "registered" else "rejected",
                problem=decision.reason,
                clause=decision.clause,
                reason=held.reason,
            ),
        )
        return approved.roster_id, decision

    def _settle(self, row: ApprovedRow, profile: Profile) -> RowDecision:
        policy = self._book.policy_for(profile.person, row.year)
        try:
            earned = self._earned(policy, row, profile)
        except Problem as refused:
            # What a notice of later refuses was handed in, and would have counted, under those of its day (B-20, B-25).
            then = self._book.policy_then(profile.person, row.year, row.reported_at)
            if then is None:
                raise
            try:
                earned = self._earned(then, row, profile)
            except Problem:
                raise refused from None
        entry = self._unit.account(profile.person.person_id, row.year)
        if policy is not None and entry.account.waiting:
            # What waits for the total counts these credits too (B-05).
            release_waiting(self._unit, policy, entry, profile.person.place)
        return RowDecision(
            row_id=row.row_id,
            outcome="registered",
            clause=earned[0].clause,
            credit_ids=tuple(credit.credit_id for credit in earned),
        )

    def _earned(self, policy: Policy | None, row: ApprovedRow, profile: Profile) -> list[CreditEarned]:
        here, nation = self._unit.providers.get(row.organization_id), self._nation.get(row.organization_id)
        standing = trainer(row.organization_id, here, nation, policy)
        return settle(self._unit, policy, standing, profile, self._facts, row, self._correction_in)

    def _learning(self, filing: TrainingFiling) -> Learning:
        """What is known of a training before it is known who attended it."""
        held = self._unit.providers.get(filing.organization_id)
        names = (held.uscc, held.name) if held is not None else ()
        course = filing.courses[0] if filing.courses else None
        provider = frozenset(name for name in names if name)
        return Learning((filing.category,), filing.mode, None, course, provider, "roster")

    def _approved(
        self,
        filing: TrainingFiling,
        roster_id: str,
        row: RosterRow,
        employer: str | None,
        *,
        late: bool,
        by: str,
        at: datetime,
    ) -> ApprovedRow:
        policy = self._book.resolve(filing.place, filing.year)
        if policy is not None:
            policy = policy.of_learning(self._learning(filing))
        return ApprovedRow(
            roster_id=roster_id,
            row_id=row.row_id,
            filing_id=filing.filing_id,
            organization_id=filing.organization_id,
            employer=employer,
            year=filing.year,
            category=filing.category,
            mode=filing.mode,
            title=filing.title,
            course=filing.courses[0] if filing.courses else "",
            content=row.content,
            late=late,
            days=days_of(filing, row.sessions, row.hours, policy, local_date(self._unit.now)),
            decided_by=by,
            reported_at=at,
        )

    def _person(self, row: RosterRow) -> tuple[Profile | None, HoldReason | None]:
        profile = self._unit.profiles.get(row.identity_hash)
        if profile is None:
            elsewhere = row.identity_hash in self._unit.elsewhere
            return None, "profile_elsewhere" if elsewhere else "not_collected"
        called = profile.is_called(row.identity_hash, row.name_hash)
        return (profile, None) if called else (None, "name_differs")

    def _told(
        self, filing: TrainingFiling, row: RosterRow, reason: HoldReason, employer: str | None
    ) -> HoldReason:
        """What is said of why a row waits: of a number with another name only for people of the place of the filing and of
        the employer that reports, of a profile elsewhere only to who names number and name.
        """
        if reason == "name_differs":
            profile = self._unit.profiles[row.identity_hash]
            own = employer is not None and employer == profile.person.employer
            return reason if own or contains(filing.place, profile.person.place) else "not_collected"
        elsewhere = self._unit.elsewhere.get(row.identity_hash)
        if elsewhere is not None and not elsewhere.is_called(row.identity_hash, row.name_hash):
            return "not_collected"
        return reason

    def _whereabouts(self, profile: Profile, row: ApprovedRow) -> HoldReason | None:
        """Why a row of somebody who has left waits for them here; study done before is registered, and passed on.

        Raises YearJudgedElsewhereError.
        """
        try:
            must_judge(profile, row.year, self._book, max(day.completed_at for day in row.days))
        except ProfileLeftError:
            return "profile_elsewhere"
        return None

    def _hold(self, approved: ApprovedRow, row: RosterRow, reason: HoldReason, clause: str | None) -> None:
        event = RecordParked(
            kind=ROSTER_ROW,
            provider_id=approved.organization_id,
            record_id=f"{approved.roster_id}.{approved.row_id}",
            year=approved.year,
            identity_hash=row.identity_hash,
            name_hash=row.name_hash,
            reason=reason,
            clause=clause,
            content=row.content,
            record=_plain(approved),
            reported_at=approved.reported_at,
        )
        self._unit.append_to_room(row.identity_hash, event)


async def release_rosters(unit: LedgerUnit, registrar: Registrar, arrived: Mapping[str, Profile]) -> None:
    """Decide the approved rows that waited for the people who have arrived, and say so in their rosters."""
    decided: dict[str, list[RowDecision]] = {}
    here = {key: profile for key, profile in arrived.items() if profile.left is None}
    for identity_hash, profile in sorted(here.items(), key=lambda item: item[0]):
        for held in unit.room(identity_hash).room.records:
            if held.kind == ROSTER_ROW and profile.is_called(identity_hash, held.name_hash):
                roster_id, decision = registrar.release(identity_hash, held, profile)
                decided.setdefault(roster_id, []).append(decision)
    for roster_id, decisions in sorted(decided.items()):
        entry = await ROSTER_ROWS.find(unit.conn, [unit.log], roster_id)
        assert entry is not None, "a row waits only for a roster of its log"
        event = RosterRowsReleased(roster_id=roster_id, rows=tuple(decisions), at=unit.now)
        await ROSTER_ROWS.append(unit, entry.stream_id, entry, event)


def _refused(row_id: str, problem: Problem) -> RowDecision:
    return RowDecision(row_id=row_id, outcome="refused", reason=problem.code, clause=problem.clause)


def _plain(approved: ApprovedRow) -> dict[str, object]:
    """The row as plain data, in the order in which the event's encoding puts it: a rebuild writes the same."""
    data: dict[str, object] = msgspec.json.decode(msgspec.json.encode(approved, order="sorted"))
    return data
