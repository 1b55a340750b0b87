"""Rosters as files: whatever people make of the table, every row is answered with its place in the file."""

import csv
import io
from typing import Any

import pytest
import xlsxwriter

from services.kit.spreadsheets import write_xlsx
from tests.kit.tables import cells_of, xlsx_of
from tests.ledger.cases.training import CSV, XLSX, Training, held_training, problem_of
from tests.ledger.world import Somebody, World

HEPING = "210102"


@pytest.fixture
async def training(world: World) -> Training:
    """Given a training of two days that was approved and has just ended."""
    return await held_training(world)


class TestFiles:
    HEADER = ("编号", "姓名", "证件类型", "证件号码", "出勤场次", "结果")

    def csv_of(
        self, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER, encoding: str = "utf-8-sig"
    ) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        return text.getvalue().encode(encoding)

    def line(
        self, who: Somebody, row_id: str, sessions: str = "1、2", result: str = "合格"
    ) -> tuple[str, ...]:
        return (row_id, who.person.name, "居民身份证", who.person.id_number, sessions, result)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    async def test_a_csv_file_is_taken(self, training: Training, encoding: str):
        who = await training.world.collects(HEPING)
        response = await training.sends(self.csv_of(self.line(who, "r-1"), encoding=encoding), CSV)
        assert (response.status_code, response.json()["results"][0]["row"]) == (201, 2)

    async def test_an_xlsx_file_is_taken(self, training: Training):
        who, other = await training.world.collects(HEPING), await training.world.collects(HEPING)
        rows = [self.line(who, "r-1"), self.line(other, "r-2", sessions="2")]
        response = await training.sends(write_xlsx(self.HEADER, rows), XLSX)
        assert (response.status_code, response.json()["summary"]) == (201, {"accepted": 2})
        roster = await training.world.client.get(
            f"/v1/rosters/{response.json()['roster_id']}", headers=training.headers()
        )
        assert [row["sessions"] for row in roster.json()["rows"]] == [[1, 2], [2]]

    async def test_a_fault_names_the_line_and_the_column(self, training: Training):
        good, bad = await training.world.collects(HEPING), await training.world.collects(HEPING)
        content = self.csv_of(
            self.line(good, "r-1"),
            self.line(bad, "r-2", sessions="first"),
            self.line(await training.world.collects(HEPING), "r-3", result="也许"),
            ("r-4", "某人", "居民身份证", "110101199001011234", "1", "合格"),
        )
        response = await training.sends(content, CSV)
        faults = [(row["row"], row.get("column")) for row in response.json()["results"]]
        assert faults == [(2, None), (3, "出勤场次"), (4, "结果"), (5, "证件号码")]

    async def test_json_csv_and_a_repeat_mean_the_same(self, training: Training):
        who = await training.world.collects(HEPING)
        await training.uploads(training.row(who, "r-1"))
        again = await training.sends(self.csv_of(self.line(who, "r-1")), CSV)
        assert again.json()["summary"] == {"duplicate": 1}

    @pytest.mark.parametrize(
        ("content", "media_type", "status", "problem"),
        [
            (b"", CSV, 422, "unreadable-table"),
            (b"a,b\n1,2\n", CSV, 422, "unreadable-table"),
            (b"\xff\xfe\x00\xff", CSV, 422, "unreadable-table"),
            (b"id,name", XLSX, 422, "unreadable-table"),
            (b"id,name,id_number,passed,sessions\n", CSV, 422, "unreadable-table"),
            (b"{}", "application/pdf", 415, "unsupported-media-type"),
            (b"{", "application/json", 400, "malformed-body"),
            (b'{"records": []}', "application/json", 422, "invalid-request"),
            (b"x" * (4 * 1024 * 1024 + 1), CSV, 413, "body-too-large"),
        ],
    )
    async def test_what_is_no_roster_is_refused(
        self, training: Training, content: bytes, media_type: str, status: int, problem: str
    ):
        response = await training.sends(content, media_type)
        assert (response.status_code, problem_of(response)) == (status, problem)


class TestTables:
    HEADER = ("记录编号", "姓\u3000名", "身份证号：", "学时", "考核结果")

    def line(self, who: Somebody, row_id: Any = "r-1", hours: Any = 6, passed: str = "通过") -> list[Any]:
        return [row_id, who.person.name, who.person.id_number, hours, passed]

    async def test_as_people_make_them_are_taken_and_say_which_columns_were_read(self, training: Training):
        """Titles, a running number, blank rows between, hours in number cells, a row id that is a number."""
        who, other = await training.world.collects(HEPING), await training.world.collects(HEPING)
        rows = [
            ["培训学时登记表"],
            [],
            ["序号", *self.HEADER],
            [1, *self.line(who)],
            [],
            [2, *self.line(other, 7)],
        ]
        response = await training.sends(xlsx_of(rows), XLSX)
        assert response.status_code == 201, response.text
        answer = response.json()
        assert [(row["row"], row["id"]) for row in answer["results"]] == [(4, "r-1"), (6, "7")]
        assert [(each["name"], each["letter"]) for each in answer["columns"]] == [
            ("id", "B"), ("name", "C"), ("id_number", "D"), ("hours", "E"), ("passed", "F"),
        ]  # fmt: skip
        assert answer["not_taken"] == ["A"]

    async def test_with_faults_say_sheet_row_column_kind_and_what_to_do(self, training: Training):
        good = await training.world.collects(HEPING)
        number, twice = self.line(good, "r-2"), self.line(good, "r-3")
        number[2] = 211302199001011234
        failed = self.line(await training.world.collects(HEPING), "r-4", passed="不合格")
        response = await training.sends(
            xlsx_of([list(self.HEADER), self.line(good), number, twice, failed]), XLSX
        )
        assert problem_of(response) == "roster-faulty"
        results = response.json()["results"]
        assert [(row["row"], row["outcome"]) for row in results] == [
            (2, "accepted"), (3, "rejected"), (4, "rejected"), (5, "rejected"),
        ]  # fmt: skip
        errors = results[1]["problem"]["errors"]
        assert [(error["code"], error["pointer"]) for error in errors] == [
            ("number_cell", "/records/1/person/id_number")
        ]
        assert errors[0]["detail"].startswith("工作表“Sheet1”第3行“证件号码”（C列）：单元格是数字")
        assert results[2]["problem"]["detail"].startswith("工作表“Sheet1”第4行“证件号码”（C列）：")
        assert results[3]["problem"]["detail"].startswith("工作表“Sheet1”第5行“结果”（E列）：")
        assert good.person.name not in response.text

    async def test_that_kill_a_reader_are_refused(self, training: Training):
        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, self.HEADER)
            sheet.write_string(1_048_575, 16_383, "x")
        response = await training.sends(out.getvalue(), XLSX)
        assert (response.status_code, problem_of(response)) == (422, "unreadable-table")
        assert response.json()["reason"] == "far_cell"

    @pytest.mark.parametrize(("language", "first"), [("zh-CN", "*编号"), ("en", "*id")])
    async def test_have_a_template(self, training: Training, language: str, first: str):
        headers = training.headers() | {"Accept-Language": language}
        response = await training.world.client.get("/v1/rosters/template.xlsx", headers=headers)
        assert (response.status_code, response.headers["content-type"]) == (200, XLSX)
        assert cells_of(response.content)[0][0] == first
        again = await training.sends(response.content, XLSX)
        assert again.json()["reason"] == "no_rows"
        refused = await training.world.client.get(
            "/v1/rosters/template.xlsx", headers=training.headers("feed:read")
        )
        assert refused.status_code == 403
