"""An organization's desk: what it reported by state and why it waits, and a table of completions answered row by row."""

from datetime import timedelta

from services.kit.spreadsheets import CSV_TYPE
from tests.console.house import House, clerk_of
from tests.e2e.system import LIAONING, SHENYANG
from tests.kit.tables import csv_of

SHANXI = "140000"
HEADER = ["编号", "姓名", "身份证号", "年度", "科目", "学分", "形式", "课程代码", "完成时间"]


class TestAccounts:
    async def test_are_listed_and_asked_for_at_the_bureau(self, house: House):
        provider = await house.system.provides()
        clerk = await clerk_of(house, provider)
        await house.system.follow()
        assert "接口账号" in (await clerk.open("/provider?year=2025")).text
        answer = await clerk.submit("/provider?year=2025", "/provider/account", key="a" * 20)
        assert answer.status_code == 303, answer.text

        assert "已向财政部门申请" in (await clerk.open(answer.headers["location"])).text


class TestDesk:
    async def test_shows_what_was_reported_by_its_state_and_why_it_waits(self, house: House):
        provider = await house.system.provides()
        known, unknown = house.system.stranger(), house.system.stranger()
        await house.system.collects(known, SHENYANG)
        await house.system.follow()
        waits = provider.completion(unknown, "10.00", authority=LIAONING, title="等待的课程")
        await provider.posts(provider.completion(known, "90.00", title="登记的课程"), waits)
        clerk = await clerk_of(house, provider)
        page = (await clerk.open("/provider?year=2025")).text
        held = (await clerk.open("/provider?year=2025&state=held")).text

        assert "登记的课程" in page
        assert "登记的课程" not in held
        assert "等待的课程" in held
        assert "人员信息尚未采集" in held

    async def test_shows_the_scorecard_and_the_duties_of_its_own_organization_alone(self, house: House):
        provider, other = (
            await house.system.provides(),
            await house.system.provides("山西的培训机构", (SHANXI,)),
        )
        someone = house.system.stranger()
        await house.system.collects(someone, SHENYANG)
        await house.system.follow()
        await provider.posts(provider.completion(someone, "90.00"))
        await house.system.follow()
        mine = (await (await clerk_of(house, provider)).open("/provider?year=2025")).text
        others = (await (await clerk_of(house, other)).open("/provider?year=2025")).text

        assert "没有应提交的计划或总结" in mine
        assert "年度总结" in others
        assert "这一年度还没有登记的记录" in others

    async def test_is_for_those_who_report_completions(self, house: House):
        reviewer = await house.somebody("reviewer", place=LIAONING)

        assert (await reviewer.open("/provider")).status_code == 403
        assert 'href="/provider"' not in (await reviewer.follow("/")).text


class TestTable:
    async def test_is_answered_row_by_row_with_reasons_in_words(self, house: House):
        provider, someone = await house.system.provides(), house.system.stranger()
        await house.system.collects(someone, SHENYANG)
        await house.system.follow()
        clerk = await clerk_of(house, provider)
        hour_ago = (house.system.now - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M")
        good = ["t-1", someone.name, someone.id_number, 2025, "专业课", 30, "网络", "ZJ-01", hour_ago]
        file = (
            "三月.csv",
            csv_of([HEADER, good, ["t-2", *good[1:5], "很多", *good[6:]]]),
            "application/vnd.ms-excel",
        )
        answer = await clerk.submit("/provider/table", "/provider/table", files={"table": file})

        assert answer.status_code == 200
        assert "已登记" in answer.text
        assert "未收下" in answer.text
        assert "t-2" in answer.text
        assert CSV_TYPE not in answer.text

    async def test_that_is_none_is_refused_whole_in_words_beside_the_form(self, house: House):
        clerk = await clerk_of(house, await house.system.provides())
        file = ("课程.docx", b"PK", "application/octet-stream")
        answer = await clerk.submit("/provider/table", "/provider/table", files={"table": file})

        assert answer.status_code == 415
        assert 'type="file"' in answer.text

    async def test_of_another_session_or_too_large_changes_nothing(self, house: House):
        clerk = await clerk_of(house, await house.system.provides())
        table = {"table": ("三月.csv", b"a", "text/csv")}
        forged = await clerk.client.post("/provider/table", data={"csrf": "0" * 64}, files=table)
        large = {"table": ("三月.csv", b"a" * 6_000_001, "text/csv")}
        answer = await clerk.submit("/provider/table", "/provider/table", files=large)

        assert forged.status_code == 403
        assert answer.status_code == 413
        assert "文件超过5兆字节" in answer.text

    async def test_has_an_empty_one_to_fill_in(self, house: House):
        clerk = await clerk_of(house, await house.system.provides())

        assert (await clerk.open("/provider/template.xlsx")).content.startswith(b"PK")
