"""The records a provider posts: completions, enrolments and exam passes. They carry a name and an ID number only until
both are hashed, at the door; nothing behind `prepare` sees them."""

from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from contracts.identity import IdentityHashers
from services.ledger.policy.language.facts import CATEGORY_PATTERN

# `$` also matches before a trailing newline in Python; this end matches nowhere but at the end, in every dialect.
_END = r"(?![\s\S])"

RecordId = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}{_END}",
        description="The provider's own id of this record; unique for ever within provider and authority.",
        examples=["2025-000017"],
    ),
]
Adcode = Annotated[
    str, Meta(pattern=rf"^[1-9][0-9]{{5}}{_END}", description="GB/T 2260 code.", examples=["210000"])
]
Year = Annotated[int, Meta(ge=2000, le=2100, description="The credit year (年度), never a date.")]
Credits = Annotated[
    str,
    Meta(
        pattern=rf"^(?:0|[1-9][0-9]{{0,3}})(?:\.[0-9]{{1,2}})?{_END}",
        description="Credits as a decimal string with at most two places; JSON floats are not credits.",
        examples=["3.00"],
    ),
]
Hours = Annotated[
    str,
    Meta(
        pattern=rf"^(?:0|[1-9][0-9]{{0,3}})(?:\.[0-9]{{1,2}})?{_END}",
        description="Hours of study (学时) as a decimal string, where the policy says what an hour is worth.",
        examples=["6.00"],
    ),
]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.")]
Category = Annotated[
    str,
    Meta(
        pattern=f"{CATEGORY_PATTERN}{_END}",
        description="A category the policy of the place knows, nested by slashes.",
        examples=["professional"],
    ),
]
Mode = Literal["online", "face_to_face", "other"]
Tier = Literal["junior", "intermediate", "senior"]
Text = Annotated[str, Meta(pattern=rf"^[^\x00-\x1f\x7f]{{1,200}}{_END}")]


class PersonIdentity(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Name and ID number exactly as on the ID document (S0-23)."""

    id_type: Literal["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card"]
    id_number: Annotated[str, Meta(pattern=rf"^[^\x00-\x20\x7f]{{4,40}}{_END}")]
    name: Annotated[str, Meta(pattern=rf"^[^\x00-\x1f\x7f]{{1,50}}{_END}")]


class Completion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One completed course of one person, for a credit year (S0-09, S1-07).

    It states `credits`, or `hours` (学时) that the policy of the person's place converts; one of the two.
    """

    KIND: ClassVar[str] = "completion"

    id: RecordId
    person: PersonIdentity
    year: Year
    category: Category
    credits: Credits | None = None
    hours: Hours | None = None
    mode: Mode
    course: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}{_END}")]
    completed_at: Moment
    authority: Adcode | None = None
    title: Text | None = None
    tier: Tier | None = None
    started_on: date | None = None
    exam_passed_at: Moment | None = None
    evaluated_at: Moment | None = None
    filing: (
        Annotated[
            str,
            Meta(
                pattern=rf"^[0-9a-f-]{{36}}{_END}",
                description="The training's filing, where a notice wants one.",
            ),
        ]
        | None
    ) = None
    repeat_of: (
        Annotated[
            str,
            Meta(
                pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}{_END}",
                description="The provider's record of the same course of which this is a new attempt.",
            ),
        ]
        | None
    ) = None


class Enrolment(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One person's enrolment with the provider for a credit year (S1-07, S3B-07), and when it was paid."""

    KIND: ClassVar[str] = "enrolment"

    id: RecordId
    person: PersonIdentity
    year: Year
    mode: Mode
    enrolled_on: date
    authority: Adcode | None = None
    tier: Tier | None = None
    paid_on: date | None = None


class ExamPass(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One person's pass in the provider's exam over a credit year's study (S0-09), or in its evaluation of it."""

    KIND: ClassVar[str] = "exam_pass"

    id: RecordId
    person: PersonIdentity
    year: Year
    passed_at: Moment
    authority: Adcode | None = None
    of: Annotated[
        Literal["exam", "evaluation"] | None, Meta(description="What was passed; an exam when left out.")
    ] = None


Record = Completion | Enrolment | ExamPass


class Prepared(Struct, frozen=True, gc=False):
    """A record whose person is known by keyed hashes only.

    `content` is a keyed digest of what the record means: equal digests mean the same was posted again, whether 30 or
    30.00, in Beijing's time or in UTC, with the authority named or left to be found. `reported_at` is when it was first
    reported, None for what is reported now (B-25). `signature` is the digest of the signature it came under. `also` is the
    person under other keys, while the identity key is rotated.
    """

    record: Record
    kind: str
    identity: str
    identity_hash: str
    name_hash: str
    content: str
    reported_at: datetime | None = None
    signature: str | None = None
    also: tuple[tuple[str, str], ...] = ()


_encode = msgspec.json.Encoder().encode


class Preparer:
    """Turns posted records into prepared ones under the deployment's identity key."""

    def __init__(self, hashers: IdentityHashers) -> None:
        self._hashers = hashers

    def prepare(self, provider_id: str, record: Record, signature: str | None = None) -> Prepared:
        """Hash the person of one record; the caller drops the record's clear text with it."""
        person = record.person
        kind = record.KIND
        hasher, *others = self._hashers.held
        identity_hash, name_hash = hasher.person_and_name(person.id_type, person.id_number, person.name)
        also = tuple(each.person_and_name(person.id_type, person.id_number, person.name) for each in others)
        return Prepared(
            record=record,
            kind=kind,
            identity=f"{kind}:{provider_id}:{record.id}",
            identity_hash=identity_hash,
            name_hash=name_hash,
            content=hasher.digest(_encode((identity_hash, name_hash, *_meaning(record)))),
            signature=signature,
            also=also,
        )


def _meaning(record: Record) -> tuple[object, ...]:
    """What the record says, in one way of writing; the authority is told by the log, which the identity is unique in."""
    if isinstance(record, Completion):
        return (
            record.year,
            record.category,
            _two_places(record.credits),
            _two_places(record.hours),
            record.mode,
            record.course,
            record.completed_at.astimezone(UTC),
            record.title,
            record.tier,
            record.started_on,
            record.exam_passed_at.astimezone(UTC) if record.exam_passed_at is not None else None,
            record.evaluated_at.astimezone(UTC) if record.evaluated_at is not None else None,
            record.filing,
            record.repeat_of,
        )
    if isinstance(record, Enrolment):
        return (record.year, record.mode, record.enrolled_on, record.tier, record.paid_on)
    return (record.year, record.passed_at.astimezone(UTC), record.of or "exam")


def _two_places(text: str | None) -> str | None:
    if text is None:
        return None
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<2}"


def without_person(record: Record) -> dict[str, object]:
    """The posted record as plain data, less the person: what a waiting record may keep.

    In the order in which the event's encoding puts it, so that a row written now is the row a rebuild writes.
    """
    data: dict[str, object] = msgspec.to_builtins(record)
    del data["person"]
    return {key: value for key, value in sorted(data.items()) if value is not None}


KINDS: dict[str, type[Completion] | type[Enrolment] | type[ExamPass]] = {
    kind.KIND: kind for kind in (Completion, Enrolment, ExamPass)
}
_NOBODY = {"id_type": "passport", "id_number": "00000", "name": "-"}


def restore(kind: str, data: dict[str, object]) -> Record:
    """The inverse of `without_person`; the person is a placeholder that nothing reads."""
    return msgspec.convert(data | {"person": _NOBODY}, KINDS[kind], strict=False)
