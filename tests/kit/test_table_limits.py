"""Hostile tables: each is refused saying what is wrong with it, and nobody else feels that it came."""

import asyncio
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.kit import table_child, table_reader
from services.kit.errors import BusyError
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE
from services.kit.table_cells import HEADER_ROWS, TEXT, Cell, Sheet
from services.kit.table_reader import Table, UnreadableTableError, read_table
from tests.kit.tables import FORM, GOOD, HEADER, cell, csv_of, parts_of, read, row, xlsx_of

TABLE = row(1, *HEADER[:2]) + row(2, *GOOD[:2])
BOMB = b" " * (40 * 2**20)


def sheet(data: str, more: str = "") -> bytes:
    return parts_of(f"<sheetData>{data}</sheetData>{more}")


def far(reference: str, number: int) -> bytes:
    return sheet(f'{TABLE}<row r="{number}">{cell(reference, "x")}</row>')


def part(name: str, content: bytes) -> bytes:
    """A good workbook of which one part is another."""
    return parts_of(f"<sheetData>{TABLE}</sheetData>", more={name: content})


def many_parts() -> bytes:
    return parts_of(
        f"<sheetData>{TABLE}</sheetData>",
        more={f"xl/media/{n}": b"" for n in range(2001)},
    )


def rows(count: int, values: list[str]) -> bytes:
    return sheet(
        TABLE[: TABLE.index("</row>")] + "</row>" + "".join(row(n, *values) for n in range(2, count))
    )


def without_end() -> bytes:
    """A record that a quoted line break continues again and again."""
    return b",".join([b'"a\n"'] * 100_000)


HOSTILE: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "the farthest cell": (lambda: far("XFD1048576", 1048576), XLSX_TYPE, "far_cell"),
    "a cell far to the right": (lambda: far("XFD1000", 1000), XLSX_TYPE, "far_cell"),
    "a cell far below": (lambda: far("A1048576", 1048576), XLSX_TYPE, "far_cell"),
    "a cell far right of the header": (
        lambda: sheet(TABLE.replace("</row>", cell("XFD1", "x") + "</row>", 1)), XLSX_TYPE, "far_cell",
    ),
    "a bomb in the sheet": (lambda: part("xl/worksheets/sheet1.xml", b"<a>" + BOMB), XLSX_TYPE, "unpacked_too_large"),
    "a bomb in the strings": (lambda: part("xl/sharedStrings.xml", b"<a>" + BOMB), XLSX_TYPE, "unpacked_too_large"),
    "a bomb in an attribute": (
        lambda: part("xl/worksheets/sheet1.xml", b'<a b="' + BOMB), XLSX_TYPE, "endless_token",
    ),
    "a bomb in a comment": (lambda: part("xl/worksheets/sheet1.xml", b"<a><!--" + BOMB), XLSX_TYPE, "endless_token"),
    "deep XML": (lambda: part("xl/worksheets/sheet1.xml", b"<a>" * 100_000), XLSX_TYPE, "too_deep"),
    "entities": (
        lambda: part("xl/worksheets/sheet1.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), XLSX_TYPE, "document_type",
    ),
    "100,000 sheets": (
        lambda: part("xl/workbook.xml", b"<a>" + b'<sheet name="a" r:id="r1"/>' * 100_000 + b"</a>"),
        XLSX_TYPE, "too_many_sheets",
    ),
    "too many parts": (many_parts, XLSX_TYPE, "too_many_parts"),
    "too many strings": (
        lambda: part("xl/sharedStrings.xml", b"<a>" + b"<si><t>a</t></si>" * 200_001 + b"</a>"),
        XLSX_TYPE, "too_many_strings",
    ),
    "too many merged areas": (
        lambda: sheet(TABLE, "<mergeCells>" + '<mergeCell ref="A9:B9"/>' * 1001 + "</mergeCells>"),
        XLSX_TYPE, "too_many_merges",
    ),
    "rows that go back": (lambda: sheet(row(3, *HEADER[:2]) + row(2, *GOOD[:2])), XLSX_TYPE, "broken"),
    "a cell that goes back": (lambda: sheet('<row r="1"><c r="B1"/><c r="A1"/></row>'), XLSX_TYPE, "broken"),
    "a cell without a place": (lambda: sheet('<row r="1"><c r="11"/></row>'), XLSX_TYPE, "broken"),
    "a string that is not there": (lambda: sheet('<row r="1"><c r="A1" t="s"><v>9</v></c></row>'), XLSX_TYPE, "broken"),
    "a number that is none": (lambda: sheet('<row r="1"><c r="A1"><v>NaN</v></c></row>'), XLSX_TYPE, "broken"),
    "a part that is missing": (
        lambda: part("xl/_rels/workbook.xml.rels", b"<a/>"), XLSX_TYPE, "broken",
    ),
    "too many rows": (lambda: rows(100, GOOD), XLSX_TYPE, "too_many_rows"),
    "too much text": (lambda: rows(75, ["x" * 2000] * 60), XLSX_TYPE, "too_much_text"),
    "hidden sheets only": (
        lambda: part("xl/workbook.xml", '<a><sheet name="甲" state="veryHidden" r:id="r1"/></a>'.encode()),
        XLSX_TYPE, "no_visible_sheet",
    ),
    "an older format": (lambda: b"\xd0\xcf\x11\xe0" + bytes(500), XLSX_TYPE, "old_or_locked"),
    "no archive": (lambda: b"not a zip", XLSX_TYPE, "broken"),
    "half an archive": (lambda: sheet(TABLE)[:-200], XLSX_TYPE, "broken"),
    "nothing": (lambda: b"", XLSX_TYPE, "broken"),
    "nothing as text": (lambda: b"", CSV_TYPE, "no_header"),
    "a field of 50 MB": (lambda: b'a,"' + b"x" * (50 * 2**20) + b'"', CSV_TYPE, "endless_line"),
    "a field of many lines": (lambda: b'a,"' + b"x\n" * 30_000 + b'"', CSV_TYPE, "endless_field"),
    "a line of 50 MB": (lambda: b"," * (50 * 2**20), CSV_TYPE, "endless_line"),
    "a record without end": (without_end, CSV_TYPE, "endless_line"),
    "a quotation mark that stays open": (lambda: csv_of([HEADER, GOOD]) + b'"unclosed', CSV_TYPE, "broken_quotes"),
    "bytes of no encoding": (lambda: b"\xff\xff\xff", CSV_TYPE, "unknown_encoding"),
    "text with zeros in it": (lambda: b"a\x00b", CSV_TYPE, "unknown_encoding"),
    "a cell far right in CSV": (lambda: csv_of([HEADER, GOOD, [""] * 100 + ["x"]]), CSV_TYPE, "far_cell"),
}  # fmt: skip


def reason(error: UnreadableTableError) -> str:
    return str(error.extensions["reason"])


class TestHostileTables:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_are_refused_saying_what_is_wrong(self, name: str):
        make, kind, expected = HOSTILE[name]
        with pytest.raises(UnreadableTableError) as caught:
            read(make(), kind)
        assert reason(caught.value) == expected
        assert len(caught.value.detail_zh) > 5
        assert caught.value.detail_en.endswith(".")

    def test_say_where_the_far_cell_is(self):
        with pytest.raises(UnreadableTableError) as caught:
            read(far("XFD1000", 1000))
        assert caught.value.detail_zh == (
            "工作表“物品”第1000行XFD列：远离表格的单元格中有内容。请清除该单元格。"
        )
        assert caught.value.detail_en == (
            'Sheet "物品", row 1000, column XFD: A cell far away from the table holds something. Clear it.'
        )

    def test_with_a_name_like_somebody_s_number_do_not_have_it_said(self):
        body = parts_of([("210102199001010010", f"<sheetData>{TABLE}{row(100_001, 'x')}</sheetData>")])
        with pytest.raises(UnreadableTableError) as caught:
            read(body)
        assert "210102" not in caught.value.detail_zh + caught.value.detail_en

    def test_that_are_only_formatted_far_away_are_read(self):
        data = (
            TABLE.replace("</row>", '<c r="XFD1" s="0"/></row>', 1)
            + '<row r="1048576"><c r="XFD1048576" s="0"/></row>'
        )
        assert len(read(sheet(data)).rows) == 1

    def test_merged_as_a_whole_have_every_row_refused(self):
        (only,) = read(sheet(TABLE, '<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>')).rows
        assert {fault.code for fault in only.faults} == {"merged"}

    def test_with_one_endless_string_have_that_cell_refused(self):
        strings = f'<?xml version="1.0"?><sst><si><t>{"x" * 10_000_000}</t></si></sst>'
        data = TABLE.replace("</row>", '<c r="C1" t="inlineStr"><is><t>种类</t></is></c></row>', 1)
        data = data[: -len("</row>")] + '<c r="C2" t="s"><v>0</v></c></row>'
        (only,) = read(parts_of(f"<sheetData>{data}</sheetData>", strings=strings)).rows
        assert [(fault.column, fault.code) for fault in only.faults] == [("kind", "too_long")]

    def test_are_not_read_to_their_end(self):
        """A sheet that has more rows than the form is left there, table or not."""
        wanted = FORM.wanted()
        listing = Sheet("名单", wanted)
        stops = [listing.add(number, [Cell(1, TEXT, "x")]) for number in range(1, 200)].index(False)
        assert stops == wanted.rows_max + HEADER_ROWS
        assert (listing.fault, listing.complete()) == (None, False)

    def test_beside_a_good_sheet_never_have_it_stand_in_for_them(self):
        table, broken = (
            f"<sheetData>{TABLE}</sheetData>",
            f"<sheetData>{TABLE}{row(100_001, 'x')}</sheetData>",
        )
        with pytest.raises(UnreadableTableError) as caught:
            read(parts_of([("甲", broken), ("乙", table)]))
        assert reason(caught.value) == "far_cell"
        no_table = f"<sheetData>{row(100_001, 'x')}</sheetData>"
        assert read(parts_of([("甲", no_table), ("乙", table)])).sheet == "乙"

    @settings(max_examples=150, deadline=None)
    @given(at=st.integers(0, 5000), value=st.integers(0, 255), cut=st.integers(0, 5000))
    @pytest.mark.parametrize("stored", [True, False])
    def test_of_any_damaged_bytes_are_read_or_refused(self, stored: bool, at: int, value: int, cut: int):
        body = bytearray(GOOD_STORED if stored else GOOD_BOOK)
        body[at % len(body)] = value
        with suppress(UnreadableTableError):
            read(bytes(body) if cut % 3 else bytes(body[: cut % len(body)]))


GOOD_BOOK = xlsx_of([HEADER, GOOD])


def _stored(book: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as archive, zipfile.ZipFile(out, "w") as copy:
        for item in archive.infolist():
            copy.writestr(item.filename, archive.read(item))
    return out.getvalue()


GOOD_STORED = _stored(GOOD_BOOK)


class TestProcess:
    async def test_reads_what_is_read_without_it(self):
        assert await read_table(GOOD_BOOK, XLSX_TYPE, FORM) == read(GOOD_BOOK)
        body = csv_of([HEADER, GOOD], encoding="gb18030")
        assert await read_table(body, f"{CSV_TYPE}; charset=GBK", FORM) == read(body, CSV_TYPE)

    @pytest.mark.parametrize("name", ["the farthest cell", "a bomb in an attribute", "a line of 50 MB"])
    async def test_lets_the_event_loop_go_on_and_others_be_read(self, name: str):
        make, kind, expected = HOSTILE[name]
        beats = 0

        async def heartbeat() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0)

        hostile = asyncio.create_task(read_table(make(), kind, FORM))
        beating = asyncio.create_task(heartbeat())
        good = await read_table(GOOD_BOOK, XLSX_TYPE, FORM)
        with pytest.raises(UnreadableTableError) as caught:
            await hostile
        beating.cancel()
        assert reason(caught.value) == expected
        assert len(good.rows) == 1
        assert beats > 50

    async def test_that_takes_too_long_is_ended(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(table_reader, "SECONDS_MAX", 0)
        with pytest.raises(UnreadableTableError) as caught:
            await read_table(GOOD_BOOK, XLSX_TYPE, FORM)
        assert reason(caught.value) == "beyond_limits"

    async def test_is_one_of_a_few(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(table_reader, "WAITING_MAX", 0)
        reading = [read_table(GOOD_BOOK, XLSX_TYPE, FORM) for _ in range(table_reader.READERS_MAX + 1)]
        answers: list[Any] = await asyncio.gather(*reading, return_exceptions=True)
        assert [type(each) for each in answers] == [*[Table] * table_reader.READERS_MAX, BusyError]
        assert isinstance(await read_table(GOOD_BOOK, XLSX_TYPE, FORM), Table)

    @pytest.mark.parametrize(
        ("act", "said"),
        [
            (f"bytearray({table_child.MEMORY_BYTES_MAX})", "MemoryError"),
            ("os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), b'x')", "File too large"),
            (
                "print(resource.getrlimit(resource.RLIMIT_CPU))",
                str((table_child.PROCESSOR_SECONDS_MAX, table_child.PROCESSOR_SECONDS_MAX)),
            ),
        ],
    )
    def test_is_limited(self, act: str, said: str, tmp_path: Path):
        program = (
            f"import os, resource, sys; from services.kit import table_child; table_child.bound(); {act}"
        )
        command = [sys.executable, "-c", program, str(tmp_path / "file")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert said in done.stdout + done.stderr
