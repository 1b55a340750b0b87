"""The one who acts, as far as decisions ask: an official bound to a place, or an organization acting for itself."""

from dataclasses import dataclass, field

from contracts.divisions import contains
from services.registry.streams.problems import OutsidePlaceError

OWN = "collection:own"
"""The scope of a person's own token, given by whoever signs people in."""


@dataclass(frozen=True)
class Actor:
    """The caller of a command: `place` binds an official, `organization` (an id) a client of an organization, `document`
    (`<type>:<number>`) a person to the ID document they signed in by.
    """

    subject: str
    scopes: frozenset[str] = frozenset()
    place: str | None = None
    organization: str | None = None
    document: str | None = field(default=None, repr=False)

    @property
    def speaks_for_self(self) -> bool:
        """Whether this is a person who acts in their own matters, bound to no place and no organization."""
        return self.organization is None and self.place is None and OWN in self.scopes

    def covers(self, place: str) -> bool:
        """Whether the actor is an official whose place contains this one."""
        return self.organization is None and self.place is not None and contains(self.place, place)

    def must_cover(self, place: str, *, pointer: str | None = None) -> None:
        """Raise OutsidePlaceError unless the actor is an official for the place."""
        if not self.covers(place):
            raise OutsidePlaceError(pointer=pointer)
