"""Who may ask for a transfer, and what is asked: the same for one within an authority and one out to another (S2C-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kit.errors import NotFoundError
from services.transfer.actors import Actor
from services.transfer.cases.case import Case
from services.transfer.commands import Evidence, RequestTransfer
from services.transfer.problems import NotEmployerError, PersonDepartedError, SamePlaceError
from services.transfer.profile_home import ProfileHome


class Applied(Case):
    """A case that somebody asked for; an arrival was not."""

    if TYPE_CHECKING:
        applicant: Actor

    def is_applicant(self, actor: Actor) -> bool:
        """Whether the actor may speak for the person: themselves, whoever asked for them, or their authority."""
        if actor.place is not None:
            return actor.covers(self.from_place)
        if actor.organization is not None:
            return actor.organization == self.applicant.organization
        return actor.subject in {self.person_id, self.applicant.subject}

    def _must_be_applicant(self, actor: Actor) -> None:
        if not self.is_applicant(actor):
            raise NotFoundError


def must_be_askable(command: RequestTransfer, home: ProfileHome, uscc: str | None) -> None:
    """Refuse who may not ask, and what leads nowhere; `uscc` is the code of the organization that asks, if one does.

    Raises PersonDepartedError, OutsidePlaceError, NotEmployerError and SamePlaceError.
    """
    actor = command.actor
    if actor.place is not None:
        actor.must_cover(home.place)
    elif actor.organization is not None and (uscc is None or uscc not in {home.employer, command.employer}):
        raise NotEmployerError
    if home.away:
        raise PersonDepartedError(pointer="/person_id")
    if command.to_place == home.place:
        raise SamePlaceError(pointer="/to_place")


def digests(evidence: tuple[Evidence, ...]) -> list[dict[str, str]]:
    """What an event keeps of evidence: never the name somebody gave a file."""
    return [{"sha256": file.sha256, "media_type": file.media_type} for file in evidence]
