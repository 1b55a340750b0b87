"""Histories of the registry, built on each other, of people and organizations that do not exist."""

import itertools
from dataclasses import dataclass
from typing import Any

import httpx

from services.cli.demo import fictitious
from services.kit.signing import sign_token
from services.registry.moves.api import SCOPE as CARRY
from services.registry.settings import RegistrySettings
from services.registry.streams.account import SCOPES

CHAOYANG = "211300"
SHUANGTA = "211302"
LIAONING = "210000"
DALIAN = "210200"
NATION = "100000"

_numbers = itertools.count(1)
_codes = itertools.count(1)
_keys = itertools.count(1)


@dataclass(frozen=True)
class Human:
    """Somebody fictitious."""

    name: str
    id_number: str

    @property
    def body(self) -> dict[str, str]:
        return {"id_type": "resident_id", "id_number": self.id_number, "name": self.name}

    @property
    def claim(self) -> str:
        """What their own token says of them."""
        return f"resident_id:{self.id_number}"

    @property
    def document(self) -> dict[str, str]:
        return {"id_type": "resident_id", "id_number": self.id_number}


def somebody() -> Human:
    """A person nobody has used yet."""
    number = next(_numbers)
    return Human(fictitious.name(number), fictitious.resident_id(number))


def uscc() -> str:
    """A credit code nobody has used yet."""
    return fictitious.uscc(next(_codes))


def collection_of(human: Human, **changes: Any) -> dict[str, Any]:
    """A good body of a collection."""
    body: dict[str, Any] = {
        "person": human.body,
        "place": SHUANGTA,
        "employer": None,
        "student": False,
        "qualifications": [{"level": "junior", "obtained_on": "2020-09-01"}],
        "working_since": "2019-07-01",
    }
    return body | changes


class Registry:
    """Calls a registry as somebody, and makes the histories that tests start from."""

    def __init__(self, client: httpx.AsyncClient, settings: RegistrySettings) -> None:
        self.client = client
        self.settings = settings

    def token(
        self,
        *scopes: str,
        subject: str = "official-1",
        place: str | None = None,
        organization: str | None = None,
        document: str | None = None,
    ) -> str:
        """A token of the registry's own; every scope when none is named."""
        return sign_token(
            self.settings.token_key,
            issuer=self.settings.issuer,
            subject=subject,
            scopes=scopes or SCOPES | {CARRY},
            place=place,
            organization=organization,
            document=document,
        )

    async def call(
        self,
        method: str,
        path: str,
        *scopes: str,
        body: Any = None,
        key: str | None = None,
        anonymous: bool = False,
        **who: Any,
    ) -> httpx.Response:
        """One request; POST gets a fresh Idempotency-Key unless one is given. Officials of Chaoyang by default."""
        headers = (
            {}
            if anonymous
            else {"Authorization": f"Bearer {self.token(*scopes, **({'place': CHAOYANG} | who))}"}
        )
        if method == "POST":
            headers["Idempotency-Key"] = key or f"key-{next(_keys)}"
        return await self.client.request(method, path, json=body, headers=headers)

    async def send(
        self,
        path: str,
        content: bytes,
        media_type: str,
        *scopes: str,
        key: str | None = None,
        **who: Any,
    ) -> httpx.Response:
        """A file, posted as it is."""
        headers = {
            "Authorization": f"Bearer {self.token(*scopes, **({'place': CHAOYANG} | who))}",
            "Idempotency-Key": key or f"key-{next(_keys)}",
            "Content-Type": media_type,
        }
        return await self.client.post(path, content=content, headers=headers)

    async def submitted(self, human: Human, *, subject: str = "official-1", **changes: Any) -> dict[str, Any]:
        """Somebody's collection, handed in."""
        response = await self.call(
            "POST", "/v1/collections", body=collection_of(human, **changes), subject=subject
        )
        assert response.status_code == 201, response.text
        outcome: dict[str, Any] = response.json()
        return outcome

    async def reviews(
        self, collection_id: str, step: str, *, subject: str, reason: str | None = None, **more: Any
    ) -> httpx.Response:
        """A step of a collection's review: passed, or returned when there is a reason."""
        body = {"decision": "return" if reason else "pass"} | ({"reason": reason} if reason else {})
        note = more.pop("note", None)
        body |= {"note": note} if note else {}
        path = f"/v1/collections/{collection_id}/{step}-review"
        return await self.call("POST", path, body=body, subject=subject, **more)

    async def initially_passed(self, human: Human, **changes: Any) -> dict[str, Any]:
        """Somebody's collection after its initial review, by official-2."""
        outcome = await self.submitted(human, **changes)
        response = await self.reviews(outcome["collection_id"], "initial", subject="official-2")
        assert response.status_code == 200, response.text
        passed: dict[str, Any] = response.json()
        return passed

    async def collected(self, human: Human, **changes: Any) -> dict[str, Any]:
        """Somebody's collection, approved by official-3 in the end."""
        outcome = await self.initially_passed(human, **changes)
        response = await self.reviews(outcome["collection_id"], "final", subject="official-3")
        assert response.status_code == 200, response.text
        approved: dict[str, Any] = response.json()
        return approved

    async def returned(self, human: Human, *, note: str | None = None, **changes: Any) -> dict[str, Any]:
        """Somebody's collection, sent back."""
        outcome = await self.submitted(human, **changes)
        response = await self.reviews(
            outcome["collection_id"], "initial", subject="official-2", reason="documents_unclear", note=note
        )
        assert response.status_code == 200, response.text
        back: dict[str, Any] = response.json()
        return back

    async def asks_change(self, person_id: str, items: dict[str, Any], **who: Any) -> httpx.Response:
        """A change of a person's information, asked for by official-1 unless told otherwise."""
        return await self.call("POST", f"/v1/persons/{person_id}/changes", body={"items": items}, **who)

    async def change_of(self, human: Human, items: dict[str, Any]) -> str:
        """The id of a change that awaits review, of somebody collected just now."""
        person_id = (await self.collected(human))["person_id"]
        response = await self.asks_change(person_id, items)
        assert response.status_code == 201, response.text
        change_id: str = response.json()["change_id"]
        return change_id

    async def reviews_change(
        self,
        change_id: str,
        *,
        reason: str | None = None,
        note: str | None = None,
        subject: str = "official-2",
        **who: Any,
    ) -> httpx.Response:
        """The review of a change: approved, or returned when there is a reason."""
        body = {"decision": "return" if reason else "approve"} | ({"reason": reason} if reason else {})
        body |= {"note": note} if note else {}
        return await self.call("POST", f"/v1/changes/{change_id}/review", body=body, subject=subject, **who)

    async def reverses(
        self,
        change_id: str,
        *,
        reason: str = "approved_in_error",
        separate: bool = False,
        note: str | None = None,
        subject: str = "official-3",
        **who: Any,
    ) -> httpx.Response:
        """A wrongly approved change, undone by official-3."""
        body = {"reason": reason, "separate": separate} | ({"note": note} if note else {})
        path = f"/v1/changes/{change_id}/reversal"
        return await self.call("POST", path, body=body, subject=subject, **who)

    async def organization(self, *, kind: str = "provider", code: str | None = None) -> str:
        """A registered organization's id."""
        body = {"name": "学分示例培训有限公司", "uscc": code or uscc(), "kind": kind, "place": SHUANGTA}
        response = await self.call("POST", "/v1/organizations", body=body)
        assert response.status_code == 201, response.text
        organization_id: str = response.json()["organization_id"]
        return organization_id

    async def accredited(self, *, place: str = CHAOYANG, **changes: Any) -> str:
        """An accredited provider's id."""
        organization_id = await self.organization()
        body = {"place": place, "years": [2025, 2026], "modes": ["online"]} | changes
        path = f"/v1/organizations/{organization_id}/accreditations"
        response = await self.call("POST", path, body=body, place=LIAONING)
        assert response.status_code == 201, response.text
        return organization_id
