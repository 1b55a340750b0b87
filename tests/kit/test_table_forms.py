"""Forms and their templates: what is handed out is read again, keeps what is typed, and offers the words to choose."""

import io
import re
import zipfile

import pytest
from python_calamine import CalamineWorkbook

from services.kit.cell_types import Identifier, Text
from services.kit.table_forms import Column, Form, template
from services.kit.table_reader import UnreadableTableError
from tests.kit.tables import FORM, GOOD, read, row

LANGUAGES = ("zh", "en")


def part(book: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return archive.read(f"xl/{name}.xml").decode()


def filled(book: bytes, *values: str) -> bytes:
    """The template with a row under its header, as an office program would save it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as archive, zipfile.ZipFile(out, "w") as copy:
        for item in archive.infolist():
            text = archive.read(item)
            if item.filename == "xl/worksheets/sheet1.xml":
                text = text.replace(b"</sheetData>", row(2, *values).encode() + b"</sheetData>")
            copy.writestr(item.filename, text)
    return out.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
class TestTemplate:
    def test_is_read_by_its_own_form(self, language: str):
        book = template(FORM, "zh" if language == "zh" else "en")
        with pytest.raises(UnreadableTableError) as caught:
            read(book)
        assert caught.value.extensions["reason"] == "no_rows"
        (only,) = read(filled(book, *GOOD)).rows
        assert only.faults == ()
        assert [each.name for each in read(filled(book, *GOOD)).columns] == [
            each.name for each in FORM.columns
        ]

    def test_marks_what_is_needed_and_lists_the_words(self, language: str):
        book = CalamineWorkbook.from_filelike(io.BytesIO(template(FORM, "zh" if language == "zh" else "en")))
        header = book.get_sheet_by_index(0).to_python()[0]
        words = list(map(list, zip(*book.get_sheet_by_index(1).to_python(), strict=True)))
        if language == "zh":
            assert header[:3] == ["*证件号码", "*姓名", "种类"]
            assert words == [["种类", "箱子", "袋子"], ["合格", "是", "否"]]
        else:
            assert header[:3] == ["*id_number", "*name", "kind"]
            assert words == [["kind", "box", "bag"], ["good", "yes", "no"]]

    def test_keeps_digits_as_text_and_days_as_dates(self, language: str):
        """Columns A and B are text (format 49), D a date; only what is typed as a number stays one."""
        book = template(FORM, "zh" if language == "zh" else "en")
        styles, sheet = part(book, "styles"), part(book, "worksheets/sheet1")
        formats = re.findall(r'<xf numFmtId="(\d+)"', styles.partition("<cellXfs")[2])
        named = dict(re.findall(r'<numFmt numFmtId="(\d+)" formatCode="([^"]+)"', styles))
        columns = {
            place: formats[int(style)]
            for first, last, style in re.findall(r'<col min="(\d+)" max="(\d+)"[^>]*style="(\d+)"', sheet)
            for place in range(int(first), int(last) + 1)
        }
        assert (columns[1], columns[2], columns.get(6, "0")) == ("49", "49", "0")
        assert (named[columns[4]], named[columns[5]]) == ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")

    def test_offers_the_words_in_the_cells_below(self, language: str):
        sheet = part(template(FORM, "zh" if language == "zh" else "en"), "worksheets/sheet1")
        rules = re.findall(r'<dataValidation type="list"[^>]*sqref="([^"]+)"><formula1>([^<]+)', sheet)
        name = "可填词语" if language == "zh" else "Words"
        assert rules == [("C2:C51", f"'{name}'!$A$2:$A$3"), ("H2:H51", f"'{name}'!$B$2:$B$3")]


class TestForm:
    def test_in_which_a_word_names_two_columns_is_refused(self):
        with pytest.raises(ValueError, match="two columns"):
            Form(
                "表",
                "Table",
                (Column("a", "甲", "a", Text()), Column("b", "乙", "b", Text(), ("*甲：",))),
                rows_max=1,
            )

    def test_of_which_a_group_names_no_column_is_refused(self):
        with pytest.raises(ValueError, match="no such column"):
            Form("表", "Table", (Column("a", "甲", "a", Identifier()),), rows_max=1, one_of=(("a", "c"),))

    def test_asks_for_one_of_a_group(self):
        form = Form(
            "表", "Table", (Column("a", "甲", "a", Text()), Column("b", "乙", "b", Text()), Column("c", "丙", "c", Text())),
            rows_max=1, one_of=(("a", "b"),),
        )  # fmt: skip
        assert read("乙,丙\n1,2".encode(), "text/csv", form).rows[0].values == {"b": "1", "c": "2"}
        with pytest.raises(UnreadableTableError) as caught:
            read("丙\n1".encode(), "text/csv", form)
        assert caught.value.detail_zh == "第1行：缺少列：“甲”、“乙”。"
        with pytest.raises(KeyError):
            form.column("d")
