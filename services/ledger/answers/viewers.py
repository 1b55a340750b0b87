"""Viewers, and what they may be told: an official of a place, an organization of those it reported or employs, a
person of themselves. Pure, but for the code by which an organization employs."""

import msgspec

from contracts.divisions import contains
from services.ledger.policy import Account
from services.ledger.store.people import Keeper


class Viewer(msgspec.Struct, frozen=True):
    """Who asks, by exactly one of: a place, with all under it; an organization, with the code by which it employs people
    (None for one that is no employer we know); a person."""

    place: str | None = None
    organization: str | None = None
    employer: str | None = None
    person_id: str | None = None

    def may_see(self, home: Keeper) -> bool:
        """Whether the viewer may be told of the person at all."""
        if self.place is not None:
            return self.contains(home.profile.person.place)
        if self.person_id is not None:
            return home.person_id == self.person_id
        return self.employs(home) or self.reported_for(home.account)

    def contains(self, place: str) -> bool:
        """Whether the viewer is an official to whose place another belongs."""
        return self.place is not None and contains(self.place, place)

    def employs(self, home: Keeper) -> bool:
        """Whether the person works for the viewer (S0-24, S2A-10)."""
        return self.employer is not None and home.profile.person.employer == self.employer

    def reported_for(self, account: Account | None) -> bool:
        """Whether the viewer reported anything that the account holds."""
        if account is None or self.organization is None:
            return False
        reporters = {credit.provider for credit in account.credits}
        reporters |= {waiting.provider for waiting in account.waiting}
        reporters |= {enrolled.provider for enrolled in account.enrolments}
        return self.organization in reporters

    def sees_record_of(self, provider: str | None) -> bool:
        """Whether the viewer sees a single record of a provider: an organization sees its own alone."""
        return self.organization is None or provider == self.organization


def may_ask_about(viewer_place: str, place: str) -> bool:
    """Whether an official of one place may ask for the numbers of another: of their own place and what lies under it."""
    return contains(viewer_place, place)
