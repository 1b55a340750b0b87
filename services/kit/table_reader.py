"""The reader of every table that people upload: a file and a form in, typed rows and faults in words out.

A file is read by a child process of its own (`table_child`), two at a time, so that nothing a file does is felt by
anybody else; here its cells become values by the types of the form, row by row: a bad row never hides the others.
Faults name sheet, row, column, the kind of what stood there and what to do; never what stood there.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import structlog

from services.kit.cell_types import ROUNDED, CellRefusal, Identifier, Value, is_long, rounded
from services.kit.errors import BusyError, Problem, UnsupportedMediaTypeError
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE
from services.kit.table_cells import Cell, letters
from services.kit.table_forms import Column, Form
from services.kit.waits import allow_more

SECONDS_MAX = 30
READERS_MAX = 2
WAITING_MAX = 16
_log = structlog.get_logger(__name__)
_KINDS = {CSV_TYPE: "csv", XLSX_TYPE: "xlsx"}
_ROOT = str(Path(__file__).resolve().parents[2])
_MANY_DIGITS = re.compile("[0-9]{6}")

_REASONS: Mapping[str, tuple[str, str]] = {
    "broken": (
        "文件已损坏，或不是XLSX电子表格。请用表格软件打开后另存为XLSX",
        "The file is damaged or no XLSX spreadsheet. Open it in a spreadsheet program and save it as XLSX",
    ),
    "old_or_locked": (
        "文件设有打开密码，或是旧格式。请取消密码，另存为XLSX",
        "The file has a password or an older format. Remove the password and save it as XLSX",
    ),
    "unknown_encoding": (
        "无法识别文字编码。请另存为UTF-8编码的CSV，或上传XLSX",
        "The encoding of the text is not known. Save as CSV in UTF-8, or upload XLSX",
    ),
    "document_type": (
        "文件含有不允许的文档类型声明。请用表格软件打开后另存为XLSX",
        "The file holds a document type, which is not allowed. Open it in a spreadsheet program and save it as XLSX",
    ),
    "beyond_limits": (
        "读取文件所需的时间或内存超出限度。请将需要上报的行复制到新的表格中，再上传",
        "Reading the file takes too much time or memory. Copy the rows to be reported into a new table and upload that",
    ),
    "unpacked_too_large": (
        "文件解压后超过{limit}MB。请将需要上报的行复制到新的表格中，再上传",
        "Unpacked the file is larger than {limit} MB. Copy the rows to be reported into a new table and upload that",
    ),
    "too_deep": (
        "文件内部结构层次过多，不是正常的表格",
        "The parts of the file are nested too deeply for a spreadsheet",
    ),
    "endless_token": (
        "文件内部有超过{limit}MB的标记，不是正常的表格",
        "The file holds a tag of more than {limit} MB, as no spreadsheet does",
    ),
    "too_many_parts": (
        "文件内部的部分超过{limit}个。请将需要上报的行复制到新的表格中，再上传",
        "The file has more than {limit} parts. Copy the rows to be reported into a new table and upload that",
    ),
    "too_many_sheets": (
        "工作表超过{limit}张。请只保留需要上报的工作表",
        "There are more than {limit} sheets. Keep the one to be reported",
    ),
    "too_many_strings": (
        "文件中的文字过多。请只保留需要上报的工作表",
        "The file holds too many texts. Keep the sheet to be reported only",
    ),
    "too_much_text": (
        "文字过多。请只保留需要上报的内容",
        "There is too much text. Keep what is to be reported only",
    ),
    "too_many_rows": (
        "数据超过{limit}行。请分成几个文件上传",
        "There are more than {limit} rows. Upload several files",
    ),
    "too_many_merges": (
        "合并的单元格超过{limit}处。请取消合并",
        "There are more than {limit} merged areas. Unmerge the cells",
    ),
    "far_cell": (
        "远离表格的单元格中有内容。请清除该单元格",
        "A cell far away from the table holds something. Clear it",
    ),
    "endless_field": (
        "一个字段超过{limit}字，可能缺少一个引号。请检查引号",
        "A field is longer than {limit} characters; a quotation mark may be missing. Check the quotation marks",
    ),
    "endless_line": (
        "一行超过{limit}字。请检查换行和引号",
        "A line is longer than {limit} characters. Check line ends and quotation marks",
    ),
    "broken_quotes": (
        "引号不成对。请检查引号，或上传XLSX",
        "The quotation marks do not match. Check them, or upload XLSX",
    ),
    "no_visible_sheet": (
        "没有可见的工作表。请取消隐藏需要上报的工作表",
        "No sheet is visible. Show the sheet to be reported",
    ),
    "no_header": (
        "没有找到表头。前30行中应有一行写明各列：{columns}",
        "No header was found. One of the first 30 rows has to name the columns: {columns}",
    ),
    "missing_columns": ("缺少列：{columns}", "Columns are missing: {columns}"),
    "doubled_column": ("有两列都是{columns}。请只保留一列", "Two columns are {columns}. Keep one of them"),
    "two_tables": (
        "另一张工作表“{other}”中也有数据。请分别上传，或只保留一张",
        'Another sheet, "{other}", holds rows as well. Upload them one by one, or keep one',
    ),
    "no_rows": ("表头下面没有数据行", "There are no rows below the header"),
}


class UnreadableTableError(Problem):
    """The file is no table of the form: not CSV or XLSX, no header, a column missing, too large; nothing was taken."""

    code = "unreadable-table"
    status = 422
    title_zh = "无法读取表格"
    title_en = "The table cannot be read"


@dataclass(frozen=True)
class CellFault:
    """What is wrong in one cell: the column of the form, where, a stable code, and whole sentences in both languages."""

    column: str
    letter: str
    code: str
    detail_zh: str
    detail_en: str


@dataclass(frozen=True)
class TakenColumn:
    """A column of the form as it stands in the file."""

    name: str
    header: str
    letter: str


@dataclass(frozen=True)
class TableRow:
    """A row by the number that a spreadsheet shows: its values by column, without those left empty; its faults."""

    number: int
    values: Mapping[str, Value]
    faults: tuple[CellFault, ...]


@dataclass(frozen=True)
class Table:
    """A table that was read: where it stood, the columns taken, the letters of those that were not, and its rows."""

    form: Form
    sheet: str | None
    header_row: int
    columns: tuple[TakenColumn, ...]
    not_taken: tuple[str, ...]
    rows: tuple[TableRow, ...]

    def placed(self, row: int, name: str, zh: str, en: str) -> tuple[str, str]:
        """What a caller finds wrong with a value, in Chinese and English, led by sheet, row and column."""
        letter = next((each.letter for each in self.columns if each.name == name), None)
        at_zh, at_en = _place(self.sheet, row, letter, self.form.column(name))
        return f"{at_zh}：{zh.rstrip('。')}。", f"{at_en}: {en.rstrip('.')}."

    def header(self, name: str) -> str:
        """The header of a column as the file has it; the form's own where the file has none."""
        return next((each.header for each in self.columns if each.name == name), self.form.column(name).zh)


async def read_table(body: bytes, content_type: str, form: Form) -> Table:
    """The rows of an uploaded table of the form. At least one row.

    Raises UnreadableTableError, UnsupportedMediaTypeError, and BusyError when too many files wait to be read.
    """
    allow_more(SECONDS_MAX)
    asked = question(content_type, form)
    said = await _child(json.dumps(asked).encode() + b"\n" + body)
    return await asyncio.to_thread(table_of, said, form, typed=asked["kind"] == "xlsx")


def question(content_type: str, form: Form) -> dict[str, Any]:
    """What the child process is asked about a file. Raises UnsupportedMediaTypeError."""
    media_type, _, parameters = content_type.partition(";")
    kind = _KINDS.get(media_type.strip().lower())
    if kind is None:
        raise UnsupportedMediaTypeError("应为CSV或XLSX", "Must be CSV or XLSX")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    wanted = form.wanted()
    return {
        "kind": kind,
        "charset": charset,
        "columns": wanted.columns,
        "needed": wanted.needed,
        "rows_max": wanted.rows_max,
    }


def table_of(said: Mapping[str, Any], form: Form, *, typed: bool) -> Table:
    """The table that the child process found, its cells as values of the form. Raises UnreadableTableError."""
    if "unreadable" in said:
        raise _unreadable(said["unreadable"], said["place"], form)
    return _typed(said["table"], form, typed=typed)


async def _child(question: bytes) -> Any:
    """What the child process says of a file; that it says nothing is an answer too. Raises BusyError."""
    environment = {"PYTHONPATH": _ROOT, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath}
    command = (sys.executable, "-P", "-s", "-S", "-m", "services.kit.table_child")
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    async with _turn():
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=nothing, env=environment
        )
        said = b""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                said, _ = await process.communicate(question)
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode != 0 or not said:
        _log.warning("an uploaded table ended the process that read it", exit_status=process.returncode)
        return {"unreadable": "beyond_limits", "place": {}}
    return json.loads(said)


class _Turns:
    """The readers of one event loop: a few at work, a few waiting."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(READERS_MAX)
        self.there = 0


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    turns = _turns.setdefault(asyncio.get_running_loop(), _Turns())
    if turns.there >= READERS_MAX + WAITING_MAX:
        raise BusyError("正在读取的表格过多", "Too many tables are being read")
    turns.there += 1
    try:
        async with turns.free:
            yield
    finally:
        turns.there -= 1


def _typed(found: Sequence[Any], form: Form, *, typed: bool) -> Table:
    sheet, header, taken, unknown, rows = found
    columns = {place: form.column(name) for name, (place, _) in taken.items()}
    read = [_row(row, columns, sheet, typed=typed) for row in rows]
    if not typed:
        for place, column in columns.items():
            if isinstance(column.type, Identifier):
                read = _without_rounded(read, column, letters(place))
    if not read:
        raise _unreadable("no_rows", {"sheet": sheet, "row": header}, form)
    named = [TakenColumn(name, word, letters(place)) for name, (place, word) in taken.items()]
    return Table(form, sheet, header, tuple(named), tuple(map(letters, unknown)), tuple(read))


def _row(row: Sequence[Any], columns: Mapping[int, Column], sheet: str | None, *, typed: bool) -> TableRow:
    number, cells, merged = row
    held = {place: Cell(place, kind, value) for place, kind, value in cells}
    values: dict[str, Value] = {}
    faults = []
    for place, column in sorted(columns.items(), key=lambda each: each[0]):
        try:
            if place in merged:
                raise CellRefusal(
                    "merged",
                    "单元格与其他单元格合并。请取消合并，每行分别填写",
                    "the cell is merged with others. Unmerge them and fill in each row",
                )
            if place in held:
                values[column.name] = column.type.read(held[place], typed=typed)
            elif column.needed:
                raise CellRefusal("missing", "单元格是空的。请填写", "the cell is empty. Fill it in")
        except CellRefusal as refusal:
            faults.append(_fault(refusal, sheet, number, letters(place), column))
    return TableRow(number, values, tuple(faults))


def _without_rounded(rows: list[TableRow], column: Column, letter: str) -> list[TableRow]:
    """The rows, those at fault whose identifier was rounded before the file was saved as text."""
    name = column.name
    if not rounded([str(row.values[name]) for row in rows if name in row.values]):
        return rows
    return [
        TableRow(
            row.number,
            {each: value for each, value in row.values.items() if each != name},
            (*row.faults, _fault(ROUNDED, None, row.number, letter, column)),
        )
        if is_long(str(row.values.get(name, "")))
        else row
        for row in rows
    ]


def _fault(refusal: CellRefusal, sheet: str | None, row: int, letter: str, column: Column) -> CellFault:
    zh, en = _place(sheet, row, letter, column)
    return CellFault(column.name, letter, refusal.code, f"{zh}：{refusal.zh}。", f"{en}: {refusal.en}.")


def _place(sheet: str | None, row: int, letter: str | None, column: Column) -> tuple[str, str]:
    on_zh, on_en = _sheet(sheet)
    at_zh, at_en = (f"（{letter}列）", f" {letter}") if letter else ("", "")
    return f"{on_zh}第{row}行“{column.zh}”{at_zh}", f"{on_en}row {row}, column{at_en} ({column.en})"


def _sheet(name: str | None) -> tuple[str, str]:
    """The sheet in words; a name that holds a long number is somebody's and is not said."""
    if name is None:
        return "", ""
    if _MANY_DIGITS.search(name):
        return "工作表中", "In the sheet, "
    return f"工作表“{name}”", f'Sheet "{name}", '


def _unreadable(code: str, place: Mapping[str, Any], form: Form) -> UnreadableTableError:
    names = place.get("columns", ())
    said_zh = "、".join(f"“{form.column(name).zh}”" for name in names)
    said_en = ", ".join(form.column(name).en for name in names)
    zh, en = _REASONS[code]
    other = place.get("other") or ""
    other = "" if _MANY_DIGITS.search(other) else other
    at = {"limit": place.get("limit"), "other": other}
    parts = list(_parts(place))
    at_zh, at_en = "".join(each for each, _ in parts), "".join(each for _, each in parts)
    zh = (
        f"{at_zh}：{zh.format(columns=said_zh, **at)}。" if at_zh else f"{zh.format(columns=said_zh, **at)}。"
    )
    en = f"{at_en}: {en.format(columns=said_en, **at)}." if at_en else f"{en.format(columns=said_en, **at)}."
    where = {"row": place["row"]} if "row" in place else {}
    return UnreadableTableError(zh, en, reason=code, **where)


def _parts(place: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if place.get("sheet") is not None:
        zh, en = _sheet(place["sheet"])
        yield zh, en.rstrip(", ")
    if "row" in place:
        yield f"第{place['row']}行", f"{', row' if 'sheet' in place else 'Row'} {place['row']}"
    if "column" in place:
        both = [letters(each) for each in (place.get("first"), place["column"]) if each]
        yield "、".join(f"{each}列" for each in both), f", column {' and '.join(both)}"
