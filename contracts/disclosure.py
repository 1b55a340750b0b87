"""The question to the registry, by a service that must name people to a system outside, who they are at that moment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.envelope import Code

PEOPLE_MAX = 500
"""People of one request."""

PersonId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
Recipient = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""The system that will be told, by its name in the deployment."""


class DisclosureModel(BaseModel):
    """A part of the contract: nothing unknown, nothing bent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DisclosureRequest(DisclosureModel):
    """Whose identity is needed, and who will be told; each is put on record."""

    purpose: Literal["delivery"]
    recipient: Recipient
    person_ids: Annotated[list[PersonId], Field(min_length=1, max_length=PEOPLE_MAX)]


class DisclosedPerson(DisclosureModel):
    """Who somebody is, or the code of the problem why that is not told."""

    person_id: PersonId
    id_type: Code | None = None
    id_number: str | None = None
    name: str | None = None
    problem: Code | None = None

    def __repr__(self) -> str:
        """Nothing: a repr ends up in logs."""
        return "DisclosedPerson(…)"


class Disclosures(DisclosureModel):
    """An answer for every person asked about, in order."""

    people: list[DisclosedPerson]
