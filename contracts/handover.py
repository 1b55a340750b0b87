"""What one ledger hands to another when a profile moves between authorities: the open years with their credits as awarded,
and the judgements of the years that stay. It carries no name and no number of a person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from contracts.envelope import (
    Adcode,
    Code,
    ContentHash,
    Credits,
    CreditYear,
    Day,
    Flag,
    OpaqueId,
    Title,
    Uscc,
    UtcTime,
)


class HandoverPart(BaseModel):
    """A part of a handover: frozen, strict, nothing unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Blocker(HandoverPart):
    """Something of the person's that must be finished or withdrawn before they leave (S2C-14, B-13)."""

    kind: Literal["enrolment", "claim", "roster", "waiting"]
    id: OpaqueId
    year: CreditYear
    provider_id: OpaqueId | None = None


class HandedCredit(HandoverPart):
    """A credit as it was awarded, ended ones too; `credit_id` names it for ever, wherever it travels."""

    credit_id: OpaqueId
    category: Code
    credits: Credits
    mode: Code
    route: Code
    form: Code | None = None
    fill: tuple[Code, ...] = ()
    fact: str | None = None
    provider_id: OpaqueId | None
    completion_id: OpaqueId
    course: Title | None = None
    tier: Code | None = None
    place: Adcode
    completed_at: UtcTime
    registered_at: UtcTime
    make_up: Flag = False
    late: Flag = False
    state: Literal["registered", "withdrawn", "revoked"] = "registered"
    reason: Code | None = None
    ended_at: UtcTime | None = None


class HandedAccount(HandoverPart):
    """One open year: it is judged at the destination from now on."""

    year: CreditYear
    credits: tuple[HandedCredit, ...] = ()
    exempt: Code | None = None


class JudgedYear(HandoverPart):
    """A year whose window had closed at the origin: judged there, repeated here with its source (A-13, B-12)."""

    year: CreditYear
    status: Code
    total: Credits
    by_category: dict[Code, Credits]
    place: Adcode
    policy: ContentHash | None
    judged_on: Day


class Handover(HandoverPart):
    """Everything that leaves with a person. `sequence` is 0 for the departure itself, then counts late supplements."""

    transfer_id: OpaqueId
    sequence: Annotated[StrictInt, Field(ge=0)] = 0
    from_authority: Adcode
    from_place: Adcode
    to_place: Adcode
    left_at: UtcTime
    accounts: tuple[HandedAccount, ...] = ()
    judged: tuple[JudgedYear, ...] = ()


class ArrivingProfile(HandoverPart):
    """Who arrives, as the destination's registry knows them: what the ledger would have learned of a collection."""

    person_id: OpaqueId
    identity_hash: str
    name_hash: str
    place: Adcode
    employer: Uscc | None
    student: Flag = False
    qualified_on: date | None = None
    qualification: Code | None = None
    working_since: date | None = None


class GuardDeparture(HandoverPart):
    """Body of `PUT /v1/departures/{transfer_id}`: nothing that blocks a departure may begin from now on."""

    person_id: OpaqueId
    to_place: Adcode


class LeaveAuthority(HandoverPart):
    """Body of `POST /v1/departures/{transfer_id}/leave`; the answer is the `Handover`."""

    person_id: OpaqueId
    to_place: Adcode
    left_at: datetime


class ArriveAtAuthority(HandoverPart):
    """Body of `POST /v1/arrivals/{transfer_id}`: who arrives, and with what."""

    profile: ArrivingProfile
    handover: Handover
