"""Identities as they are posted: an ID document, the name on it, and checks of both (S0-23)."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from contracts.identifiers import IdType, check_id_number
from contracts.identity import normalise_id_number
from services.kit.clock import local_date, utc_now
from services.kit.field_errors import refuse
from services.kit.schemas import ShortLine, StrictModel
from services.registry.streams.profile import Identity

IDENTITY_CHECKS_MAX = 1000


class IdDocument(StrictModel):
    """An ID document by its type and number."""

    id_type: Literal["resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card"]
    id_number: Annotated[str, Field(min_length=4, max_length=24)]

    @field_validator("id_number")
    @classmethod
    def _check(cls, number: str, info: ValidationInfo) -> str:
        id_type = info.data.get("id_type")
        if id_type is None:
            return number
        fault = check_id_number(IdType(id_type), number, on=local_date(utc_now()))
        if fault is not None:
            raise refuse(f"id_number_{fault.value}", fault.text_zh, fault.text_en)
        return normalise_id_number(number)


class PersonIdentity(IdDocument):
    """Name and number exactly as on the ID document (S0-23)."""

    name: ShortLine

    def identity(self) -> Identity:
        """The same as decisions know it."""
        return Identity(self.id_type, self.id_number, self.name)


class IdentityChecks(StrictModel):
    """Who a provider is about to report."""

    persons: Annotated[list[PersonIdentity], Field(min_length=1, max_length=IDENTITY_CHECKS_MAX)]


class IdentityResult(StrictModel):
    """What the registry knows of one: `match`; `mismatch`, the number is known under another name; `former`, the
    person has another number now; `unknown`.
    """

    index: int
    result: Literal["match", "mismatch", "former", "unknown"]


class IdentityResults(StrictModel):
    """One result for each person, in order."""

    results: list[IdentityResult]
