"""The rows of a roster at the door: JSON, CSV or XLSX become records, and records become rows without names and
numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from contracts.identifiers import ID_TYPE_WORDS, IdType, check_id_number
from contracts.identity import IdentityHashers
from services.kit.cell_types import Amount, Identifier, Several, Text, Whole, Word
from services.kit.errors import InvalidRequestError, Problem, UnsupportedMediaTypeError
from services.kit.json_guard import check_text
from services.kit.records import Batch, InvalidRecord, decode_batch
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE
from services.kit.table_forms import Column, Form
from services.kit.table_reader import Table, read_table
from services.kit.table_records import batch_of, place
from services.ledger.intake.records import PersonIdentity
from services.ledger.streams.problems import ImplausibleIdentityError, PersonalDataError
from services.ledger.streams.roster import NotPassedError, RosterRow, RowRepeatedError

ROWS_MAX = 1_000
_END = r"(?![\s\S])"
_NUMBER_LENGTH_MIN = 8
_ID_TYPES = {each.value: each for each in IdType}

RowId = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,19}}{_END}",
        description="The organization's own id of this row; unique for ever within the filing.",
        examples=["r-001"],
    ),
]
Hours = Annotated[
    str,
    Meta(
        pattern=rf"^(?:0|[1-9][0-9]{{0,3}})(?:\.[0-9]{{1,2}})?{_END}",
        description="Attended hours.",
        examples=["6.00"],
    ),
]


class RosterRecord(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One person of a training: which planned sessions (from 1) or how many hours were attended, and the outcome."""

    id: RowId
    person: PersonIdentity
    passed: bool
    sessions: Annotated[list[int], Meta(min_length=1, max_length=200)] | None = None
    hours: Hours | None = None


@dataclass(frozen=True)
class RosterTable:
    """The records of an upload, and the table of a file that they were read from."""

    batch: Batch[RosterRecord]
    table: Table | None = None

    def number(self, index: int) -> int:
        """What a record is numbered as: from 1 in JSON, the row of the sheet in a file."""
        return index + 1 if self.table is None else self.table.rows[index].number


class PreparedRow(Struct, frozen=True):
    """A row whose person is known by keyed hashes only, or why it cannot be taken; `also` is the person under other keys
    that are held while the identity key is rotated."""

    number: int
    row_id: str | None
    row: RosterRow | None = None
    problem: Problem | None = None
    column: str | None = None
    also: tuple[tuple[str, str], ...] = ()


class RosterPreparer:
    """Turns records into rows under the deployment's identity key."""

    def __init__(self, hashers: IdentityHashers) -> None:
        self._hashers = hashers

    def prepare(self, table: RosterTable, today: object) -> list[PreparedRow]:
        """Every row in order, each taken or refused; ids and persons that stand twice are refused the second time."""
        ids: set[str] = set()
        persons: set[str] = set()
        prepared = []
        for index, item in enumerate(table.batch.records):
            try:
                row, also = self._row(item, today)
                if row.row_id in ids:
                    raise RowRepeatedError(pointer="/id")
                if row.identity_hash in persons:
                    raise RowRepeatedError(pointer="/person/id_number")
            except Problem as problem:
                prepared.append(refused(table, index, _shown_id(item, problem), problem))
                continue
            ids.add(row.row_id)
            persons.add(row.identity_hash)
            prepared.append(PreparedRow(table.number(index), row.row_id, row, also=also))
        return prepared

    def _row(
        self, item: RosterRecord | InvalidRecord, today: Any
    ) -> tuple[RosterRow, tuple[tuple[str, str], ...]]:
        if isinstance(item, InvalidRecord):
            raise item.problem
        person = item.person
        fault = check_id_number(_ID_TYPES[person.id_type], person.id_number, on=today)
        if fault is not None:
            raise ImplausibleIdentityError(
                f"证件号码：{fault.text_zh}。",
                f"The ID number: {fault.text_en}.",
                pointer="/person/id_number",
            )
        if len(person.id_number) >= _NUMBER_LENGTH_MIN and person.id_number.upper() in item.id.upper():
            raise PersonalDataError(pointer="/id")
        if not item.passed:
            raise NotPassedError(pointer="/passed")
        hasher, *others = self._hashers.held
        identity_hash, name_hash = hasher.person_and_name(person.id_type, person.id_number, person.name)
        also = tuple(each.person_and_name(person.id_type, person.id_number, person.name) for each in others)
        hours = Decimal(item.hours).quantize(Decimal("0.01")) if item.hours is not None else None
        sessions = tuple(sorted(set(item.sessions or ())))
        meant = (identity_hash, name_hash, sessions, f"{hours:.2f}" if hours is not None else None)
        row = RosterRow(
            row_id=item.id,
            identity_hash=identity_hash,
            name_hash=name_hash,
            content=hasher.digest(msgspec.json.encode(meant)),
            sessions=sessions,
            hours=hours,
        )
        return row, also


def refused(table: RosterTable, index: int, row_id: str | None, problem: Problem) -> PreparedRow:
    """A row that cannot be taken; the problem points into the body, and says where it is in a file."""
    pointer = problem.pointer or ""
    base = f"/records/{index}"
    if not pointer.startswith(base):
        problem.pointer = base + pointer
    column = None if table.table is None else place(problem, table.table, index)
    return PreparedRow(table.number(index), row_id, None, problem, column)


def _shown_id(item: RosterRecord | InvalidRecord, problem: Problem) -> str | None:
    """The row's id is repeated only when it is well-formed and names nobody."""
    if isinstance(item, InvalidRecord) or isinstance(problem, PersonalDataError | InvalidRequestError):
        return None
    return item.id


def differing(first: RosterRow, again: RosterRow, also: Sequence[tuple[str, str]] = ()) -> Sequence[str]:
    """JSON pointers of the fields in which a repeated row differs from the stored one, values never shown."""
    before = first.identity_hash, first.name_hash
    number, name = before if before in also else (again.identity_hash, again.name_hash)
    pairs = {
        "/person/id_number": (first.identity_hash, number),
        "/person/name": (first.name_hash, name),
        "/sessions": (first.sessions, again.sessions),
        "/hours": (first.hours, again.hours),
    }
    found = [pointer for pointer, (one, other) in pairs.items() if one != other]
    if "/person/id_number" in found and "/person/name" in found:
        found.remove("/person/name")  # the hash of a name is bound to the number
    return found


FILE_BYTES_MAX = 4 * 1024 * 1024
JSON_TYPE = "application/json"
_PASSED = Word(
    {
        True: ("合格", "passed", "通过", "是", "yes", "true"),
        False: ("不合格", "failed", "未通过", "否", "no", "false"),
    }
)

FORM = Form(
    zh="培训名单",
    en="Roster",
    columns=(
        Column("/id", "编号", "id", Text(20), ("记录编号", "行编号"), needed=True),
        Column("/person/name", "姓名", "name", Text(100), ("学员姓名", "人员姓名"), needed=True),
        Column("/person/id_type", "证件类型", "id_type", Word(ID_TYPE_WORDS), ("证件种类", "身份证件类型")),
        Column(
            "/person/id_number", "证件号码", "id_number", Identifier(24),
            ("证件号", "身份证", "身份证号", "身份证号码", "居民身份证", "居民身份证号码", "身份证件号码", "公民身份号码"),
            needed=True,
        ),
        Column("/sessions", "出勤场次", "sessions", Several(Whole(3), 200), ("场次", "参加场次")),
        Column("/hours", "学时", "hours", Amount(4, 2), ("出勤学时", "实际学时")),
        Column("/passed", "结果", "passed", _PASSED, ("考核结果", "是否合格", "考核是否合格"), needed=True),
    ),
    rows_max=ROWS_MAX,
    one_of=(("/sessions", "/hours"),),
)  # fmt: skip
"""The columns by where they go in a record of a roster."""


async def read_roster(body: bytes, content_type: str) -> RosterTable:
    """The records of a body by its media type.

    Raises UnsupportedMediaTypeError, UnreadableTableError, BusyError, and what `decode_batch` raises.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON_TYPE:
        check_text(body)
        return RosterTable(decode_batch(body, RosterRecord, items_max=ROWS_MAX))
    if media_type in (CSV_TYPE, XLSX_TYPE):
        return records_of(await read_table(body, content_type, FORM))
    raise UnsupportedMediaTypeError("应为 JSON、CSV 或 XLSX", "Must be JSON, CSV or XLSX")


def records_of(table: Table) -> RosterTable:
    """The rows of a table as records."""
    return RosterTable(batch_of(table, RosterRecord, {"/person/id_type": "resident_id"}), table)
