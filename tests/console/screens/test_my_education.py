"""The professional's own screen: where they stand, in words, from the services as they are."""

from tests.console.house import House
from tests.console.test_documents import with_fonts
from tests.e2e.system import SHENYANG


class TestMyEducation:
    async def test_says_how_the_year_stands_and_what_is_missing(self, house: House):
        person = house.system.stranger()
        person_id = await house.system.collects(person, SHENYANG)
        provider = await house.system.provides()
        await house.system.follow()
        await provider.posts(provider.completion(person, "60.00"))
        page = (await (await house.professional(person)).open("/my")).text

        assert "进行中" in page
        assert "60.00" in page
        assert "专业科目" in page
        assert person_id not in page
        assert person.id_number not in page

    async def test_says_so_to_whom_nobody_has_collected(self, house: House):
        page = await (await house.professional(house.system.stranger())).open("/my")

        assert page.status_code == 200
        assert "您的信息尚未采集" in page.text

    async def test_shows_one_block_of_it_to_the_script(self, house: House):
        person = house.system.stranger()
        await house.system.collects(person, SHENYANG)
        await house.system.follow()
        browser = await house.professional(person)
        block = (await browser.open("/my/2025", **{"X-Fragment": "year"})).text

        assert block.lstrip().startswith("<h1>")
        assert "<html" not in block

    async def test_gives_the_transcript_as_a_table(self, house: House):
        person = house.system.stranger()
        await house.system.collects(person, SHENYANG)
        await house.system.follow()
        browser = await house.professional(person)

        assert (await browser.open("/my/transcript.csv")).headers["content-type"].startswith("text/csv")

    @with_fonts
    async def test_gives_the_transcript_as_a_document(self, house: House):
        person = house.system.stranger()
        await house.system.collects(person, SHENYANG)
        provider = await house.system.provides()
        await house.system.follow()
        await provider.posts(provider.completion(person, 2025, "30.00"))
        browser = await house.professional(person)

        assert (await browser.open("/my/transcript.pdf")).content.startswith(b"%PDF")

    async def test_is_refused_by_the_service_to_whom_the_menu_does_not_name_it(self, house: House):
        """A hidden link is no protection, and none is needed: the ledger decides."""
        official = await house.somebody("viewer", place=SHENYANG)
        assert 'href="/my"' not in (await official.open("/")).text

        assert (await official.open("/my/transcript.csv")).status_code in (403, 404)
