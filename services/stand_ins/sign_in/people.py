"""Fictitious people who may be signed in as, from a file that is read again whenever it has changed."""

from pathlib import Path
from typing import Annotated, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field

from contracts.sign_in import ClaimNames, Role, SignInIssuer


class SignInPerson(BaseModel):
    """Somebody to sign in as: claims as an issuer would give them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sub: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
    name: str
    role: Role
    note: str = ""
    """Where they belong, for the page to choose from."""
    place: str | None = None
    organization: str | None = None
    id_number: str | None = None


class People:
    """The people of a file, as it stands now."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = 0
        self._people: dict[str, SignInPerson] = {}

    def all(self) -> dict[str, SignInPerson]:
        """Everybody, by `sub`, in the order of the file."""
        changed = self._file.stat().st_mtime_ns
        if changed != self._changed:
            told = yaml.safe_load(self._file.read_text(encoding="utf-8"))
            self._people = {each.sub: each for each in map(SignInPerson.model_validate, told["people"])}
            self._changed = changed
        return self._people


def write_people(file: Path, people: list[SignInPerson]) -> None:
    """Write the file, whole or not at all."""
    unfinished = file.with_suffix(".new")
    told = {"people": [each.model_dump(exclude_none=True) for each in people]}
    unfinished.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False), encoding="utf-8")
    unfinished.replace(file)


CLIENT_ID = "xuefen-console"
KEY = "stand-in"


def issuer_of(address: str) -> SignInIssuer:
    """The entry of the issuers' file for a stand-in at this address."""
    return SignInIssuer(
        key=KEY,
        issuer=address,
        name_zh="演示登录（虚构人员）",
        name_en="Demonstration (fictitious people)",
        client_id=CLIENT_ID,
        authorization_url=f"{address}/authorize",
        token_url=f"{address}/token",
        jwks_url=f"{address}/jwks.json",
        claims=ClaimNames(place="place", organization="organization", id_number="id_number"),
        roles={role: role for role in get_args(Role)},
        stand_in=True,
    )
