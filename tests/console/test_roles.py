"""Every role's pages: each link leads to a page, each form to a route, and no code or id stands where a word belongs."""

import gzip
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.routing import Match

from contracts.sign_in import Role
from tests.console.house import Browser, House, clerk_of
from tests.e2e.system import LIAONING, SHENYANG, SHUANGTA

HREF = re.compile(r'<a [^>]*href="([^"]+)"')
FORM = re.compile(r"<form ([^>]*)>")
TAGS = re.compile(r"<(script|style|textarea)\b.*?</\1>|<[^>]*>", re.S)
CODE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|\b[a-z]+_[a-z_]+\b|\b(None|True|False|undefined)\b")
PAGES_MAX = 25
ELSEWHERE = {"/running"}
"""Of a service that is not in this house."""
OFFICIAL: tuple[Role, ...] = ("reviewer", "supervisor", "viewer")


async def browser_of(house: House, role: Role) -> Browser:
    """Somebody of a role who has something to see."""
    if role == "person":
        person = house.system.stranger()
        await house.system.collects(person, SHENYANG)
        await house.system.follow()
        return await house.professional(person)
    if role == "employer":
        code = house.system.uscc()
        body = {"name": "演示用人单位", "uscc": code, "kind": "employer", "place": LIAONING}
        nation = house.system.official("100000", "organization:write")
        await house.system.does("registry", "POST", "/v1/organizations", body, by=nation)
        await house.system.follow()
        return await house.somebody("employer", organization=code)
    if role == "provider":
        provider, person = await house.system.provides(), house.system.stranger()
        await house.system.collects(person, SHENYANG)
        await house.system.follow()
        waits = provider.completion(house.system.stranger(), "9.00", authority=LIAONING)
        await provider.posts(provider.completion(person, "90.00"), waits)
        return await clerk_of(house, provider)
    await house.system.submits(house.system.stranger(), SHUANGTA)
    return await house.somebody(role, place=SHUANGTA)


async def crawl(browser: Browser) -> dict[str, str]:
    """The pages that links lead to from the first one, by address."""
    waiting, seen = ["/"], dict[str, str]()
    while waiting and len(seen) < PAGES_MAX:
        address = waiting.pop(0)
        if address in seen or address in ELSEWHERE:
            continue
        answer = await browser.follow(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code} {answer.text[-400:]}"
        page = answer.text if answer.headers["content-type"].startswith("text/html") else ""
        seen[address] = page
        found = [each.replace("&amp;", "&") for each in HREF.findall(page)]
        waiting += [each for each in found if each.startswith("/") and not each.startswith("/language")]
    return seen


def routed(house: House, method: str, address: str) -> bool:
    scope: Mapping[str, Any] = {
        "type": "http",
        "method": method,
        "path": urlsplit(address).path,
        "headers": [],
    }
    return any(route.matches(dict(scope))[0] is Match.FULL for route in house.app.router.routes)


@pytest.mark.parametrize("role", ["person", "employer", "provider", *OFFICIAL])
class TestEveryRole:
    async def test_finds_a_page_behind_every_link_and_a_route_behind_every_button(
        self, house: House, role: Role
    ):
        for page in (await crawl(await browser_of(house, role))).values():
            for attributes in FORM.findall(page):
                method = re.search(r'method="(\w+)"', attributes)
                action = re.search(r'action="([^"]+)"', attributes)
                assert method is not None
                assert action is not None
                assert routed(house, method[1].upper(), action[1]), action[1]

    async def test_reads_words_and_no_codes(self, house: House, role: Role):
        for address, page in (await crawl(await browser_of(house, role))).items():
            text = TAGS.sub(" ", page)
            assert not CODE.search(text), f"{address}: {CODE.search(text)}"
            assert "本版本没有说明" not in text, address


class TestFirstView:
    @pytest.mark.parametrize("role", ["person", "supervisor"])
    async def test_is_light(self, house: House, role: Role):
        """Below 150 kB compressed: the page, the style, the script, the icon and every picture on it."""
        browser = await browser_of(house, role)
        page = (await browser.follow("/figures" if role == "supervisor" else "/my")).text
        parts = re.findall(r'(?:src|<link [^>]*href)="(/[^"]+)"', page)
        assert len(parts) >= 3
        files = [(await browser.open(each.replace("&amp;", "&"))).content for each in parts]

        assert sum(len(gzip.compress(each)) for each in (page.encode(), *files)) < 150_000


class TestAServiceThatDoesNotAnswer:
    async def test_is_said_in_words(self, house: House):
        answer = await (await house.somebody("supervisor", place=LIAONING)).open("/running")

        assert answer.status_code == 503
        assert "有关服务暂时没有应答" in answer.text
