"""The commands of a claim: load, decide, append; and its queue. The policy converts, nobody types a score."""

import uuid
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.command import WritePath
from services.kit.database import Connection, Databases
from services.kit.event_store import WrongExpectedVersion
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.pydantic_models import fields_of, view
from services.kit.review import Place, Step
from services.kit.rows import Entry
from services.ledger.cases.claim_awards import (
    AllowanceNeededError,
    award_of,
    earned,
    is_discretionary,
    must_be_left,
    must_be_open_to,
)
from services.ledger.cases.claim_forms import ClaimForms, forms_of
from services.ledger.cases.commands import Actor, SubmitClaim
from services.ledger.cases.views import ClaimConversion, ClaimOutcome
from services.ledger.policy import Person
from services.ledger.policy.rules.equivalence import fact_keys
from services.ledger.store.claims import CLAIM_ROWS, append_to_claim, must_be_unclaimed
from services.ledger.store.paging import cases_of, cases_of_place
from services.ledger.store.people import Keeper, People
from services.ledger.store.profiles import must_stay
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit, release_waiting
from services.ledger.streams import account as accounts
from services.ledger.streams import claim as claims
from services.ledger.streams.claim import (
    CLAIMS,
    Allowance,
    Claim,
    ClaimAmended,
    ClaimedActivity,
    ClaimSubmitted,
    UnknownClaimError,
)
from services.ledger.streams.facts import (
    Facts,
    FactUnclearError,
    days_of,
    identity_in,
    must_be_new,
)
from services.ledger.streams.merge import PersonMergedError
from services.ledger.streams.problems import NotSpokenForError, OutsidePlaceError, UnknownPersonError
from services.ledger.streams.provider import Provider
from services.ledger.streams.year import CorrectionReason, correction_in

MODE = "equivalence"
CENT = Decimal("0.01")
_decode_provider = msgspec.json.Decoder(Provider).decode
_ORGANIZATION = "select state from providers where log = $1 and organization_id = $2"


class Claims:
    """Submits, reviews and lists claims."""

    def __init__(
        self,
        databases: Databases,
        path: WritePath[LedgerUnit],
        policies: PublishedPolicies,
        people: People,
        facts: Facts,
    ) -> None:
        self._databases = databases
        self._policies = policies
        self._people = people
        self._facts = facts
        self._path = path

    async def submit(self, command: SubmitClaim, actor: Actor, key: CommandKey) -> StoredAnswer:
        """Hand a claim in; the answer says what the policy makes of it.

        Raises UnknownPersonError, OutsidePlaceError, NotSpokenForError, FactUnclearError, FactCountedError, a refusal of the
        policy, and as `must_stay` for somebody who leaves or has left.
        """
        home = await self._home(command.person_id, actor)
        claim_id = str(uuid.uuid4())

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            fields = await self.claimed(unit, command, home, actor, claim_id)
            event = ClaimSubmitted(**fields)
            await append_to_claim(unit, None, event)
            must_stay(unit, [(home.person_id, command.year)], self._policies.book)
            return 201, _said(event)

        return await self._path.execute(home.log, key, act)

    async def convert(self, command: SubmitClaim, actor: Actor, claim_id: str | None) -> ClaimConversion:
        """What the policy would make of a claim now, or of one that is changed; nothing is stored. Raises as `amend`."""
        before = (await self.find(claim_id, actor)).state if claim_id is not None else None
        home = await self._home(command.person_id, actor)

        async def decide(unit: LedgerUnit) -> ClaimConversion:
            fields = await self.claimed(unit, command, home, actor, claim_id or "", before)
            policy = self._policies.book.policy_for(home.profile.person, command.year)
            assert policy is not None, "nothing is awarded where no policy is"
            shared = {name: fields[name] for name in ("category", "clause", "make_up", "provisional")}
            return ClaimConversion(
                credits=fields["credits"].quantize(CENT),
                discretionary=is_discretionary(policy, command.form),
                **shared,
            )

        return await self._path.rehearse(home.log, decide)

    async def forms(self, person_id: str, year: int, actor: Actor) -> ClaimForms:
        """What may be claimed for a person and a year; nothing where no policy judges it. Raises NotSpokenForError and so on
        as `submit`."""
        home = await self._home(person_id, actor)
        policy = self._policies.book.policy_for(home.profile.person, year)
        forms = list(forms_of(policy, actor)) if policy is not None else []
        return ClaimForms(items=forms, total=len(forms))

    async def amend(self, claim_id: str, command: SubmitClaim, actor: Actor, key: CommandKey) -> StoredAnswer:
        """Change a claim that no reviewer has accepted; a command without facts leaves the fact as it was.

        Raises UnknownClaimError, ClaimStateError and as `submit`.
        """
        entry = await self.find(claim_id, actor)
        if entry.state.person_id != command.person_id:
            raise UnknownClaimError
        home = await self._home(command.person_id, actor)

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            fresh = await load_claim(unit.conn, entry.log, claim_id)
            _must_speak_for(fresh.state, actor)
            fields = await self.claimed(unit, command, home, actor, claim_id, fresh.state)
            CLAIMS.must_allow("amend", fresh.state, actor.subject)
            event = ClaimAmended(**fields)
            await append_to_claim(unit, fresh, event)
            must_stay(unit, [(home.person_id, command.year)], self._policies.book)
            return 200, _said(event)

        return await self._path.execute(entry.log, key, act)

    async def take(
        self, step: Step, claim_id: str, actor: Actor, key: CommandKey, **fields: Any
    ) -> StoredAnswer:
        """Take a step of the table but approval; `fields` are those of its event.

        Raises UnknownClaimError, ClaimStateError, for a submitter's step NotSpokenForError, and for a reviewer's
        OutsidePlaceError and OwnClaimError.
        """
        entry = await self.find(claim_id, actor)
        if step.by is claims.REVIEWER:
            _must_review(entry.state, actor)

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            fresh = await load_claim(unit.conn, entry.log, claim_id)
            if step.by is claims.SUBMITTER:
                _must_speak_for(fresh.state, actor)
            event = CLAIMS.decide(step.name, fresh.state, by=actor.subject, at=unit.now, **fields)
            after = await append_to_claim(unit, fresh, event)
            return 200, ClaimOutcome(claim_id=claim_id, state=after.state, reason=after.reason)

        return await self._path.execute(entry.log, key, act)

    async def approve(
        self,
        claim_id: str,
        actor: Actor,
        key: CommandKey,
        correction: CorrectionReason | None = None,
        allowance: Allowance | None = None,
    ) -> StoredAnswer:
        """Approve a claim: its credits are earned in the same transaction, in a closed year as a correction (B-07).

        Raises as `accept`, FactCountedError, and a refusal when the policy of today awards nothing, or the year is
        closed and no reason for a correction is given.
        """
        entry = await self.find(claim_id, actor)
        _must_review(entry.state, actor)
        home = await self._people.keeper_of(entry.state.person_id, actor.place)

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            return 200, await self.approve_in(unit, claim_id, home, actor, correction, allowance)

        return await self._path.execute(entry.log, key, act)

    async def approve_in(
        self,
        unit: LedgerUnit,
        claim_id: str,
        home: Keeper,
        actor: Actor,
        correction: CorrectionReason | None,
        allowance: Allowance | None = None,
    ) -> ClaimOutcome:
        """Approve a claim in a transaction that others share; nothing is changed when it raises, as `approve` does."""
        fresh = await load_claim(unit.conn, unit.log, claim_id)
        claim = fresh.state
        await unit.read_further_accounts(claim.person_id, [claim.year])
        account = unit.account(claim.person_id, claim.year)
        place = home.profile.person.place
        credit_id = accounts.credit_id_of(unit.log, f"claim:{claim_id}")
        if claim.credit_id is None and any(each.credit_id == credit_id for each in account.account.credits):
            # Somebody approved it between the two reads: decided again, it is found approved.
            raise WrongExpectedVersion(unit.log)
        allowed = Decimal(allowance.credits) if allowance is not None else None
        policy, awarded = award_of(
            self._policies.book, claim, home.profile.person, account.account, unit.now, allowed
        )
        if allowance is None and is_discretionary(policy, claim.form):
            raise AllowanceNeededError(clause=awarded.clause, pointer="/allowance")
        approved = claims.approve(
            claim,
            awarded,
            policy,
            credit_id=credit_id,
            by=actor.subject,
            at=unit.now,
            allowed_for=allowance.reason if allowance is not None else None,
        )
        identity = identity_in(account.account, claim.fact)
        must_be_left(policy, claim.form, account.account)
        corrected = correction_in(
            unit.closures,
            place,
            account.account,
            unit.now,
            make_up=awarded.make_up,
            correction=correction,
        )
        unit.append_to_account(account, earned(claim, approved, awarded, place, corrected), identity)
        release_waiting(unit, policy, account, place)
        await append_to_claim(unit, fresh, approved)
        return ClaimOutcome(
            claim_id=claim_id,
            state="approved",
            credit_id=credit_id,
            credits=awarded.credits.quantize(CENT),
            clause=awarded.clause,
        )

    async def find(self, claim_id: str, actor: Actor) -> Entry[Claim]:
        """A claim that the actor may see: an official of its place, its person, or who handed it in.

        Raises UnknownClaimError.
        """
        logs = [authority_of(actor.place)] if actor.place not in (None, NATION) else None
        for database, there in self._databases.grouped(logs or AUTHORITIES).items():
            async with database.acquire() as conn:
                entry = await CLAIM_ROWS.find(conn, there, claim_id)
            if entry is not None and (_speaks_for(entry.state, actor) or _is_about(entry.state, actor)):
                return entry
        raise UnknownClaimError

    async def queue(self, place: str, states: list[str], after: Place, limit: int) -> list[Claim]:
        """The claims of a place and all under it in order of submission (S2C-08 for collections, likewise here)."""
        return await cases_of_place(self._databases, CLAIM_ROWS, place, states, after, limit)

    async def own(self, actor: Actor, after: Place, limit: int) -> list[Claim]:
        """What an organization handed in, or what was handed in for the person that the actor is, in order of submission."""
        column, value = ("person_id", actor.subject)
        if actor.organization is not None:
            column, value = ("organization_id", actor.organization)
        return await cases_of(self._databases, CLAIM_ROWS, column, value, after, limit, cursor=place_in_queue)

    async def _home(self, person_id: str, actor: Actor) -> Keeper:
        """Where the person lives, when the actor may claim for them: an official of the place, their employer, or they."""
        if actor.is_nobody_but(person_id):
            raise NotSpokenForError
        try:
            home = await self._people.keeper_of(person_id, actor.place)
        except PersonMergedError as merged:
            # Whoever may claim for the person is told where they are now.
            await self._home(merged.extensions["merged_into"], actor)
            raise
        except UnknownPersonError:
            if actor.organization is not None:
                raise NotSpokenForError from None
            raise
        if actor.place is not None:
            if not actor.covers(home.profile.person.place):
                raise OutsidePlaceError
        elif actor.organization is not None and not await self._employs(actor.organization, home):
            raise NotSpokenForError
        return home

    async def _employs(self, organization_id: str, home: Keeper) -> bool:
        code = await self.code_of(organization_id)
        return code is not None and code == home.profile.person.employer

    async def code_of(self, organization_id: str) -> str | None:
        """The credit code by which an organization employs people; None for one that nobody knows."""
        async with self._databases.of(NATION).acquire() as conn:
            state = await conn.fetchval(_ORGANIZATION, NATION, organization_id)
        return _decode_provider(state).uscc if state is not None else None

    def _fact_of(self, command: SubmitClaim, person: Person, before: Claim | None) -> str:
        days = days_of(command.happened_on, command.quantity)
        if before is not None and not command.facts and _told_apart(before) == _told_apart(command):
            return before.fact
        keys = fact_keys(self._policies.book.policy_for(person, command.year), command.form)
        return self._facts.digest(command.year, command.form, command.facts, days, keys)

    async def claimed(
        self,
        unit: LedgerUnit,
        command: SubmitClaim,
        home: Keeper,
        actor: Actor,
        claim_id: str,
        before: Claim | None = None,
    ) -> dict[str, Any]:
        """What the event of a claim says; nothing is changed when it raises, as `submit` does."""
        await unit.read_accounts([command.person_id], [command.year])
        account = unit.account(command.person_id, command.year).account
        place = home.profile.person.place
        # What is registered already is a duplicate, whatever else would refuse it.
        with suppress(FactUnclearError):
            must_be_new(account, self._fact_of(command, home.profile.person, before))
        policy, awarded = award_of(self._policies.book, command, home.profile.person, account, unit.now)
        must_be_open_to(policy, command, actor)
        correction_in(unit.closures, place, account, unit.now, make_up=awarded.make_up, correction=None)
        fact = self._fact_of(command, home.profile.person, before)
        must_be_left(policy, command.form, account)
        await must_be_unclaimed(unit, command.person_id, fact, claim_id)
        return {
            **fields_of(ClaimedActivity, command),
            **{name: getattr(awarded, name) for name in ("credits", "category", "fill", "clause", "make_up")},
            "claim_id": claim_id,
            "place": place,
            "fact": fact,
            "provisional": policy.provisional,
            "organization": actor.organization if before is None else before.organization,
            "collective": before.collective if before is not None else None,
            "row": before.row if before is not None else None,
            "by": actor.subject if before is None else before.submitted_by,
            "at": unit.now,
        }


def place_in_queue(claim: Claim) -> Place:
    """Where a claim stands in a queue."""
    return claim.submitted_at, claim.claim_id


def _told_apart(claim: ClaimedActivity) -> tuple[object, ...]:
    """What tells one fact from another beside the evidence keys."""
    return claim.year, claim.form, claim.happened_on, claim.quantity


def _is_about(claim: Claim, actor: Actor) -> bool:
    return actor.place is None and actor.organization is None and claim.person_id == actor.subject


def _speaks_for(claim: Claim, actor: Actor) -> bool:
    """Whether the claim is the actor's to change: an official's of its place, its employer's, or whoever handed it in."""
    if actor.covers(claim.place) or claim.submitted_by == actor.subject:
        return True
    if claim.organization is not None:
        return claim.organization == actor.organization
    return _is_about(claim, actor)


def _must_speak_for(claim: Claim, actor: Actor) -> None:
    if not _speaks_for(claim, actor):
        raise NotSpokenForError


def _must_review(claim: Claim, actor: Actor) -> None:
    if not actor.covers(claim.place):
        raise OutsidePlaceError


async def load_claim(conn: Connection, log: str, claim_id: str) -> Entry[Claim]:
    """The claim as it is in this transaction. Raises UnknownClaimError."""
    entry = await CLAIM_ROWS.find(conn, [log], claim_id)
    if entry is None:
        raise UnknownClaimError
    return entry


def _said(event: ClaimSubmitted | ClaimAmended) -> ClaimOutcome:
    return view(
        ClaimOutcome,
        event,
        state="submitted",
        reason=None,
        credit_id=None,
        credits=event.credits.quantize(CENT),
    )
