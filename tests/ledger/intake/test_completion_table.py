"""Completions as tables: a row means what its JSON means, every row is answered, with its place in the file."""

import csv
import io
from typing import Any

import pytest

from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE
from tests.kit.tables import cells_of, csv_of, xlsx_of
from tests.ledger.world import Provider, Somebody, World

SHUANGTA, LIAONING = "211302", "210000"
HEADER = ["编号", "姓名", "身份证号", "年度", "科目", "学分", "形式", "课程代码", "完成时间"]


@pytest.fixture
async def provider(world: World) -> Provider:
    """Given a platform that Liaoning accredited."""
    return await world.provides("北京东奥时代教育科技有限公司", accredited=[LIAONING])


def line(who: Somebody, record_id: str = "t-1", credits: Any = 30, at: Any = "2025-3-31 23:30") -> list[Any]:
    person = who.person
    return [record_id, person.name, person.id_number, 2025, "专业课", credits, "网络", "ZJ-01", at]


async def sends(provider: Provider, body: bytes, kind: str = XLSX_TYPE, **params: str) -> Any:
    headers = provider.headers() | {"Content-Type": kind}
    return await provider.world.client.post(
        "/v1/completions/table", content=body, headers=headers, params=params
    )


class TestTable:
    async def test_is_registered_row_by_row_in_the_local_time_of_its_cells(self, provider: Provider):
        """31 March 23:30 in Beijing is 31 March, though not in UTC."""
        who, other = [await provider.world.collects(SHUANGTA) for _ in range(2)]
        rows = [["三月完成情况"], ["序号", *HEADER], [1, *line(who)], [], [2, *line(other, "t-2", 2.5)]]
        response = await sends(provider, xlsx_of(rows))
        assert response.status_code == 200, response.text
        answer = response.json()
        assert [(each["row"], each["outcome"]["outcome"]) for each in answer["results"]] == [
            (3, "registered"),
            (5, "registered"),
        ]
        assert (answer["summary"], answer["not_taken"]) == ({"registered": 2}, ["A"])
        assert answer["columns"]["D"] == "id_number"
        official = provider.world.official(LIAONING)
        transcript = await provider.world.client.get(
            f"/v1/persons/{who.person_id}/transcript", headers=official
        )
        (credit,) = transcript.json()["credits"]
        assert (credit["completed_at"], credit["credits"]) == ("2025-03-31T15:30:00Z", "30.00")

    async def test_means_what_its_json_means(self, provider: Provider):
        who = await provider.world.collects(SHUANGTA)
        await sends(provider, csv_of([HEADER, line(who)]), CSV_TYPE)
        studied = {"course": "ZJ-01", "completed_at": "2025-03-31T23:30:00+08:00"}
        json = provider.completion(who, 2025, "30.00", id="t-1", **studied)
        assert [each["outcome"] for each in await provider.posts(json)] == ["duplicate"]

    async def test_has_bad_rows_answered_beside_the_good_ones(self, provider: Provider):
        who, other = [await provider.world.collects(SHUANGTA) for _ in range(2)]
        number, day, person, mode = [line(other, f"t-{each}") for each in range(2, 6)]
        number[2] = 211302199001011234
        day[8] = "2025-3-31"
        person[2] = "211302199001011234"
        mode[6] = "函授"
        response = await sends(provider, xlsx_of([HEADER, line(who), number, day, person, mode]))
        results = response.json()["results"]
        assert [each["outcome"]["outcome"] for each in results] == ["registered", *["rejected"] * 4]
        codes = [
            [error["code"] for error in each["outcome"]["problem"].get("errors", [])] for each in results[1:]
        ]
        assert (codes[0], codes[1], codes[3]) == (["number_cell"], ["invalid_time"], ["not_allowed"])
        assert results[3]["outcome"]["problem"]["detail"].startswith("工作表“Sheet1”第5行“证件号码”（C列）：")
        assert other.person.name not in response.text
        assert "211302199001011234" not in response.text

    @pytest.mark.parametrize("form", ["csv", "xlsx"])
    async def test_is_answered_as_a_table(self, provider: Provider, form: str):
        who, other = [await provider.world.collects(SHUANGTA) for _ in range(2)]
        bad = line(other, "t-2")
        bad[3], bad[6] = "去年", "函授"
        response = await sends(provider, csv_of([HEADER, line(who), bad]), CSV_TYPE, format=form)
        rows = (
            list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
            if form == "csv"
            else cells_of(response.content)
        )
        assert [row[:3] for row in rows[1:]] == [
            ["2", "t-1", "registered"],
            ["3", "t-2", "rejected"],
            ["3", "t-2", "rejected"],
        ]
        assert {row[4] for row in rows[2:]} == {"not_a_whole_number", "not_allowed"}

    async def test_has_a_template_that_is_read(self, provider: Provider):
        response = await provider.world.client.get(
            "/v1/completions/template.xlsx", headers=provider.headers()
        )
        assert (response.status_code, response.headers["content-type"]) == (200, XLSX_TYPE)
        again = await sends(provider, response.content)
        assert (again.status_code, again.json()["reason"]) == (422, "no_rows")

    async def test_is_a_file_of_a_provider(self, provider: Provider):
        assert (await sends(provider, b"{}", "application/json")).status_code == 415
        assert (await sends(provider, b"x" * (4 * 1024 * 1024 + 1), CSV_TYPE)).status_code == 413
        official = provider.world.official(LIAONING) | {"Content-Type": CSV_TYPE}
        refused = await provider.world.client.post("/v1/completions/table", content=b"a", headers=official)
        assert refused.status_code == 403
