"""The contract of the national relay (全国会计人员管理服务平台), an outside system that carries a profile from one authority
to another: what an end puts on it, what it answers, and in which order things may happen (S2C-13 to S2C-18).

Only the relay sees both ends, so it decides what happened first: an offer is either fetched or recalled, never both. A
step that has been taken, or that cannot be taken any more, changes nothing and is answered with the exchange as it stands.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from contracts.envelope import Adcode, Code, Day, Flag, OpaqueId, Uscc, UtcTime
from contracts.handover import Handover
from contracts.registry import Affiliation, BirthMonth, Qualification

MAIL_MAX = 100
"""Exchanges in one page of an authority's mail at most."""


class RelayPart(BaseModel):
    """A part of what travels over the relay: frozen, nothing unknown, no float."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TravellingPerson(RelayPart):
    """Who moves, from registry to registry: the only place where a name and a number travel. Kept by no transfer service."""

    id_type: Literal["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card"]
    id_number: Annotated[str, Field(min_length=4, max_length=24)]
    name: Annotated[str, Field(min_length=1, max_length=50)]
    student: Flag = False
    student_since: Day | None = None
    qualifications: Annotated[tuple[Qualification, ...], Field(max_length=20)] = ()
    jobs: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    working_since: Day | None = None
    left_on: Day | None = None
    retired_on: Day | None = None
    affiliation: Affiliation | None = None
    groups: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    graduated_on: Day | None = None
    birth_month: BirthMonth | None = None

    def __repr__(self) -> str:
        """Nothing: a repr ends up in logs."""
        return "TravellingPerson(…)"


class EvidenceDigest(RelayPart):
    """A stamped 工作证明 or 学籍证明 (S2C-10), by the digest of the file."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    media_type: Literal["application/pdf", "image/jpeg", "image/png"]


class Offer(RelayPart):
    """A profile that its origin lets go (S2C-15). The first offer of a transfer stands; a repeat is answered with it."""

    transfer_id: OpaqueId
    from_authority: Adcode
    from_place: Adcode
    to_authority: Adcode
    to_place: Adcode
    employer: Uscc | None
    student: Flag
    evidence: Annotated[tuple[EvidenceDigest, ...], Field(max_length=10)]
    accepted_at: UtcTime
    person: TravellingPerson


ExchangeState = Literal[
    "offered", "recalled", "fetched", "refused", "confirmed", "cancelled", "handed_over", "completed"
]
"""Where an exchange stands.

    offered ──receipt──▶ fetched ──confirmation──▶ confirmed ──handover──▶ handed_over ──completion──▶ completed
       └──recall──▶ recalled  ├──refusal──▶ refused    │
                              └──────cancellation──────┴──▶ cancelled
"""

StepName = Literal["recall", "receipt", "refusal", "confirmation", "cancellation", "completion"]
"""A step an end takes; offers and handovers carry something, and have routes of their own."""


class Step(RelayPart):
    """Body of `POST /v1/exchanges/{transfer_id}/steps`; a refusal and a cancellation say why."""

    step: StepName
    reason: Code | None = None


class Acknowledgement(RelayPart):
    """Body of `POST /v1/exchanges/{transfer_id}/acknowledgements`: an authority has stored what the revision says."""

    authority: Adcode
    revision: Annotated[StrictInt, Field(ge=1)]


class Exchange(RelayPart):
    """An exchange as one end, `seen_by`, may see it.

    `offer` is there for the destination until it has acknowledged the receipt, the handovers from `handed_over` on. A later
    revision says all that an earlier one said.
    """

    transfer_id: OpaqueId
    revision: Annotated[StrictInt, Field(ge=1)]
    state: ExchangeState
    reason: Code | None = None
    from_authority: Adcode
    to_authority: Adcode
    seen_by: Adcode
    offer: Offer | None = None
    handovers: tuple[Handover, ...] = ()


class Mail(RelayPart):
    """A page of the exchanges in which something is new for the authorities that were asked about, oldest news first.

    They are listed until they are acknowledged, once for each end that has something to read. `next` is the `after` of the
    following page, null on the last.
    """

    exchanges: Annotated[tuple[Exchange, ...], Field(max_length=MAIL_MAX)]
    next: OpaqueId | None = None


class ArrivingPerson(RelayPart):
    """Body of `PUT /v1/arriving-people/{transfer_id}` of a registry: who is about to arrive, and where (S2C-17)."""

    person: TravellingPerson
    place: Adcode
    employer: Uscc | None
    student: Flag
