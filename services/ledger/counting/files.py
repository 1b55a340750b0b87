"""Statistics as they are sent: JSON, or the same rows as a table for a spreadsheet, its header in the caller's
language."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Query, Request
from msgspec import Struct
from starlette.responses import Response

from services.kit.errors import language_of
from services.kit.openapi import struct_answer
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, file_response, write_csv, write_xlsx

Format = Annotated[
    Literal["json", "csv", "xlsx"],
    Query(alias="format", description="`csv` and `xlsx` give the rows alone, as a table."),
]
_encode = msgspec.json.Encoder().encode

TITLES: Mapping[str, tuple[str, str]] = {
    "year": ("年度", "Year"),
    "place": ("行政区划代码", "Place"),
    "name": ("地区", "Name"),
    "own": ("本级", "Of the place itself"),
    "persons": ("人数", "Persons"),
    "obliged": ("应参加人数", "Obliged"),
    "compliant": ("已完成", "Compliant"),
    "in_progress": ("进行中", "In progress"),
    "deficient": ("未完成", "Deficient"),
    "undecided": ("尚不能判定", "Undecided"),
    "provisional": ("暂按国家规定", "Judged provisionally"),
    "made_up": ("经补学完成", "Made up"),
    "exempt": ("免除", "Exempt"),
    "not_required": ("无需参加", "Not required"),
    "no_policy": ("无政策", "No policy"),
    "late": ("逾期", "Late"),
    "credits": ("学分", "Credits"),
    "category": ("科目", "Category"),
    "mode": ("形式", "Mode"),
    "provider_id": ("培训机构", "Provider"),
    "records": ("记录数", "Records"),
    "day": ("日期", "Day"),
    "provider": ("培训机构名称", "Provider's name"),
    "held": ("曾挂起", "Held"),
    "rejected": ("挂起后未予登记", "Refused after waiting"),
    "withdrawn": ("已撤回", "Withdrawn"),
    "revoked": ("已撤销", "Revoked"),
    "exam_passed": ("考试合格人数", "Passed the exam"),
    "exam_pass_share": ("考试合格率", "Share passed"),
    "delay_days": ("登记用时中位数（天）", "Median days to registration"),
    "delay_days_most": ("九成登记用时（天）", "Days within which nine of ten were registered"),
    "kind": ("事项", "Kind"),
    "waiting": ("待审", "Waiting"),
    "due_today": ("今日到期", "Due today"),
    "unlimited": ("无时限", "Without limit"),
    "returned": ("已退回待补正", "Returned"),
    "oldest": ("最早提交日", "Oldest"),
    "next_due": ("最近到期日", "Next due"),
    "employer": ("单位统一社会信用代码", "Employer"),
    "so_far": ("累计", "So far"),
}


def statistics_answer(kind: type[Struct], description: str) -> dict[str, Any]:
    """Arguments of a route that answers with statistics, in any of the formats."""
    described = struct_answer(kind, description, refusals=(403, 422))
    content = described["responses"][200]["content"]
    content[CSV_TYPE] = {"schema": {"type": "string"}}
    content[XLSX_TYPE] = {"schema": {"type": "string", "contentEncoding": "binary"}}
    return described


def send(request: Request, name: str, answer: Any, row: type[Struct], format_: str) -> Response:
    """The answer as JSON, or its rows as a file to save under the name."""
    if format_ == "json":
        return Response(_encode(answer), media_type="application/json")
    english = language_of(request.headers) == "en"
    columns = [TITLES[field][english] for field in row.__struct_fields__]
    rows: Sequence[Sequence[object]] = [msgspec.structs.astuple(each) for each in answer.rows]
    write, media_type = (write_csv, CSV_TYPE) if format_ == "csv" else (write_xlsx, XLSX_TYPE)
    return file_response(write(columns, rows), media_type, f"{name}.{format_}")
