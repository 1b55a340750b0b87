"""Filed trainings and their rosters: filed by a form, listed by month, and every row of a roster answered."""

import re
from datetime import UTC, datetime
from typing import Any

from tests.console.house import Browser, House, clerk_of
from tests.e2e.provider import Provider
from tests.e2e.system import SHENYANG
from tests.kit.tables import csv_of

FORM = {
    "title": "政府会计准则面授班", "place": SHENYANG, "year": "2025", "category": "professional", "expected": "40",
    "on_1": "2025-09-25", "starts_1": "09:00", "ends_1": "12:00", "hours_1": "3", "credits_1": "5", "key": "k" * 20,
}  # fmt: skip
INPUT = re.compile(r'<input[^>]* name="(\w+)"[^>]*? value="([^"]*)"')
HEADER = ["编号", "姓名", "身份证号", "出勤场次", "结果"]


async def clerk(house: House, provider: Provider | None = None) -> Browser:
    provider = provider or await house.system.provides()
    await house.system.follow()
    house.system.now = datetime(2025, 9, 1, 1, tzinfo=UTC)
    return await clerk_of(house, provider)


async def filed(browser: Browser, **fields: Any) -> str:
    answer = await browser.submit("/trainings/new", "/trainings/new", **FORM | fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def held(house: House) -> tuple[Browser, str]:
    """A training that was approved and has ended: its organization's clerk, and its page."""
    provider = await house.system.provides()
    page = await filed(await clerk(house, provider))
    path = f"/v1/filings/{page.rpartition('/')[2]}/approval"
    await house.system.does("ledger", "POST", path, by=house.system.official(SHENYANG))
    house.system.now = datetime(2025, 9, 26, 5, tzinfo=UTC)
    return await clerk_of(house, provider), page


class TestFiling:
    async def test_is_handed_in_by_a_form_and_listed_by_month(self, house: House):
        browser = await clerk(house)
        page = await filed(browser)
        calendar = (await browser.open("/trainings")).text

        assert f'href="{page}"' in calendar
        assert "<h2>2025-09</h2>" in calendar
        assert "待审核" in (await browser.open(page)).text

    async def test_with_a_fault_keeps_what_was_written(self, house: House):
        answer = await (await clerk(house)).submit(
            "/trainings/new", "/trainings/new", **FORM | {"ends_1": "08:00"}
        )

        assert answer.status_code == 422
        assert 'value="政府会计准则面授班"' in answer.text
        assert 'class="failure"' in answer.text

    async def test_is_withdrawn_before_it_is_decided(self, house: House):
        browser = await clerk(house)
        page = await filed(browser)
        await browser.submit(page, f"{page}/withdrawal", key="w" * 20)

        assert "已撤回" in (await browser.open(page)).text

    async def test_that_was_returned_is_corrected_from_what_was_filed(self, house: House):
        browser = await clerk(house)
        page = await filed(browser)
        path = f"/v1/filings/{page.rpartition('/')[2]}/return"
        by = house.system.official(SHENYANG)
        await house.system.does("ledger", "POST", path, {"reason": "plan_incomplete"}, by=by)
        assert "计划不完整" in (await browser.open(page)).text
        form = (await browser.open(f"{page}/amendment")).text
        for written in ("政府会计准则面授班", "2025-09-25", "09:00", "12:00"):
            assert f'value="{written}"' in form
        corrected = FORM | {"title": "改后的面授班", "key": "a" * 20}
        await browser.submit(f"{page}/amendment", f"{page}/amendment", **corrected)
        shown = (await browser.open(page)).text

        assert "改后的面授班" in shown
        assert "待审核" in shown

    async def test_that_is_corrected_keeps_what_the_form_was_not_asked_to_change(self, house: House):
        browser = await clerk(house)
        given = {"conversion": "public_hours", "courses": "K1 K2", "credits_1": "", "key": "c" * 20}
        page = await filed(browser, **given)
        path = f"/v1/filings/{page.rpartition('/')[2]}"
        by = house.system.official(SHENYANG)
        before = await house.system.does("ledger", "GET", path, by=by)
        await house.system.does("ledger", "POST", f"{path}/return", {"reason": "plan_incomplete"}, by=by)
        amendment = f"{page}/amendment"
        written = dict(INPUT.findall((await browser.open(amendment)).text))
        written["category"] = "public"
        answer = await browser.submit(amendment, amendment, **written)
        assert answer.status_code == 303, answer.text
        after = await house.system.does("ledger", "GET", path, by=by)

        changed = {"category", "state", "submitted_at", "decided_at", "reason", "due", "overdue"}
        assert {name for name in before if before[name] != after[name]} <= changed
        assert after["courses"] == ["K1", "K2"]

    async def test_of_another_organization_is_not_there(self, house: House):
        page = await filed(await clerk(house))

        assert (await (await clerk(house)).open(page)).status_code == 404


class TestRoster:
    async def test_with_faults_is_answered_row_by_row_and_not_stored(self, house: House):
        someone = house.system.stranger()
        browser, page = await held(house)
        rows = [
            ["r-1", someone.name, someone.id_number, "1", "合格"],
            ["r-2", someone.name, "1", "1", "合格"],
        ]
        files = {"table": ("名单.csv", csv_of([HEADER, *rows]), "text/csv")}
        answer = await browser.submit(page, f"{page}/roster", key="r" * 20, files=files)

        assert answer.status_code == 422
        assert "名单没有保存" in answer.text
        assert "未收下" in answer.text
        assert "还没有上报名单" in answer.text

    async def test_is_stored_and_shown_with_the_training(self, house: House):
        someone = house.system.stranger()
        browser, page = await held(house)
        row = ["r-1", someone.name, someone.id_number, "1", "合格"]
        files = {"table": ("名单.csv", csv_of([HEADER, row]), "text/csv")}
        answer = await browser.submit(page, f"{page}/roster", key="s" * 20, files=files)

        assert "名单已保存" in answer.text
        assert "人员信息尚未采集" in answer.text
        assert "还没有上报名单" not in answer.text

    async def test_has_an_empty_one_to_fill_in(self, house: House):
        assert (await (await clerk(house)).open("/trainings/template.xlsx")).content.startswith(b"PK")
