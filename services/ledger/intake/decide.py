"""Decisions on one posted record: pure, over the state of its log."""

from typing import Any

from msgspec.structs import replace

from contracts.divisions import chain_of
from services.kit.clock import local_date
from services.kit.errors import Problem
from services.ledger.intake import completion_events
from services.ledger.intake.completion_events import differing_fields, repeats_travelled, whereabouts
from services.ledger.intake.records import KINDS, Completion, Enrolment, Prepared, restore, without_person
from services.ledger.intake.schemas import Decided, First, Outcome
from services.ledger.policy import (
    CompletionFacts,
    Held,
    HoldReason,
    Policy,
    PolicyBook,
    ProviderStanding,
    Rejected,
    Waiting,
    admit,
    admit_enrolment,
    admit_terms,
    hold_clause,
)
from services.ledger.policy.rules.repeats import RepeatTerms
from services.ledger.store.unit import (
    AccountEntry,
    EarlierRecord,
    LedgerUnit,
    credit_id_of,
    release_waiting,
    waits_in_vain,
)
from services.ledger.streams import account as accounts
from services.ledger.streams.account import modes_of_study
from services.ledger.streams.account_events import CompletionHeld, EnrolmentRecorded, ExamPassed
from services.ledger.streams.filing_terms import counted_already, unfiled
from services.ledger.streams.problems import ProviderUnknownHereError, RecordConflictError, refusal_of
from services.ledger.streams.profile import Profile
from services.ledger.streams.provider import Provider
from services.ledger.streams.waiting import ParkedRecord, ParkedRecordReleased, RecordParked, identity_of
from services.ledger.streams.year import make_up_is_open, year_closed

NOT_COLLECTED: HoldReason = "not_collected"
"""What a provider is told of everybody of whom it may not know more."""


class Decider:
    """Decides records one after another; each sees what the ones before it did."""

    def __init__(self, unit: LedgerUnit, book: PolicyBook, nation: dict[str, Provider]) -> None:
        self._unit = unit
        self._book = book
        self._nation = nation
        self._standings: dict[tuple[str, str], ProviderStanding] = {}
        self._known_here: dict[str, bool] = {}

    def decide(self, provider_id: str, prepared: Prepared) -> Decided:
        """The outcome of one record, with its events added to the group's."""
        state = self._unit
        earlier = state.earlier.get(prepared.identity)
        if earlier is not None:
            return self._repeated(prepared, earlier)
        if not self._is_known_here(provider_id):
            return Decided(
                Outcome(id=prepared.record.id, outcome="rejected"), refusal=ProviderUnknownHereError()
            )
        profile = state.profiles.get(prepared.identity_hash)
        if profile is None:
            return self._wait_as_stranger(provider_id, prepared)
        if not profile.is_called(prepared.identity_hash, prepared.name_hash):
            place = profile.person.place
            told = self._is_accredited_at(provider_id, place)
            return self._wait(provider_id, prepared, "name_differs", place, told=told)
        policy = self._book.policy_for(profile.person, prepared.record.year)
        decided = self._judge(provider_id, prepared, profile, policy, prepared.identity)
        if profile.former:
            decided.outcome.former_identity = profile.was_called(prepared.identity_hash, prepared.name_hash)
        return decided

    def release_room(self, identity_hash: str, profile: Profile) -> None:
        """Decide everything that waits for a person the log now holds, in the order it was posted."""
        if profile.left is not None:
            return
        for held in self._unit.room(identity_hash).room.records:
            if not profile.is_called(identity_hash, held.name_hash) or held.kind not in KINDS:
                continue
            self._release(identity_hash, held, profile)

    def _release(self, identity_hash: str, held: ParkedRecord, profile: Profile) -> None:
        prepared = Prepared(
            record=restore(held.kind, held.record),
            kind=held.kind,
            identity=identity_of(held.kind, held.provider_id, held.record_id),
            identity_hash=identity_hash,
            name_hash=held.name_hash,
            content=held.content,
            reported_at=held.reported_at,
        )
        person, year = profile.person, prepared.record.year
        policy = self._book.policy_for(person, year)
        decided = self._judge(held.provider_id, prepared, profile, policy, None)
        if decided.refusal is not None and (then := self._book.policy_then(person, year, held.reported_at)):
            # Of somebody who was collected it would have been taken that day, and would stand (B-20, B-25).
            at_once = self._judge(held.provider_id, prepared, profile, then, None)
            decided = at_once if at_once.refusal is None else decided
        self._unit.append_to_room(
            identity_hash,
            ParkedRecordReleased(
                kind=held.kind,
                provider_id=held.provider_id,
                record_id=held.record_id,
                year=prepared.record.year,
                person_id=profile.person.person_id,
                outcome=decided.outcome.outcome,
                problem=decided.refusal.code if decided.refusal else None,
                clause=decided.outcome.clause,
                reason=held.reason,
            ),
        )

    def _repeated(self, prepared: Prepared, earlier: EarlierRecord) -> Decided:
        event: Any = earlier.event
        outcome = Outcome(id=prepared.record.id, outcome="duplicate", first=_first(earlier, self._unit.log))
        profile = self._unit.profiles.get(prepared.identity_hash)
        differs = event.content != prepared.content and differing_fields(event, prepared, profile)
        if not differs:
            outcome.person_id = getattr(event, "person_id", None)
            if profile is not None and outcome.person_id is not None and profile.is_of(outcome.person_id):
                outcome.person_id = profile.person.person_id
            outcome.credit_id = getattr(event, "credit_id", None)
            return Decided(outcome)
        outcome.outcome = "conflict"
        names = ", ".join(differs)
        problem = RecordConflictError(
            f"与首次提交的内容不同：“{names}”。如需更正，请先撤回原记录，再以新编号提交。",
            f"Differs from what was first posted in: {names}. To correct it, withdraw the first and post under a new id.",
            pointer=differs[0],
            differs=differs,
        )
        return Decided(outcome, refusal=problem)

    def _wait_as_stranger(self, provider_id: str, prepared: Prepared) -> Decided:
        """Wait for somebody this log does not hold; who names them right is told that another one does."""
        elsewhere = self._unit.elsewhere.get(prepared.identity_hash)
        if elsewhere is None:
            return self._wait(provider_id, prepared, NOT_COLLECTED, self._unit.log)
        told = elsewhere.is_called(prepared.identity_hash, prepared.name_hash)
        return self._wait(provider_id, prepared, "profile_elsewhere", self._unit.log, told=told)

    def _wait(
        self, provider_id: str, prepared: Prepared, reason: HoldReason, place: str, *, told: bool = True
    ) -> Decided:
        """Put a record into its person's waiting room. A provider that is not `told` why is answered as if nobody had the
        number.
        """
        record = prepared.record
        clause = self._clause(reason, place, record.year)
        instead = None
        if not told:
            instead = NOT_COLLECTED, self._clause(NOT_COLLECTED, self._unit.log, record.year)
        event = RecordParked(
            kind=prepared.kind,
            provider_id=provider_id,
            record_id=record.id,
            year=record.year,
            identity_hash=prepared.identity_hash,
            name_hash=prepared.name_hash,
            reason=reason,
            clause=clause,
            content=prepared.content,
            record=without_person(record),
            reported_at=prepared.reported_at or self._unit.now,
            told=instead,
            signature=prepared.signature,
        )
        index = self._unit.append_to_room(prepared.identity_hash, event, prepared.identity)
        reason, clause = instead or (reason, clause)
        return Decided(Outcome(id=record.id, outcome="held", reason=reason, clause=clause), index)

    def _judge(
        self,
        provider_id: str,
        prepared: Prepared,
        profile: Profile,
        policy: Policy | None,
        identity: str | None,
    ) -> Decided:
        record = prepared.record
        person_id = profile.person.person_id
        if profile.is_moving:
            elsewhere = whereabouts(record, profile, policy)
            if isinstance(elsewhere, Problem):
                return Decided(Outcome(id=record.id, outcome="rejected"), refusal=elsewhere)
            if elsewhere is not None:
                return self._wait(provider_id, prepared, elsewhere, profile.person.place)
        entry = self._unit.account(person_id, record.year)
        if profile.arrived is not None and isinstance(record, Completion):
            travelled = repeats_travelled(entry.account, provider_id, record)
            if travelled is not None:
                return travelled
        if isinstance(record, Completion):
            return self._complete(provider_id, prepared, record, profile, policy, entry, identity)
        standing = self._standing(provider_id, profile.person.place)
        if isinstance(record, Enrolment):
            refused = self._ended(profile, entry, policy, record.mode) or admit_enrolment(
                policy, standing, profile.person, record.year, record.mode, record.enrolled_on
            )
            if refused is None and policy is not None:
                enrolled = completion_events.enrolled(provider_id, record, policy)
                refused = admit_terms(policy, enrolled, profile.person, entry.account)
            event: EnrolmentRecorded | ExamPassed = completion_events.enrolment_recorded(
                provider_id, record, person_id, prepared.content, policy
            )
        else:
            day = local_date(record.passed_at)
            answers = [
                self._ended(profile, entry, policy, mode)
                or admit_enrolment(policy, standing, profile.person, record.year, mode, day)
                for mode in modes_of_study(entry.account, provider_id)
            ]
            refused = answers[0] if all(answers) else None
            event = completion_events.exam_passed(provider_id, record, person_id, prepared.content)
        if refused is not None:
            return _rejected(record.id, refused)
        if isinstance(event, EnrolmentRecorded):
            self._unit.enrolled.add(prepared.identity_hash)
        index = self._unit.append_to_account(entry, replace(event, signature=prepared.signature), identity)
        outcome = Outcome(id=record.id, outcome="registered", person_id=person_id)
        if policy is not None and entry.account.waiting:
            outcome.released = self._release_others(policy, entry, profile) or None
        return Decided(outcome, index)

    def _release_others(self, policy: Policy, entry: AccountEntry, profile: Profile) -> list[str]:
        """Release what waits for nothing more, by what is in force now."""
        now = self._book.policy_for(profile.person, entry.account.year) or policy
        return release_waiting(self._unit, now, entry, profile.person.place)

    def _ended(
        self, profile: Profile, entry: AccountEntry, policy: Policy | None, mode: str
    ) -> Rejected | None:
        """Why an enrolment or a passed exam is of no use any more: the year is closed, and nobody makes it up now."""
        closure = self._unit.closures.over(profile.person.place, entry.account, self._unit.now)
        if closure is None or make_up_is_open(policy, mode, self._unit.now):
            return None
        return year_closed(closure)

    def _complete(
        self,
        provider_id: str,
        prepared: Prepared,
        record: Completion,
        profile: Profile,
        policy: Policy | None,
        entry: AccountEntry,
        identity: str | None,
    ) -> Decided:
        reported_at = prepared.reported_at or self._unit.now
        standing = self._standing(provider_id, profile.person.place)
        own = policy
        if policy is not None and policy.targets is not None:
            own = policy.of_learning(completion_events.learning_of(record, profile.person, standing))
        facts = completion_events.facts_of(provider_id, record, own, prepared.content, reported_at)
        if isinstance(facts, Rejected):
            return _rejected(record.id, facts)
        # What counts already is a duplicate, whatever else would refuse it (A-15, B-21).
        known = self._known(facts, profile, own, entry)
        if known is not None:
            return known
        answer = admit(own, facts, profile.person, entry.account, standing, self._unit.now)
        if isinstance(answer, Rejected):
            return _rejected(record.id, answer)
        assert policy is not None, "nothing is admitted where no policy is"
        assert own is not None, "what is admitted was learnt of some policy"
        closure = self._unit.closures.over(profile.person.place, entry.account, self._unit.now)
        if closure is not None and not answer.make_up:
            return _rejected(record.id, year_closed(closure))
        if own.filed_first(facts.mode) is not None:
            unsuited = unfiled(own, facts, record.filing, self._unit.filings)
            if unsuited is not None:
                return _rejected(record.id, unsuited)
        outcome = Outcome(
            id=record.id, outcome="held", person_id=profile.person.person_id, clause=answer.clause
        )
        if facts.hours is not None:
            outcome.credits, outcome.rate_clause, outcome.cut = facts.credits, facts.rate_clause, facts.cut
        if isinstance(answer, Held):
            place = profile.person.place
            vain = waits_in_vain(self._unit, own, entry.account, place, facts.mode, answer.reason)
            if vain is not None:
                return _rejected(record.id, vain)
            held = completion_events.held(facts, profile, own, answer, self._unit.now)
            held = replace(held, signature=prepared.signature)
            return self._hold(held, outcome, profile, policy, entry, identity)
        credit_id = accounts.credit_id_of(self._unit.log, prepared.identity)
        event = completion_events.earned(facts, profile, own, answer, credit_id, self._unit.now)
        if prepared.signature is not None:
            event = replace(event, signature=prepared.signature)
        outcome.outcome = "registered"
        outcome.credit_id = credit_id
        outcome.late = answer.late
        outcome.make_up = answer.make_up
        index = self._unit.append_to_account(entry, event, identity)
        if entry.account.waiting:
            outcome.released = self._release_others(policy, entry, profile) or None
        return Decided(outcome, index)

    def _known(
        self, facts: CompletionFacts, profile: Profile, policy: Policy | None, entry: AccountEntry
    ) -> Decided | None:
        """The answer to study that another record, or a roster, counts already; None for what is new."""
        terms = policy.of(RepeatTerms) if policy is not None else RepeatTerms()
        beside = self._unit.accounts_beside(entry.account)
        known = counted_already(entry.account, facts, terms, entry.courses, beside)
        if isinstance(known, Rejected):
            return _rejected(facts.completion_id, known)
        if isinstance(known, Waiting):
            first = credit_id_of(self._unit.log, known.provider, known.completion_id)
            return _counted(facts.completion_id, profile, first)
        return _counted(facts.completion_id, profile, known.credit_id) if known is not None else None

    def _hold(
        self,
        event: CompletionHeld,
        outcome: Outcome,
        profile: Profile,
        policy: Policy,
        entry: AccountEntry,
        identity: str | None,
    ) -> Decided:
        state = self._unit
        index = state.append_to_account(entry, event, identity)
        freed = self._release_others(policy, entry, profile)
        if outcome.id in freed:
            freed.remove(outcome.id)
            outcome.outcome = "registered"
            outcome.credit_id = credit_id_of(state.log, event.provider_id, event.completion_id)
        else:
            outcome.reason = event.reason
        outcome.released = freed or None
        return Decided(outcome, index)

    def _is_known_here(self, provider_id: str) -> bool:
        """Whether the authority ever accredited the provider, or a notice of it lists it.

        Asked before the person is looked at: others write nothing into the log and learn nothing of anybody in it.
        """
        known = self._known_here.get(provider_id)
        if known is None:
            standing = self._standing(provider_id, self._unit.log)
            known = bool(standing.accreditations) or self._book.lists(standing, self._unit.log)
            self._known_here[provider_id] = known
        return known

    def _clause(self, reason: HoldReason, place: str, year: int) -> str | None:
        """The clause by which a record waits under the rules of a place."""
        policy = self._book.resolve(place, year)
        return hold_clause(policy.settings, reason) if policy is not None else None

    def _is_accredited_at(self, provider_id: str, place: str) -> bool:
        """Whether the provider was ever accredited for the people of a place, or a notice that holds there lists it."""
        chain, standing = chain_of(place), self._standing(provider_id, place)
        return any(each.place in chain for each in standing.accreditations) or self._book.lists_at(
            standing, chain
        )

    def _standing(self, provider_id: str, place: str) -> ProviderStanding:
        standing = self._standings.get((provider_id, place))
        if standing is None:
            unknown = Provider(organization_id=provider_id)
            here = self._unit.providers.get(provider_id, unknown)
            standing = here.standing(self._nation.get(provider_id, unknown), chain_of(place))
            self._standings[provider_id, place] = standing
        return standing


def _counted(record_id: str, profile: Profile, credit_id: str) -> Decided:
    """The same study came by a roster, or under another id: one real fact counts once, and the answer names the first, or
    the credit that it will earn (A-15, B-21)."""
    outcome = Outcome(id=record_id, outcome="duplicate", credit_id=credit_id)
    outcome.person_id = profile.person.person_id
    return Decided(outcome)


def _rejected(record_id: str, rejected: Rejected) -> Decided:
    outcome = Outcome(id=record_id, outcome="rejected", clause=rejected.clause)
    return Decided(outcome, refusal=refusal_of(rejected))


def _first(earlier: EarlierRecord, log: str) -> First | None:
    """What the first posting was answered, once its position is known."""
    if earlier.position is None:
        return None
    topic = type(earlier.event).__name__
    held = topic in ("RecordParked", "CompletionHeld")
    return First(outcome="held" if held else "registered", log=log, position=earlier.position)
