"""The table of people to collect: its form, and each of its rows as the body of a collection or as faults by column."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from contracts.identifiers import ID_TYPE_WORDS
from services.kit.cell_types import YES_NO, Day, Identifier, Several, Text, Word
from services.kit.errors import FieldError
from services.kit.field_errors import field_errors
from services.kit.table_forms import Column, Form
from services.kit.table_reader import Table, TableRow
from services.registry.people.schemas import CollectionRequest

ROWS_MAX = 2000
"""Rows of one file: they become one transaction."""

LEVELS = Word(
    {
        "junior": ("初级", "junior", "助理会计师", "初级会计师"),
        "intermediate": ("中级", "intermediate", "会计师", "中级会计师"),
        "senior": ("高级", "senior", "副高级", "高级会计师"),
        "advanced_senior": ("正高级", "advanced senior", "正高级会计师"),
    }
)
JOBS = Word(
    {
        "cashier": ("出纳", "cashier"),
        "audit": ("稽核", "audit"),
        "assets_liabilities_equity": ("资产负债和所有者权益核算", "assets, liabilities and equity"),
        "income_expense": ("收入费用核算", "income and expense", "收入、费用（支出）的核算"),
        "results": ("财务成果核算", "results", "财务成果（政府预算执行结果）的核算"),
        "reporting": ("财务会计报告编制", "reporting", "财务会计报告（决算报告）编制"),
        "supervision": ("会计监督", "supervision"),
        "archives": ("会计机构内会计档案管理", "archives", "会计档案管理"),
        "other": ("其他", "other", "其他会计工作"),
    }
)
"""The nine kinds of accounting jobs (财会〔2018〕33号)."""

FORM = Form(
    zh="人员信息采集",
    en="Collection",
    columns=(
        Column("/person/id_type", "证件类型", "id_type", Word(ID_TYPE_WORDS), ("证件种类", "身份证件类型")),
        Column(
            "/person/id_number", "证件号码", "id_number", Identifier(24),
            ("证件号", "身份证", "身份证号", "身份证号码", "居民身份证", "居民身份证号码", "身份证件号码", "公民身份号码"),
            needed=True,
        ),
        Column("/person/name", "姓名", "name", Text(100), ("人员姓名", "真实姓名", "名字"), needed=True),
        Column("/place", "地区代码", "place", Text(12), ("行政区划代码", "区划代码", "所在地区代码"), needed=True),
        Column(
            "/employer", "统一社会信用代码", "employer", Identifier(18),
            ("社会信用代码", "单位统一社会信用代码", "单位信用代码", "信用代码"),
        ),
        Column("/student", "学生", "student", YES_NO, ("是否学生", "是否在校学生", "在校学生")),
        Column("/student_since", "入学日期", "student_since", Day(), ("入学时间",)),
        Column(
            "/qualifications/0/level", "专业技术资格", "level", LEVELS,
            ("会计专业技术资格", "专业技术资格等级", "资格等级", "职称", "会计职称"),
        ),
        Column("/qualifications/0/obtained_on", "取得日期", "obtained_on", Day(), ("资格取得日期", "取得时间")),
        Column(
            "/qualifications/0/certificate_number", "证书编号", "certificate_number", Identifier(40),
            ("证书号", "证书号码", "资格证书编号"),
        ),
        Column("/jobs", "会计岗位", "jobs", Several(JOBS, 9), ("岗位", "从事岗位", "会计工作岗位")),
        Column(
            "/working_since", "从事会计工作日期", "working_since", Day(),
            ("从事会计工作时间", "参加会计工作日期", "参加会计工作时间"),
        ),
        Column("/contact/phone", "联系电话", "phone", Text(40), ("电话", "手机", "手机号", "手机号码")),
        Column("/contact/email", "电子邮箱", "email", Text(100), ("邮箱", "电子邮件")),
        Column("/evidence", "佐证材料", "evidence", Several(Text(40)), ("佐证材料编号", "材料编号")),
    ),
    rows_max=ROWS_MAX,
)  # fmt: skip
"""The columns by where they go in the body of a collection."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: the column by the word of its header, a stable code, and why in both languages."""

    column: str
    code: str
    reason_zh: str
    reason_en: str


@dataclass(frozen=True)
class ReadRow:
    """A row by its number in the file, as a body or as its faults."""

    number: int
    body: CollectionRequest | None
    faults: tuple[Fault, ...] = ()


def read_rows(table: Table) -> list[ReadRow]:
    """The rows of a table, each as a body, or with all that is wrong with it."""
    return [_read(row, table) for row in table.rows]


def fault_of(table: Table, row: int, error: FieldError) -> Fault:
    """A fault of a field of the body as a fault of its column, with its place in the file."""
    name = FORM.column_at(error.pointer)
    if name is None:
        return Fault("", error.code, error.detail_zh, error.detail_en)
    return Fault(table.header(name), error.code, *table.placed(row, name, error.detail_zh, error.detail_en))


def _read(row: TableRow, table: Table) -> ReadRow:
    faulty = {fault.column for fault in row.faults}
    faults = {
        fault.column: Fault(table.header(fault.column), fault.code, fault.detail_zh, fault.detail_en)
        for fault in row.faults
    }
    try:
        body = CollectionRequest.model_validate(_body(row.values))
    except ValidationError as error:
        body = None
        for each in field_errors(error.errors(include_url=False, include_input=False)):
            if (name := FORM.column_at(each.pointer) or each.pointer) not in faulty:
                faults[name] = fault_of(table, row.number, each)
    if not faults:
        return ReadRow(row.number, body)
    order = {column.name: place for place, column in enumerate(FORM.columns)}
    named = sorted(faults, key=lambda name: order.get(name, len(order)))
    return ReadRow(row.number, None, tuple(faults[name] for name in named))


def _body(values: Mapping[str, Any]) -> dict[str, object]:
    body: dict[str, Any] = {"person": {"id_type": "resident_id"}}
    held: dict[str, object] = {}
    for pointer, read in values.items():
        value = read.isoformat() if isinstance(read, date) else read
        if pointer.startswith("/qualifications/0/"):
            held[pointer.rpartition("/")[2]] = value
            continue
        inside = body
        *above, last = pointer.strip("/").split("/")
        for each in above:
            inside = inside.setdefault(each, {})
        inside[last] = list(value) if isinstance(value, tuple) else value
    if held:
        body["qualifications"] = [held]
    return body
