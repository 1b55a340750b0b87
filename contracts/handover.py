"""The handover from one ledger to another when a profile moves between authorities: the open years with their credits as
awarded, and the judgements of the years that stay. It carries no name and no number of a person."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from contracts.envelope import (
    Adcode,
    CategoryCode,
    Code,
    ContentHash,
    Credits,
    CreditYear,
    Day,
    Flag,
    KeyedHash,
    OpaqueId,
    Title,
    Uscc,
    UtcTime,
)
from contracts.registry import Affiliation, BirthMonth, FormerIdentity


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
    category: CategoryCode
    credits: Credits
    mode: Code
    route: Code
    form: Code | None = None
    fill: tuple[CategoryCode, ...] = ()
    fact: str | None = None
    provider_id: OpaqueId | None
    completion_id: OpaqueId
    course: Title | None = None
    tier: Code | None = None
    filing: OpaqueId | None = None
    started_on: Day | None = None
    rate_clause: str | None = None
    cut: Credits | None = None
    clause: str | None = None
    place: Adcode
    completed_at: UtcTime
    registered_at: UtcTime
    make_up: Flag = False
    late: Flag = False
    confirmed_by: tuple[Code, ...] = ()
    correction: Code | None = None
    provisional: Flag = False
    state: Literal["registered", "withdrawn", "revoked", "duplicate"] = "registered"
    duplicate_of: OpaqueId | None = None
    reason: Code | None = None
    ended_at: UtcTime | None = None
    ended_clause: str | None = None
    recognised_at: UtcTime | None = None


class HandedWaiting(HandoverPart):
    """A completion that reached the account after the guard and was not registered yet: the destination decides it."""

    completion_id: OpaqueId
    provider_id: OpaqueId
    category: Code
    credits: Credits
    mode: Code
    completed_at: UtcTime
    reason: Code
    held_at: UtcTime
    clause: str | None = None
    course: Title | None = None
    title: Title | None = None
    tier: Code | None = None
    filing: OpaqueId | None = None
    started_on: Day | None = None
    rate_clause: str | None = None
    cut: Credits | None = None
    exam_passed_at: UtcTime | None = None
    evaluated_at: UtcTime | None = None
    hours: Credits | None = None
    provisional: Flag = False
    content: str
    reported_at: UtcTime | None = None
    repeat_of: OpaqueId | None = None


class HandedExam(HandoverPart):
    """A pass in a provider's exam over the year's study (S0-09), or in its evaluation."""

    provider_id: OpaqueId
    passed_at: UtcTime
    of: Literal["exam", "evaluation"] = "exam"


class HandedExemption(HandoverPart):
    """An authority freed the person of the year (A-14), until a day where it has ended that."""

    reason: Code
    authority: Adcode
    granted_on: Day
    until: Day | None = None


class HandedDeferral(HandoverPart):
    """An authority gave the person more time for the year (A-14): `until` is its new last day."""

    until: Day
    reason: Code
    authority: Adcode
    granted_on: Day
    clause: str | None = None


class HandedSpecialReason(HandoverPart):
    """An official approved the special reason for which the person missed the year (A-06), perhaps until a day."""

    reason: Code
    authority: Adcode
    granted_on: Day
    ended_on: Day | None = None


class TakenBack(HandoverPart):
    """A provider took back a completion that travelled while it waited."""

    provider_id: OpaqueId
    completion_id: OpaqueId
    reason: Code
    taken_back_at: UtcTime


class HandedAccount(HandoverPart):
    """One open year: it is judged at the destination from now on."""

    year: CreditYear
    credits: tuple[HandedCredit, ...] = ()
    waiting: tuple[HandedWaiting, ...] = ()
    exams: tuple[HandedExam, ...] = ()
    exempt: HandedExemption | None = None
    deferred: HandedDeferral | None = None
    special_reason: HandedSpecialReason | None = None
    taken_back: tuple[TakenBack, ...] = ()


class JudgedRequirement(HandoverPart):
    """A minimum of a judged year, what was earned towards it, and the clause that sets it."""

    kind: Literal["total", "category", "course", "mode", "choice"]
    category: CategoryCode | None = None
    minimum: Credits
    earned: Credits
    met: Flag
    clause: str
    document: str
    text_zh: str
    course: str | None = None
    modes: tuple[Code, ...] = ()
    choice: str | None = None


class JudgedMissing(HandoverPart):
    """Credits that were missing in a judged year: in all, in a category, a course, in modes, or for a choice of minima."""

    category: CategoryCode | None = None
    credits: Credits
    course: str | None = None
    modes: tuple[Code, ...] = ()
    choice: str | None = None


class JudgedMakeUp(HandoverPart):
    """A way that was open to the person, or was to open, to make up the year at the origin; days both included."""

    act: Code
    mode: Code
    category: CategoryCode | None = None
    since: Day
    until: Day | None = None
    clause: str | None = None
    enrol: Flag = False
    paid: Flag = False
    conditions: tuple[Code, ...] = ()
    study_until: Day | None = None
    registers: Flag = False


class JudgedYear(HandoverPart):
    """A year whose window had closed at the origin: judged there, repeated here with its source, its minima, what was
    missing and how it could be made up there, the clauses (A-13, B-12), and whether a notice or the nation's rule judged
    (B-20)."""

    year: CreditYear
    status: Code
    total: Credits
    by_category: dict[CategoryCode, Credits]
    place: Adcode
    policy: ContentHash | None
    judged_on: Day
    requirements: tuple[JudgedRequirement, ...] = ()
    missing: tuple[JudgedMissing, ...] = ()
    make_up: tuple[JudgedMakeUp, ...] = ()
    clauses: tuple[str, ...] = ()
    basis: Literal["notice", "national"] | None = None


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
    identity_hash: KeyedHash
    name_hash: KeyedHash
    former: Annotated[tuple[FormerIdentity, ...], Field(max_length=100)] = ()
    place: Adcode
    employer: Uscc | None
    student: Flag = False
    student_since: Day | None = None
    qualified_on: Day | None = None
    qualification: Code | None = None
    working_since: Day | None = None
    left_on: Day | None = None
    retired_on: Day | None = None
    affiliation: Affiliation | None = None
    groups: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    graduated_on: Day | None = None
    birth_month: BirthMonth | None = None


class DepartureAnswer(HandoverPart):
    """Where a departure stands: guarded, lifted, or left."""

    transfer_id: OpaqueId
    person_id: OpaqueId
    from_place: Adcode
    to_place: Adcode
    state: Literal["guarded", "lifted", "left"]


class Supplements(HandoverPart):
    """What came after a departure, in order: each is posted to the destination's `/v1/arrivals/{transfer_id}` like the
    handover itself. `next` is the last one's `sequence` where there are further ones."""

    items: tuple[Handover, ...] = ()
    next: int | None = None


class ArrivalAnswer(HandoverPart):
    """What an arrival did: `repeated` when this part of the transfer had arrived before."""

    transfer_id: OpaqueId
    sequence: StrictInt
    person_id: OpaqueId
    log: Adcode
    repeated: Flag = False


class GuardDeparture(HandoverPart):
    """Body of `PUT /v1/departures/{transfer_id}`: nothing that blocks a departure may begin from now on."""

    person_id: OpaqueId
    to_place: Adcode


class LeaveAuthority(HandoverPart):
    """Body of `POST /v1/departures/{transfer_id}/leave`; the answer is the `Handover`."""

    person_id: OpaqueId
    to_place: Adcode
    left_at: UtcTime


class ArriveAtAuthority(HandoverPart):
    """Body of `POST /v1/arrivals/{transfer_id}`: who arrives, and with what."""

    profile: ArrivingProfile
    handover: Handover
