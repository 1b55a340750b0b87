"""Bodies of the routes of accounts and of tokens."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from services.kit.field_errors import refuse
from services.kit.schemas import Moment, ShortLine, StrictModel, WholeList
from services.kit.signatures import public_key_of
from services.registry.web.routes import Place, Scope, unique

OVERLAP_HOURS_MAX = 168

RevocationReason = Literal["not_needed", "leaked", "misused", "organization_ended", "other"]
RefusalReason = Literal["not_entitled", "information_wrong", "account_exists", "other"]


class ClientRequest(StrictModel):
    """What a program may do, and for whom: for the bureau of a place, or for an organization, never both."""

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=30), AfterValidator(unique)]
    place: Place | None = None
    organization_id: Annotated[str | None, Field(pattern=r"^[0-9a-f-]{36}$")] = None
    label: ShortLine | None = None

    @model_validator(mode="after")
    def _bound_to_one(self) -> Self:
        if (self.place is None) == (self.organization_id is None):
            raise refuse("one_of", "属地与机构须且只须填一项", "Give place or organization_id, not both")
        return self


class ClientOutcome(StrictModel):
    """What the program signs in with. The secret is shown once; a repeat of the command shows null."""

    client_id: str
    client_secret: str | None
    scopes: list[str]


class RotationRequest(StrictModel):
    """How long the old secret stays good beside the new one; 0 when it has leaked."""

    overlap_hours: Annotated[int, Field(ge=0, le=OVERLAP_HOURS_MAX)] = 24


class RotationOutcome(ClientOutcome):
    """The new secret, shown once, and until when the old one is good."""

    old_secret_until: Moment


class SigningKeyRequest(StrictModel):
    """The key by which a client signs its requests (RFC 9421): its own Ed25519 key, or a secret for HMAC; and whether it has
    to. Without an algorithm it signs no more."""

    algorithm: Literal["ed25519", "hmac-sha256"] | None
    public_key: Annotated[
        str | None, Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="An Ed25519 key in base64url.")
    ] = None
    required: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.algorithm == "ed25519") != (self.public_key is not None):
            raise refuse(
                "public_key", "公钥须与算法相配", "A public key goes with ed25519, and with it alone"
            )
        if self.public_key is not None:
            try:
                public_key_of(self.public_key)
            except ValueError:
                raise refuse("public_key", "不是有效的公钥", "Not a public key") from None
        return self


class SigningKeyOutcome(StrictModel):
    """The key that signs from the next token on; `secret` is that of HMAC, in base64, and null for a key of the client's."""

    client_id: str
    algorithm: Literal["ed25519", "hmac-sha256"] | None
    key_id: str | None
    required: bool
    secret: str | None


class RevocationRequest(StrictModel):
    """Why an account is revoked."""

    reason: RevocationReason


class RevocationOutcome(StrictModel):
    """A revoked account. Tokens it holds already are good until their lifetime is over."""

    client_id: str
    state: Literal["revoked"]


class AccountView(StrictModel):
    """An account of an organization; its secret is nowhere."""

    client_id: str
    label: str | None
    scopes: list[str]
    state: Literal["active", "revoked"]
    registered_at: datetime
    rotated_at: datetime | None
    old_secret_until: datetime | None
    revoked_at: datetime | None


class AccountViews(WholeList):
    """The accounts of one organization, the oldest first."""

    items: list[AccountView]


class AccountRequestBody(StrictModel):
    """Which scopes the account is to have."""

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=30), AfterValidator(unique)]


class AccountRefusal(StrictModel):
    """Why there is no account."""

    reason: RefusalReason


class AccountRequestOutcome(StrictModel):
    """A request for an account, and the one bureau that decides it (S3B-09)."""

    request_id: str
    state: Literal["requested", "granted", "refused"]
    place: str


class PublicKey(StrictModel):
    """A public key (RFC 8037): its curve and its point."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    alg: str | None = None
    use: str | None = None


class KeySet(StrictModel):
    """A key set (RFC 7517), and the clients whose tokens are taken no more though they have not expired."""

    keys: list[PublicKey]
    revoked: list[str]


class TokenAnswer(StrictModel):
    """A token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class SignInAnswer(TokenAnswer):
    """A token for somebody who signed in (RFC 8693, 2.2.1), and who that is: `person_id` of a professional who is collected,
    `place` of an official, `organization_id` of an organization's clerk."""

    issued_token_type: str
    subject: str
    name: str
    roles: list[str]
    place: str | None
    organization_id: str | None
    person_id: str | None


class TokenRefusal(StrictModel):
    """Why there is no token (RFC 6749, 5.2)."""

    error: Literal[
        "invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type", "unauthorized_client"
    ]
    error_description: str
