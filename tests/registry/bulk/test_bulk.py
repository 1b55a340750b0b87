"""Bulk collection: every row is answered, nothing is half applied, and no cell of an answer is a formula."""

import asyncio
import csv
import io
import uuid
from typing import Any

import asyncpg
import httpx
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE, safe_cell, write_csv, write_xlsx
from tests.conftest import FreshDatabase
from tests.registry.scenarios import DALIAN, SHUANGTA, Human, Registry, somebody, uscc

BULK = "/v1/collections/bulk"
HEADER = (
    "证件号码",
    "姓名",
    "地区代码",
    "专业技术资格",
    "取得日期",
    "从事会计工作日期",
    "会计岗位",
    "联系电话",
)


def row_of(human: Human, place: str = SHUANGTA, **changes: str) -> list[str]:
    row = dict(
        zip(
            HEADER,
            (
                human.id_number,
                human.name,
                place,
                "中级",
                "2020年9月1日",
                "2019/7/1",
                "出纳、稽核",
                "13800001234",
            ),
            strict=True,
        )
    )
    return list((row | changes).values())


def as_csv(rows: list[list[str]], header: tuple[str, ...] = HEADER, encoding: str = "utf-8") -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode(encoding)


def as_xlsx(rows: list[list[Any]], header: tuple[str, ...] = HEADER) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([list(header), *rows]):
            sheet.write_row(number, 0, row)
    return out.getvalue()


async def upload(registry: Registry, body: bytes, kind: str = CSV_TYPE, **more: Any) -> httpx.Response:
    return await registry.send(more.pop("path", BULK), body, kind, **more)


async def people_in(fresh: FreshDatabase) -> int:
    conn = await asyncpg.connect(fresh.admin_dsn)
    try:
        count: int = await conn.fetchval("select count(*) from registry.collections")
        return count
    finally:
        await conn.close()


class TestUpload:
    @pytest.mark.parametrize(
        ("make", "kind"),
        [
            (as_csv, CSV_TYPE),
            (lambda rows: as_csv(rows, encoding="gb18030"), "text/csv; charset=gb18030"),
            (lambda rows: as_csv(rows, encoding="utf-8-sig"), CSV_TYPE),
            (as_xlsx, XLSX_TYPE),
        ],
    )
    async def test_hands_in_every_row(self, registry: Registry, make: Any, kind: str) -> None:
        humans = [somebody() for _ in range(3)]
        answer = await upload(registry, make([row_of(human) for human in humans]), kind)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert [(each["row"], each["result"]) for each in body["rows"]] == [
            (2, "submitted"),
            (3, "submitted"),
            (4, "submitted"),
        ]
        for human, each in zip(humans, body["rows"], strict=True):
            case = (await registry.call("GET", f"/v1/collections/{each['collection_id']}")).json()
            assert (case["state"], case["place"], case["name"][0]) == ("submitted", SHUANGTA, human.name[0])
            assert human.id_number not in answer.text

    async def test_is_submitted_in_the_order_of_the_file_and_goes_through_review(
        self, registry: Registry
    ) -> None:
        answer = await upload(registry, as_csv([row_of(somebody())]), subject="clerk-1")
        case = answer.json()["rows"][0]["collection_id"]
        for step, subject in (("initial", "official-2"), ("final", "official-3")):
            assert (await registry.reviews(case, step, subject=subject)).status_code == 200

    async def test_by_an_organization_is_for_its_own_people(self, registry: Registry) -> None:
        code = uscc()
        organization = await registry.organization(kind="employer", code=code)
        header = (*HEADER, "统一社会信用代码")
        own, other = row_of(somebody()), row_of(somebody())
        who: dict[str, Any] = {"place": None, "organization": organization}
        answer = await upload(registry, as_csv([[*own, code], [*other, uscc()]], header), **who)
        assert answer.status_code == 422
        (fault,) = answer.json()["rows"]
        assert (fault["row"], fault["faults"][0]["column"], fault["faults"][0]["code"]) == (
            3,
            "统一社会信用代码",
            "not-employer",
        )
        answer = await upload(registry, as_csv([[*own, code], [*other, ""]], header), **who)
        assert answer.status_code == 201, answer.text

    async def test_the_same_key_gives_the_same_answer(self, registry: Registry) -> None:
        body = as_csv([row_of(somebody())])
        first = await upload(registry, body, key="bulk-1")
        assert (await upload(registry, body, key="bulk-1")).json() == first.json()
        other = await upload(registry, as_csv([row_of(somebody())]), key="bulk-1")
        assert other.status_code == 422


class TestTables:
    async def test_as_people_make_them_are_read_and_say_which_columns_were_taken(self, registry: Registry):
        """A hidden list, a title, the words people use, a running number, and a document type in their words."""
        human, out = somebody(), io.BytesIO()
        with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
            book.add_worksheet("选项").hide()
            sheet = book.add_worksheet("花名册")
            sheet.activate()
            for number, row in enumerate(
                [
                    ["2026年人员花名册"],
                    ["序号", "姓\u3000名", "证件种类", "*身份证号", "行政区划代码", "职称", "取得时间"],
                    [1, human.name, "身份证", human.id_number, int(SHUANGTA), "中级", 20200901],
                    [2],
                ]
            ):
                sheet.write_row(number, 0, row)
        answer = await upload(registry, out.getvalue(), XLSX_TYPE)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert [(each["row"], each["result"]) for each in body["rows"]] == [(3, "submitted")]
        assert [(each["name"], each["header"], each["letter"]) for each in body["columns"][:2]] == [
            ("name", "姓 名", "B"),
            ("id_type", "证件种类", "C"),
        ]
        assert body["not_taken"] == ["A"]

    async def test_with_numbers_in_number_cells_are_refused_saying_how_to_write_them(
        self, registry: Registry
    ):
        """Of an ID number in a number cell fifteen digits are left; one in eleven is somebody else's valid number."""
        row: list[Any] = row_of(somebody())
        row[0] = 211302199001011234
        (refused,) = (await upload(registry, as_xlsx([row]), XLSX_TYPE)).json()["rows"]
        (fault,) = refused["faults"]
        assert fault["code"] == "number_cell"
        assert fault["reason_zh"].startswith("工作表“Sheet1”第2行“证件号码”（A列）：单元格是数字")
        assert "文本格式" in fault["reason_zh"]
        answer = await upload(registry, as_csv([row_of(somebody(), 证件号码="2.11302E+17")]))
        assert answer.json()["rows"][0]["faults"][0]["code"] == "scientific_notation"

    async def test_that_kill_a_reader_are_refused_and_others_are_served(self, registry: Registry):
        """A cell at XFD1048576 in a file of a few kilobytes, with somebody else's file beside it."""
        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, HEADER)
            sheet.write_string(1_048_575, 16_383, "x")
        answers = await asyncio.gather(
            upload(registry, out.getvalue(), XLSX_TYPE), upload(registry, as_csv([row_of(somebody())]))
        )
        assert [each.status_code for each in answers] == [422, 201]
        assert "XFD" in answers[0].json()["detail"]

    @pytest.mark.parametrize(("language", "first"), [("zh-CN", "证件类型"), ("en", "id_type")])
    async def test_have_a_template(self, registry: Registry, language: str, first: str):
        headers = {"Authorization": f"Bearer {registry.token(place=SHUANGTA)}", "Accept-Language": language}
        answer = await registry.client.get(f"{BULK}/template.xlsx", headers=headers)
        assert (await registry.client.get(f"{BULK}/template.xlsx")).status_code == 401
        assert (answer.status_code, answer.headers["content-type"]) == (200, XLSX_TYPE)
        book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
        assert book.get_sheet_by_index(0).to_python()[0][0] == first
        again = await upload(registry, answer.content, XLSX_TYPE)
        assert again.json()["reason"] == "no_rows"


class TestRefusal:
    async def test_names_row_column_and_reason_and_applies_nothing(
        self, registry: Registry, fresh: FreshDatabase
    ) -> None:
        known = somebody()
        await registry.submitted(known)
        before = await people_in(fresh)
        good, twice = somebody(), somebody()
        rows = [
            row_of(good),
            row_of(somebody(), 证件号码="211302199001011234"),
            row_of(somebody(), place="999999"),
            row_of(somebody(), 取得日期="明天"),
            row_of(somebody(), 专业技术资格="顶级"),
        ]
        answer = await upload(registry, as_csv(rows))
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:xuefen:problem:bulk-refused"
        found = {each["row"]: each["faults"][0] for each in answer.json()["rows"]}
        assert {row: (fault["column"], fault["code"]) for row, fault in found.items()} == {
            3: ("证件号码", "id_number_check_digit"),
            4: ("地区代码", "unknown_place"),
            5: ("取得日期", "invalid_date"),
            6: ("专业技术资格", "not_allowed"),
        }
        assert "211302199001011234" not in answer.text
        assert found[4]["reason_zh"].startswith("第4行“地区代码”（C列）：")
        answer = await upload(
            registry,
            as_csv([row_of(good), row_of(known), row_of(twice), row_of(twice), row_of(somebody(), DALIAN)]),
        )
        found = {each["row"]: each["faults"][0] for each in answer.json()["rows"]}
        assert {row: (fault["column"], fault["code"]) for row, fault in found.items()} == {
            3: ("证件号码", "collection-exists"),
            5: ("证件号码", "repeated"),
            6: ("地区代码", "outside-place"),
        }
        assert await people_in(fresh) == before

    async def test_with_partial_hands_in_the_rest(self, registry: Registry) -> None:
        rows = [row_of(somebody()), row_of(somebody(), 姓名=""), row_of(somebody())]
        answer = await upload(registry, as_csv(rows), path=f"{BULK}?partial=true")
        assert answer.status_code == 201, answer.text
        assert [each["result"] for each in answer.json()["rows"]] == ["submitted", "refused", "submitted"]

    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [
            (b"", CSV_TYPE, 422),
            (as_csv([]), CSV_TYPE, 422),
            (as_csv([["1"]], ("姓名",)), CSV_TYPE, 422),
            (as_csv([["1", "2", "3", "4"]], ("姓名", "name", "证件号码", "地区代码")), CSV_TYPE, 422),
            (b"\xff\xfe\x00", CSV_TYPE, 422),
            (b'"unclosed', CSV_TYPE, 422),
            (b"PK\x03\x04", XLSX_TYPE, 422),
            (b"not a zip", XLSX_TYPE, 422),
            (b"{}", "application/json", 415),
            (b"a,b", "", 415),
            (as_csv([["x"] * 8] * 2001), CSV_TYPE, 422),
            (as_csv([["x" * 2001] * 8]), CSV_TYPE, 422),
            (b"x" * 5_000_000, CSV_TYPE, 413),
        ],
    )
    async def test_of_a_file_that_is_no_such_table(
        self, registry: Registry, body: bytes, kind: str, status: int
    ) -> None:
        assert (await upload(registry, body, kind)).status_code == status

    async def test_anonymous_missing_scope_and_missing_key(self, registry: Registry) -> None:
        body = as_csv([row_of(somebody())])
        assert (await registry.client.post(BULK, content=body)).status_code == 401
        assert (await registry.send(BULK, body, CSV_TYPE, "feed:read")).status_code == 403
        headers = {"Authorization": f"Bearer {registry.token()}", "Content-Type": CSV_TYPE}
        assert (await registry.client.post(BULK, content=body, headers=headers)).status_code == 400


class TestResult:
    async def test_is_exported_with_a_line_for_every_row(self, registry: Registry) -> None:
        rows = [row_of(somebody()), row_of(somebody(), 姓名="", 地区代码="1")]
        refused = (await upload(registry, as_csv(rows))).json()
        answer = await registry.call("GET", f"{BULK}/{refused['bulk_id']}/result.csv")
        assert answer.headers["content-disposition"].startswith("attachment")
        lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [(line["row"], line["result"], line["column"]) for line in lines] == [
            ("2", "not_applied", ""),
            ("3", "refused", "姓名"),
            ("3", "refused", "地区代码"),
        ]
        as_book = await registry.call("GET", f"{BULK}/{refused['bulk_id']}/result.xlsx")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(as_book.content)).get_sheet_by_index(0)
        assert [row[:3] for row in sheet.to_python()][1:] == [list(line.values())[:3] for line in lines]

    async def test_is_for_whoever_uploaded(self, registry: Registry) -> None:
        bulk = (await upload(registry, as_csv([row_of(somebody())]), subject="clerk-2")).json()["bulk_id"]
        for ending in ("", "/result.csv", "/result.xlsx"):
            mine = await registry.call("GET", f"{BULK}/{bulk}{ending}", subject="clerk-2")
            other = await registry.call("GET", f"{BULK}/{bulk}{ending}", subject="clerk-3")
            nobody = await registry.call("GET", f"{BULK}/{uuid.uuid4()}{ending}", subject="clerk-2")
            assert (mine.status_code, other.status_code, nobody.status_code) == (200, 404, 404)

    async def test_is_listed_with_the_others_newest_first(self, registry: Registry) -> None:
        made = [
            (await upload(registry, as_csv([row_of(somebody(), 姓名=name)]), subject="clerk-4")).json()[
                "bulk_id"
            ]
            for name in ("赵甲子", "")
        ]
        listed = (await registry.call("GET", BULK, subject="clerk-4")).json()
        assert [(each["bulk_id"], each["applied"], each["count"]) for each in listed["items"]] == [
            (made[1], False, 1),
            (made[0], True, 1),
        ]
        assert (await registry.call("GET", BULK, subject="clerk-5")).json()["items"] == []

    async def test_holds_no_name_and_no_number(self, registry: Registry, fresh: FreshDatabase) -> None:
        human = somebody()
        await upload(registry, as_csv([row_of(human), row_of(somebody(), 地区代码="1")]))
        await upload(registry, as_csv([row_of(human)]))
        conn = await asyncpg.connect(fresh.admin_dsn)
        kept = str([tuple(row) for row in await conn.fetch("select * from registry.bulk_collections")])
        await conn.close()
        assert human.name not in kept
        assert human.id_number not in kept


class TestCells:
    @pytest.mark.parametrize(
        "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1dcmd", "=HYPERLINK(1)"]
    )
    def test_that_look_like_a_formula_are_neutralised_in_every_export(self, cell: str) -> None:
        assert safe_cell(cell).startswith("'")
        (line,) = list(csv.reader(io.StringIO(write_csv(["a"], [[cell]]).decode("utf-8-sig"), newline="")))[
            1:
        ]
        assert line[0].startswith("'")
        header = write_csv([cell], []).decode("utf-8-sig")
        assert header.lstrip('"').startswith("'")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(write_xlsx(["a"], [[cell]]))).get_sheet_by_index(0)
        assert str(sheet.to_python()[1][0]).startswith("'")

    @pytest.mark.parametrize("cell", ["赵甲子", "2026-03-01", "", "1+1", None, True, 5])
    def test_that_do_not_stay_as_they_are(self, cell: Any) -> None:
        assert not safe_cell(cell).startswith("'")
