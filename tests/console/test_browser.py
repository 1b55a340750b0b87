"""Pages in a real browser: no error, no breach of the content policy, nothing serious for axe, at three widths and in print;
and the main job of an official without script."""

import random
import shutil
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from contracts.sign_in import Role
from tests.console.house import House
from tests.console.test_roles import browser_of
from tests.e2e.system import SHUANGTA

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt install chromium")
WIDTHS = (360, 1280, 1920)
SERIOUS = {"serious", "critical"}
PATHS: dict[Role, tuple[str, ...]] = {
    "person": ("/my", "/certificates", "/claims", "/claims/new?form=paper&year=2025"),
    "employer": ("/unit", "/claims", "/trainings", "/trainings/new"),
    "provider": ("/provider", "/provider/table"),
    "supervisor": (
        "/work",
        "/people",
        "/figures",
        "/figures/wall",
        "/notices",
        "/notices/edit",
        "/notices/210000/liaoning-2025",
        "/years",
        "/audit",
        "/style",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chromium() -> AsyncIterator[Any]:
    """A headless Chromium for the module."""
    api = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    async with api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def opened(house: House, chromium: Any, role: Role, **options: Any) -> tuple[Any, list[str]]:
    """A page of somebody of the role, and what its console complains of."""
    known = await browser_of(house, role)
    context = await chromium.new_context(**options)
    await context.add_cookies(
        [{"name": name, "value": value, "url": house.address} for name, value in known.client.cookies.items()]
    )
    page, complaints = await context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


@pytest.mark.parametrize("role", PATHS)
class TestEveryScreen:
    async def test_has_no_error_and_nothing_serious_at_any_width(
        self, house: House, chromium: Any, role: Role
    ):
        axe = pytest.importorskip("axe_playwright_python.async_playwright").Axe()
        page, complaints = await opened(house, chromium, role)
        for path in PATHS[role]:
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                await page.goto(house.address + path)
                overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                assert await page.evaluate(overflow) <= 0, f"{path} at {width}"
            await page.emulate_media(media="print")
            assert await page.is_visible("h1")
            assert not await page.is_visible("header.head")
            await page.emulate_media(media="screen")
            found = (await axe.run(page)).response["violations"]
            assert [each["id"] for each in found if each["impact"] in SERIOUS] == [], path
        assert complaints == []
        await page.context.close()


def photo(side: int) -> bytes:
    """A picture as a camera makes it: large, and of nothing that packs well."""
    rows = b"".join(b"\0" + random.Random(row).randbytes(3 * side) for row in range(side))

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class TestMainJobs:
    async def test_a_professional_claims_by_phone_with_a_photo_of_any_size(self, house: House, chromium: Any):
        page, complaints = await opened(
            house, chromium, "person", viewport={"width": 360, "height": 740}, is_mobile=True
        )
        await page.goto(f"{house.address}/claims")
        await page.click("text=申请学分 >> nth=-1")
        await page.select_option("#year", "2025")
        await page.select_option("#form", "book")
        await page.click("text=继续 >> nth=-1")
        await page.fill("#happened_on", "2025-03-10")
        await page.select_option("#role", "sole")
        await page.fill("#fact_isbn", "978-7-0000-0000-1")
        large = {"name": "证书.png", "mimeType": "image/png", "buffer": photo(700)}
        await page.set_input_files("#file", large)
        await page.wait_for_selector('body[aria-busy="false"]')
        assert await page.evaluate("document.querySelector('#file').files[0].size") < 480_000
        await page.click("text=查看折算学分")
        await page.click("text=提交申请")

        assert "待审核" in await page.inner_text("h1")
        assert await page.eval_on_selector("img.proof", "each => each.naturalWidth > 0")
        assert complaints == []
        await page.context.close()

    @pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
    async def test_an_official_drafts_a_notice_and_tries_it(self, house: House, chromium: Any, script: bool):
        page, complaints = await opened(house, chromium, "supervisor", java_script_enabled=script)
        await page.goto(f"{house.address}/notices")
        await page.click("text=起草通知")
        sound = await page.input_value("#text")
        await page.fill("#text", sound.replace("total: 90", "total: ninety"))
        if not script:
            await page.click("text=检查")
        await page.wait_for_selector("#findings .failure")
        await page.fill("#text", sound.replace("total: 90", "total: 80"))
        await page.click("text=试算影响的人数")
        assert await page.is_visible("progress")
        await house.system.ledger.trials.work()
        if not script:
            await page.click("text=刷新")
        await page.wait_for_selector("text=已完成")
        await page.goto(f"{house.address}/notices/edit")
        await page.click("text=提交草稿")

        assert "待发布的草稿" in await page.inner_text("h1")
        assert complaints == []
        await page.context.close()

    async def test_an_official_passes_a_case_without_script(self, house: House, chromium: Any):
        page, _ = await opened(house, chromium, "supervisor", java_script_enabled=False)
        case = await house.system.submits(house.system.stranger(), SHUANGTA)
        await page.goto(f"{house.address}/work/collection/{case['collection_id']}")
        await page.click("text=初审通过")
        await page.goto(f"{house.address}/work/collection/{case['collection_id']}")

        assert "待复审" in await page.inner_text("h1")
        await page.context.close()

    async def test_the_script_replaces_a_part_and_keeps_the_address(self, house: House, chromium: Any):
        page, complaints = await opened(house, chromium, "person")
        await page.goto(f"{house.address}/my")
        await page.click('a[href="/my/2024"]')
        await page.wait_for_url("**/my/2024")
        await page.wait_for_selector("h1:has-text('2024')")

        assert complaints == []
        await page.context.close()
