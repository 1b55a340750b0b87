"""Tables for the tests of their reader: a form without a word of any domain, and workbooks as text of their parts."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from python_calamine import CalamineWorkbook

from services.kit.cell_types import YES_NO, Amount, Day, Identifier, Moment, Several, Text, Whole, Word
from services.kit.clock import SHANGHAI
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE
from services.kit.table_cells import letters
from services.kit.table_child import answer
from services.kit.table_forms import Column, Form
from services.kit.table_reader import Table, question, table_of

KIND = Word({"box": ("箱子", "box", "木箱"), "bag": ("袋子", "bag", "布袋")})
FORM = Form(
    zh="物品",
    en="Things",
    columns=(
        Column("number", "证件号码", "id_number", Identifier(), ("身份证", "身份证号"), needed=True),
        Column("name", "姓名", "name", Text(20), needed=True),
        Column("kind", "种类", "kind", KIND),
        Column("day", "日期", "day", Day()),
        Column("at", "时刻", "at", Moment(SHANGHAI)),
        Column("amount", "数量", "amount", Amount(3, 2)),
        Column("parts", "部分", "parts", Several(Whole())),
        Column("good", "合格", "good", YES_NO),
    ),
    rows_max=50,
)
HEADER = [column.zh for column in FORM.columns]
GOOD = ["A-100200300400500600", "赵甲子", "箱子", "2019-9-10", "2019-9-10 8:30", "2.5", "1、2", "是"]


def read(body: bytes, content_type: str = XLSX_TYPE, form: Form = FORM) -> Table:
    """The table of a file by the same steps as `read_table`, without a process of its own."""
    asked = question(content_type, form)
    said = json.loads(json.dumps(answer(asked, body)))
    return table_of(said, form, typed=asked["kind"] == "xlsx")


def csv_of(rows: Iterable[Sequence[str]], separator: str = ",", encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue().encode(encoding)


def read_csv(*rows: Sequence[str]) -> Table:
    return read(csv_of(rows), CSV_TYPE)


def xlsx_of(*sheets: Sequence[Sequence[Any]], hidden: int = 0) -> bytes:
    """A workbook as office programs write it; the first `hidden` sheets are hidden. Text, numbers and dates by type."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        day, moment = (book.add_format({"num_format": each}) for each in ("yyyy-mm-dd", "yyyy/m/d h:mm"))
        for place, rows in enumerate(sheets):
            sheet = book.add_worksheet()
            if place < hidden:
                sheet.hide()
            if place == hidden:
                sheet.activate()
                sheet.set_first_sheet()
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value, datetime):
                        sheet.write_datetime(number, column, value, moment)
                    elif isinstance(value, date):
                        sheet.write_datetime(number, column, value, day)
                    elif value is not None:
                        sheet.write(number, column, value)
    return out.getvalue()


def cells_of(content: bytes, media_type: str = XLSX_TYPE) -> list[list[str]]:
    """The cells of a table that was handed out, as text."""
    if media_type.startswith(CSV_TYPE):
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    return [[str(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]


def parts_of(
    sheet: str | Sequence[tuple[str, str]], *, strings: str = "", more: Mapping[str, bytes] | None = None
) -> bytes:
    """A workbook from the text of its sheets: `sheetData` and what follows it; nothing checks that it makes sense."""
    sheets = [("物品", sheet)] if isinstance(sheet, str) else list(sheet)
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    office = "urn:office"
    related = "urn:package"
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"/>' for n, (name, _) in enumerate(sheets, 1)
    )
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    relations += f'<Relationship Id="s" Type="{office}/sharedStrings" Target="sharedStrings.xml"/>'
    parts = {
        "_rels/.rels": f'{head}<Relationships xmlns="{related}"><Relationship Id="r1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{head}<workbook xmlns:r="{office}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{head}<Relationships xmlns="{related}">{relations}</Relationships>',
        "xl/sharedStrings.xml": strings or f"{head}<sst/>",
        **{
            f"xl/worksheets/sheet{n}.xml": text
            if text.startswith("<?xml")
            else f"{head}<worksheet>{text}</worksheet>"
            for n, (_, text) in enumerate(sheets, 1)
        },
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in {**parts, **(more or {})}.items():
            archive.writestr(name, content)
    return out.getvalue()


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def row(number: int, *values: str) -> str:
    """A row of text cells from column A."""
    cells = "".join(cell(f"{letters(place)}{number}", value) for place, value in enumerate(values, 1))
    return f'<row r="{number}">{cells}</row>'
