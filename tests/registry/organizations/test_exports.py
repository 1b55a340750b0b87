"""Tables for officials: organizations and duties as CSV, in which nothing is a formula."""

import csv
import io

from services.kit.database import Databases
from services.registry.composition import connect
from services.registry.settings import RegistrySettings
from services.registry.store.projection import rebuild
from tests.registry.offices import CHANGZHI, ONLINE_PLAN, SHANXI, TAIYUAN, Offices


async def table(offices: Offices, path: str, place: str = SHANXI) -> list[dict[str, str]]:
    response = await offices.call("GET", path, place=place)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


class TestOrganizations:
    async def test_of_a_place_and_under_it_kept_or_filed_there(self, offices: Offices) -> None:
        kept = await offices.registers("employer", place=CHANGZHI)
        filed = await offices.trains("online", place=CHANGZHI)
        other = await offices.registers("employer", place=TAIYUAN)
        path = f"/v1/exports/organizations?place={CHANGZHI}"
        found = {row["organization_id"] for row in await table(offices, path, CHANGZHI)}
        assert {kept, filed} <= found
        assert other not in found
        employers = await table(offices, f"{path}&kind=employer", CHANGZHI)
        assert filed not in {row["organization_id"] for row in employers}

    async def test_a_name_that_looks_like_a_formula_is_text(self, offices: Offices) -> None:
        names = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "＝1", '=1,"2'.replace('"', "”")]
        ids = {await offices.registers("employer", place=CHANGZHI, name=name): name for name in names}
        rows = await table(offices, f"/v1/exports/organizations?place={CHANGZHI}")
        shown = {row["organization_id"]: row["name"] for row in rows}
        assert {each: shown[each] for each in ids} == {each: f"'{name}" for each, name in ids.items()}

    async def test_a_list_in_pages_names_each_once(self, offices: Offices) -> None:
        made = {await offices.registers("school", place=TAIYUAN) for _ in range(5)}
        seen: list[str] = []
        after = ""
        while True:
            path = f"/v1/organizations?place={TAIYUAN}&kind=school&limit=2{after}"
            page = await offices.seen(path, place=TAIYUAN)
            seen += [each["organization_id"] for each in page["items"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert made <= set(seen)
        assert len(seen) == len(set(seen))
        assert seen == sorted(seen)


class TestDuties:
    async def test_says_who_owes_what_to_whom_by_which_clause(self, offices: Offices) -> None:
        """S3B-13."""
        provider = await offices.trains("online", name="=甲机构")
        response = await offices.hands_in(provider, "plans/online", ONLINE_PLAN)
        assert response.status_code == 201
        rows = await table(offices, f"/v1/exports/duties?place={SHANXI}&year=2026")
        mine = [row for row in rows if row["organization_id"] == provider]
        assert [
            (
                row["organization"],
                row["kind"],
                row["to"],
                row["due_on"],
                row["state"],
                row["late"],
                row["clause"],
            )
            for row in mine
        ] == [
            ("'=甲机构", "plan", SHANXI, "2026-12-15", "submitted", "false", "S3B-13"),
            ("'=甲机构", "report", SHANXI, "2026-12-31", "due", "false", "S3B-13"),
        ]
        due = await table(offices, f"/v1/exports/duties?place={SHANXI}&year=2026&state=due")
        assert {row["state"] for row in due} == {"due"}


class TestRebuild:
    async def test_the_rows_of_organizations_come_out_as_they_are(
        self, offices: Offices, settings: RegistrySettings
    ) -> None:
        provider = await offices.trains("online", published=False)
        path = f"/v1/organizations/{provider}"
        await offices.done(f"{path}/accreditations/1/publication")
        await offices.hands_in(provider, "plans/online", ONLINE_PLAN)
        lost = {"place": SHANXI, "from_date": "2026-05-01", "reason": "quality"}
        await offices.done(f"{path}/disqualification", lost)
        await offices.done(f"{path}/reinstatement", lost | {"reason": "rectified", "from_date": "2026-06-01"})
        account = await offices.done("/v1/clients", {"scopes": ["plan:submit"], "organization_id": provider})
        await offices.done(f"/v1/clients/{account['client_id']}/rotation", {"overlap_hours": 3})
        await offices.done(f"/v1/clients/{account['client_id']}/revocation", {"reason": "leaked"})
        asked = await offices.done(f"{path}/account-requests", {"scopes": ["plan:submit"]})
        await offices.done(f"/v1/account-requests/{asked['request_id']}/refusal", {"reason": "other"})
        period = {"place": SHANXI, "period_from": "2026-01-01", "period_to": "2026-06-30"}
        scores = {"scores": [{"criterion": "service", "points": 3, "points_max": 5}]}
        evaluated = await offices.done(f"{path}/evaluations", period | scores)
        await offices.done(
            f"/v1/evaluations/{evaluated['evaluation_id']}/correction", scores | {"reason": "other"}
        )
        database = await connect(settings, "test")
        try:
            rebuilt = await rebuild(Databases(database))
        finally:
            await database.close()
        assert {each.rows_changed for each in rebuilt} == {0}
