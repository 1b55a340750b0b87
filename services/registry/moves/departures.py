"""Who leaves: name, number and facts of a person, opened for the offer of a transfer and put on record (S2C-15)."""

from uuid import UUID

from contracts.registry import Qualification
from contracts.relay import TravellingPerson
from services.kit.aggregates import Aggregate, Aggregates
from services.kit.errors import NotFoundError
from services.kit.event_store import EventStore
from services.registry.actors import Actor
from services.registry.people.person import COLLECTED, Person
from services.registry.people.profile import Profile
from services.registry.personal_data.audit import Audit
from services.registry.personal_data.problems import PersonErasedError
from services.registry.personal_data.vault import FIELDS, Identity, Vault
from services.registry.problems import NotCollectedError
from services.registry.tables import LOG

WHAT = "person-departing"
PURPOSE = "transfer"
"""调转: the purpose under which the reading is on record."""


class Departures:
    """Opens what the destination's registry needs to know, at the moment it is offered."""

    def __init__(self, store: EventStore, *, vault: Vault, audit: Audit) -> None:
        self._aggregates = Aggregates(store, LOG)
        self._vault = vault
        self._audit = audit

    async def travelling(self, by: Actor, person_id: UUID) -> TravellingPerson:
        """Who leaves. Raises NotFoundError, NotCollectedError for whoever is not kept here, and PersonErasedError."""
        async with self._audit.reading(by, WHAT, person_id, purpose=PURPOSE) as reading:
            found = (await self._aggregates.get_all(reading.conn, Aggregate, [person_id])).get(person_id)
            if not isinstance(found, Person):
                raise NotFoundError
            reading.record.about(person_id, found.profile.place)
            if found.state != COLLECTED:
                raise NotCollectedError
            identity = await self._vault.open_identity(reading.conn, person_id)
            if identity is None:
                raise PersonErasedError
            reading.record.fields = FIELDS
        return _travelling(identity, found.profile)


def _travelling(identity: Identity, profile: Profile) -> TravellingPerson:
    return TravellingPerson.model_validate(
        {
            "id_type": identity.id_type,
            "id_number": identity.id_number,
            "name": identity.name,
            "student": profile.student,
            "student_since": profile.student_since,
            "qualifications": tuple(
                Qualification.model_validate({"level": each.level, "obtained_on": each.obtained_on})
                for each in profile.qualifications
            ),
            "jobs": profile.jobs,
            "working_since": profile.working_since,
            "left_on": profile.left_on,
            "retired_on": profile.retired_on,
        }
    )
