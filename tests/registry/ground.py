"""The ground of the access matrix, which every route is asked about: a person, an organization and their cases, all
of one place."""

import hashlib
import itertools
from typing import Any

from tests.registry.bulk.files import pdf
from tests.registry.offices import FACE_TO_FACE_PLAN, ONLINE_PLAN, REPORT
from tests.registry.scenarios import NATION, Registry, collection_of, somebody, uscc

LATER = {"from_date": "2026-12-01"}
SCORES = {"scores": [{"criterion": "service", "points": 1, "points_max": 2}]}
_preparers = itertools.count(1)


class Ground:
    """One place, with an organization kept there (`own`) that employs people and trains them."""

    def __init__(self, registry: Registry, place: str) -> None:
        self.registry = registry
        self.place = place
        self.uscc = uscc()
        self.own = ""

    async def prepare(self) -> "Ground":
        """Register and file the organization."""
        self.own = await self.organization(self.uscc)
        await self.did(f"/v1/organizations/{self.own}/accreditations", self.filing())
        return self

    def filing(self, **changes: Any) -> dict[str, Any]:
        modes = ["online", "face_to_face"]
        return {"place": self.place, "years": [2026, 2027], "modes": modes} | changes

    async def did(self, path: str, body: Any = None, **who: Any) -> dict[str, Any]:
        """A command carried out in preparation, by an official of the nation, each time another."""
        someone = {"place": NATION, "subject": f"preparer-{next(_preparers)}"}
        response = await self.registry.call("POST", path, body=body, **(someone | who))
        assert response.status_code in (200, 201), (path, response.text)
        answer: dict[str, Any] = response.json()
        return answer

    async def organization(self, code: str | None = None) -> str:
        body = {"name": "示例", "uscc": code or uscc(), "kind": "provider", "place": self.place}
        organization_id: str = (await self.did("/v1/organizations", body))["organization_id"]
        return organization_id

    async def filed(self, **changes: Any) -> str:
        """The address of another organization filed here."""
        path = f"/v1/organizations/{await self.organization()}"
        await self.did(f"{path}/accreditations", self.filing(**changes))
        return path

    async def submitted(self, **changes: Any) -> dict[str, Any]:
        body = collection_of(somebody(), place=self.place, employer=self.uscc, **changes)
        return await self.did("/v1/collections", body)

    async def collected(self, **changes: Any) -> dict[str, Any]:
        case = await self.submitted(**changes)
        for step in ("initial", "final"):
            path = f"/v1/collections/{case['collection_id']}/{step}-review"
            await self.did(path, {"decision": "pass"})
        return case

    async def changed(self, *decisions: dict[str, Any]) -> str:
        """The address of a change of somebody's, after these reviews."""
        person = (await self.collected())["person_id"]
        asked = await self.did(f"/v1/persons/{person}/changes", {"items": {"working_since": "2018-07-01"}})
        path = f"/v1/changes/{asked['change_id']}"
        for decision in decisions:
            await self.did(f"{path}/review", decision)
        return path

    async def evidence(self) -> str:
        """The address of a file that the organization handed in, and that names somebody's case."""
        sent = await self.registry.send(
            "/v1/evidence", pdf(), "application/pdf", place=None, organization=self.own, subject="own-client"
        )
        assert sent.status_code == 201, sent.text
        evidence_id = sent.json()["evidence_id"]
        body = collection_of(somebody(), place=self.place, employer=self.uscc, evidence=[evidence_id])
        await self.did("/v1/collections", body, place=None, organization=self.own, subject="own-client")
        return f"/v1/evidence/{evidence_id}"

    async def evidence_of_person(self) -> str:
        """The address of a file that the employer handed in for one of its people."""
        content = pdf()
        person = (await self.collected())["person_id"]
        await self.registry.send(
            f"/v1/evidence?person_id={person}",
            content,
            "application/pdf",
            place=None,
            organization=self.own,
            subject="own-client",
        )
        return f"/v1/persons/{person}/evidence/{hashlib.sha256(content).hexdigest()}"

    async def document(self, what: str = "plans/face-to-face", **changes: Any) -> str:
        """The address of a plan or a report of an organization of its own, and the organization."""
        bodies = {"plans/online": ONLINE_PLAN, "plans/face-to-face": FACE_TO_FACE_PLAN, "reports": REPORT}
        body = bodies[what] | {"place": self.place} | changes
        who = {"place": None, "organization": self.own}
        handed = await self.did(f"/v1/organizations/{self.own}/{what}", body, **who)
        return f"/v1/yearly-documents/{handed['document_id']}"

    async def evaluation(self) -> str:
        path = f"{await self.filed()}/evaluations"
        period = {"place": self.place, "period_from": "2026-01-01", "period_to": "2026-06-30"}
        return f"/v1/evaluations/{(await self.did(path, SCORES | period))['evaluation_id']}"

    async def account(self) -> str:
        body = {"scopes": ["compliance:read"], "organization_id": self.own}
        return f"/v1/clients/{(await self.did('/v1/clients', body, place=self.place))['client_id']}"

    async def account_request(self) -> str:
        path = f"/v1/organizations/{self.own}/account-requests"
        asked = await self.did(path, {"scopes": ["compliance:read"]})
        return f"/v1/account-requests/{asked['request_id']}"

    async def own_case(self) -> str:
        """The id of a collection that the organization handed in."""
        body = collection_of(somebody(), place=self.place, employer=self.uscc)
        who = {"place": None, "organization": self.own, "subject": "own-client"}
        case_id: str = (await self.did("/v1/collections", body, **who))["collection_id"]
        return case_id
