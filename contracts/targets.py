"""The contract offered to systems outside as their side of the synchronisation: batches of records with a key each, an
answer for every record, and counts and hashes by which both sides can prove that they hold the same.

The systems of the notices (全国平台, 广东省继续教育系统, 信用信息档案) publish no specification; this is the one we would
give them. One interface, three kinds of record. Both sides compute the hashes by the functions of this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from contracts.envelope import Adcode, CategoryCode, Code, Credits, CreditYear, Day, Flag, OpaqueId

RECORDS_MAX = 500
"""Records of one batch."""
PAGE_MAX = 1_000
"""Lines of one page."""

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$")]
"""What makes a record the same record: its subject and revision. A key that was accepted is accepted again, once stored."""

Hash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
Count = Annotated[StrictInt, Field(ge=0)]
Position = Annotated[StrictInt, Field(ge=0)]


class TargetModel(BaseModel):
    """A part of the contract: nothing unknown, nothing bent."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Identity(TargetModel):
    """Name and number as on the document, by which the system finds its own account (S0-23, S4-09)."""

    id_type: Code
    id_number: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]

    def __repr__(self) -> str:
        """Nothing: a repr ends up in logs."""
        return "Identity(…)"


class TargetRecord(TargetModel):
    """One thing said about a subject: `put` what it is from now on, or `end` it.

    The records of a subject have rising revisions; one that is not above what is held changes nothing and is accepted.
    Records of one person are sent in order, the next when the one before is answered. `identity` is not stored with us
    and may differ between repeats of a key, when a name was corrected.
    """

    CONTENT: ClassVar[tuple[str, ...]] = ("subject", "person_ref", "year", "place")
    """The fields of the canonical line, in order."""

    key: Key
    action: Literal["put", "end"]
    subject: OpaqueId
    revision: Annotated[StrictInt, Field(ge=1)]
    person_ref: OpaqueId
    year: CreditYear
    place: Adcode
    reason: Code | None = None
    identity: Identity | None = None


class CreditRecord(TargetRecord):
    """学分: a registered credit, for the national platform (S1-09, S3B-07). The subject is the credit."""

    CONTENT = (
        "subject",
        "person_ref",
        "year",
        "place",
        "category",
        "credits",
        "mode",
        "completed_on",
        "make_up",
    )

    category: CategoryCode | None = None
    credits: Credits | None = None
    mode: Code | None = None
    completed_on: Day | None = None
    make_up: Flag | None = None


class CertificateRecord(TargetRecord):
    """证书: a person's year with both categories recognised, for the human-resources system (S4-04). The subject is the
    person's year."""

    CONTENT = ("subject", "person_ref", "year", "place", "professional", "public")

    professional: Credits | None = None
    public: Credits | None = None


class ArchiveRecord(TargetRecord):
    """信用信息档案: how a person's closed year ended, for the credit archive (S2A-08). The subject is the person's year."""

    CONTENT = (
        "subject",
        "person_ref",
        "year",
        "place",
        "status",
        "total",
        "professional",
        "public",
        "made_up",
    )

    status: Code | None = None
    total: Credits | None = None
    made_up: Flag | None = None
    professional: Credits | None = None
    public: Credits | None = None


KINDS: dict[str, type[TargetRecord]] = {
    "credit": CreditRecord,
    "certificate": CertificateRecord,
    "archive": ArchiveRecord,
}
"""The kinds of record by name."""


class Answer(TargetModel):
    """What became of one record. `unmatched`: name and number are not both equal to those of an account (S4-09)."""

    key: Key
    outcome: Literal["accepted", "refused", "unmatched"]
    reference: Reference | None = None
    reason: Code | None = None


class Answers(TargetModel):
    """The answers to a batch, in any order; a key may be answered twice, and then the same."""

    results: Annotated[tuple[Answer, ...], Field(max_length=2 * RECORDS_MAX)]


class PlaceTotal(TargetModel):
    """What is held of one place's year: `hash` is of its people's lines."""

    place: Adcode
    people: Count
    records: Count
    hash: Hash


class PlaceTotals(TargetModel):
    """Every place at or below the one asked about of which something is held, by code."""

    places: tuple[PlaceTotal, ...]


class PersonTotal(TargetModel):
    """What is held of one person's year at one place: `hash` is of the records' canonical lines."""

    person_ref: OpaqueId
    records: Count
    hash: Hash


class PersonTotals(TargetModel):
    """A page of people by reference; `next_after` asks for the next, null at the end."""

    people: Annotated[tuple[PersonTotal, ...], Field(max_length=PAGE_MAX)]
    next_after: OpaqueId | None


class HeldRecord(TargetModel):
    """A record as it is held: its revision and the values of its canonical fields as text, null where there is none."""

    subject: OpaqueId
    revision: Annotated[StrictInt, Field(ge=1)]
    reference: Reference
    content: dict[str, str | None]


class HeldRecords(TargetModel):
    """What is held of one person's year at one place; ended records are not."""

    records: Annotated[tuple[HeldRecord, ...], Field(max_length=PAGE_MAX)]


class HistoricRecord(TargetModel):
    """A credit that the system holds and did not get from us, or a correction of one: a later `version` replaces the one
    before, `end` takes it back (S4-06)."""

    position: Position
    record_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,55}$")]
    version: Annotated[StrictInt, Field(ge=1, le=9999)]
    action: Literal["put", "end"]
    identity: Identity
    place: Adcode
    year: CreditYear
    category: Literal["professional", "public"]
    credits: Credits
    mode: Literal["online", "face_to_face", "other"]
    completed_on: Day


class HistoryPage(TargetModel):
    """Historic records after a position, in order; `next_after` is the position to resume after."""

    records: Annotated[tuple[HistoricRecord, ...], Field(max_length=PAGE_MAX)]
    next_after: Position


def written(value: Any) -> str | None:
    """A canonical value as text: credits with two places, days and flags as JSON writes them. ValueError for others."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, int | date):
        return str(value)
    raise ValueError("no canonical form")


def content_of(kind: type[TargetRecord], values: Mapping[str, Any]) -> dict[str, str | None]:
    """The canonical fields of a record as text."""
    return {field: written(values.get(field)) for field in kind.CONTENT}


def line_of(kind: type[TargetRecord], content: Mapping[str, str | None]) -> str:
    """The canonical line of a record: its fields in order, joined by `|`, nothing for null. No value holds a `|`."""
    return "|".join(content.get(field) or "" for field in kind.CONTENT)


def hash_of(lines: Iterable[str]) -> str:
    """The hash of lines in whatever order: SHA-256 over the sorted lines, each ended by a line feed."""
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(line.encode())
        digest.update(b"\n")
    return f"sha256:{digest.hexdigest()}"


def place_total(place: str, people: Sequence[PersonTotal]) -> PlaceTotal:
    """The total of a place from its people: the hash is of the lines `person_ref|records|hash`."""
    lines = (f"{each.person_ref}|{each.records}|{each.hash}" for each in people)
    return PlaceTotal(
        place=place, people=len(people), records=sum(each.records for each in people), hash=hash_of(lines)
    )
