"""Notices: listed with their versions, drafted in an editor that checks, tried, and published by a second person."""

import re
from typing import Any

from services.ledger.policy import bundled_notices
from services.ledger.policy.document.notice import notice_as_yaml
from tests.console.house import Browser, House
from tests.e2e.system import LIAONING, SHENYANG

[LIAONING_2025] = [each for each in bundled_notices() if each.id == "liaoning-2025"]
MORE = notice_as_yaml(LIAONING_2025).replace("total: '90'", "total: 100", 1)
TRIAL = re.compile(r"/notices/trials/[0-9a-f-]{36}")


def text(name: str, place: str = SHENYANG, total: str = "100") -> str:
    """The file of a notice of a place."""
    return f"""
id: {name}
title: 沈阳市通知
document: 沈财会〔2026〕1号
issuers: [某财政局]
issued_on: 2026-01-01
place: "{place}"
years: {{from: 2026, to: 2026}}
clauses:
  - id: T-01
    article: 一
    text: 每年不少于{total}学分。
    rules:
      - kind: requirement
        total: {total}
"""


async def official(house: House, place: str = SHENYANG) -> Browser:
    return await house.somebody("supervisor", place=place)


async def does(browser: Browser, act: str, written: str, **fields: Any) -> Any:
    fields = {"key": act * 5} | fields
    return await browser.submit("/notices/edit", "/notices/edit", act=act, text=written, **fields)


class TestList:
    async def test_shows_what_reaches_the_place_with_its_versions(self, house: House):
        page = (await (await official(house)).open("/notices")).text
        assert f'href="/notices/{LIAONING}/liaoning-2025"' in page
        assert "没有待发布的草稿" in page

    async def test_leads_to_the_words_beside_the_rules(self, house: House):
        page = (await (await official(house)).open(f"/notices/{LIAONING}/liaoning-2025")).text
        assert "<strong>学分要求</strong> 总学分：90" in page
        assert LIAONING_2025.clauses[0].text in page


class TestEditor:
    async def test_begins_with_a_notice_that_is_sound(self, house: House):
        assert "没有发现错误" in (await (await official(house)).open("/notices/edit")).text

    async def test_begins_from_a_notice_in_force(self, house: House):
        page = (await (await official(house)).open(f"/notices/edit/{LIAONING}/liaoning-2025")).text
        assert "没有发现错误" in page
        assert "id: liaoning-2025" in page

    async def test_tells_a_fault_by_its_line_as_a_part_of_the_page(self, house: House):
        browser = await official(house)
        whole = await does(browser, "check", text("wrong-one").replace("total: 100", "total：100"))
        assert "第14行" in whole.text or "第13行" in whole.text
        assert "全角" in whole.text
        csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', whole.text)
        assert csrf is not None
        data = {"csrf": csrf[1], "act": "check", "text": text("wrong-one", total="ninety")}
        part = await browser.client.post("/notices/edit", data=data, headers={"X-Fragment": "findings"})
        assert "<html" not in part.text
        assert 'class="failure"' in part.text

    async def test_keeps_the_text_of_a_draft_that_is_refused(self, house: House):
        refused = await does(await official(house), "draft", text("elsewhere", place=LIAONING))
        assert refused.status_code == 403
        assert "elsewhere" in refused.text
        assert 'class="failure"' in refused.text


class TestPublishing:
    async def test_takes_another_person_than_the_one_who_drafted(self, house: House):
        first, second = await official(house), await official(house)
        page = (await does(first, "draft", text("shenyang-two"))).headers["location"]
        assert page == f"/notices/drafts/{SHENYANG}/shenyang-two"
        shown = (await first.open(page)).text
        found = re.search(r'name="hash" value="([^"]+)"', shown)
        assert found is not None
        own = await first.submit(page, page, act="publish", hash=found[1])
        assert (own.status_code, "不得发布本人起草的通知" in own.text) == (403, True)
        published = await second.submit(page, page, act="publish", hash=found[1])
        assert published.headers["location"] == f"/notices/{SHENYANG}/shenyang-two"
        assert "总学分：100" in (await first.open(published.headers["location"])).text
        assert (await first.open(page)).status_code == 404


class TestTrials:
    async def test_tell_what_would_change_in_words(self, house: House):
        browser = await official(house, LIAONING)
        page = (await does(browser, "difference", MORE)).headers["location"]
        assert TRIAL.fullmatch(page)
        waiting = (await browser.open(page)).text
        assert 'data-again="outcome"' in waiting
        await house.system.ledger.trials.work()
        done = (await browser.open(page, **{"X-Fragment": "outcome"})).text
        assert "data-again" not in done
        assert "学分要求 · 总学分" in done

    async def test_simulate_for_how_many_people(self, house: House):
        person = house.system.stranger()
        await house.system.collects(person, SHENYANG)
        await house.system.follow()
        browser = await official(house, LIAONING)
        page = (await does(browser, "simulation", MORE)).headers["location"]
        await house.system.ledger.trials.work()
        done = (await browser.open(page)).text
        assert "涉及人员" in done
        assert "<td>学分要求" in done

    async def test_are_given_up(self, house: House):
        browser = await official(house, LIAONING)
        page = (await does(browser, "simulation", MORE)).headers["location"]
        await browser.submit(page, page)
        assert "已停止" in (await browser.open(page)).text

    async def test_play_scenarios(self, house: House):
        browser = await official(house, LIAONING)
        stories = """
about: 试
given: {place: "210100", year: 2025, person: {qualified_on: 2019-05-01}}
scenarios:
  - {name: 尚未学习, clauses: [], then: [{on: 2025-06-01, status: compliant}]}
"""
        page = (await does(browser, "scenarios", MORE, scenarios=stories)).headers["location"]
        await house.system.ledger.trials.work()
        assert "应为“compliant”" in (await browser.open(page)).text
        refused = await does(browser, "scenarios", MORE, scenarios="about: 1")
        assert (refused.status_code, "第1行" in refused.text) == (422, True)
