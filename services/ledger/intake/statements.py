"""Completions as other systems write them: xAPI statements and CloudEvents, each field by a table. Pure.

What a table does not name is not read; what it names is checked as if it had been posted to `/v1/completions`, and a fault
is told at its place in the statement.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from services.kit.errors import FieldError, InvalidRequestError
from services.kit.json_guard import check_size, explain, repeated_members
from services.kit.records import Batch, InvalidRecord, decode_batch
from services.ledger.intake.records import Completion, Record

EXTENSION = "urn:xuefen:xapi:"
"""Before the name of a field of ours among a statement's context extensions."""
ID_TYPE = "urn:xuefen:id-type:"
"""Before the type of the document, as the home page of the actor's account."""
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
PASSED = "http://adlnet.gov/expapi/verbs/passed"
EVENT_TYPE = "cn.xuefen.completion.reported.v1"

Path = tuple[str, ...]
Make = Callable[[Any], Any]


def _itself(value: Any) -> Any:
    return value


def _id_type(value: Any) -> Any:
    return value.removeprefix(ID_TYPE) if isinstance(value, str) else value


def _last_part(value: Any) -> Any:
    """The last part of an IRI: `ZY-01` of `urn:course:ZY-01` and of an address that ends in it."""
    if not isinstance(value, str):
        return value
    return value.rstrip("/").replace("#", "/").replace(":", "/").rpartition("/")[2]


def _in_chinese(value: Any) -> Any:
    """A language map's Chinese text, or else its first."""
    if not isinstance(value, dict) or not value:
        return value
    return next(
        (value[tag] for tag in ("zh-CN", "zh", "zh-Hans") if tag in value), next(iter(value.values()))
    )


class Source(NamedTuple):
    """Where a field of a completion stands in what was posted, and what is made of the value there."""

    path: Path
    make: Make = _itself

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer."""
        return "".join(f"/{name}" for name in self.path)


_FIELDS = (
    "year",
    "category",
    "credits",
    "hours",
    "mode",
    "authority",
    "tier",
    "started_on",
    "filing",
    "repeat_of",
)
_PERSON = ("id_type", "id_number", "name")
_EXTENDED = {f"/{name}": Source(("context", "extensions", EXTENSION + name)) for name in _FIELDS}

XAPI: Mapping[str, Source] = {
    "/id": Source(("id",)),
    "/person/id_type": Source(("actor", "account", "homePage"), _id_type),
    "/person/id_number": Source(("actor", "account", "name")),
    "/person/name": Source(("actor", "name")),
    "/course": Source(("object", "id"), _last_part),
    "/title": Source(("object", "definition", "name"), _in_chinese),
    "/completed_at": Source(("timestamp",)),
    **_EXTENDED,
}
"""A completion of a statement by the verb `completed`; by `passed`, `timestamp` is `exam_passed_at` too."""

CLOUD_EVENT: Mapping[str, Source] = {
    "/id": Source(("id",)),
    "/completed_at": Source(("time",)),
    **{f"/person/{name}": Source(("data", "person", name)) for name in _PERSON},
    **{
        f"/{name}": Source(("data", name))
        for name in (*_FIELDS, "course", "title", "exam_passed_at", "evaluated_at")
    },
}
"""A completion of an event: the envelope says its id and when it was, `data` the rest."""


def completion_of_statement(statement: Any) -> dict[str, Any] | FieldError:
    """The completion that an xAPI statement says, or what is wrong with it where it says none."""
    verb = _found(statement, ("verb", "id"))
    if verb not in (COMPLETED, PASSED):
        return FieldError(
            "/verb/id", "other_verb", "只接受“completed”与“passed”", "Only completed and passed are taken"
        )
    record = _record(statement, XAPI)
    if verb == PASSED and "completed_at" in record:
        record["exam_passed_at"] = record["completed_at"]
    return record


def completion_of_event(event: Any) -> dict[str, Any] | FieldError:
    """The completion that a CloudEvent of our type says, or what is wrong with it where it says none."""
    if _found(event, ("specversion",)) != "1.0":
        return FieldError("/specversion", "other_version", "只接受“1.0”", "Only 1.0 is taken")
    if _found(event, ("type",)) != EVENT_TYPE:
        return FieldError("/type", "other_type", f"只接受“{EVENT_TYPE}”", f"Only {EVENT_TYPE} is taken")
    return _record(event, CLOUD_EVENT)


class Dialect(NamedTuple):
    """How another system writes a completion."""

    read: Callable[[Any], dict[str, Any] | FieldError]
    sources: Mapping[str, Source]


STATEMENTS = Dialect(completion_of_statement, XAPI)
EVENTS = Dialect(completion_of_event, CLOUD_EVENT)


def completions_of(raw: bytes, dialect: Dialect, *, items_max: int) -> Batch[Record]:
    """The completions of a body that is an array of statements or events, or a single one, each decided alone.

    Raises MalformedBodyError, and InvalidRequestError for a body that is neither, or names a member twice.
    """
    check_size(raw)
    try:
        document = msgspec.json.decode(raw)
    except (ValueError, RecursionError) as error:
        raise explain(raw, error) from None
    items = document if isinstance(document, list) else [document]
    if not 1 <= len(items) <= items_max:
        raise InvalidRequestError(
            [FieldError("", "wrong_length", f"应有 1 至 {items_max} 项", f"Must hold 1 to {items_max} items")]
        )
    repeated = [error for _, error in repeated_members(raw)]
    if repeated:
        raise InvalidRequestError(repeated)
    read = [dialect.read(item) for item in items]
    good = [each for each in read if not isinstance(each, FieldError)]
    decoded = iter(
        decode_batch(msgspec.json.encode({"records": good}), Completion, items_max=items_max).records
        if good
        else ()
    )
    records = [
        _refused(index, items[index], each)
        if isinstance(each, FieldError)
        else _placed(index, next(decoded), dialect)
        for index, each in enumerate(read)
    ]
    return Batch(records)


def _found(item: Any, path: Path) -> Any:
    for name in path:
        item = item.get(name) if isinstance(item, dict) else None
    return item


def _record(item: Any, sources: Mapping[str, Source]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for field, source in sources.items():
        value = _found(item, source.path)
        if value is None:
            continue
        *outer, name = field.removeprefix("/").split("/")
        inner = record
        for each in outer:
            inner = inner.setdefault(each, {})
        inner[name] = source.make(value)
    return record


def _refused(index: int, item: Any, fault: FieldError) -> InvalidRecord:
    given = _found(item, ("id",))
    harmless = isinstance(given, str) and len(given) <= 64 and given.isascii() and given.isprintable()
    return InvalidRecord(
        index, [replace(fault, pointer=f"/{index}{fault.pointer}")], given if harmless else None
    )


def _placed(index: int, record: Record | InvalidRecord, dialect: Dialect) -> Record | InvalidRecord:
    """A record at fault, told by where its fields stand in what was posted."""
    if not isinstance(record, InvalidRecord):
        return record
    errors = [replace(error, pointer=_place(index, error.pointer, dialect)) for error in record.errors]
    return replace(record, index=index, errors=errors)


def _place(index: int, pointer: str, dialect: Dialect) -> str:
    """Where the field of a pointer into the batch stands: of a part that is missing as a whole, where that would stand."""
    _, _, rest = pointer.removeprefix("/records/").partition("/")
    field = f"/{rest}" if rest else ""
    source = dialect.sources.get(field)
    if source is None and field:
        within = [each for name, each in dialect.sources.items() if name.startswith(f"{field}/")]
        source = Source(_common([each.path for each in within])) if within else None
    return f"/{index}{source.pointer if source is not None else ''}"


def _common(paths: Sequence[Path]) -> Path:
    shared = []
    for names in zip(*paths, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return tuple(shared)
