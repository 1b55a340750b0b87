"""The officials' queue and cases: what waits is listed, decided and gone, by the services' own rules."""

import re

import pytest

from tests.console.house import Browser, House
from tests.e2e.system import SHUANGTA


@pytest.fixture
async def reviewer(house: House) -> Browser:
    return await house.somebody("reviewer", place=SHUANGTA)


async def submitted(house: House) -> str:
    case = await house.system.submits(house.system.stranger(), SHUANGTA)
    collection_id: str = case["collection_id"]
    return collection_id


class TestQueue:
    async def test_lists_what_waits_at_the_place_and_counts_it(self, house: House, reviewer: Browser):
        case_id = await submitted(house)
        page = (await reviewer.open("/work?bucket=new&kind=collection")).text

        assert f'href="/work/collection/{case_id}"' in page
        assert "信息采集" in page

    async def test_names_whom_a_case_is_about_masked_and_finds_them(self, house: House, reviewer: Browser):
        someone = house.system.stranger()
        case = await house.system.submits(someone, SHUANGTA)
        link = f'href="/work/collection/{case["collection_id"]}"'
        tail = someone.id_number[-4:]
        page = (await reviewer.open(f"/work?q={tail}")).text
        assert link in page
        assert f"{someone.name[0]}*" in page
        assert someone.name not in page
        assert someone.id_number not in page
        assert link in (await reviewer.open("/work?q=双塔")).text
        assert link not in (await reviewer.open("/work?q=不存在")).text

    async def test_is_sorted_by_what_its_columns_say(self, house: House):
        official = await house.somebody("reviewer", place="211300")
        for place in ("211303", "211302", "211303"):
            await house.system.submits(house.system.stranger(), place)
        page = (await official.open("/work?sort=place&kind=collection")).text
        places = re.findall(r'<td lang="zh-CN">([^<]+)</td>', page)

        assert len(places) >= 3
        assert places.index("辽宁省朝阳市双塔区") < places.index("辽宁省朝阳市龙城区")
        assert places == sorted(places, key=lambda each: "龙城" in each)

    async def test_is_kept_as_a_table_with_the_same_filters(self, house: House, reviewer: Browser):
        someone, other = house.system.stranger(), house.system.stranger()
        for each in (someone, other):
            await house.system.submits(each, SHUANGTA)
        answer = await reviewer.open(f"/work/export.csv?q={someone.id_number[-4:]}")

        assert answer.headers["content-type"].startswith("text/csv")
        assert "证件号码后四位" in answer.text
        assert someone.id_number[-4:] in answer.text
        assert other.id_number[-4:] not in answer.text
        assert someone.name not in answer.text

    async def test_is_empty_in_words(self, house: House):
        page = (await (await house.somebody("reviewer", place="440303")).open("/work")).text

        assert "没有待办事项" in page

    async def test_decides_several_alike_and_says_what_became_of_each(self, house: House, reviewer: Browser):
        first, second = await submitted(house), await submitted(house)
        cases = [
            f"collection/{first}",
            f"collection/{second}",
            "collection/00000000-0000-4000-8000-000000000000",
        ]
        answer = await reviewer.submit(
            "/work", "/work/batch", **{"case": cases, "as": "pass", "key": "k" * 20}
        )

        assert answer.text.count("已办理</li>") == 2
        assert "待复审" in (await reviewer.open(f"/work/collection/{first}")).text

    async def test_belongs_to_officials_alone(self, house: House):
        browser = await house.professional(house.system.stranger())

        assert "/work" not in (await browser.follow("/")).text
        assert (await browser.open("/work")).status_code == 200


class TestCase:
    async def test_shows_it_masked_with_what_may_be_decided(self, house: House, reviewer: Browser):
        page = (await reviewer.open(f"/work/collection/{await submitted(house)}")).text

        assert "初审通过" in page
        assert "复审通过" not in page
        assert "*" in page
        assert 'class="watermark"' in page

    async def test_is_passed_by_two_officials_and_the_next_is_shown(self, house: House, reviewer: Browser):
        case_id = await submitted(house)
        page = f"/work/collection/{case_id}"
        await reviewer.submit(page, f"{page}/pass_initially", key="a" * 20)
        again = await reviewer.submit(page, f"{page}/pass_finally", key="b" * 20)
        assert again.status_code in (403, 409)
        assert 'role="alert"' in again.text

        other = await house.somebody("reviewer", place=SHUANGTA)
        assert (await other.submit(page, f"{page}/pass_finally", key="c" * 20)).status_code == 303
        assert "已采集" in (await other.open(page)).text

    async def test_is_returned_with_a_reason_and_words(self, house: House, reviewer: Browser):
        page = f"/work/collection/{await submitted(house)}"
        fields = {"reason": "documents_unclear", "words": "请重新拍照"}
        await reviewer.submit(page, f"{page}/return", key="d" * 20, **fields)

        shown = (await reviewer.open(page)).text
        assert "上传材料不清晰" in shown
        assert "请重新拍照" in shown

    async def test_needs_a_reason_to_be_returned(self, house: House, reviewer: Browser):
        page = f"/work/collection/{await submitted(house)}"
        answer = await reviewer.submit(page, f"{page}/return", key="e" * 20)

        assert answer.status_code == 422
        assert "初审通过" in answer.text

    async def test_is_held_and_given_back(self, house: House, reviewer: Browser):
        case_id = await submitted(house)
        page = f"/work/collection/{case_id}"
        await reviewer.submit(page, f"{page}/hold", key="f" * 20)
        assert case_id in (await reviewer.open("/work?bucket=mine")).text
        await reviewer.submit(page, f"{page}/hold", key="g" * 20, release="1")

        assert case_id not in (await reviewer.open("/work?bucket=mine")).text

    async def test_of_elsewhere_looks_like_one_that_there_is_not(self, house: House):
        elsewhere = await house.somebody("supervisor", place="440303")

        assert (await elsewhere.open(f"/work/collection/{await submitted(house)}")).status_code == 404
