"""The read model of ID documents: whose a keyed hash of a number is, was, or is no longer."""

from typing import Any

from services.registry.store.read_model import (
    ID,
    ReadModel,
    RowChange,
    Value,
    const,
    field,
    run,
    update,
    upsert,
)
from services.registry.streams.profile import is_contested

PERSON = {"person_id": ID}


def _generation(event: Any) -> int:
    """The number behind `person:hs256:<hash>`, 0 without one."""
    identity: str = event.identity
    return int(identity.split(":", 3)[3]) if identity.count(":") > 2 else 0


def _is_another(event: Any) -> bool:
    return bool(event.former_hash != event.identity_hash)


def _claims_another(event: Any) -> bool:
    return event.identity is not None and not is_contested(event.identity)


def _claimed(when: Value | None = None) -> RowChange:
    columns = {"person_id": ID, "state": const("current"), "generation": _generation}
    return upsert("documents", "identity_hash", "identity_hash", when=when, **columns)


# The row says from now on that the document was claimed once, and leads to nobody.
_GIVEN_BACK = {"state": const("released"), "person_id": const("")}
DOCUMENTS = ReadModel(
    "documents",
    CollectionSubmitted=_claimed(when=lambda event: not is_contested(event.identity)),
    InfoChanged=[
        # What a wrong change had claimed may belong to somebody else; what a right one replaced stays findable.
        update(
            "documents",
            {"identity_hash": field("former_hash"), "person_id": ID},
            when=_is_another,
            state=lambda event: "former" if event.cause == "change" else "released",
        ),
        update(
            "documents",
            {"identity_hash": field("identity_hash"), "person_id": ID},
            when=lambda event: _is_another(event) and event.identity is None,
            state=const("current"),
        ),
        _claimed(when=lambda event: _is_another(event) and event.identity is not None),
        # With a merged profile come its numbers, and go back with it.
        run(
            """
            update documents set person_id = $2, state = 'former'
             where log = $1 and identity_hash = any($3::text[]) and identity_hash <> $4
            """,
            ID,
            lambda event: sorted({each["identity_hash"] for each in event.former}),
            field("identity_hash"),
            when=lambda event: "merge" in event.items,
        ),
    ],
    IdentityRehashed=[
        update(
            "documents",
            {"identity_hash": field("former_hash"), "person_id": ID},
            when=_claims_another,
            state=const("released"),
        ),
        _claimed(when=_claims_another),
    ],
    FormerDocumentsAdded=run(
        """
        insert into documents (log, identity_hash, person_id, state, generation)
        select $1, added, $2, 'former', 0 from unnest($3::text[]) added on conflict do nothing
        """,
        ID,
        field("hashes"),
    ),
    InfoCollected=update(
        "documents", {"identity_hash": field("identity_hash")}, person_id=ID, state=const("current")
    ),
    ArrivalDropped=update("documents", PERSON, when=field("forgotten"), **_GIVEN_BACK),
    CollectionEnded=update("documents", PERSON, **_GIVEN_BACK),
    PersonErased=update("documents", PERSON, **_GIVEN_BACK),
)
