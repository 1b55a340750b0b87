"""Who acts, as far as decisions ask: an official bound to a place, or an organization acting for itself."""

from dataclasses import dataclass

from contracts.divisions import contains
from services.registry.problems import OutsidePlaceError


@dataclass(frozen=True)
class Actor:
    """The caller of a command: `place` binds an official, `organization` (an id) a client of an
    organization.
    """

    subject: str
    scopes: frozenset[str] = frozenset()
    place: str | None = None
    organization: str | None = None

    def covers(self, place: str) -> bool:
        """Whether the actor is an official whose place contains this one."""
        return self.organization is None and self.place is not None and contains(self.place, place)

    def must_cover(self, place: str, *, pointer: str | None = None) -> None:
        """Raise OutsidePlaceError unless the actor is an official for the place."""
        if not self.covers(place):
            raise OutsidePlaceError(pointer=pointer)
