"""Signing in by OpenID Connect: to the issuer and back, sessions rotated and ended, forms that are ours, languages."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.console.sessions import Session, SignedIn
from tests.console.house import House, query_of
from tests.e2e.system import LIAONING

COOKIE = "xuefen_session"


class TestAForm:
    """Without a file; those that bring one have a limit of their own."""

    @pytest.mark.parametrize("path", ["/verify", "/work/batch", "/sign-out"])
    async def test_that_is_too_long_is_not_read_to_its_end(self, house: House, path: str):
        browser = await house.somebody("reviewer", place="210000")
        answer = await browser.client.post(path, data={"csrf": "0" * 64, "words": "x" * 300_000})

        assert answer.status_code == 413
        assert "没有提交，什么也没有改变" in answer.text


class TestSignIn:
    async def test_leads_by_the_issuer_to_the_page_that_was_asked_for(self, house: House):
        sub = house.introduce("asked", "viewer", place=LIAONING)
        browser = house.browser()
        refused = await browser.open("/my?year=1")

        assert refused.status_code == 303
        assert refused.headers["location"] == "/sign-in?next=%2Fmy%3Fyear%3D1"
        entered = await browser.sign_in(sub, "/my?year=1")
        assert entered.headers["location"] == "/my?year=1"

    async def test_sends_a_challenge_and_never_the_verifier(self, house: House):
        sent = query_of((await house.browser().open("/sign-in/stand-in")).headers["location"])

        assert sent["code_challenge_method"] == ["S256"]
        assert {"state", "nonce", "code_challenge"} <= sent.keys()
        assert "code_verifier" not in sent

    async def test_rotates_the_session(self, house: House):
        sub = house.introduce("rotated", "viewer", place=LIAONING)
        browser = house.browser()
        await browser.open("/sign-in/stand-in")
        before = browser.client.cookies[COOKIE]
        await browser.sign_in(sub)

        assert browser.client.cookies[COOKIE] != before
        assert await house.parts.sessions.find(before) is None

    async def test_is_refused_with_a_code_that_another_browser_asked_for(self, house: House):
        sub = house.introduce("forged", "viewer", place=LIAONING)
        mine, other = house.browser(), house.browser()
        sent = (await mine.open("/sign-in/stand-in")).headers["location"]
        back = (await mine.client.get(f"{sent}&sub={sub}")).headers["location"]
        await other.open("/sign-in/stand-in")

        assert (await other.open(back)).status_code == 403
        assert (await house.browser().open(back)).status_code == 400

    async def test_takes_a_code_once(self, house: House):
        sub = house.introduce("once", "viewer", place=LIAONING)
        browser = house.browser()
        sent = (await browser.open("/sign-in/stand-in")).headers["location"]
        back = (await browser.client.get(f"{sent}&sub={sub}")).headers["location"]
        await browser.open(back)

        assert (await browser.open(back)).status_code == 400

    @pytest.mark.parametrize("claims", [{"place": "999999"}, {}])
    async def test_lets_no_official_in_without_a_place(self, house: House, claims: dict[str, str]):
        sub = house.introduce("nowhere", "reviewer", **claims)

        assert (await house.browser().sign_in(sub)).status_code == 403

    @pytest.mark.parametrize(
        "following", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere"]
    )
    async def test_leads_nowhere_else(self, house: House, following: str):
        sub = house.introduce("led", "viewer", place=LIAONING)

        assert (await house.browser().sign_in(sub, following)).headers["location"] == "/"

    async def test_knows_a_professional_by_the_verified_number(self, house: House):
        person = house.system.stranger()
        person_id = await house.system.collects(person)
        browser = await house.professional(person)
        session = await house.parts.sessions.find(browser.client.cookies[COOKIE])

        assert session is not None
        assert session.content.person_id == session.content.subject == person_id  # type: ignore[union-attr]


class TestSession:
    async def test_ends_when_nobody_has_used_it(self, house: House):
        browser = await house.somebody("viewer", place=LIAONING)
        house.system.now += timedelta(minutes=31)

        assert (await browser.open("/")).headers["location"].startswith("/sign-in")

    async def test_ends_in_any_case(self, house: House):
        browser = await house.somebody("viewer", place=LIAONING)
        for _ in range(21):
            house.system.now += timedelta(minutes=29)
            last = await browser.open("/")

        assert last.headers["location"].startswith("/sign-in")

    async def test_is_stored_under_a_hash_and_sealed(self, house: House, fresh_database: object):
        browser = await house.somebody("viewer", name="演示甲", place=LIAONING)
        cookie = browser.client.cookies[COOKIE]
        async with house.parts.sessions._database.acquire() as conn:
            rows = await conn.fetch("select session_hash, sealed from sessions")

        assert all(cookie not in row["session_hash"] for row in rows)
        assert all("演示甲".encode() not in row["sealed"] and b"eyJ" not in row["sealed"] for row in rows)

    async def test_is_ended_by_signing_out(self, house: House):
        browser = await house.somebody("viewer", place=LIAONING)
        cookie = browser.client.cookies[COOKIE]
        assert (await browser.submit("/", "/sign-out")).headers["location"] == "/signed-out"

        assert await house.parts.sessions.find(cookie) is None

    async def test_is_ended_everywhere(self, house: House):
        sub = house.introduce("twice", "viewer", place=LIAONING)
        here, there = house.browser(), house.browser()
        await here.sign_in(sub)
        await there.sign_in(sub)
        await here.submit("/", "/sign-out", everywhere="1")

        assert (await there.open("/")).headers["location"].startswith("/sign-in")


class TestForms:
    async def test_of_another_session_are_refused(self, house: House):
        mine, other = (
            await house.somebody("viewer", place=LIAONING),
            await house.somebody("viewer", place=LIAONING),
        )
        found = await mine.submit("/", "/sign-out")
        assert found.status_code == 303
        refused = await other.client.post("/sign-out", data={"csrf": "0" * 64})

        assert refused.status_code == 403
        assert (await other.follow("/")).status_code == 200

    async def test_from_another_site_are_refused(self, house: House):
        browser = await house.somebody("viewer", place=LIAONING)
        browser.client.headers["Sec-Fetch-Site"] = "cross-site"

        assert (await browser.submit("/", "/sign-out")).status_code == 403


class TestPages:
    async def test_run_nothing_that_is_not_ours(self, house: House):
        headers = (await house.browser().open("/sign-in")).headers

        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"

    async def test_are_in_the_language_that_was_chosen(self, house: House):
        browser = house.browser()
        assert '<html lang="zh-CN">' in (await browser.open("/sign-in")).text
        await browser.open("/language/en?next=/sign-in")

        assert '<html lang="en">' in (await browser.open("/sign-in")).text


class TestRenewal:
    async def test_lets_a_session_outlast_its_token_in_the_same_session(self, house: House):
        browser = house.browser()
        await browser.sign_in(house.introduce("renewed", "viewer", place=LIAONING))
        cookie = browser.client.cookies[COOKIE]
        await leave_four_minutes(house, cookie)
        page = await browser.open("/figures?year=2025")
        house.system.now += timedelta(minutes=10)

        assert page.status_code == 200
        assert (await browser.open("/figures?year=2025")).status_code == 200
        assert browser.client.cookies[COOKIE] == cookie

    async def test_is_by_what_the_issuer_says_then(self, house: House):
        browser = house.browser()
        await browser.sign_in(house.introduce("changed", "viewer", place=LIAONING))
        house.introduce("changed", "operator", place=LIAONING)
        await leave_four_minutes(house, browser.client.cookies[COOKIE])
        await browser.open("/figures?year=2025")

        assert (await signed_in(house, browser.client.cookies[COOKIE])).roles == ("operator",)

    async def test_that_comes_to_nothing_leaves_the_session_until_the_token_ends(self, house: House):
        browser = house.browser()
        await browser.sign_in(house.introduce("unrenewed", "viewer", place=LIAONING))
        await leave_four_minutes(house, browser.client.cookies[COOKIE], refresh="taken already")

        assert (await browser.open("/figures?year=2025")).status_code == 200
        house.system.now += timedelta(minutes=4)
        assert (await browser.open("/figures?year=2025")).status_code == 303


async def signed_in(house: House, cookie: str) -> SignedIn:
    session = await house.parts.sessions.find(cookie)
    assert session is not None
    assert isinstance(session.content, SignedIn)
    return session.content


async def leave_four_minutes(house: House, cookie: str, **changes: Any) -> None:
    """The session's token ends four minutes from now."""
    person = await signed_in(house, cookie)
    ends = house.system.now + timedelta(minutes=4)
    changed = msgspec.structs.replace(person, token_ends_at=ends, **changes)
    await house.parts.sessions.renew(Session(cookie, person), changed)
