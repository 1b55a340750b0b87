"""Issuers that people sign in with (OpenID Connect), as one file of data: where each is, and what its claims mean here.

The console sends people to an issuer; the registry checks the identity token that comes back, and exchanges it for a token
of ours (RFC 8693). Both read the same file, so a bureau that changes its issuer changes one file and no program.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Role = Literal["person", "employer", "provider", "reviewer", "supervisor", "viewer", "operator"]
"""The roles of people: a professional; an employer's clerk; a training organisation's; an official who reviews; one who also
decides on relief, revocation and years, and may see names in full; a reader of figures; who runs the deployment."""

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Name = Annotated[str, Field(min_length=1, max_length=60)]
Address = Annotated[str, Field(pattern=r"^https?://[!-~]{3,400}$")]
Claim = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.:/-]{0,100}$")]

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a kind of token


class SignInError(ValueError):
    """The file of issuers cannot be used; the message names the entry and the field."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClaimNames(_Part):
    """The claims of an issuer's identity token by what they mean here; a dot leads into an object."""

    name: Claim = "name"
    """The name to call somebody by."""
    roles: Claim = "roles"
    """The issuer's own names of roles: a list, or words with blanks between them."""
    place: Claim | None = None
    """The division an official answers for (GB/T 2260)."""
    organization: Claim | None = None
    """The unified social credit code of an organization's clerk."""
    id_number: Claim | None = None
    """The verified number of a professional's document."""
    id_type: Claim | None = None
    """The document's type, in our words; a resident identity card when there is no such claim."""


class SignInIssuer(_Part):
    """One issuer. `key` is its short name for ever: it stands before the issuer's own subjects."""

    key: Key
    issuer: Address
    name_zh: Name
    name_en: Name
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    client_secret_file: Path | None = None
    """Of a confidential client; without it the client is public and PKCE alone protects the code."""
    authorization_url: Address
    token_url: Address
    jwks_url: Address
    end_session_url: Address | None = None
    scope: str = "openid profile"
    claims: ClaimNames = ClaimNames()
    roles: Mapping[str, Role] = Field(default_factory=dict)
    """Our role by the issuer's; who has none of these is let in nowhere."""
    stand_in: bool = False
    """Whether it lets anybody be anybody, for demo and trials; refused in production."""


class _File(_Part):
    issuers: Annotated[tuple[SignInIssuer, ...], Field(min_length=1, max_length=20)]


def read_issuers(path: Path) -> tuple[SignInIssuer, ...]:
    """The issuers of a file. Raises SignInError."""
    try:
        told = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SignInError(f"{path.name} cannot be read: {error.strerror}") from None
    except (ValidationError, yaml.YAMLError) as error:
        raise SignInError(f"{path.name} cannot be used: {_first_fault(error)}") from None
    for field in ("key", "issuer"):
        given = [getattr(each, field) for each in told.issuers]
        if len(set(given)) != len(given):
            raise SignInError(f"{path.name} cannot be used: two issuers have one {field}")
    return told.issuers


def trusted_issuers(path: Path | None, *, production: bool) -> tuple[SignInIssuer, ...]:
    """The issuers of a file that may be used here; none when there is no file. A stand-in is refused in production.

    Raises SignInError.
    """
    issuers = () if path is None else read_issuers(path)
    if production and any(each.stand_in for each in issuers):
        raise SignInError("a stand-in lets anybody be anybody, and is refused in production")
    return issuers


def _first_fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return "it is not YAML"


def claim_of(claims: Mapping[str, object], name: str | None) -> object:
    """A claim by its name, else with its dots leading into objects; None when it is not there."""
    if name is None:
        return None
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found
