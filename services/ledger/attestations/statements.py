"""What is said of an attestation: to a third party that checks it, and as a statement to print."""

from datetime import date, datetime

from msgspec import UNSET, Struct, UnsetType

from contracts.divisions import authority_of, full_name_of
from services.ledger.answers.purposes import WORDS
from services.ledger.attestations.attestation import Attestation, AttestationIssued
from services.ledger.policy.judging.wording import day_zh


class Attested(Struct, frozen=True, kw_only=True):
    """What a third party is told when an attestation is issued."""

    reference: str
    year: int
    purpose: str
    met: bool
    on: date
    issued_at: datetime


class Checked(Attested, frozen=True, kw_only=True):
    """What a third party is told of a reference: what was attested then, and whether it was taken back since.

    `still_holds` is there for callers who may ask about today: not taken back, and the same would be said now.
    """

    revoked_at: datetime | None
    still_holds: bool | UnsetType = UNSET


class Statement(Checked, frozen=True, kw_only=True):
    """An attestation as a statement to print: who issued it, by which notices, and where the ledger keeps it, so that it can
    be found again. It names no person: whoever prints it writes the name beside the reference."""

    person_id: str
    place: str
    place_name: str
    authority: str
    authority_name: str
    clause: str | None
    policy: str | None
    log: str
    position: int
    revoked_reason: str | None
    text_zh: str
    text_en: str


def attested(issued: AttestationIssued) -> Attested:
    """What was attested."""
    return Attested(
        reference=issued.reference,
        year=issued.year,
        purpose=issued.purpose,
        met=issued.met,
        on=issued.on,
        issued_at=issued.issued_at,
    )


def checked(attestation: Attestation, met_now: bool | None) -> Checked:
    """What was attested and what became of it; `met_now` is what would be said today, None when it was not asked."""
    issued, revoked = attestation.issued, attestation.revoked
    return Checked(
        reference=issued.reference,
        year=issued.year,
        purpose=issued.purpose,
        met=issued.met,
        on=issued.on,
        issued_at=issued.issued_at,
        revoked_at=revoked.revoked_at if revoked is not None else None,
        still_holds=UNSET if met_now is None else revoked is None and met_now == issued.met,
    )


def statement(attestation: Attestation, met_now: bool) -> Statement:
    """The attestation to print, with what would be said today."""
    issued, revoked = attestation.issued, attestation.revoked
    authority = authority_of(issued.place)
    zh, en = WORDS.get(issued.purpose, (issued.purpose, issued.purpose))
    place, owner = full_name_of(issued.place), full_name_of(authority)
    verdict_zh = "已达到继续教育要求" if issued.met else "未达到继续教育要求"
    verdict_en = "had met what is asked" if issued.met else "had not met what is asked"
    return Statement(
        reference=issued.reference,
        year=issued.year,
        purpose=issued.purpose,
        met=issued.met,
        on=issued.on,
        issued_at=issued.issued_at,
        revoked_at=revoked.revoked_at if revoked is not None else None,
        still_holds=revoked is None and met_now == issued.met,
        person_id=issued.person_id,
        place=issued.place,
        place_name=place,
        authority=authority,
        authority_name=owner,
        clause=issued.clause,
        policy=issued.policy,
        log=authority,
        position=attestation.position,
        revoked_reason=revoked.reason if revoked is not None else None,
        text_zh=f"截至{day_zh(issued.on)}，该会计人员（{place}）{issued.year}年度{verdict_zh}。用途：{zh}。",
        text_en=f"As of {issued.on}, this accounting professional of {issued.place} {verdict_en} for {issued.year}. "
        f"For {en}.",
    )
