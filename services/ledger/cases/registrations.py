"""Registrations from an authority's own lists (S0-13, S2B-09), and of what another system held (S4-06): line by line."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from contracts.divisions import authority_of
from services.kit.clock import local_date, start_of_day
from services.kit.command import WritePath
from services.kit.errors import Language, Problem, problem_body
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.rows import Entry
from services.ledger.cases.commands import Actor
from services.ledger.cases.views import RegisteredLines, Registration
from services.ledger.policy import (
    Account,
    Activity,
    Award,
    Category,
    Person,
    Policy,
    ProvenStudy,
    Rejected,
    Route,
    award,
    award_organised,
    registered_directly,
)
from services.ledger.policy.judging.awards import AUTHORITY_TRAINING, is_converted
from services.ledger.policy.rules.equivalence import Role, fact_keys
from services.ledger.store.claims import CLAIM_ROWS, OPEN_CLAIM_OF_FACT, append_to_claim
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit, release_waiting
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import CreditConfirmed, CreditEarned
from services.ledger.streams.claim import Claim, ClaimSatisfied
from services.ledger.streams.facts import (
    FactCountedError,
    Facts,
    FactUnclearError,
    days_of,
    identity_in,
    must_be_new,
)
from services.ledger.streams.problems import UnknownPersonError, refusal_of
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import must_judge
from services.ledger.streams.year import CorrectionReason, correction_in


class ListedTraining(Struct, frozen=True, kw_only=True):
    """What an authority says of a training that it organised itself (N-11): how it was held, of what, and its credits."""

    mode: str
    category: Category
    credits: Decimal


class ListedActivity(Struct, frozen=True, kw_only=True):
    """A line of a list: an activity that the authority knows of itself. The person is known by keyed hashes alone."""

    identity_hash: str
    name_hash: str
    year: int
    form: str
    happened_on: date
    facts: dict[str, str]
    quantity: Decimal = Decimal(1)
    role: Role | None = None
    result_on: date | None = None
    document_on: date | None = None
    score: Decimal | None = None
    sat_in: str | None = None
    started_on: date | None = None
    training: ListedTraining | None = None


class HistoricCredit(Struct, frozen=True, kw_only=True):
    """A line of history: a credit as another system holds it, under that system's own id (S4-06)."""

    identity_hash: str
    name_hash: str
    year: int
    category: Category
    credits: Decimal
    mode: str
    completed_on: date
    system: str
    record_id: str


Line = ListedActivity | HistoricCredit


class Registrations:
    """Registers lists on behalf of an authority."""

    def __init__(self, path: WritePath[LedgerUnit], policies: PublishedPolicies, facts: Facts) -> None:
        self._policies = policies
        self._facts = facts
        self._path = path

    async def register(
        self,
        lines: Sequence[Line],
        actor: Actor,
        key: CommandKey,
        language: Language,
        correction: CorrectionReason | None = None,
    ) -> StoredAnswer:
        """Store a list in the log of the official's authority; an outcome for every line, in order.

        Lines of closed years are registered as corrections when a reason is given, and refused otherwise (B-07).
        """
        assert actor.place is not None, "only officials register lists"
        log = authority_of(actor.place)

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            hashes = sorted({line.identity_hash for line in lines})
            await unit.read_people(hashes, sorted({line.year for line in lines}))
            work = _Listing(unit, self._policies, self._facts, actor, correction)
            await work.read_claims(lines)
            results = [await self._line(work, index, line, language) for index, line in enumerate(lines)]
            return 200, RegisteredLines(results=results)

        return await self._path.execute(log, key, act)

    async def _line(self, work: "_Listing", index: int, line: Line, language: Language) -> Registration:
        try:
            return await work.register(index, line)
        except FactCountedError as counted:
            return Registration(
                index=index, outcome="duplicate", credit_id=counted.extensions.get("credit_id")
            )
        except Problem as problem:
            return Registration(
                index=index,
                outcome="rejected",
                clause=problem.clause,
                problem=problem_body(problem, language),
            )


class _Listing:
    """One list on its way into one log."""

    def __init__(
        self,
        unit: LedgerUnit,
        policies: PublishedPolicies,
        facts: Facts,
        actor: Actor,
        correction: CorrectionReason | None,
    ) -> None:
        self._correction = correction
        self._unit = unit
        self._book = policies.book
        self._facts = facts
        self._actor = actor
        self._claims: dict[tuple[str, str], Entry[Claim]] = {}

    async def read_claims(self, lines: Sequence[Line]) -> None:
        """Read the open claims of the facts on the list."""
        facts: set[tuple[str, str]] = set()
        for line in lines:
            profile = self._unit.profiles.get(line.identity_hash)
            # A line whose fact is unclear says so in its own answer.
            with suppress(FactUnclearError):
                if profile is not None:
                    facts.add((profile.person.person_id, self._fact(line, profile.person)))
        found = await self._unit.find_all(OPEN_CLAIM_OF_FACT, sorted(facts))
        ids = [(claim_id,) for claim_id in found.values()]
        entries = await CLAIM_ROWS.read(self._unit.conn, self._unit.log, ids)
        self._claims = {key: entries[claim_id,] for key, claim_id in found.items()}

    def _fact(self, line: Line, person: Person) -> str:
        if isinstance(line, HistoricCredit):
            reference = {"reference": f"{line.system}:{line.record_id}"}
            return self._facts.digest(line.year, "history", reference)
        days = days_of(line.happened_on, line.quantity)
        if line.started_on is not None:
            days = min(line.started_on, line.happened_on), line.happened_on
        keys = fact_keys(self._book.policy_for(person, line.year), line.form)
        return self._facts.digest(line.year, line.form, line.facts, days, keys)

    async def register(self, index: int, line: Line) -> Registration:
        """Register one line. Raises a Problem that says why not; nothing of the line is then kept."""
        profile = self._unit.profiles.get(line.identity_hash)
        if profile is None or not profile.is_called(line.identity_hash, line.name_hash):
            raise UnknownPersonError(pointer=f"/records/{index}/person")
        person = profile.person
        if not self._actor.covers(person.place):
            raise UnknownPersonError(pointer=f"/records/{index}/person")
        must_judge(profile, line.year, self._book, start_of_day(_day(line)))
        policy = self._book.policy_for(person, line.year)
        fact = self._fact(line, person)
        # What is registered already is a duplicate, whatever else would refuse it.
        confirmed = None if isinstance(line, HistoricCredit) else self._confirm(index, profile, line, fact)
        if confirmed is not None:
            return confirmed
        account = self._unit.account(person.person_id, line.year).account
        must_be_new(account, fact)
        if isinstance(line, HistoricCredit):
            return self._earn(index, line, profile, _historic(policy, line, person.place), policy, fact)
        awarded = _listed(policy, line, person.place, self._unit.now, account)
        registration = self._earn(index, line, profile, awarded, policy, fact)
        return await self._satisfy(registration, fact)

    def _confirm(self, index: int, profile: Profile, line: ListedActivity, fact: str) -> Registration | None:
        """A fact that an approved claim registered is confirmed by the list: provenance, not a second credit (A-15)."""
        entry = self._unit.account(profile.person.person_id, line.year)
        for credit in entry.account.credits:
            if credit.fact == fact and credit.state == "registered" and credit.route == "claim":
                if "direct" not in credit.confirmed_by:
                    event = CreditConfirmed(
                        credit_id=credit.credit_id,
                        person_id=profile.person.person_id,
                        year=line.year,
                        route="direct",
                        decided_by=self._actor.subject,
                        confirmed_at=self._unit.now,
                    )
                    self._unit.append_to_account(entry, event)
                return Registration(
                    index=index,
                    outcome="duplicate",
                    person_id=profile.person.person_id,
                    credit_id=credit.credit_id,
                )
        return None

    def _earn(
        self, index: int, line: Line, profile: Profile, awarded: Award, policy: Policy | None, fact: str
    ) -> Registration:
        state, person = self._unit, profile.person
        assert policy is not None, "nothing is awarded where no policy is"
        entry = state.account(person.person_id, line.year)
        identity = identity_in(entry.account, fact)
        corrected = correction_in(
            state.closures,
            person.place,
            entry.account,
            state.now,
            make_up=awarded.make_up,
            correction=self._correction,
        )
        route: Route = "import" if isinstance(line, HistoricCredit) else "direct"
        credit_id = accounts.credit_id_of(state.log, identity)
        event = CreditEarned(
            credit_id=credit_id,
            person_id=person.person_id,
            year=line.year,
            category=awarded.category,
            credits=awarded.credits,
            mode=_mode(line),
            started_on=None if isinstance(line, HistoricCredit) else line.started_on,
            completion_id=line.record_id if isinstance(line, HistoricCredit) else credit_id,
            completed_at=start_of_day(_day(line)),
            content=fact,
            title=line.system if isinstance(line, HistoricCredit) else None,
            route=route,
            form=None if isinstance(line, HistoricCredit) else line.form,
            fill=awarded.fill,
            rate_clause=awarded.rate_clause,
            decided_by=self._actor.subject,
            fact=fact,
            place=person.place,
            clause=awarded.clause,
            policy=policy.hash,
            registered_at=state.now,
            correction=corrected,
            provisional=policy.provisional,
        )
        state.append_to_account(entry, event, identity)
        release_waiting(state, policy, entry, person.place)
        return Registration(
            index=index,
            outcome="registered",
            person_id=person.person_id,
            credit_id=credit_id,
            credits=awarded.credits,
            clause=awarded.clause,
            rate_clause=awarded.rate_clause,
        )

    async def _satisfy(self, registration: Registration, fact: str) -> Registration:
        """Close an open claim of the same fact: it has got what it asked for (A-15)."""
        found = self._claims.pop((registration.person_id or "", fact), None)
        if found is None or registration.credit_id is None:
            return registration
        satisfied = ClaimSatisfied(
            claim_id=found.state.claim_id,
            person_id=found.state.person_id,
            by=self._actor.subject,
            at=self._unit.now,
            credit_id=registration.credit_id,
        )
        await append_to_claim(self._unit, found, satisfied)
        return msgspec.structs.replace(registration, claim_id=found.state.claim_id)


def _mode(line: Line) -> str:
    if isinstance(line, HistoricCredit):
        return line.mode
    return line.training.mode if line.training is not None else "equivalence"


def _listed(
    policy: Policy | None, line: ListedActivity, place: str, now: datetime, account: Account
) -> Award:
    if line.form == AUTHORITY_TRAINING and (policy is None or not is_converted(policy, line.form)):
        return _organised(policy, line, place, now, account)
    if line.training is not None:
        raise refusal_of(Rejected("credits-converted", None, {"form": line.form}))
    activity = Activity(
        form=line.form,
        happened_on=line.happened_on,
        result_on=line.result_on,
        document_on=line.document_on,
        role=line.role,
        quantity=line.quantity,
        score=line.score,
        sat_in=line.sat_in,
    )
    awarded = award(policy, activity, place, line.year, local_date(now))
    if isinstance(awarded, Rejected):
        raise refusal_of(awarded)
    assert policy is not None, "nothing is awarded where no policy is"
    direct = registered_directly(policy, line.form, line.sat_in)
    if direct is None:
        raise refusal_of(Rejected("not-registered-directly", awarded.clause, {"form": line.form}))
    return Award(
        credits=awarded.credits,
        category=awarded.category,
        fill=awarded.fill,
        clause=direct.clause,
        rate_clause=awarded.clause,
    )


def _organised(
    policy: Policy | None, line: ListedActivity, place: str, now: datetime, account: Account
) -> Award:
    """Training that the authority itself organised, worth the credits it states (N-11, B-26)."""
    if line.training is None:
        raise refusal_of(Rejected("credits-needed", None, {"form": line.form}))
    study = ProvenStudy(
        mode=line.training.mode,
        category=line.training.category,
        credits=line.training.credits,
        completed_on=line.happened_on,
    )
    awarded = award_organised(policy, study, place, line.year, now, account)
    if isinstance(awarded, Rejected):
        raise refusal_of(awarded)
    return awarded


def _historic(policy: Policy | None, line: HistoricCredit, place: str) -> Award:
    if policy is None:
        raise refusal_of(Rejected("no-policy", None, {"place": place, "year": str(line.year)}))
    if line.credits <= 0:
        raise refusal_of(Rejected("credits-not-positive"))
    if (refused := policy.record_limit.refusal(line.credits)) is not None:
        raise refusal_of(refused)
    if not policy.categories.knows(line.category):
        raise refusal_of(policy.categories.unknown())
    return Award(credits=line.credits, category=line.category, fill=(), clause=policy.requirements[0].clause)


def _day(line: Line) -> date:
    return line.completed_on if isinstance(line, HistoricCredit) else line.happened_on


def is_at_authority(actor: Actor) -> bool:
    """Whether an official speaks for the first-level authority itself, as lists are the province's to register."""
    return actor.place is not None and authority_of(actor.place) == actor.place
