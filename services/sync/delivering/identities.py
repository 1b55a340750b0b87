"""Name and number of the people of one batch, asked from the registry as it is sent, for a purpose on record there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import httpx
from pydantic import ValidationError

from contracts.disclosure import PEOPLE_MAX, DisclosedPerson, DisclosureRequest, Disclosures
from contracts.targets import Identity

NOBODY = "not-found"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
"""An id as the registry gives them; another is nobody's there."""


class RegistryUnavailableError(Exception):
    """The registry does not tell now who people are; nothing that needs it can be sent."""


class Identities:
    """Asks the registry, batch by batch; nothing is remembered."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client` knows the registry's address and carries our token."""
        self._client = client

    async def of(self, people: Sequence[str], recipient: str) -> Mapping[str, Identity | str]:
        """Each person's identity, or the code of the reason why there is none: `person-erased`, `not-found`.

        Raises RegistryUnavailableError.
        """
        found: dict[str, Identity | str] = {}
        known = [person for person in people if _UUID.fullmatch(person)]
        found |= dict.fromkeys(set(people) - set(known), NOBODY)
        for start in range(0, len(known), PEOPLE_MAX):
            part = known[start : start + PEOPLE_MAX]
            found |= await self._ask(part, recipient)
        return found

    async def _ask(self, people: list[str], recipient: str) -> dict[str, Identity | str]:
        asked = DisclosureRequest(purpose="delivery", recipient=recipient, person_ids=people)
        try:
            response = await self._client.post("/v1/disclosures", json=asked.model_dump())
        except httpx.HTTPError as error:
            raise RegistryUnavailableError(type(error).__name__) from None
        if response.status_code != httpx.codes.OK:
            raise RegistryUnavailableError(f"status {response.status_code}")
        try:
            answered = Disclosures.model_validate_json(response.content)
            return {each.person_id: _identity(each) for each in answered.people}
        except ValidationError:
            raise RegistryUnavailableError("an answer of another form than agreed") from None


def _identity(answer: DisclosedPerson) -> Identity | str:
    if answer.problem is not None:
        return answer.problem
    return Identity(id_type=answer.id_type or "", id_number=answer.id_number or "", name=answer.name or "")
