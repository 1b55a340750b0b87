"""Bodies of the hot routes: msgspec decodes a batch in one go, and a pydantic model of the same struct
names every fault of a bad record.

A struct is written once; its model gives the OpenAPI schema and the errors, and accepts exactly what the
struct does.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from services.kit.errors import FieldError, InvalidRequestError, Problem, pointer_to
from services.kit.field_errors import FAULTS_MAX, field_errors
from services.kit.json_guard import check_size, explain, repeated_members
from services.kit.personal_numbers import faults_in, holds_personal_number, may_hold_people
from services.kit.pydantic_models import pydantic_model

__all__ = ["Batch", "InvalidRecord", "batch_model", "decode_batch", "json_body", "pydantic_model"]

T = TypeVar("T", bound=msgspec.Struct)

_ID_LENGTH_MAX = 64
_NUL_ESCAPE = b"\\u0000"


@dataclass(frozen=True)
class InvalidRecord:
    """A record of a batch that is not of the required form; the others go on without it.

    `record_id` is what it gives as its `id`, where nothing is wrong with that: the answer names it by it.
    """

    index: int
    errors: Sequence[FieldError]
    record_id: str | None = None

    @property
    def problem(self) -> Problem:
        """The refusal of this one record, with every fault of it."""
        return InvalidRequestError(self.errors)


@dataclass(frozen=True)
class Batch(Generic[T]):
    """The records of a body in order, each as its struct or as the reason why not."""

    records: Sequence[T | InvalidRecord]

    @property
    def valid(self) -> list[tuple[int, T]]:
        """The good records with their places."""
        return [
            (index, item) for index, item in enumerate(self.records) if not isinstance(item, InvalidRecord)
        ]

    @property
    def invalid(self) -> list[InvalidRecord]:
        """The bad records."""
        return [item for item in self.records if isinstance(item, InvalidRecord)]


def decode_batch(raw: bytes, struct: type[T], *, items_max: int) -> Batch[T]:
    """Decode `{"records": [...]}` of 1 to `items_max` records, each decided alone.

    Raises MalformedBodyError when the body is not JSON, and InvalidRequestError when it is no batch or holds
    text that cannot be stored anywhere (a lone surrogate).
    """
    check_size(raw)
    if _NUL_ESCAPE not in raw:
        try:
            records = _batch_decoder(struct, items_max)(raw).records
        except (ValueError, RecursionError):
            pass
        else:
            each_once = _names_each_once(raw, records, struct)
            checked = _without_people(records if each_once else _unrepeated(raw, records))
            return Batch(_named(raw, checked, items_max))
    items = _items(raw, items_max)
    records = [_decode_record(bytes(item), index, struct) for index, item in enumerate(items)]
    return Batch(_named(raw, _without_people(_unrepeated(raw, records)), items_max))


class _Named(msgspec.Struct):
    id: str | None = None


def _named(raw: bytes, records: Sequence[T | InvalidRecord], items_max: int) -> Sequence[T | InvalidRecord]:
    """The records, the bad ones with the id that they give."""
    if not any(isinstance(record, InvalidRecord) for record in records):
        return records
    items = _items(raw, items_max)
    return [
        replace(record, record_id=_id_of(bytes(items[record.index]), record))
        if isinstance(record, InvalidRecord)
        else record
        for record in records
    ]


def _id_of(item: bytes, record: InvalidRecord) -> str | None:
    try:
        given = msgspec.json.decode(item, type=_Named).id
    except (ValueError, RecursionError):
        return None
    if (
        given is None
        or len(given) > _ID_LENGTH_MAX
        or not given.isprintable()
        or holds_personal_number(given)
    ):
        return None
    at_fault = {error.pointer for error in record.errors}
    return None if pointer_to(("records", record.index, "id")) in at_fault else given


def _without_people(records: Sequence[T | InvalidRecord]) -> Sequence[T | InvalidRecord]:
    """The records less those in which somebody's number, or the name of whom they are about, stands where none belongs."""
    if not may_hold_people([record for record in records if not isinstance(record, InvalidRecord)]):
        return records
    looked_at: list[T | InvalidRecord] = []
    for index, record in enumerate(records):
        faults: list[FieldError] = []
        if not isinstance(record, InvalidRecord):
            faults = list(faults_in(msgspec.to_builtins(record), ("records", index)))
        looked_at.append(InvalidRecord(index, faults) if faults else record)
    return looked_at


def _names_each_once(raw: bytes, records: Sequence[T], struct: type[T]) -> bool:
    """Whether a decoded body surely names no member twice: it holds no more names than its records fields.

    False where that is not so plain, as when fields are null or a text holds a quote before a colon.
    """
    required, optional = _field_counts(struct)
    given = 0
    for name in optional:
        given += sum([getattr(record, name) is not None for record in records])
    return raw.count(b'":') == 1 + required * len(records) + given


def _unrepeated(raw: bytes, records: Sequence[T | InvalidRecord]) -> Sequence[T | InvalidRecord]:
    """The records less those that name a member twice. InvalidRequestError when the body around them does."""
    repeated = repeated_members(raw)
    if not repeated:
        return records
    faults: dict[int, list[FieldError]] = {}
    for path, error in repeated:
        if len(path) < 3 or path[0] != "records" or not isinstance(path[1], int):
            raise InvalidRequestError([error])
        faults.setdefault(path[1], []).append(error)
    return [
        InvalidRecord(index, faults[index])
        if index in faults and not isinstance(record, InvalidRecord)
        else record
        for index, record in enumerate(records)
    ]


def _items(raw: bytes, items_max: int) -> Sequence[msgspec.Raw]:
    try:
        items: Sequence[msgspec.Raw] = _batch_decoder(msgspec.Raw, items_max)(raw).records
    except msgspec.ValidationError as error:
        raise _refused_envelope(raw, items_max, error) from None
    except (ValueError, RecursionError) as error:
        raise explain(raw, error) from None
    return items


def _refused_envelope(raw: bytes, items_max: int, error: Exception) -> Problem:
    envelope = create_model(
        "Envelope",
        __config__=ConfigDict(extra="forbid", strict=True),
        records=(Annotated[list[object], Field(min_length=1, max_length=items_max)], ...),
    )
    try:
        envelope.model_validate(msgspec.json.decode(raw))
    except ValidationError as refused:
        return InvalidRequestError(field_errors(refused.errors(include_input=False, include_url=False)))
    except (ValueError, RecursionError) as malformed:
        return explain(raw, malformed)
    return explain(raw, error)


def _decode_record(item: bytes, index: int, struct: type[T]) -> T | InvalidRecord:
    base = ("records", index)
    try:
        record: T = _decoder(struct)(item)
    except (ValueError, RecursionError):
        return InvalidRecord(index, _faults(item, struct, base))
    if _NUL_ESCAPE in item:
        try:
            pydantic_model(struct).model_validate(msgspec.json.decode(item))
        except ValidationError:
            return InvalidRecord(index, _faults(item, struct, base))
    return record


def _faults(item: bytes, struct: type[msgspec.Struct], base: tuple[str | int, ...]) -> Sequence[FieldError]:
    try:
        pydantic_model(struct).model_validate(msgspec.json.decode(item))
    except ValidationError as error:
        return field_errors(error.errors(include_input=False, include_url=False)[:FAULTS_MAX], base)
    except (ValueError, RecursionError) as error:
        problem = explain(item, error)
        return [
            FieldError(pointer_to(base) + found.pointer, found.code, found.detail_zh, found.detail_en)
            for found in problem.field_errors
        ] or [FieldError(pointer_to(base), "invalid", "内容不正确", "Not valid")]
    return [FieldError(pointer_to(base), "invalid", "内容不正确", "Not valid")]


@functools.cache
def _field_counts(struct: type[msgspec.Struct]) -> tuple[int, tuple[str, ...]]:
    """How many names every record must hold, those of nested structs included, and which fields may be left out."""
    required = 0
    optional = []
    hints = typing.get_type_hints(struct)
    for field in msgspec.structs.fields(struct):
        if not field.required:
            optional.append(field.name)
            continue
        required += 1
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            required += _field_counts(hint)[0]
    return required, tuple(optional)


@functools.cache
def _decoder(struct: type[T]) -> Callable[[bytes], T]:
    return msgspec.json.Decoder(struct).decode


@functools.cache
def _batch_decoder(item: Any, items_max: int) -> Callable[[bytes], Any]:
    records = Annotated[list[item], msgspec.Meta(min_length=1, max_length=items_max)]
    envelope = msgspec.defstruct("Envelope", [("records", records)], forbid_unknown_fields=True)
    return msgspec.json.Decoder(envelope).decode


@functools.cache
def batch_model(struct: type[msgspec.Struct], *, items_max: int) -> type[BaseModel]:
    """The model of a whole batch body, for the OpenAPI document."""
    records: Any = list[pydantic_model(struct)]  # type: ignore[misc]
    return create_model(
        f"{struct.__name__}Batch",
        __config__=ConfigDict(extra="forbid", strict=True),
        __doc__=f"1 to {items_max} records, each decided alone.",
        records=(records, Field(min_length=1, max_length=items_max)),
    )


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` of a route that decodes its body itself: the body's schema in the OpenAPI document."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schema.pop("$defs", {})
    definitions[model.__name__] = schema
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    body = {"required": True, "content": {"application/json": {"schema": reference}}}
    return {"requestBody": body, "x-definitions": definitions}
