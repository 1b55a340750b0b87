"""A unit asks for an account (单位法人用户账号) at the one bureau that may issue it (S1-13, S3B-09)."""

from datetime import datetime

from eventsourcing.domain import event

from services.kit.aggregates import Aggregate
from services.registry.accounts.client import must_be_issuable_to
from services.registry.actors import Actor
from services.registry.organizations.organization import Organization, organization_of
from services.registry.organizations.problems import AccountRequestClosedError, NotIssuingAuthorityError
from services.registry.problems import OutsidePlaceError

REQUESTED, GRANTED, REFUSED = "requested", "granted", "refused"


class AccountRequest(Aggregate):
    """One request: granted, which makes the account, or refused with a reason."""

    TOPIC = "registry.AccountRequest"

    @classmethod
    def make(
        cls, organization: Organization, *, scopes: list[str], by: Actor, at: datetime
    ) -> "AccountRequest":
        """Asked by the organization itself or by an official of its place, who takes it at the counter.

        Raises OutsidePlaceError, ScopeNotGrantableError.
        """
        if organization_of(by.organization) != organization.id and not by.covers(organization.place):
            raise OutsidePlaceError
        must_be_issuable_to(organization, scopes)
        return cls(
            organization_id=str(organization.id),
            place=organization.issuing_place,
            scopes=sorted(scopes),
            requested_by=by.subject,
            timestamp=at,
        )

    @event("AccountRequested", topic="registry.AccountRequested")
    def __init__(
        self, *, organization_id: str, place: str, scopes: list[str], requested_by: str, timestamp: datetime
    ) -> None:
        self.organization_id = organization_id
        self.place = place
        self.scopes = scopes
        self.state = REQUESTED

    def grant(self, *, client_id: str, by: Actor, at: datetime) -> None:
        """The account was issued. Raises NotIssuingAuthorityError, AccountRequestClosedError."""
        self._must_be_decidable(by)
        self._granted(client_id=client_id, granted_by=by.subject, timestamp=at)

    @event("AccountGranted", topic="registry.AccountGranted")
    def _granted(self, *, client_id: str, granted_by: str, timestamp: datetime) -> None:
        self.state = GRANTED

    def refuse(self, *, reason: str, by: Actor, at: datetime) -> None:
        """No account. Raises as `grant` does."""
        self._must_be_decidable(by)
        self._refused(reason=reason, refused_by=by.subject, timestamp=at)

    @event("AccountRefused", topic="registry.AccountRefused")
    def _refused(self, *, reason: str, refused_by: str, timestamp: datetime) -> None:
        self.state = REFUSED

    def _must_be_decidable(self, by: Actor) -> None:
        if by.organization is not None or by.place != self.place:
            raise NotIssuingAuthorityError(self.place)
        if self.state != REQUESTED:
            raise AccountRequestClosedError(self.state)
