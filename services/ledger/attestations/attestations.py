"""Attestations for third parties: a yes or no for a year and a purpose, with a reference that can be checked later
(S0-21, S2A-10, S2A-11). Neither the issue nor the check shows more."""

import secrets
from datetime import date, datetime
from typing import Any, ClassVar, Literal

from msgspec import Struct

from contracts.divisions import AUTHORITIES
from services.kit import events as codec
from services.kit.clock import Clock, local_date
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore
from services.kit.events import Event
from services.kit.idempotency import CommandKey, StoredAnswer
from services.ledger.accounts.judging import judge
from services.ledger.accounts.people import Home, People
from services.ledger.commands import Actor
from services.ledger.execution import Execution
from services.ledger.intake.state import GroupState
from services.ledger.problems import OutsidePlaceError, UnknownAttestationError, UnknownPersonError
from services.ledger.publication.shelf import PolicyShelf

Purpose = Literal["annual", "exam_entry", "title_review", "appointment", "evaluation", "award"]
MET = frozenset({"compliant", "exempt", "not_required"})
"""The statuses under which nothing is owed for the year: the answer to a third party is yes."""


class AttestationIssued(Event, frozen=True, kw_only=True):
    """It was attested whether a person owed anything for a year, on a day, for a purpose."""

    TOPIC: ClassVar[str] = "ledger.AttestationIssued"

    reference: str
    person_id: str
    identity_hash: str
    name_hash: str
    year: int
    purpose: str
    met: bool
    on: date
    policy: str | None
    issued_by: str
    issued_at: datetime


class Attested(Struct, frozen=True, kw_only=True):
    """What a third party is told."""

    reference: str
    year: int
    purpose: str
    met: bool
    on: date
    issued_at: datetime


class Attestations:
    """Issues attestations and checks references."""

    def __init__(
        self, databases: Databases, store: EventStore, shelf: PolicyShelf, people: People, clock: Clock
    ) -> None:
        self._databases = databases
        self._store = store
        self._shelf = shelf
        self._people = people
        self._clock = clock
        self._execution = Execution(databases, store, clock)

    async def issue(
        self, person_id: str, year: int, purpose: Purpose, actor: Actor, key: CommandKey
    ) -> StoredAnswer:
        """Attest a person's year as it stands today. Raises UnknownPersonError and OutsidePlaceError."""
        home = await self._people.home_of(person_id, actor.place, year)
        if actor.place is not None and not actor.covers(home.profile.person.place):
            raise OutsidePlaceError
        if actor.place is None and actor.organization is not None:
            raise UnknownPersonError
        reference = f"{home.log}-{secrets.token_hex(12)}"

        async def act(_conn: Connection, state: GroupState) -> tuple[int, Any]:
            issued = self._judge(home, year, purpose, reference, actor.subject, state.now)
            state.append(_stream_of(reference), 1, issued)
            return 201, _said(issued)

        return await self._execution.execute(home.log, key, act)

    async def check(self, reference: str, identity_hash: str, name_hash: str) -> Attested:
        """What was attested under a reference, for who knows whom it is about. Raises UnknownAttestationError."""
        log = reference.partition("-")[0]
        if log not in AUTHORITIES:
            raise UnknownAttestationError
        stream_id = _stream_of(reference)
        async with self._databases.of(log).acquire() as conn:
            loaded = await self._store.load(conn, log, [stream_id])
        for recorded in loaded.get(stream_id, []):
            issued = codec.decode(recorded.topic, recorded.state)
            assert isinstance(issued, AttestationIssued)
            if secrets.compare_digest(issued.identity_hash, identity_hash) and secrets.compare_digest(
                issued.name_hash, name_hash
            ):
                return _said(issued)
        raise UnknownAttestationError

    def _judge(
        self, home: Home, year: int, purpose: Purpose, reference: str, by: str, now: datetime
    ) -> AttestationIssued:
        person = home.profile.person
        on = local_date(now)
        answer = judge(self._shelf.book, home.profile, home.account, year, on)
        return AttestationIssued(
            reference=reference,
            person_id=person.person_id,
            identity_hash=home.profile.identity_hash,
            name_hash=home.profile.name_hash,
            year=year,
            purpose=purpose,
            met=answer.status in MET,
            on=on,
            policy=answer.policy,
            issued_by=by,
            issued_at=now,
        )


def _stream_of(reference: str) -> str:
    return f"attestation:{reference}"


def _said(issued: AttestationIssued) -> Attested:
    return Attested(
        reference=issued.reference,
        year=issued.year,
        purpose=issued.purpose,
        met=issued.met,
        on=issued.on,
        issued_at=issued.issued_at,
    )
