"""Details that an answer shows on request: where each credit comes from, and what to do next. Read for many persons
at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from contracts.divisions import NATION, chain_of
from services.kit import events as codec
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore
from services.ledger.answers.next_steps import Situation, next_steps
from services.ledger.answers.provenance import provenance
from services.ledger.answers.purposes import answer_purpose
from services.ledger.answers.viewers import Viewer
from services.ledger.answers.views import ComplianceAnswer
from services.ledger.policy import PolicyBook, PurposeAssessment, Rejected
from services.ledger.policy.judging.later_notice import refused_since
from services.ledger.store.people import Keeper
from services.ledger.store.unit import read_providers
from services.ledger.streams import claim as claims
from services.ledger.streams import provider as providers
from services.ledger.streams.claim import OPEN, Claim
from services.ledger.streams.provider import Provider

Detail = Literal["credits", "next_steps"]

_CLAIM_IDS = "select claim_id from claims where log = $1 and person_id = any($2::text[])"
_OPEN_CLAIMS = """
select state from claims
 where log = $1 and person_id = any($2::text[]) and status = any($3::text[]) order by submitted_at, claim_id
"""
_decode_claim = msgspec.json.Decoder(Claim).decode


class Asked(Struct, frozen=True):
    """Which details are asked for, by whom, by which notices, what each purpose comes to, and as of which moment."""

    details: frozenset[Detail]
    viewer: Viewer
    book: PolicyBook
    purposes: Mapping[str, PurposeAssessment] = {}
    as_of: datetime | None = None


class Pending(Struct, frozen=True):
    """What is under way for a person's year outside the account."""

    claims: tuple[Claim, ...] = ()


class Details:
    """Adds details to answers."""

    def __init__(self, databases: Databases, store: EventStore) -> None:
        self._databases = databases
        self._store = store

    async def add(
        self, answered: Sequence[tuple[Keeper, ComplianceAnswer]], year: int, asked: Asked
    ) -> list[ComplianceAnswer]:
        """The answers with the details, in the same order. Claims are shown to no organization."""
        pending: dict[str, Pending] = {}
        if "next_steps" in asked.details and asked.viewer.organization is None:
            for log in dict.fromkeys(home.log for home, _ in answered):
                homes = [home for home, _ in answered if home.log == log]
                pending |= await self._pending(log, homes, year, asked.as_of)
        refused: dict[str, Rejected | None] = {}
        if "credits" in asked.details:
            for home, _ in answered:
                refused |= await self._refused(home, year, asked)
        return [
            _detailed(home, answer, asked, pending.get(home.person_id, Pending()), refused)
            for home, answer in answered
        ]

    async def _refused(self, home: Keeper, year: int, asked: Asked) -> dict[str, Rejected | None]:
        """What the notice of the year would not have taken of what was taken before it was out, by credit (B-20)."""
        account, person = home.account, home.profile.person
        taken = [credit for credit in account.credits if credit.provisional] if account is not None else []
        policy = asked.book.policy_for(person, year) if taken else None
        if account is None or policy is None or policy.basis != "notice":
            return {}
        names = sorted({credit.provider for credit in taken if credit.provider is not None})
        here = await self._providers(home.log, names, asked.as_of)
        nation = await self._providers(NATION, names, asked.as_of)
        found: dict[str, Rejected | None] = {}
        for credit in taken:
            unknown = Provider(organization_id=credit.provider or "")
            known = here.get(unknown.organization_id, unknown)
            standing = known.standing(nation.get(unknown.organization_id, unknown), chain_of(person.place))
            found[credit.credit_id] = refused_since(policy, credit, person, account, standing)
        return found

    async def _providers(self, log: str, names: Sequence[str], as_of: datetime | None) -> dict[str, Provider]:
        """What a log knows of providers, or knew at a moment."""
        async with self._databases.of(log).acquire() as conn:
            if as_of is None:
                return await read_providers(conn, log, names)
            streams = {providers.stream_of(name): name for name in names}
            loaded = await self._store.load(conn, log, list(streams), until=as_of)
        found: dict[str, Provider] = {}
        for stream_id, events in loaded.items():
            known: Provider | None = None
            for recorded in events:
                known = providers.evolve(known, codec.decode(recorded.topic, recorded.state))
            if known is not None:
                found[streams[stream_id]] = known
        return found

    async def _pending(
        self, log: str, homes: Sequence[Keeper], year: int, as_of: datetime | None
    ) -> dict[str, Pending]:
        persons = [home.person_id for home in homes]
        async with self._databases.of(log).acquire() as conn:
            if as_of is None:
                rows = await conn.fetch(_OPEN_CLAIMS, log, persons, sorted(OPEN))
                under_way = [_decode_claim(row[0]) for row in rows]
            else:
                under_way = await self._claims_at(conn, log, persons, as_of)
        found: dict[str, Pending] = {}
        for person_id in persons:
            own = tuple(each for each in under_way if each.person_id == person_id and each.year == year)
            found[person_id] = Pending(claims=own)
        return found

    async def _claims_at(
        self, conn: Connection, log: str, persons: Sequence[str], as_of: datetime
    ) -> list[Claim]:
        streams = [claims.stream_of(row[0]) for row in await conn.fetch(_CLAIM_IDS, log, persons)]
        loaded = await self._store.load(conn, log, streams, until=as_of)
        found = []
        for stream in loaded.values():
            claim: Claim | None = None
            for recorded in stream:
                claim = claims.evolve(claim, codec.decode(recorded.topic, recorded.state))
            if claim is not None and claim.state in OPEN:
                found.append(claim)
        return sorted(found, key=lambda each: (each.submitted_at, each.claim_id))


def _detailed(
    home: Keeper,
    answer: ComplianceAnswer,
    asked: Asked,
    pending: Pending,
    refused: Mapping[str, Rejected | None],
) -> ComplianceAnswer:
    policy = asked.book.policy_for(home.profile.person, answer.year)
    situation = Situation(
        policy=policy,
        answer=answer,
        person=home.profile.person,
        account=home.account,
        claims=pending.claims,
        judged_by=answer.judged_by,
    )
    shown = "credits" in asked.details
    purpose = asked.purposes.get(home.person_id)
    return msgspec.structs.replace(
        answer,
        purpose=answer_purpose(policy, purpose) if purpose is not None else msgspec.UNSET,
        credits=provenance(home.account, answer, asked.viewer, refused) if shown else msgspec.UNSET,
        next_steps=next_steps(situation) if "next_steps" in asked.details else msgspec.UNSET,
    )
