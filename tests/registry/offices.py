"""A registry whose clock stands where it is put, and the histories of organizations in Shanxi that tests start from."""

from datetime import UTC, datetime
from typing import Any

import httpx

from services.kit.signing import sign_token
from services.registry.settings import RegistrySettings
from services.registry.streams.account import SCOPES
from tests.registry.scenarios import Registry, uscc

SHANXI, CHANGZHI, LUZHOU, TAIYUAN = "140000", "140400", "140403", "140100"
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)

ONLINE_PLAN = {
    "year": 2027,
    "place": SHANXI,
    "course_contents": "企业会计准则、政府会计",
    "teaching_forms": "录播与直播",
    "faculty": "高校教师十二人",
    "featured_courses": "数据资产入表",
    "welfare_courses": "会计职业道德公开课",
    "incentives": "满勤学员赠送公益课程",
}
FACE_TO_FACE_PLAN = {
    "year": 2027,
    "place": CHANGZHI,
    "sessions": [
        {"starts_on": "2027-05-10", "ends_on": "2027-05-12", "venue": "长治市会计学校", "headcount": 120}
    ],
    "courses": "内部控制",
    "faculty": "教师三人",
    "attendance": "每半日签到",
    "assessment": "闭卷考试",
}
REPORT = {
    "year": 2026,
    "place": SHANXI,
    "mode": "online",
    "summary": "全年培训平稳。",
    "courses_held": 40,
    "persons_trained": 1200,
}


class Offices(Registry):
    """The registry with a clock of its own; tokens are signed at its time."""

    def __init__(self, client: httpx.AsyncClient, settings: RegistrySettings) -> None:
        super().__init__(client, settings)
        self.now = NOON

    def token(
        self,
        *scopes: str,
        subject: str = "official-1",
        place: str | None = None,
        organization: str | None = None,
    ) -> str:
        return sign_token(
            self.settings.token_key,
            issuer=self.settings.issuer,
            subject=subject,
            scopes=scopes or SCOPES,
            place=place,
            organization=organization,
            now=self.now.timestamp,
        )

    async def done(self, path: str, body: Any = None, **who: Any) -> dict[str, Any]:
        """A command that is carried out; its answer."""
        response = await self.call("POST", path, body=body, **({"place": SHANXI} | who))
        assert response.status_code in (200, 201), response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def seen(self, path: str, **who: Any) -> dict[str, Any]:
        """A question that is answered."""
        response = await self.call("GET", path, **({"place": SHANXI} | who))
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def registers(
        self, kind: str = "provider", *, place: str = SHANXI, affiliation: str = "local", name: str = "示例"
    ) -> str:
        """An organization kept by the bureau of a place."""
        body = {"name": name, "uscc": uscc(), "kind": kind, "place": place, "affiliation": affiliation}
        organization_id: str = (await self.done("/v1/organizations", body))["organization_id"]
        return organization_id

    async def trains(
        self,
        *modes: str,
        place: str = SHANXI,
        years: tuple[int, ...] = (2026, 2027),
        published: bool = True,
        **organization: Any,
    ) -> str:
        """A training organization that was filed at a place, and published unless told otherwise."""
        organization_id = await self.registers(**organization)
        body = {
            "place": place,
            "years": list(years),
            "modes": list(modes or ("online",)),
            "published": published,
        }
        await self.done(f"/v1/organizations/{organization_id}/accreditations", body)
        return organization_id

    async def hands_in(
        self, organization_id: str, what: str, body: dict[str, Any], **more: Any
    ) -> httpx.Response:
        """A plan or a report, handed in by the organization itself."""
        path = f"/v1/organizations/{organization_id}/{what}"
        who = {"subject": f"client-of-{organization_id}", "place": None, "organization": organization_id}
        return await self.call("POST", path, "plan:submit", body=body, **(who | more))
