"""What callers ask the transfer service to do: imperative records, complete and checked before they get here."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from services.transfer.actors import Actor

RefusalReason = Literal[
    "evidence_missing",
    "evidence_unclear",
    "information_incorrect",
    "employment_not_confirmed",
    "enrolment_not_confirmed",
    "outside_the_place",
    "other",
]
"""Why a desk sends a transfer back; a free text may explain, the code is what counts and travels."""

MediaType = Literal["application/pdf", "image/jpeg", "image/png"]


class Evidence(Struct, frozen=True, kw_only=True):
    """A stamped 工作证明 or 学籍证明 (S2C-10): the file itself is kept elsewhere, known here by its digest."""

    name: str
    sha256: str
    media_type: MediaType


class RequestTransfer(Struct, frozen=True, kw_only=True):
    """调转申请: move the profile to another place; a student has no employer (S2C-10)."""

    person_id: str
    to_place: str
    employer: str | None
    student: bool
    evidence: tuple[Evidence, ...]
    actor: Actor


class AcceptTransfer(Struct, frozen=True, kw_only=True):
    """The place of origin lets the profile go (S2C-11)."""

    transfer_id: UUID
    actor: Actor


class ApproveTransfer(Struct, frozen=True, kw_only=True):
    """The destination takes the profile (S2C-12)."""

    transfer_id: UUID
    actor: Actor


class RefuseTransfer(Struct, frozen=True, kw_only=True):
    """The desk whose turn it is sends the transfer back to the origin, with a reason (S2C-12)."""

    transfer_id: UUID
    reason: RefusalReason
    text: str | None
    actor: Actor


class WithdrawTransfer(Struct, frozen=True, kw_only=True):
    """The person takes the request back, as long as the origin has not accepted it."""

    transfer_id: UUID
    actor: Actor


class ConfirmArrival(Struct, frozen=True, kw_only=True):
    """The person looks an approved arrival up, which completes what they have to do (S2C-18)."""

    transfer_id: UUID
    actor: Actor
