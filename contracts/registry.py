"""The registry's published events: who is collected and where, and which organizations may train whom.

A person appears by an opaque id and by keyed hashes; names, numbers and addresses never leave the registry
this way.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope import (
    Adcode,
    Code,
    CreditYear,
    Day,
    Flag,
    KeyedHash,
    OpaqueId,
    PublishedEvent,
    Title,
    Uscc,
    UtcTime,
)

Level = Literal["junior", "intermediate", "senior", "advanced_senior"]
"""初级, 中级, 高级, 正高级, lowest first."""

Affiliation = Literal["central", "provincial", "local"]

BirthMonth = Annotated[
    str,
    Field(
        pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$",
        description="The month of birth; never the day.",
        examples=["1990-09"],
    ),
]


class Qualification(BaseModel):
    """An accounting qualification (会计专业技术资格) and the day it was obtained (S0-04)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Level
    obtained_on: Day


class FormerIdentity(BaseModel):
    """A name and number that a person had, as keyed hashes, until the day they were changed (B-24)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity_hash: KeyedHash
    name_hash: KeyedHash
    until: Day


class InfoCollected(PublishedEvent):
    """信息采集: a person's information was accepted, so credits can be registered (S1-06, S3B-02).

    `qualification` is the one obtained first, from which the duty is counted (S0-04); `level` the highest held, by which
    courses are tiered (S1-08). `affiliation` is whose unit the employer is, `groups` are codes that notices
    of the place use. `birth_month` is the month of birth, for rules that go by age or by it: of the date, no more than that.
    """

    TYPE: ClassVar[str] = "cn.xuefen.registry.info.collected.v1"

    person_id: OpaqueId
    identity_hash: KeyedHash
    name_hash: KeyedHash
    place: Adcode
    employer: Uscc | None
    student: Flag
    qualification: Qualification | None
    level: Level | None
    working_since: Day | None
    affiliation: Affiliation | None
    groups: Annotated[tuple[Code, ...], Field(max_length=20)]
    graduated_on: Day | None
    birth_month: BirthMonth | None
    collected_at: UtcTime


class InfoChanged(PublishedEvent):
    """信息变更: what is on record of a person from now on, whole, after an approved change (S2C-09).

    `items` names what differs. `cause` is "change"; or "reversal" and "separation", when a wrongly approved change was
    undone: then everything is as it was before that change, but for what others have changed since; "merge", when another
    profile of the same person became part of this one; or "rehash", when the hashes alone are others, as they are derived
    anew. `former` are all names and numbers the person had, an old name with
    the new number among them: whoever is reported under one is this person (B-24).
    """

    TYPE: ClassVar[str] = "cn.xuefen.registry.info.changed.v1"

    person_id: OpaqueId
    change_id: OpaqueId
    cause: Code
    items: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]
    identity_hash: KeyedHash
    name_hash: KeyedHash
    former: Annotated[tuple[FormerIdentity, ...], Field(max_length=100)]
    place: Adcode
    employer: Uscc | None
    student: Flag
    student_since: Day | None
    qualifications: Annotated[tuple[Qualification, ...], Field(max_length=20)]
    working_since: Day | None
    left_on: Day | None
    retired_on: Day | None
    affiliation: Affiliation | None
    groups: Annotated[tuple[Code, ...], Field(max_length=20)]
    graduated_on: Day | None
    birth_month: BirthMonth | None
    changed_at: UtcTime


class ProfilesMerged(PublishedEvent):
    """Two profiles of one person are one from now on: `merged_id` leads to `person_id`, whose information was published
    just before, with the names and numbers of both (`info.changed`, cause "merge").

    Whatever is on record of the merged profile is the person's. Where a merge was wrong, the merged profile is collected
    again under its own id (`info.collected`).
    """

    TYPE: ClassVar[str] = "cn.xuefen.registry.profiles.merged.v1"

    person_id: OpaqueId
    merged_id: OpaqueId
    change_id: OpaqueId
    place: Adcode
    merged_at: UtcTime


class PersonErased(PublishedEvent):
    """A person's name, number and contact were destroyed for good; the id leads to nobody any more.

    Whoever finds people by a keyed hash forgets the hash: the same number collected again is a new person.
    """

    TYPE: ClassVar[str] = "cn.xuefen.registry.person.erased.v1"

    person_id: OpaqueId
    place: Adcode
    reason: Code
    erased_at: UtcTime


class OrganizationRegistered(PublishedEvent):
    """An organization has an account: a provider, an organiser of trainings, an employer (S1-13)."""

    TYPE: ClassVar[str] = "cn.xuefen.registry.organization.registered.v1"

    organization_id: OpaqueId
    name: Title
    uscc: Uscc
    kind: Code


class ProviderAccredited(PublishedEvent):
    """An authority filed a provider for a place, years and modes; only if published may it train (S3B-12)."""

    TYPE: ClassVar[str] = "cn.xuefen.registry.provider.accredited.v1"

    organization_id: OpaqueId
    place: Adcode
    years: Annotated[tuple[CreditYear, ...], Field(min_length=1, max_length=20)]
    modes: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]
    published: Flag


class ProviderDisqualified(PublishedEvent):
    """An authority took a provider's standing from a day on; credits earned before stand (S0-25)."""

    TYPE: ClassVar[str] = "cn.xuefen.registry.provider.disqualified.v1"

    organization_id: OpaqueId
    place: Adcode
    from_date: Day
    reason: Code


class AccreditationEnded(PublishedEvent):
    """A published filing ended from a day on, without blame: what was completed before stands (S2B-14)."""

    TYPE: ClassVar[str] = "cn.xuefen.registry.accreditation.ended.v1"

    organization_id: OpaqueId
    place: Adcode
    years: Annotated[tuple[CreditYear, ...], Field(min_length=1, max_length=20)]
    modes: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]
    from_date: Day
    reason: Code


class ProviderReinstated(PublishedEvent):
    """A standing that was taken at this place came back from a day on; the days between stay lost (S0-25)."""

    TYPE: ClassVar[str] = "cn.xuefen.registry.provider.reinstated.v1"

    organization_id: OpaqueId
    place: Adcode
    from_date: Day
    reason: Code
