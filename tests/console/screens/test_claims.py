"""Claims by people and by units: what one comes to is shown first, its proof is seen, and it comes back to be corrected."""

import re
from typing import Any

from services.console.screens import claims as claims_screen
from services.ledger.cases.commands import ClaimRequest
from tests.console.house import Browser, House
from tests.e2e.system import LIAONING, SHENYANG
from tests.registry.bulk.files import jpeg

NEW = "/claims/new?form=paper&year=2025"
PAPER = {
    "year": "2025", "form": "paper", "happened_on": "2025-03-10", "role": "sole", "fact_cn_number": "CN21-1234/F",
    "fact_issue": "2025-03", "fact_title": "论政府会计", "key": "k" * 20,
}  # fmt: skip
PROOF = re.compile(r'name="evidence" value="([^"]+)"')
ABSENT = ("result_on", "document_on", "score", "sat_in")
"""What a paper has not."""
SEEN = re.compile(r'src="(/claims/evidence/[^"]+)"')


async def professional(house: House) -> tuple[Browser, str]:
    person = house.system.stranger()
    person_id = await house.system.collects(person, SHENYANG)
    await house.system.follow()
    return await house.professional(person), person_id


async def claimed(browser: Browser, page: str = NEW, **fields: Any) -> str:
    answer = await browser.submit(page, page, **PAPER | {"as": "submit"} | fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def returned(house: House, page: str) -> None:
    path = f"/v1/claims/{page.rpartition('/')[2]}/return"
    by = house.system.official(SHENYANG)
    await house.system.does("ledger", "POST", path, {"reason": "evidence_missing"}, by=by)


class TestAProfessional:
    async def test_sees_what_the_policy_makes_of_it_before_handing_it_in(self, house: House):
        browser, _ = await professional(house)
        form = (await browser.open(NEW)).text
        for field in ("happened_on", "role", "fact_cn_number", "fact_issue", "fact_title"):
            assert f'name="{field}"' in form
        assert 'value="submit"' not in form
        shown = (await browser.submit(NEW, NEW, **PAPER)).text

        assert "按政策折算 30.00 学分" in shown
        assert "N-08" in shown
        assert 'value="submit"' in shown
        assert 'value="论政府会计"' in shown
        assert "还没有学分申请" in (await browser.open("/claims")).text

    async def test_hands_in_a_photo_that_they_and_the_reviewer_see(self, house: House):
        browser, _ = await professional(house)
        photo = jpeg(30_000)
        files = {"file": ("证书.jpg", photo, "image/jpeg")}
        shown = (await browser.submit(NEW, NEW, **PAPER, files=files)).text
        kept = PROOF.search(shown)
        assert kept is not None
        page = await claimed(browser, evidence=kept[1])
        seen = SEEN.search((await browser.open(page)).text)
        assert seen is not None
        assert (await browser.open(seen[1])).content == photo
        reviewer = await house.somebody("reviewer", place=LIAONING)
        case = await reviewer.open(f"/work/claim/{page.rpartition('/')[2]}")
        assert seen[1] in case.text
        answer = await reviewer.open(seen[1])
        assert answer.content == photo
        assert answer.headers["content-security-policy"].startswith("sandbox")
        another, _ = await professional(house)
        assert (await another.open(seen[1])).status_code == 404

    async def test_corrects_what_came_back_and_hands_it_in_again(self, house: House):
        browser, _ = await professional(house)
        page = await claimed(browser)
        await returned(house, page)
        assert "已退回，请修改后重新提交" in (await browser.open("/claims")).text
        assert "退回原因：缺少证明材料" in (await browser.open(page)).text
        amendment = f"{page}/amendment"
        form = (await browser.open(amendment)).text
        assert 'value="2025-03-10"' in form
        told = {name: text for name, text in PAPER.items() if not name.startswith("fact_")}
        answer = await browser.submit(amendment, amendment, **told | {"as": "submit", "key": "a" * 20})
        assert answer.status_code == 303, answer.text

        assert "待审核" in (await browser.open(page)).text

    async def test_corrects_without_losing_anything_that_was_said(self, house: House):
        """Every field of a claim comes back in the form; what tells its fact from another is kept by the service."""
        browser, _ = await professional(house)
        page = await claimed(browser)
        path, by = f"/v1/claims/{page.rpartition('/')[2]}", house.system.official(SHENYANG)
        before = await house.system.does("ledger", "GET", path, by=by)
        told = claims_screen._said(before | {"evidence": [{"sha256": "a" * 64, "media_type": "image/png"}]})
        body = claims_screen._body(before["person_id"], told)

        assert body.keys() >= ClaimRequest.model_fields.keys() - {"mode", "category", *ABSENT}
        assert body["evidence"] == [{"sha256": "a" * 64, "media_type": "image/png"}]

    async def test_is_told_what_is_wrong_beside_what_was_written(self, house: House):
        browser, _ = await professional(house)
        answer = await browser.submit(NEW, NEW, **PAPER | {"fact_issue": ""})

        assert answer.status_code == 422
        assert 'class="failure"' in answer.text
        assert 'value="论政府会计"' in answer.text

    async def test_withdraws_it_before_it_is_decided(self, house: House):
        browser, _ = await professional(house)
        page = await claimed(browser)
        await browser.submit(page, f"{page}/withdrawal", key="w" * 20)

        assert "已撤回" in (await browser.open(page)).text

    async def test_sees_nothing_of_another_s(self, house: House):
        browser, _ = await professional(house)
        page = await claimed(browser)
        another, _ = await professional(house)

        assert (await another.open(page)).status_code == 404
        assert (await another.submit("/claims/new", f"{page}/withdrawal", key="w" * 20)).status_code == 404


class TestAUnit:
    async def test_claims_for_somebody_who_works_there_and_lists_what_it_handed_in(self, house: House):
        code = house.system.uscc()
        person = house.system.stranger()
        body = {"name": "演示用人单位", "uscc": code, "kind": "employer", "place": LIAONING}
        nation = house.system.official("100000", "organization:write")
        await house.system.does("registry", "POST", "/v1/organizations", body, by=nation)
        person_id = await house.system.collects(person, SHENYANG, employer=code)
        await house.system.follow()
        clerk = await house.somebody("employer", organization=code)
        link = f"/claims/new?person={person_id}"
        assert link in (await clerk.open("/unit?year=2025")).text
        form = (await clerk.open(f"{link}&form=paper&year=2025")).text
        assert 'data-text="演示人员 ' in form, "the watermark names who looks at it"
        page = await claimed(clerk, f"{link}&form=paper&year=2025")

        assert page in (await clerk.open("/claims")).text
        assert page in (await (await house.professional(person)).open("/claims")).text
