"""Attestations (S0-21): issued, taken back, said to a third party that checks one, and as a statement to print."""

import secrets
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from contracts.divisions import AUTHORITIES, authority_of, full_name_en, full_name_of
from services.kit import events as codec
from services.kit.audit import about
from services.kit.clock import Clock, local_date
from services.kit.command import WritePath
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.pydantic_models import view
from services.ledger.answers.other_years import OtherYears
from services.ledger.answers.purposes import PROVISIONAL, WORDS, answer_purpose, is_provisional, names
from services.ledger.answers.viewers import Viewer
from services.ledger.policy import PurposeAssessment
from services.ledger.policy.language.words import day_zh, label
from services.ledger.store.people import Keeper, People
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams import attestation as attestations
from services.ledger.streams.attestation import (
    Attestation,
    AttestationIssued,
    AttestationUndecidedError,
    RevokeReason,
    UnknownAttestationError,
    UnknownPurposeError,
    stream_of,
)
from services.ledger.streams.problems import OutsidePlaceError, UnknownPersonError


class Attested(Struct, frozen=True, kw_only=True):
    """What a third party is told when an attestation is issued."""

    reference: str
    year: int
    purpose: str
    met: bool
    on: date
    issued_at: datetime


class RevokedAttestation(Struct, frozen=True, kw_only=True):
    """An attestation that was taken back."""

    reference: str
    reason: RevokeReason
    revoked_at: datetime


class Checked(Attested, frozen=True, kw_only=True):
    """What a third party is told of a reference: what was attested then, and whether it was taken back since.

    `still_holds` is there for callers who may ask about today: not taken back, and the same would be said now.
    """

    revoked_at: datetime | None
    still_holds: bool | UnsetType = UNSET


class Verified(Struct, frozen=True):
    """What anybody is told: `valid`, `replaced` when another would be said today, or `revoked`; and nothing more."""

    state: Literal["valid", "replaced", "revoked"]


class Statement(Checked, frozen=True, kw_only=True):
    """An attestation as a statement to print: who issued it, by which notices, and where the ledger keeps it, so that it can
    be found again. It names no person: whoever prints it writes the name beside the reference. `provisional`: the nation's
    rule judged before a notice was out (B-20)."""

    person_id: str
    place: str
    place_name: str
    place_name_en: str
    authority: str
    authority_name: str
    authority_name_en: str
    clause: str | None
    policy: str | None
    provisional: bool
    log: str
    position: int
    revoked_reason: str | None
    text_zh: str
    text_en: str


def attested(issued: AttestationIssued) -> Attested:
    """What was attested."""
    return view(Attested, issued)


def checked(attestation: Attestation, met_now: bool | UnsetType | None) -> Checked:
    """What was attested and what became of it; `met_now` is what would be said today, None where nobody could say, unset
    when it was not asked."""
    issued, revoked = attestation.issued, attestation.revoked
    return view(
        Checked,
        issued,
        revoked_at=revoked.revoked_at if revoked is not None else None,
        still_holds=UNSET if met_now is UNSET else revoked is None and met_now == issued.met,
    )


def statement(attestation: Attestation, met_now: bool | None) -> Statement:
    """The attestation to print, with what would be said today."""
    issued, revoked = attestation.issued, attestation.revoked
    authority = authority_of(issued.place)
    zh, en = label(WORDS, issued.purpose)
    place, owner = full_name_of(issued.place), full_name_of(authority)
    verdict_zh = "已达到继续教育要求" if issued.met else "未达到继续教育要求"
    verdict_en = "had met what is asked" if issued.met else "had not met what is asked"
    by_zh, by_en = PROVISIONAL if issued.provisional else ("", "")
    return view(
        Statement,
        issued,
        revoked_at=revoked.revoked_at if revoked is not None else None,
        still_holds=revoked is None and met_now == issued.met,
        place_name=place,
        authority=authority,
        place_name_en=full_name_en(issued.place),
        authority_name=owner,
        authority_name_en=full_name_en(authority),
        log=authority,
        position=attestation.position,
        revoked_reason=revoked.reason if revoked is not None else None,
        text_zh=f"截至{day_zh(issued.on)}，该会计人员（{place}）{issued.year}年度{verdict_zh}。用途：{zh}。{by_zh}",
        text_en=f"As of {issued.on}, this accounting professional of {full_name_en(issued.place)} "
        f"{verdict_en} for {issued.year}. For {en}.{by_en}",
    )


class Attestations:
    """Issues attestations, takes them back, checks references."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        path: WritePath[LedgerUnit],
        policies: PublishedPolicies,
        people: People,
        clock: Clock,
    ) -> None:
        self._databases = databases
        self._store = store
        self._policies = policies
        self._people = people
        self._clock = clock
        self._path = path

    async def issue(
        self,
        person_id: str,
        year: int,
        purpose: str,
        viewer: Viewer,
        by: str,
        key: CommandKey,
        *,
        suffix_hash: str | None = None,
    ) -> StoredAnswer:
        """Attest a person's year as it stands today, for an official of the place or for the person.

        With `suffix_hash` anybody may verify it who knows what it is of.

        Raises UnknownPersonError, OutsidePlaceError, UnknownPurposeError, and AttestationUndecidedError where nobody can
        say.
        """
        home = await self._people.home_of(person_id, viewer.place, year, may_see=viewer.may_see)
        if viewer.organization is not None or not viewer.may_see(home):
            raise OutsidePlaceError if viewer.place is not None else UnknownPersonError
        policy = self._policies.book.policy_for(home.profile.person, year)
        if not names(policy, purpose):
            raise UnknownPurposeError(pointer="/purpose")
        on = local_date(self._clock())
        assessed = await self._asked(home, year, purpose, on)
        if assessed.fulfilled is None:
            raise AttestationUndecidedError(years=[one.year for one in assessed.years if one.passes is None])
        asked = answer_purpose(policy, assessed)
        reference = f"{home.log}-{secrets.token_hex(12)}"

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            issued = AttestationIssued(
                reference=reference,
                person_id=home.person_id,
                place=home.profile.person.place,
                identity_hash=home.profile.identity_hash,
                name_hash=home.profile.name_hash,
                year=year,
                purpose=purpose,
                met=asked.met is True,
                on=on,
                clause=asked.clause,
                policy=next((one.policy for one in asked.years if one.year == year), None),
                issued_by=by,
                issued_at=unit.now,
                provisional=is_provisional(assessed),
                suffix_hash=suffix_hash,
            )
            unit.append(stream_of(reference), 1, issued)
            return 201, attested(issued)

        return await self._path.execute(home.log, key, act)

    async def revoke(
        self, reference: str, reason: RevokeReason, authority: str, by: str, key: CommandKey
    ) -> StoredAnswer:
        """Take an attestation back, for an official of the place it was issued at.

        Raises UnknownAttestationError and AttestationRevokedError.
        """
        log = _log_of(reference)
        await self._visible(reference, Viewer(place=authority))

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            fresh = await self._load(unit.conn, log, reference)
            event = attestations.revoke(fresh, reason, authority, by, unit.now)
            unit.append(stream_of(reference), fresh.version + 1, event)
            return 200, RevokedAttestation(reference=reference, reason=reason, revoked_at=event.revoked_at)

        return await self._path.execute(log, key, act)

    async def check(
        self, reference: str, identity_hash: str, name_hash: str, *, today: bool = False
    ) -> Checked:
        """What was attested under a reference, for who knows whom it is about; with `today` also whether it still holds.

        Raises UnknownAttestationError, also for another person.
        """
        found = await self._find(reference)
        issued = found.issued
        about(issued.person_id, issued.place)
        same = secrets.compare_digest(issued.identity_hash, identity_hash)
        if not (same and secrets.compare_digest(issued.name_hash, name_hash)):
            profile = (await self._people.life_of(issued.person_id, None)).profile
            if not (
                profile.is_called(identity_hash, name_hash)
                and profile.is_called(issued.identity_hash, issued.name_hash)
            ):
                raise UnknownAttestationError
        return checked(found, await self._met_now(found.issued) if today else UNSET)

    async def verify(self, reference: str, suffixes_of: Callable[[str], Sequence[str]]) -> Verified:
        """Whether an attestation stands, for anybody who knows its reference and the last characters of its person's number.

        Raises UnknownAttestationError, also for one that cannot be verified so.
        """
        found = await self._find(reference)
        known = found.issued.suffix_hash or ""
        if not any(secrets.compare_digest(known, each) for each in suffixes_of(found.issued.person_id)):
            raise UnknownAttestationError
        if found.revoked is not None:
            return Verified(state="revoked")
        stands = await self._met_now(found.issued) == found.issued.met
        return Verified(state="valid" if stands else "replaced")

    async def get_statement(self, reference: str, viewer: Viewer) -> Statement:
        """The attestation to print, for an official of the place it was issued at and for its person.

        Raises UnknownAttestationError.
        """
        found = await self._visible(reference, viewer)
        return statement(found, await self._met_now(found.issued))

    async def _visible(self, reference: str, viewer: Viewer) -> Attestation:
        found = await self._find(reference)
        about(found.issued.person_id, found.issued.place)
        if viewer.place is not None and viewer.contains(found.issued.place):
            return found
        if viewer.person_id is not None:
            life = await self._people.life_of(found.issued.person_id, None)
            if life.profile.is_of(viewer.person_id) and life.profile.is_of(found.issued.person_id):
                return found
        raise UnknownAttestationError

    async def _find(self, reference: str) -> Attestation:
        log = _log_of(reference)
        async with self._databases.of(log).acquire() as conn:
            return await self._load(conn, log, reference)

    async def _load(self, conn: Connection, log: str, reference: str) -> Attestation:
        stream_id = stream_of(reference)
        found: Attestation | None = None
        for recorded in (await self._store.load(conn, log, [stream_id])).get(stream_id, []):
            event = codec.decode(recorded.topic, recorded.state)
            found = attestations.evolve(found, event, recorded.position)
        if found is None:
            raise UnknownAttestationError
        return found

    async def _met_now(self, issued: AttestationIssued) -> bool | None:
        home = await self._people.life_of(issued.person_id, None, issued.year)
        today = local_date(self._clock())
        return (await self._asked(home, issued.year, issued.purpose, today)).fulfilled

    async def _asked(self, home: Keeper, year: int, purpose: str, on: date) -> PurposeAssessment:
        """What the person's years come to for a purpose, as the ledger knows them now."""
        years = OtherYears(self._people, self._policies.book, on, home.profile.person.place)
        homes = {home.person_id: home}
        await years.answers(homes, year)
        return (await years.purposes(homes, year, purpose))[home.person_id]


def _log_of(reference: str) -> str:
    log = reference.partition("-")[0]
    if log not in AUTHORITIES:
        raise UnknownAttestationError
    return log
