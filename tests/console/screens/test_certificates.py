"""Certificates: issued by the professional, verified by anybody, and telling one word."""

import re

from services.cli.demo.fictitious import FictitiousPerson
from tests.console.house import Browser, House
from tests.console.test_documents import with_fonts
from tests.e2e.system import SHENYANG

REFERENCE = re.compile(r"[1-9][0-9]{5}-[0-9a-f]{24}")


async def issued(house: House) -> tuple[FictitiousPerson, Browser, str]:
    person = house.system.stranger()
    await house.system.collects(person, SHENYANG)
    await house.system.follow()
    browser = await house.professional(person)
    answer = await browser.submit(
        "/certificates", "/certificates", year="2025", purpose="annual", key="k" * 20
    )
    found = REFERENCE.search(answer.headers.get("location", ""))
    assert found is not None, answer.text
    return person, browser, found[0]


async def verdict(house: House, reference: str, last_four: str) -> str:
    answer = await house.browser().client.post(
        "/verify", data={"reference": reference, "last_four": last_four}
    )
    assert answer.status_code == 200
    return answer.text


class TestCertificate:
    async def test_shows_the_statement_and_a_code_that_leads_to_the_public_page(self, house: House):
        person, browser, reference = await issued(house)
        page = (await browser.open(f"/certificates/{reference}")).text

        assert reference in page
        assert person.name in page
        assert "<svg" in page
        assert f"/verify?reference={reference}" in page
        assert person.id_number not in page

    @with_fonts
    async def test_is_a_document_to_keep_too(self, house: House):
        _, browser, reference = await issued(house)
        first, again = [await browser.open(f"/certificates/{reference}/certificate.pdf") for _ in range(2)]

        assert first.headers["content-type"] == "application/pdf"
        assert f'filename="{reference}.pdf"' in first.headers["content-disposition"]
        assert first.content.startswith(b"%PDF")
        assert first.content == again.content
        other = await house.professional(house.system.stranger())
        assert (await other.open(f"/certificates/{reference}/certificate.pdf")).status_code == 404

    async def test_is_nobody_else_s(self, house: House):
        _, _, reference = await issued(house)
        other = await house.professional(house.system.stranger())

        assert (await other.open(f"/certificates/{reference}")).status_code == 404

    async def test_says_what_is_wrong_with_a_year(self, house: House):
        _, browser, _ = await issued(house)
        answer = await browser.submit(
            "/certificates", "/certificates", year="no", purpose="annual", key="x" * 20
        )

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text


class TestVerification:
    async def test_needs_no_sign_in_and_tells_one_word(self, house: House):
        person, _, reference = await issued(house)
        page = await verdict(house, reference, person.id_number[-4:])

        assert "证明有效" in page
        assert person.name not in page

    async def test_answers_a_wrong_guess_like_a_reference_that_there_is_not(self, house: House):
        _, _, reference = await issued(house)
        pages = [await verdict(house, each, "00XX") for each in (reference, "210000-" + "0" * 24, "nonsense")]

        assert all("没有与这一编号和后四位相符的证明" in page for page in pages)

    async def test_ends_guessing(self, house: House):
        _, _, reference = await issued(house)
        for _ in range(11):
            page = await verdict(house, reference, "00XX")

        assert "尝试次数过多" in page
