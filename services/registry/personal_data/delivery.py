"""Name and number of people, for a service that delivers to a system outside: asked at the moment of sending, on record
with the recipient, and nothing beyond what an account is found by (S0-23, S4-09)."""

from collections.abc import Sequence
from uuid import UUID

from contracts.disclosure import DisclosedPerson, Disclosures
from services.kit.errors import NotFoundError
from services.registry.actors import Actor
from services.registry.personal_data.audit import Audit
from services.registry.personal_data.problems import PersonErasedError
from services.registry.personal_data.vault import FIELDS, Vault
from services.registry.problems import OutsidePlaceError
from services.registry.tables import LOG

SCOPE = "person:deliver"
PURPOSE = "delivery"

_WHERE = "select person_id, place from people where log = $1 and person_id = any($2::text[])"


class DeliveryDisclosures:
    """Opens identities for a recipient."""

    def __init__(self, audit: Audit, vault: Vault) -> None:
        self._audit = audit
        self._vault = vault

    async def people(self, by: Actor, person_ids: Sequence[str], recipient: str) -> Disclosures:
        """An answer for each person, in order: the identity, or `not-found` or `person-erased`.

        Raises OutsidePlaceError for who is bound to no place.
        """
        if by.place is None or by.organization is not None:
            raise OutsidePlaceError
        what = f"identity-for-{recipient}"
        async with self._audit.readings(by, what, person_ids, purpose=PURPOSE) as (conn, records):
            rows = await conn.fetch(_WHERE, LOG, list(person_ids))
            places = {row["person_id"]: row["place"] for row in rows}
            covered = [each for each, place in places.items() if by.covers(place)]
            opened = await self._vault.open_identities(conn, [UUID(each) for each in covered])
            answers = []
            for person_id, record in zip(person_ids, records, strict=True):
                if person_id in places:
                    record.about(person_id, places[person_id])
                identity = opened.get(UUID(person_id)) if person_id in covered else None
                if identity is not None:
                    record.fields = FIELDS
                    answers.append(DisclosedPerson(person_id=person_id, **vars(identity)))
                    continue
                problem = PersonErasedError if person_id in covered else NotFoundError
                record.result = problem.code
                answers.append(DisclosedPerson(person_id=person_id, problem=problem.code))
        return Disclosures(people=answers)
