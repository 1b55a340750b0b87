"""An attestation: issued once, perhaps revoked. Events, state, decisions and refusals; pure."""

from datetime import date, datetime
from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from services.kit.errors import Problem
from services.kit.events import Event


class UnknownAttestationError(Problem):
    """No attestation has this reference for this person."""

    code: ClassVar[str] = "attestation-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到与该人员相符的证明"
    title_en: ClassVar[str] = "No such attestation for this person"


class UnknownPurposeError(Problem):
    """No notice of the place names this purpose for the year, and it is none of the usual ones."""

    code: ClassVar[str] = "purpose-unknown"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "未规定该用途"
    title_en: ClassVar[str] = "No notice names this purpose"


class AttestationUndecidedError(Problem):
    """Nobody can say yet: `years` are those of which no notice is out, nor the word that none will come (B-20)."""

    code: ClassVar[str] = "attestation-undecided"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "尚不能判定，暂不出具证明"
    title_en: ClassVar[str] = "Nobody can say yet, so that nothing is attested"


class AttestationRevokedError(Problem):
    """The attestation was taken back before."""

    code: ClassVar[str] = "attestation-revoked"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该证明已撤销"
    title_en: ClassVar[str] = "The attestation was taken back before"


RevokeReason = Literal["issued_in_error", "credit_revoked", "identity_corrected"]


class AttestationIssued(Event, frozen=True, kw_only=True):
    """It was attested whether a person owed anything for a year, on a day, for a purpose; `clause` names the purpose.

    `provisional`: the nation's rule judged before a notice was out (B-20).
    """

    TOPIC: ClassVar[str] = "ledger.AttestationIssued"

    reference: str
    person_id: str
    place: str
    identity_hash: str
    name_hash: str
    year: int
    purpose: str
    met: bool
    on: date
    clause: str | None
    policy: str | None
    issued_by: str
    issued_at: datetime
    provisional: bool = False
    suffix_hash: str | None = None
    """Of the last characters of the number by which its person was signed in; whoever knows them may verify it."""


class AttestationRevoked(Event, frozen=True, kw_only=True):
    """An authority took an attestation back: it is not to be relied on any more."""

    TOPIC: ClassVar[str] = "ledger.AttestationRevoked"

    reference: str
    reason: str
    authority: str
    revoked_by: str
    revoked_at: datetime


class AttestationRehashed(Event, frozen=True, kw_only=True):
    """The last characters of its person's number were hashed anew, as the identity key is rotated."""

    TOPIC: ClassVar[str] = "ledger.AttestationRehashed"

    reference: str
    suffix_hash: str


class Attestation(Struct, frozen=True, kw_only=True):
    """An attestation as it stands; `position` is where its log holds the issue."""

    issued: AttestationIssued
    version: int
    position: int
    revoked: AttestationRevoked | None = None


def stream_of(reference: str) -> str:
    """The stream of one attestation in the log of the authority that issued it."""
    return f"attestation:{reference}"


def evolve(attestation: Attestation | None, event: Event, position: int) -> Attestation | None:
    """The attestation after one more event, which its log holds at a position."""
    match event:
        case AttestationIssued():
            return Attestation(issued=event, version=1, position=position)
        case AttestationRehashed() if attestation is not None:
            issued = replace(attestation.issued, suffix_hash=event.suffix_hash)
            return replace(attestation, issued=issued, version=attestation.version + 1)
        case AttestationRevoked() if attestation is not None:
            return replace(attestation, revoked=event, version=attestation.version + 1)
        case _:
            return attestation


def revoke(
    attestation: Attestation, reason: RevokeReason, authority: str, revoked_by: str, now: datetime
) -> AttestationRevoked:
    """An authority takes the attestation back. Raises AttestationRevokedError when it was taken back before."""
    if attestation.revoked is not None:
        raise AttestationRevokedError
    return AttestationRevoked(
        reference=attestation.issued.reference,
        reason=reason,
        authority=authority,
        revoked_by=revoked_by,
        revoked_at=now,
    )
