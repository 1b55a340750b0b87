"""Collective claims: an employer hands in many people's claims at once, each with its own evidence and its own outcome.

Every row is a claim like any other, with a stream of its own; the list only names them together, so that a reviewer may
decide them as one or row by row (the platform's 单位集体申请).
"""

import uuid
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.command import WritePath
from services.kit.database import Databases
from services.kit.errors import Language, Problem, ProblemBody, problem_body
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.rows import Entry
from services.ledger.cases.claims import CENT, Claims, load_claim
from services.ledger.cases.commands import Actor, SubmitClaim
from services.ledger.store.claims import append_to_claim, claims_of_list
from services.ledger.store.people import Keeper, People
from services.ledger.store.profiles import must_stay
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams.claim import COLLECTIVE_CLAIMS, Claim, ClaimSubmitted, UnknownClaimError
from services.ledger.streams.facts import FactCountedError
from services.ledger.streams.problems import NotSpokenForError, OutsidePlaceError, UnknownPersonError
from services.ledger.streams.year import CorrectionReason


class ListedClaim(Struct, frozen=True, kw_only=True):
    """A row of a list: whose claim it is, by keyed hashes, and what is claimed; `command` names the person once found."""

    row_id: str
    identity_hash: str
    name_hash: str
    command: SubmitClaim


class SubmitList(Struct, frozen=True, kw_only=True):
    """Hand in claims of people of one authority, named by a place of it."""

    place: str
    rows: tuple[ListedClaim, ...]


class ReviewList(Struct, frozen=True, kw_only=True):
    """Take a step of the table for the claims named, or for all of the list that can be; refuse with a reason."""

    collective: str
    step: str
    claims: list[str] | None
    reason: str | None = None
    correction: CorrectionReason | None = None


class ListedOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one row; `problem` says why it was not taken (`rejected`), or is as it was
    (`unchanged`)."""

    outcome: str
    row_id: str | None = None
    claim_id: str | None = None
    credits: Decimal | None = None
    clause: str | None = None
    credit_id: str | None = None
    problem: ProblemBody | None = None


class ListedOutcomes(Struct, frozen=True, kw_only=True):
    """Every row of a list answered, in its order."""

    collective: str
    results: list[ListedOutcome]


class CollectiveClaims:
    """Takes lists of claims in, and has them reviewed as one or row by row."""

    def __init__(
        self,
        databases: Databases,
        path: WritePath[LedgerUnit],
        policies: PublishedPolicies,
        people: People,
        claims_: Claims,
    ) -> None:
        self._databases = databases
        self._policies = policies
        self._people = people
        self._claims = claims_
        self._path = path

    async def submit(
        self, command: SubmitList, actor: Actor, key: CommandKey, language: Language
    ) -> StoredAnswer:
        """Hand a list in; every row is answered, and those that can be taken are claims from now on.

        Raises OutsidePlaceError for an official of another place, NotSpokenForError for who is no official and no employer.
        """
        if actor.place is not None and not actor.covers(command.place):
            raise OutsidePlaceError
        if actor.place is None and actor.organization is None:
            raise NotSpokenForError
        log = authority_of(command.place)
        code = await self._claims.code_of(actor.organization) if actor.organization is not None else None
        hashes = [row.identity_hash for row in command.rows]
        homes = await self._people.by_identity(hashes, command.place, 0)
        collective = str(uuid.uuid4())

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            results, taken = [], set()
            for index, row in enumerate(command.rows):
                try:
                    home = _of_row(homes, row, log, actor, code)
                    outcome = await self._take(unit, row, home, actor, (collective, index))
                except FactCountedError as counted:
                    outcome = ListedOutcome(row_id=row.row_id, outcome="duplicate", **counted.extensions)
                except Problem as problem:
                    outcome = ListedOutcome(
                        row_id=row.row_id, outcome="rejected", problem=problem_body(problem, language)
                    )
                else:
                    taken.add((home.person_id, row.command.year))
                results.append(outcome)
            must_stay(unit, taken, self._policies.book)
            return 201 if taken else 200, ListedOutcomes(collective=collective, results=results)

        return await self._path.execute(log, key, act)

    async def review(
        self, command: ReviewList, actor: Actor, key: CommandKey, language: Language
    ) -> StoredAnswer:
        """Decide a list as one, or the claims named; each is answered. Raises UnknownClaimError."""
        log, entries = await self._entries(command.collective, actor)
        chosen = [
            entry for entry in entries if command.claims is None or entry.state.claim_id in command.claims
        ]
        if not chosen or not all(actor.covers(entry.state.place) for entry in chosen):
            raise UnknownClaimError
        homes = {
            entry.state.claim_id: await self._people.keeper_of(entry.state.person_id, actor.place)
            for entry in chosen
        }

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            results = []
            for claim_id, home in homes.items():
                try:
                    results.append(await self._decide(unit, claim_id, home, command, actor))
                except Problem as problem:
                    body = problem_body(problem, language)
                    results.append(ListedOutcome(claim_id=claim_id, outcome="unchanged", problem=body))
            return 200, ListedOutcomes(collective=command.collective, results=results)

        return await self._path.execute(log, key, act)

    async def find(self, collective: str, actor: Actor) -> list[Claim]:
        """The claims of a list that the actor may see. Raises UnknownClaimError."""
        _, entries = await self._entries(collective, actor)
        return [entry.state for entry in entries]

    async def _take(
        self,
        unit: LedgerUnit,
        row: ListedClaim,
        home: Keeper,
        actor: Actor,
        listed: tuple[str, int],
    ) -> ListedOutcome:
        claim_id = str(uuid.uuid4())
        command = replace(row.command, person_id=home.person_id)
        fields = await self._claims.claimed(unit, command, home, actor, claim_id)
        fields["collective"], fields["row"] = listed
        await append_to_claim(unit, None, ClaimSubmitted(**fields))
        return ListedOutcome(
            row_id=row.row_id,
            outcome="submitted",
            claim_id=claim_id,
            credits=fields["credits"].quantize(CENT),
            clause=fields["clause"],
        )

    async def _decide(
        self,
        unit: LedgerUnit,
        claim_id: str,
        home: Keeper,
        command: ReviewList,
        actor: Actor,
    ) -> ListedOutcome:
        if command.step == "approve":
            said = await self._claims.approve_in(unit, claim_id, home, actor, command.correction)
            return ListedOutcome(
                claim_id=claim_id,
                outcome="approved",
                credits=said.credits,
                clause=said.clause,
                credit_id=said.credit_id,
            )
        fresh = await load_claim(unit.conn, unit.log, claim_id)
        fields = {} if command.reason is None else {"reason": command.reason}
        event = COLLECTIVE_CLAIMS.decide(command.step, fresh.state, by=actor.subject, at=unit.now, **fields)
        after = await append_to_claim(unit, fresh, event)
        return ListedOutcome(claim_id=claim_id, outcome=after.state)

    async def _entries(self, collective: str, actor: Actor) -> tuple[str, list[Entry[Claim]]]:
        logs = [authority_of(actor.place)] if actor.place not in (None, NATION) else list(AUTHORITIES)
        for log in logs:
            async with self._databases.of(log).acquire() as conn:
                found = await claims_of_list(conn, log, collective)
            seen = [
                entry
                for entry in found
                if actor.covers(entry.state.place) or entry.state.submitted_by == actor.subject
            ]
            if seen:
                return log, seen
        raise UnknownClaimError


def _of_row(homes: dict[str, Keeper], row: ListedClaim, log: str, actor: Actor, code: str | None) -> Keeper:
    """Whose row it is: somebody of this log, under this name, whom the actor may claim for. Raises UnknownPersonError."""
    home = homes.get(row.identity_hash)
    if home is None or home.log != log or not home.profile.is_called(row.identity_hash, row.name_hash):
        raise UnknownPersonError(pointer="/person")
    if actor.place is not None and not actor.covers(home.profile.person.place):
        raise UnknownPersonError(pointer="/person")
    if actor.organization is not None and (code is None or code != home.profile.person.employer):
        raise UnknownPersonError(pointer="/person")
    return home
