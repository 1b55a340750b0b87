"""Tables of completions: the one that a provider uploads, the one that answers it row by row, and the one of what a provider
reported for a year as it stands today."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from contracts.identifiers import ID_TYPE_WORDS
from services.kit.cell_types import Amount, Day, Identifier, Moment, Text, Whole, Word
from services.kit.clock import SHANGHAI
from services.kit.errors import Language, problem_body
from services.kit.records import Batch
from services.kit.table_forms import Column, Form
from services.kit.table_reader import Table
from services.kit.table_records import batch_of, place
from services.ledger.intake.completion_record import CompletionRecord
from services.ledger.intake.records import Completion, Record
from services.ledger.intake.schemas import Decided, Outcome

ROWS_MAX = 1_000
FILE_BYTES_MAX = 4 * 1024 * 1024

_CATEGORIES = Word(
    {
        "public": ("公需科目", "public", "公需", "公需课", "公共科目"),
        "professional": ("专业科目", "professional", "专业", "专业课"),
    },
    others=Text(64),
)
_MODES = Word(
    {
        "online": ("网络教育", "online", "网络", "网授", "线上", "远程教育", "网络培训"),
        "face_to_face": ("面授教育", "face to face", "面授", "线下", "面授培训"),
        "other": ("其他方式", "other", "其他"),
    }
)
_TIERS = Word(
    {
        "junior": ("初级", "junior"),
        "intermediate": ("中级", "intermediate"),
        "senior": ("高级", "senior", "副高级", "正高级"),
    }
)

FORM = Form(
    zh="学习完成记录",
    en="Completions",
    columns=(
        Column("/id", "记录编号", "id", Text(64), ("编号",), needed=True),
        Column("/person/name", "姓名", "name", Text(50), ("学员姓名", "人员姓名"), needed=True),
        Column("/person/id_type", "证件类型", "id_type", Word(ID_TYPE_WORDS), ("证件种类", "身份证件类型")),
        Column(
            "/person/id_number", "证件号码", "id_number", Identifier(40),
            ("证件号", "身份证", "身份证号", "身份证号码", "居民身份证", "居民身份证号码", "身份证件号码", "公民身份号码"),
            needed=True,
        ),
        Column("/year", "学分年度", "year", Whole(4), ("年度", "继续教育年度", "所属年度"), needed=True),
        Column("/category", "科目", "category", _CATEGORIES, ("科目类别", "课程类别"), needed=True),
        Column("/credits", "学分", "credits", Amount(4, 2), ("取得学分", "所获学分")),
        Column("/hours", "学时", "hours", Amount(4, 2), ("取得学时", "所获学时")),
        Column("/mode", "学习方式", "mode", _MODES, ("形式", "教育形式", "培训形式", "方式"), needed=True),
        Column("/course", "课程编号", "course", Text(64), ("课程代码",), needed=True),
        Column("/title", "课程名称", "title", Text(200), ("课程",)),
        Column(
            "/completed_at", "完成时间", "completed_at", Moment(SHANGHAI), ("学习完成时间", "结业时间", "完成日期"),
            needed=True,
        ),
        Column("/authority", "地区代码", "authority", Text(12), ("行政区划代码", "管理地区代码")),
        Column("/tier", "层级", "tier", _TIERS, ("课程层级", "级别")),
        Column("/started_on", "开始日期", "started_on", Day(), ("学习开始日期", "开始学习日期")),
        Column("/exam_passed_at", "考试合格时间", "exam_passed_at", Moment(SHANGHAI), ("考核合格时间",)),
        Column("/evaluated_at", "评价时间", "evaluated_at", Moment(SHANGHAI), ("课程评价时间",)),
        Column("/filing", "备案编号", "filing", Text(36), ("培训备案编号",)),
        Column("/repeat_of", "重修原记录编号", "repeat_of", Text(64), ("重复学习的记录编号",)),
    ),
    rows_max=ROWS_MAX,
    one_of=(("/credits", "/hours"),),
)  # fmt: skip
"""The columns by where they go in a completion; times of day are those of Beijing."""

RESULT_COLUMNS = ("row", "id", "outcome", "column", "problem", "detail", "reason", "clause", "credit_id")
"""The table of results is for machines: codes, but for `detail`, which is in the caller's language."""

_TODAY = (
    "state",
    "reason",
    "clause",
    "problem",
    "credits",
    "credit_id",
    "late",
    "make_up",
    "provisional",
    "moved_to",
    "person_id",
)
_POSTED = ("year", "category", "mode", "course", "title", "completed_at")
YEAR_COLUMNS = ("id", "authority", *_TODAY, *_POSTED, "posted_credits", "posted_hours", "posted_at")  # fmt: skip
"""The table of a year is for machines too: the fields of a completion's record under the names they have there."""


class RowOutcome(Struct, omit_defaults=True, kw_only=True):
    """What became of a row of the file, and the column at fault where it is about one."""

    row: int
    column: str | None = None
    outcome: Outcome


class TableAnswer(Struct, frozen=True):
    """The answer to a table: every row's outcome, how many of each, the columns read and the letters of the others."""

    results: list[RowOutcome]
    summary: dict[str, int]
    columns: dict[str, str]
    not_taken: list[str]


def completions_of(table: Table) -> Batch[Record]:
    """The rows as completions, as if they had been posted."""
    return Batch(batch_of(table, Completion, {"/person/id_type": "resident_id"}).records)


def answer_of(table: Table, decided: list[Decided], language: Language) -> TableAnswer:
    """The outcome of every row, refusals with their place in the file and in the caller's language."""
    results, summary = [], dict[str, int]()
    for index, (row, item) in enumerate(zip(table.rows, decided, strict=True)):
        column = None
        if item.refusal is not None:
            column = place(item.refusal, table, index)
            item.outcome.problem = problem_body(item.refusal, language)
        summary[item.outcome.outcome] = summary.get(item.outcome.outcome, 0) + 1
        results.append(RowOutcome(row=row.number, column=column, outcome=item.outcome))
    columns = {each.letter: FORM.column(each.name).en for each in table.columns}
    return TableAnswer(results, summary, columns, list(table.not_taken))


def result_rows(answer: TableAnswer) -> Iterator[tuple[Any, ...]]:
    """The answer under `RESULT_COLUMNS`: a line for every fault of a row, or one for the row."""
    for each in answer.results:
        outcome, problem = each.outcome, each.outcome.problem or {}
        faults = problem.get("errors") or [problem]
        for fault in faults:
            code = fault.get("code") or str(problem.get("type", "")).rpartition(":")[2]
            yield (
                each.row,
                outcome.id,
                outcome.outcome,
                each.column,
                code,
                fault.get("detail"),
                outcome.reason,
                outcome.clause,
                outcome.credit_id,
            )


def year_rows(records: Iterable[CompletionRecord]) -> Iterator[tuple[object, ...]]:
    """Completions under `YEAR_COLUMNS`, each as it stands today."""
    for record in records:
        posted = record.posted
        yield (
            record.id,
            record.log,
            *(getattr(record, name) for name in _TODAY),
            *(getattr(posted, name) for name in _POSTED),
            posted.credits,
            posted.hours,
            record.posted_at,
        )
