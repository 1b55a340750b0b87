"""Who acts, as far as decisions ask: an official bound to a place, an organization, or somebody who speaks for a person."""

from msgspec import Struct

from contracts.divisions import contains
from services.transfer.problems import OutsidePlaceError


class Actor(Struct, frozen=True, kw_only=True):
    """The caller of a command: `place` binds an official, `organization` (an id) a client of an organization.

    A `portal` signs people in, and speaks for whom it has signed in.
    """

    subject: str
    place: str | None = None
    organization: str | None = None
    portal: bool = False

    def covers(self, place: str) -> bool:
        """Whether the actor is an official whose place contains this one."""
        return self.place is not None and contains(self.place, place)

    def must_cover(self, *places: str) -> None:
        """Raise OutsidePlaceError unless the actor is an official for one of the places."""
        if not any(self.covers(place) for place in places):
            raise OutsidePlaceError
