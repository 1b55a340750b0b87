"""The reader of tables: whatever office programs and people make of a header, a file and a row, every row is answered."""

import re
from datetime import date, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit.cell_types import Text
from services.kit.clock import SHANGHAI
from services.kit.errors import UnsupportedMediaTypeError
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, write_csv, write_xlsx
from services.kit.table_cells import letters
from services.kit.table_forms import Column, Form
from services.kit.table_reader import Table, UnreadableTableError
from tests.kit.tables import FORM, GOOD, HEADER, csv_of, parts_of, read, read_csv, row, xlsx_of

SEPARATORS = (",", ";", "\t")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "gb18030")
SPELLINGS = (
    ("证件号码", "姓名"),
    ("*证件号码", "姓\u3000名"),
    ("身份证", " 姓 名 "),
    ("身份证号：", "姓名*"),
    ("证件号码（18位）", "＊姓名:"),
    ("ID Number", "NAME"),
    ("id_number", "Name"),
    ("\u200b证件\n号码", "姓名(必填)"),
)


def refused(*arguments: Any) -> UnreadableTableError:
    with pytest.raises(UnreadableTableError) as caught:
        read(*arguments)
    return caught.value


def only(table: Table, name: str) -> Any:
    (row,) = table.rows
    return row.values[name] if name in row.values else [fault.code for fault in row.faults]


class TestHeader:
    @pytest.mark.parametrize(
        ("encoding", "separator", "spelling"), list(product(ENCODINGS, SEPARATORS, SPELLINGS))
    )
    def test_of_csv_is_found_in_every_encoding_separator_and_spelling(
        self, encoding: str, separator: str, spelling: tuple[str, str]
    ):
        body = csv_of([["备注", *spelling], ["", "X-1", "赵甲子"]], separator, encoding)
        table = read(body, CSV_TYPE)
        assert [dict(each.values) for each in table.rows] == [{"number": "X-1", "name": "赵甲子"}]
        assert [(each.name, each.letter) for each in table.columns] == [("number", "B"), ("name", "C")]

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_of_xlsx_is_found_below_title_rows(self, spelling: tuple[str, str]):
        rows = [["2025年物品登记表"], [], ["填表单位：", "", "日期"], [*spelling], ["X-1", "赵甲子"]]
        table = read(xlsx_of(rows))
        assert (table.header_row, table.sheet) == (4, "Sheet1")
        assert [(each.number, each.values["name"]) for each in table.rows] == [(5, "赵甲子")]

    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    def test_follows_the_line_that_names_the_separator(self, mark: str):
        body = f"sep={mark}\r\n".encode() + csv_of([["姓名", "证件号码"], ["赵甲子", "X-1"]], mark)
        assert only(read(body, CSV_TYPE), "number") == "X-1"

    def test_is_searched_in_visible_sheets(self):
        lists = [["箱子"], ["袋子"]]
        table = read(xlsx_of(lists, [HEADER, GOOD], hidden=1))
        assert (table.sheet, len(table.rows)) == ("Sheet2", 1)
        assert read(xlsx_of(lists, [HEADER, GOOD])).sheet == "Sheet2"
        assert refused(xlsx_of([HEADER, GOOD], lists, hidden=1)).extensions["reason"] == "no_header"

    def test_on_two_sheets_with_rows_is_refused_as_one_would_be_lost(self):
        refusal = refused(xlsx_of([HEADER, GOOD], [HEADER, GOOD]))
        assert refusal.extensions["reason"] == "two_tables"
        assert "“Sheet1”" in refusal.detail_zh
        assert "“Sheet2”" in refusal.detail_zh
        assert read(xlsx_of([HEADER], [HEADER, GOOD])).sheet == "Sheet2"

    def test_that_is_merged_over_two_rows_names_its_columns(self):
        """A heading over two columns, whose own names stand below it; the others are merged downwards."""
        data = (
            row(1, "物品登记表")
            + row(2, "证件号码", "姓名", "检查")
            + '<row r="3"><c r="C3" t="inlineStr"><is><t>数量</t></is></c>'
            + '<c r="D3" t="inlineStr"><is><t>合格</t></is></c></row>'
            + row(4, "X-1", "赵甲子", "2.5", "是")
        )
        areas = "".join(f'<mergeCell ref="{area}"/>' for area in ("A1:D1", "A2:A3", "B2:B3", "C2:D2"))
        merged = f"<mergeCells>{areas}</mergeCells>"
        table = read(parts_of(f"<sheetData>{data}</sheetData>{merged}"))
        assert [each.name for each in table.columns] == ["number", "name", "amount", "good"]
        assert [each.number for each in table.rows] == [4]
        assert table.rows[0].faults == ()

    def test_says_which_columns_were_taken_and_which_were_not(self):
        table = read_csv(["序号", "身份证", "备注", "姓名"], ["1", "X-1", "急", "赵甲子"])
        assert [(each.name, each.header, each.letter) for each in table.columns] == [
            ("number", "身份证", "B"),
            ("name", "姓名", "D"),
        ]
        assert table.not_taken == ("A", "C")

    def test_with_a_column_twice_is_refused_naming_both(self):
        refusal = refused(csv_of([["姓名", "证件号码", "身份证"], ["赵甲子", "X-1", "X-2"]]), CSV_TYPE)
        assert refusal.extensions == {"reason": "doubled_column", "row": 1}
        assert refusal.detail_zh == "第1行B列、C列：有两列都是“证件号码”。请只保留一列。"
        assert refusal.detail_en == "Row 1, column B and C: Two columns are id_number. Keep one of them."

    def test_without_a_needed_column_is_refused_naming_it(self):
        refusal = refused(xlsx_of([["姓名", "数量"], ["赵甲子", 1]]))
        assert (refusal.extensions["reason"], "“证件号码”" in refusal.detail_zh) == ("missing_columns", True)
        assert refusal.detail_zh.startswith("工作表“Sheet1”第1行：")

    def test_of_which_nothing_is_known_is_refused_without_a_word_of_it(self):
        refusal = refused(csv_of([["钱乙丑", "210102199001011234"]]), CSV_TYPE)
        assert refusal.extensions["reason"] == "no_header"
        assert "钱乙丑" not in refusal.detail_zh
        assert "210102" not in refusal.detail_zh

    @pytest.mark.parametrize("kind", ["", "application/json", "application/vnd.ms-excel"])
    def test_of_another_type_is_refused(self, kind: str):
        with pytest.raises(UnsupportedMediaTypeError):
            read(b"", kind)


class TestRows:
    @pytest.mark.parametrize(
        "of", [lambda rows: (csv_of(rows), CSV_TYPE), lambda rows: (xlsx_of(rows), XLSX_TYPE)]
    )
    def test_that_are_blank_are_passed_over_and_the_others_keep_their_numbers(self, of: Any):
        blank = [""] * 9
        body, kind = of([blank, HEADER, blank, GOOD, blank, ["", " ", "\u3000"], GOOD, blank, blank])
        assert [each.number for each in read(body, kind).rows] == [4, 7]

    def test_that_hold_only_what_was_not_taken_are_blank(self):
        """A column of running numbers, filled in beforehand."""
        rows = [["序号", *HEADER], ["1", *GOOD], *([str(each)] for each in range(2, 50))]
        assert len(read(csv_of(rows), CSV_TYPE).rows) == 1

    def test_that_print_the_header_again_are_passed_over(self):
        assert [each.number for each in read_csv(HEADER, GOOD, HEADER, GOOD).rows] == [2, 4]

    @pytest.mark.parametrize("bad", range(3))
    def test_with_a_fault_never_hide_the_others(self, bad: int):
        rows = [GOOD[:], GOOD[:], GOOD[:]]
        rows[bad][3] = "明天"
        table = read_csv(HEADER, *rows)
        assert [bool(each.faults) for each in table.rows] == [place == bad for place in range(3)]
        assert all(each.values["name"] == "赵甲子" for each in table.rows)

    def test_with_merged_cells_are_refused_one_by_one(self):
        data = row(1, "证件号码", "姓名") + row(2, "X-1", "赵甲子") + row(3, "X-2") + row(4, "X-3", "钱乙丑")
        table = read(
            parts_of(f'<sheetData>{data}</sheetData><mergeCells><mergeCell ref="B2:B3"/></mergeCells>')
        )
        assert [[fault.code for fault in each.faults] for each in table.rows] == [["merged"], ["merged"], []]
        assert table.rows[1].faults[0].detail_zh == (
            "工作表“物品”第3行“姓名”（B列）：单元格与其他单元格合并。请取消合并，每行分别填写。"
        )

    def test_of_which_a_needed_cell_is_empty_say_so(self):
        (fault,) = read_csv(HEADER, ["", *GOOD[1:]]).rows[0].faults
        assert (fault.column, fault.letter, fault.code) == ("number", "A", "missing")
        assert fault.detail_en == "row 2, column A (id_number): the cell is empty. Fill it in."

    def test_are_needed(self):
        assert refused(csv_of([HEADER]), CSV_TYPE).extensions == {"reason": "no_rows", "row": 1}

    @pytest.mark.parametrize("more", [0, 1])
    def test_are_no_more_than_the_form_has(self, more: int):
        body = csv_of([HEADER, *[GOOD] * (FORM.rows_max + more)])
        if more:
            assert refused(body, CSV_TYPE).extensions["reason"] == "too_many_rows"
        else:
            assert len(read(body, CSV_TYPE).rows) == FORM.rows_max


DAY, MOMENT = date(2019, 9, 10), datetime(2019, 9, 10, 8, 30, tzinfo=SHANGHAI)
NAIVE = MOMENT.replace(tzinfo=None)
# Cell kinds x column types: what each becomes, or the code of its refusal.
IN_XLSX: list[tuple[str, Any, Any]] = [
    ("number", "210102199001011234", "210102199001011234"),
    ("number", " 21010219900101123x ", "21010219900101123x"),
    ("number", "'0102", "0102"),
    ("number", 210102199001011234, ["number_cell"]),
    ("number", 12345, ["number_cell"]),
    ("number", "2.10102E+17", ["scientific_notation"]),
    ("number", "210102199001010000", "210102199001010000"),
    ("number", DAY, ["wrong_kind"]),
    ("number", True, ["wrong_kind"]),
    ("number", "x" * 65, ["too_long"]),
    ("name", "赵甲子", "赵甲子"),
    ("name", 12, "12"),
    ("name", 1.5, ["wrong_kind"]),
    ("name", 2**60, ["wrong_kind"]),
    ("name", DAY, ["wrong_kind"]),
    ("name", "名" * 21, ["too_long"]),
    ("name", "名" * 2001, ["too_long"]),
    ("name", "a\x01b", ["unprintable"]),
    ("kind", "箱子", "box"),
    ("kind", "木箱 ", "box"),
    ("kind", "ＢＯＸ", "box"),
    ("kind", "桶", ["not_allowed"]),
    ("kind", 3, ["not_allowed"]),
    ("day", DAY, DAY),
    ("day", datetime(2019, 9, 10), DAY),  # noqa: DTZ001 - as a spreadsheet has it
    ("day", 20190910, DAY),
    ("day", "2019/9/10", DAY),
    ("day", NAIVE, ["time_not_asked"]),
    ("day", 43718, ["invalid_date"]),
    ("day", "2019年9月", ["invalid_date"]),
    ("day", "2019-2-29", ["invalid_date"]),
    ("day", True, ["invalid_date"]),
    ("at", NAIVE, MOMENT),
    ("at", "2019-9-10 8:30", MOMENT),
    ("at", "2019年9月10日 8时30分", MOMENT),
    ("at", "2019年9月10日8:30:00", MOMENT),
    ("at", "2019-09-10T00:30:00Z", MOMENT),
    ("at", "2019-09-10T08:30+08:00", MOMENT),
    ("at", "2019-9-10", ["invalid_time"]),
    ("at", "2019-9-10 24:00", ["invalid_time"]),
    ("at", 20190910, ["invalid_time"]),
    ("amount", 2.5, "2.5"),
    ("amount", 3.34, "3.34"),
    ("amount", 30, "30"),
    ("amount", "３０.50", "30.5"),
    ("amount", 0, "0"),
    ("amount", 0.1 + 0.2, "0.3"),
    ("amount", 999.99, "999.99"),
    ("amount", 1000, ["too_many_digits"]),
    ("amount", 1.005, ["too_many_digits"]),
    ("amount", "1.00000000000000000000000000000000001", ["too_many_digits"]),
    ("amount", -1, ["out_of_range"]),
    ("amount", "30学时", ["not_a_number"]),
    ("amount", "1e3", ["not_a_number"]),
    ("amount", DAY, ["not_a_number"]),
    ("parts", "1、2,3；4", (1, 2, 3, 4)),
    ("parts", 7, (7,)),
    ("parts", "1、x", ["not_a_whole_number"]),
    ("parts", 1.5, ["not_a_whole_number"]),
    ("parts", DAY, ["wrong_kind"]),
    ("parts", " ".join("1" * 51), ["too_many_items"]),
    ("good", "是", True),
    ("good", "否", False),
    ("good", True, True),
    ("good", 0, False),
    ("good", "也许", ["not_allowed"]),
]  # fmt: skip
DAYS_IN_TEXT = [
    "20190910", "2019-9-10", "2019-09-10", "2019/9/10", "2019.9.10", "2019年9月10日", "2019年09月10", "２０１９-９-１０",
    "2019-9-10 0:00:00", "2019/9/10 00:00", "2019-09-10T00:00:00", "2019年9月10日 0时0分", " 2019-9-10 ",
]  # fmt: skip


class TestCells:
    @pytest.mark.parametrize(("column", "written", "expected"), IN_XLSX)
    def test_of_each_kind_become_values_of_the_column_s_type(self, column: str, written: Any, expected: Any):
        values: dict[str, Any] = {"number": "X-1", "name": "赵甲子", column: written}
        header = [FORM.column(name).zh for name in values]
        found = only(read(xlsx_of([header, list(values.values())])), column)
        assert (str(found) if column == "amount" and not isinstance(found, list) else found) == expected

    @pytest.mark.parametrize("written", DAYS_IN_TEXT)
    @pytest.mark.parametrize("kind", [CSV_TYPE, XLSX_TYPE])
    def test_of_days_are_read_as_people_write_them(self, kind: str, written: str):
        rows = [["证件号码", "姓名", "日期"], ["X-1", "赵甲子", written]]
        assert only(read(csv_of(rows) if kind == CSV_TYPE else xlsx_of(rows), kind), "day") == DAY

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("2.10102E+17", ["scientific_notation"]),
            ("2.1E17", ["scientific_notation"]),
            ("210102199001010000", "210102199001010000"),
            ('="210102199001010010"', "210102199001010010"),
            ("\t210102199001011234", "210102199001011234"),
            ("'0102", "0102"),
        ],
    )
    def test_of_csv_that_a_spreadsheet_changed_are_no_identifiers(self, written: str, expected: Any):
        assert only(read_csv(HEADER, [written, *GOOD[1:]]), "number") == expected

    @pytest.mark.parametrize(
        ("numbers", "rounded"),
        [
            (["210102199001010000"] * 4, [True] * 4),
            (["210102199001010000"] * 3, [False] * 3),
            ([*["210102199001010000"] * 4, "21010219900101123X"], [*[True] * 4, False]),
            ([*["210102199001010000"] * 4, "210102199001010010"], [False] * 5),
        ],
    )
    def test_of_csv_whose_column_was_rounded_as_a_whole_are_refused(
        self, numbers: list[str], rounded: list[bool]
    ):
        rows = read_csv(HEADER, *[[number, *GOOD[1:]] for number in numbers]).rows
        assert [[fault.code for fault in row.faults] == ["rounded_number"] for row in rows] == rounded
        assert ["number" in row.values for row in rows] == [not each for each in rounded]

    def test_with_the_error_of_a_formula_or_no_result_are_refused_in_kind(self):
        data = row(1, "证件号码", "姓名", "日期") + (
            '<row r="2"><c r="A2" t="e"><v>#N/A</v></c><c r="B2"><f>A9</f></c>'
            '<c r="C2" t="str"><f>TEXT(1)</f><v>2019-9-10</v></c></row>'
        )
        (only_row,) = read(parts_of(f"<sheetData>{data}</sheetData>")).rows
        assert [fault.detail_zh.partition("：")[2][:15] for fault in only_row.faults] == [
            "单元格是公式的错误值，不是文字",
            "单元格是没有计算结果的公式，不",
        ]
        assert only_row.values["day"] == DAY

    def test_are_dates_by_the_calendar_of_the_workbook(self):
        head = '<?xml version="1.0"?>'
        office = "urn:office"
        styles = f'{head}<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
        data = row(1, "证件号码", "姓名", "日期").replace("</row>", "") + "</row>"
        data += row(2, "X-1", "赵甲子").replace("</row>", '<c r="C2" s="1"><v>42256</v></c></row>')
        for flag, day in (("0", date(2015, 9, 9)), ("1", date(2019, 9, 10))):
            more = {
                "xl/styles.xml": styles.encode(),
                "xl/workbook.xml": (
                    f'{head}<workbook xmlns:r="{office}"><workbookPr date1904="{flag}"/>'
                    '<sheets><sheet name="物品" r:id="r1"/></sheets></workbook>'
                ).encode(),
                "xl/_rels/workbook.xml.rels": (
                    f'{head}<Relationships><Relationship Id="r1" Type="{office}/worksheet" '
                    f'Target="/xl/worksheets/sheet1.xml"/><Relationship Id="r2" Type="{office}/styles" '
                    'Target="styles.xml"/></Relationships>'
                ).encode(),
            }
            assert only(read(parts_of(f"<sheetData>{data}</sheetData>", more=more)), "day") == day


class TestFaults:
    def faults(self) -> list[Any]:
        made = []
        for column, written, expected in IN_XLSX:
            if isinstance(expected, list):
                values: dict[str, Any] = {"number": "X-1", "name": "赵甲子", column: written}
                header = [FORM.column(name).zh for name in values]
                made += [
                    (fault, written)
                    for fault in read(xlsx_of([header, list(values.values())])).rows[0].faults
                ]
        return made

    def test_name_sheet_row_column_kind_and_what_to_do_and_never_the_value(self):
        for fault, written in self.faults():
            column = FORM.column(fault.column)
            assert fault.detail_zh.startswith(f"工作表“Sheet1”第2行“{column.zh}”（{fault.letter}列）："), (
                fault
            )
            assert fault.detail_en.startswith(f'Sheet "Sheet1", row 2, column {fault.letter} ({column.en}): ')
            assert any(word in fault.detail_zh for word in ("请", "最多", "可填")), fault
            text = str(written)
            if len(text) > 3 and "月" not in text:
                assert text not in fault.detail_zh + fault.detail_en

    def test_speak_one_language_each(self):
        for fault, _ in self.faults():
            chinese = fault.detail_zh.partition("：")[2]
            assert not re.search("[A-Za-z_]", chinese), chinese
            assert fault.detail_en.isascii(), fault.detail_en


class TestRoundTrip:
    text = st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=40
    ).filter(lambda value: value.strip() and not value.strip().startswith(("'", '="')))
    form = Form(
        "表", "Table", (Column("a", "甲", "a", Text(200)), Column("b", "乙", "b", Text(200))), rows_max=20
    )

    @settings(max_examples=60, deadline=None)
    @given(rows=st.lists(st.tuples(text, text), min_size=1, max_size=20))
    @pytest.mark.parametrize(("write", "kind"), [(write_csv, CSV_TYPE), (write_xlsx, XLSX_TYPE)])
    def test_what_is_written_is_read_again(self, write: Any, kind: str, rows: list[tuple[str, str]]):
        table = read(write(["甲", "乙"], rows), kind, self.form)
        edges = " \t\r\n\u3000\u00a0\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
        expected = [tuple(each.strip().strip(edges) for each in row) for row in rows]
        expected = [row for row in expected if row != ("甲", "乙")]
        assert [(each.values.get("a", ""), each.values.get("b", "")) for each in table.rows] == expected

    def test_columns_are_named_as_in_a_spreadsheet(self):
        assert [letters(each) for each in (1, 26, 27, 702, 703, 16384)] == [
            "A",
            "Z",
            "AA",
            "ZZ",
            "AAA",
            "XFD",
        ]
