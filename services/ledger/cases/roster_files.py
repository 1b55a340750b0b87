"""Rosters from the body of a request: JSON, or a table in CSV or XLSX, all into the same records."""

from contracts.identifiers import ID_TYPE_WORDS
from services.kit.cell_types import Amount, Identifier, Several, Text, Whole, Word
from services.kit.errors import UnsupportedMediaTypeError
from services.kit.json_guard import check_text
from services.kit.records import decode_batch
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE
from services.kit.table_forms import Column, Form
from services.kit.table_reader import Table, read_table
from services.kit.table_records import batch_of
from services.ledger.cases.roster_rows import ROWS_MAX, RosterRecord, RosterTable

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
