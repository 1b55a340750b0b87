"""Screens that show what a service says: people, units, figures, operations."""

import re

from tests.console.house import House
from tests.e2e.system import LIAONING, SHENYANG


class TestPeople:
    async def test_are_found_by_number_and_shown_masked(self, house: House):
        someone = house.system.stranger()
        await house.system.collects(someone, SHENYANG)
        await house.system.follow()
        official = await house.somebody("reviewer", place=LIAONING)
        asked = {"id_type": "resident_id", "id_number": someone.id_number, "name": someone.name}
        answer = await official.submit("/people", "/people", **asked)
        page = (await official.open(answer.headers["location"])).text

        assert someone.id_number not in page
        assert someone.name not in page
        assert someone.id_number[-4:] in page
        assert "进行中" in page

    async def test_are_missed_in_words(self, house: House):
        official = await house.somebody("reviewer", place=LIAONING)
        nobody = house.system.stranger()
        asked = {"id_type": "resident_id", "id_number": nobody.id_number, "name": nobody.name}
        answer = await official.submit("/people", "/people", **asked)

        assert "没有这一证件号码和姓名的人员" in answer.text

    async def test_are_shown_in_full_for_a_purpose_that_is_on_record(self, house: House):
        someone = house.system.stranger()
        person_id = await house.system.collects(someone, SHENYANG)
        await house.system.follow()
        page = f"/people/{person_id}"
        reviewer = await house.somebody("reviewer", place=LIAONING)
        assert (await reviewer.submit("/people", f"{page}/show", purpose="inspection")).status_code == 403
        supervisor = await house.somebody("supervisor", place=LIAONING)
        shown = await supervisor.submit(page, f"{page}/show", purpose="inspection")
        assert someone.id_number in shown.text

        official = house.system.official(LIAONING, "audit:read")
        audit = await house.system.does("registry", "GET", "/v1/audit", by=official)
        assert "inspection" in [each["purpose"] for each in audit["items"]]


class TestAudit:
    async def test_says_who_read_what_with_filters_and_as_a_table(self, house: House):
        person_id = await house.system.collects(house.system.stranger(), SHENYANG)
        supervisor = await house.somebody("supervisor", place=SHENYANG)
        await supervisor.open(f"/people/{person_id}")
        page = (await supervisor.open("/audit?service=registry&kind=person")).text
        assert "stand-in:supervisor-" in page
        assert "人员信息（隐去部分）" in page
        assert person_id not in page
        assert "没有符合条件的记录" in (await supervisor.open("/audit?caller=nobody")).text
        table = await supervisor.open("/audit/export.csv?kind=person")

        assert table.headers["content-type"].startswith("text/csv")
        assert "stand-in:supervisor-" in table.text

    async def test_is_not_for_a_reviewer(self, house: House):
        reviewer = await house.somebody("reviewer", place=SHENYANG)

        assert (await reviewer.open("/audit")).status_code == 403


class TestYears:
    async def test_are_closed_after_their_consequences_were_shown(self, house: House):
        county = "210181"
        await house.system.collects(house.system.stranger(), county)
        await house.system.follow()
        supervisor = await house.somebody("supervisor", place=county)
        page = f"/years?year=2024&place={county}"
        shown = (await supervisor.open(page)).text
        assert "未关闭" in shown
        assert "关闭不能撤销" in shown
        told = {"place": county, "year": "2024", "key": "c" * 20}
        await supervisor.submit(page, "/years/close", **told)
        assert "未关闭" in (await supervisor.open(page)).text, "nobody said that they had seen them"
        answer = await supervisor.submit(page, "/years/close", **told | {"seen": "1"})
        assert answer.status_code == 303, answer.text

        assert "已关闭" in (await supervisor.open(page)).text

    async def test_that_still_run_are_refused_in_words(self, house: House):
        supervisor = await house.somebody("supervisor", place=LIAONING)
        page = "/years?year=2025"
        told = {"place": LIAONING, "year": "2025", "seen": "1", "key": "o" * 20}
        answer = await supervisor.submit(page, "/years/close", **told)

        assert answer.status_code in (409, 422)
        assert 'class="failure"' in answer.text


class TestDecisions:
    async def person(self, house: House) -> str:
        person_id = await house.system.collects(house.system.stranger(), SHENYANG)
        await house.system.follow()
        return f"/people/{person_id}"

    async def test_free_somebody_of_a_year_and_end_it(self, house: House):
        page = await self.person(house)
        supervisor = await house.somebody("supervisor", place=LIAONING)
        told = {"year": "2025", "reason": "illness", "key": "e" * 20}
        answer = await supervisor.submit(page, f"{page}/acts/exemption", **told)
        assert answer.status_code == 303, answer.text
        shown = (await supervisor.open(page)).text
        assert "2025 免除" in shown
        assert "已免除" in shown
        told = {"year": "2025", "reason": "granted_in_error", "key": "f" * 20}
        answer = await supervisor.submit(page, f"{page}/acts/exemption_end", **told)
        assert answer.status_code == 303, answer.text

    async def test_revoke_a_credit(self, house: House):
        someone = house.system.stranger()
        page = f"/people/{await house.system.collects(someone, SHENYANG)}"
        provider = await house.system.provides()
        await house.system.follow()
        await provider.posts(provider.completion(someone, "90.00"))
        supervisor = await house.somebody("supervisor", place=LIAONING)
        credit = re.search(r'<option value="([^"]+)">2025 ', (await supervisor.open(page)).text)
        assert credit is not None
        told = {"year": "2025", "credit": credit[1], "reason": "cheating", "key": "r" * 20}
        answer = await supervisor.submit(page, f"{page}/acts/revocation", **told)
        assert answer.status_code == 303, answer.text

        assert "已撤销" in (await supervisor.open(page)).text

    async def test_that_are_refused_keep_what_was_written_and_change_nothing(self, house: House):
        page = await self.person(house)
        supervisor = await house.somebody("supervisor", place=LIAONING)
        told = {"year": "2025", "reason": "illness", "until": "2020-01-01", "key": "d" * 20}
        answer = await supervisor.submit(page, f"{page}/acts/deferral", **told)

        assert answer.status_code == 422
        assert 'value="2020-01-01"' in answer.text
        assert "<details open>" in answer.text

    async def test_are_the_supervisor_s_alone_button_or_no_button(self, house: House):
        page = await self.person(house)
        reviewer = await house.somebody("reviewer", place=LIAONING)
        assert "/acts/" not in (await reviewer.open(page)).text
        told = {"year": "2025", "reason": "illness", "key": "x" * 20}
        assert (await reviewer.submit("/people", f"{page}/acts/exemption", **told)).status_code == 403


class TestUnit:
    async def test_shows_its_own_people(self, house: House):
        code = house.system.uscc()
        nation = house.system.official("100000", "organization:write")
        body = {"name": "演示用人单位", "uscc": code, "kind": "employer", "place": LIAONING}
        await house.system.does("registry", "POST", "/v1/organizations", body, by=nation)
        someone = house.system.stranger()
        await house.system.collects(someone, SHENYANG, employer=code)
        await house.system.follow()
        clerk = await house.somebody("employer", organization=code)
        page = (await clerk.open("/unit?year=2025")).text

        assert "演示用人单位" in page
        assert "沈阳市" in page
        table = await clerk.open("/unit/export.csv?year=2025")
        assert table.headers["content-type"].startswith("text/csv")
        for shown in (page, table.text):
            assert someone.id_number[-4:] in shown
            assert f"{someone.name[0]}*" in shown
            assert someone.name not in shown
            assert someone.id_number not in shown

    async def test_is_not_for_clerks_of_a_provider_nor_of_who_employs_nobody(self, house: House):
        nation = house.system.official("100000", "organization:write")
        codes = {kind: house.system.uscc() for kind in ("provider", "school")}
        for kind, code in codes.items():
            body = {"name": f"演示{kind}", "uscc": code, "kind": kind, "place": LIAONING}
            await house.system.does("registry", "POST", "/v1/organizations", body, by=nation)
        await house.system.collects(house.system.stranger(), SHENYANG, employer=codes["provider"])
        await house.system.follow()
        trainer = await house.somebody("provider", organization=codes["provider"])
        assert (await trainer.open("/unit?year=2025")).status_code == 403
        nobodys = await house.somebody("employer", organization=codes["school"])
        assert (await nobodys.open("/unit?year=2025")).status_code == 403
        staff = await house.somebody("employer", organization=codes["provider"])
        assert (await staff.open("/unit?year=2025")).status_code == 200


class TestFigures:
    async def test_are_shown_with_the_position_they_have_reached(self, house: House):
        viewer = await house.somebody("viewer", place=LIAONING)
        page = await viewer.open("/figures?year=2025")

        assert page.status_code == 200
        assert "辽宁省" in page.text

    async def test_are_drawn_once_for_the_same_data(self, house: House):
        viewer = await house.somebody("viewer", place=LIAONING)
        first = await viewer.open("/figures/funnel.svg?year=2025")
        assert first.headers["content-type"].startswith("image/svg+xml")
        again = await viewer.open("/figures/funnel.svg?year=2025", **{"If-None-Match": first.headers["etag"]})

        assert again.status_code == 304

    async def test_are_drilled_down_by_a_click_on_the_map(self, house: House):
        """Tile by tile from the province to its counties, in every browser and without script."""
        await house.system.collects(house.system.stranger(), SHENYANG)
        await house.system.follow()
        viewer = await house.somebody("viewer", place=LIAONING)
        page = (await viewer.open("/figures?year=2025")).text
        tiles = re.findall(r'<a href="([^"]+)" data-fragment="figures">\s*<g class="shade', page)
        city = next(each for each in tiles if "place=210100" in each).replace("&amp;", "&")
        assert len(tiles) == 13
        below = (await viewer.open(city)).text

        assert "沈阳市" in below
        assert "<title>和平: " in below
        assert "place=210000" in below, "the way back up"

    async def test_are_shown_on_a_wall_without_menu_and_renew_themselves(self, house: House):
        viewer = await house.somebody("viewer", place=LIAONING)
        page = (await viewer.open("/figures/wall?year=2025")).text

        assert 'data-renew="60"' in page
        assert '<noscript><meta http-equiv="refresh" content="60">' in page
        assert "<nav" not in page
        assert 'class="tiles"' in page

    async def test_draw_who_met_the_year_day_by_day(self, house: House):
        viewer = await house.somebody("viewer", place=LIAONING)
        drawn = await viewer.open("/figures/days.svg?year=2025")

        assert drawn.headers["content-type"].startswith("image/svg+xml")
        again = await viewer.open("/figures/days.svg?year=2025", **{"If-None-Match": drawn.headers["etag"]})
        assert again.status_code == 304

    async def test_of_elsewhere_are_refused(self, house: House):
        viewer = await house.somebody("viewer", place=LIAONING)

        assert (await viewer.open("/figures?place=440000")).status_code == 403
