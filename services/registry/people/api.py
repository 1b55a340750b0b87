"""Routes of people: their collections (信息采集), their changes (信息变更), and their own view of both."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from services.kit.audit import AuditedRoute, reads
from services.kit.auth import require
from services.kit.budgets import within
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.kit.routers import Router
from services.registry.people import identities, schemas
from services.registry.people.changes import Changes
from services.registry.people.collections import COLLECTIONS, Collections
from services.registry.people.own_view import OwnCaseInFull, OwnCases, OwnView
from services.registry.people.queries import (
    IDENTITY_CHECKS,
    Collection,
    MaskedPeople,
    MaskedPeopleRequest,
    PeopleQueries,
)
from services.registry.personal_data import disclosure
from services.registry.streams import change, collection
from services.registry.streams.actor import OWN, Actor
from services.registry.web.routes import Id, acting, add_routes, part

persons = Router(prefix="/v1", route_class=AuditedRoute)


_see_masked = require("collection:submit", "collection:review", "employee:read")
_see_person = require("collection:submit", "collection:review")
_check = require("identity:check")


Queries = Annotated[PeopleQueries, Depends(part(PeopleQueries))]


@persons.get(
    "/persons/{id}", response_model=schemas.PersonView, responses=problems(404, 409, 410), tags=["persons"]
)
@reads("person")
async def get_person(
    person_id: Id, by: Annotated[Actor, Depends(acting(_see_person))], queries: Queries
) -> object:
    """A collected person, masked. Every reading is put on record. Of a profile that was merged the answer names the one that
    it is part of (`merged_into`).
    """
    return await queries.get_person(by, UUID(person_id))


@persons.post("/masked-names", response_model=MaskedPeople, tags=["persons"])
@reads("person")
async def mask_people(
    body: MaskedPeopleRequest, by: Annotated[Actor, Depends(acting(_see_masked))], queries: Queries
) -> object:
    """Name and number of up to 200 people, masked, for a list that names them by id; who may not be shown to the caller is
    left out. Every reading is put on record.
    """
    return await queries.mask_people(by, body.person_ids)


@persons.post(
    "/identity-checks",
    response_model=identities.IdentityResults,
    responses=problems(429),
    tags=["persons"],
    dependencies=[Depends(within(IDENTITY_CHECKS, _check))],
)
@reads("identity-check")
async def check_identities(
    body: identities.IdentityChecks, by: Annotated[Actor, Depends(acting(_check))], queries: Queries
) -> object:
    """Ask before posting: is each of up to 1,000 persons collected, under this very name? In order.

    Providers accredited where a person is, and officials of the place, are told `mismatch` and `former` from `unknown`;
    others `match` or `unknown`, an official of another place `unknown` alone. Who finds too few is refused for a while.
    """
    identities = [person.identity() for person in body.persons]
    results = await queries.check_identities(by, identities)
    return {"results": [{"index": index, "result": result} for index, result in enumerate(results)]}


collections = Router(prefix="/v1/collections", tags=["collections"], route_class=AuditedRoute)

_submit = require("collection:submit", OWN)
_review = require("collection:review")
_see = require("collection:submit", "collection:review", OWN)


Collecting = Annotated[Collections, Depends(part(Collections))]


@collections.post(
    "",
    status_code=201,
    response_model=schemas.CollectionOutcome,
    responses=problems(409, 429),
    dependencies=[Depends(within(COLLECTIONS, _submit))],
)
async def submit_collection(
    body: schemas.CollectionRequest,
    by: Annotated[Actor, Depends(acting(_submit))],
    key: Annotated[CommandKey, Depends(command_key(_submit))],
    collections: Collecting,
) -> Response:
    """Hand in a person's information (信息采集): the person, their employer, or an official of their place.

    Once for each ID document: a second submission is refused with the state of the first, unless that was
    returned, which makes it a resubmission. Whoever may not know of the first is not told of it: theirs is taken in, and a
    reviewer sees that the number is somebody's already. Contact, education and certificates are kept sealed.
    """
    return (await collections.submit(key, by, body)).response()


add_routes(
    collections,
    collection.CASE,
    Collections,
    "review",
    initial={
        "words": "Initial review: pass a submission on, or send it back with a reason (S2C-08). "
        "Nobody reviews what they submitted.",
        "body": schemas.ReviewRequest,
        "answers": {"response_model": schemas.CollectionOutcome, "responses": problems(404, 409)},
    },
    final={
        "words": "Final review: take it as the person's information, or send it back; "
        "by another official than the initial one (S2C-08).",
        "body": schemas.ReviewRequest,
        "answers": {"response_model": schemas.CollectionOutcome, "responses": problems(404, 409)},
    },
)


add_routes(
    collections,
    collection.CASE,
    Collections,
    end={
        "words": "End a collection that is in somebody else's number, before it is taken as anybody's information: whoever "
        "has the document may hand in theirs. By an official of the place.",
        "body": schemas.EndingRequest,
        "answers": {"response_model": schemas.CollectionOutcome, "responses": problems(404, 409)},
    },
)


@collections.get("/{id}", response_model=Collection, responses=problems(404, 409, 410))
@reads("collection")
async def get_collection(
    collection_id: Id, by: Annotated[Actor, Depends(acting(_see))], queries: Queries
) -> object:
    """A collection case: its state, the last day of its review, and its lane; for the person's employer, the officials
    of their place, and whoever handed it in for themselves.
    """
    return await queries.get_collection(by, UUID(collection_id))


changes = Router(prefix="/v1", tags=["changes"], route_class=AuditedRoute)

_unmask = require(disclosure.UNMASK)


Changing = Annotated[Changes, Depends(part(Changes))]


@changes.post(
    "/persons/{id}/changes",
    status_code=201,
    response_model=schemas.ChangeOutcome,
    responses=problems(403, 404, 409, 410, 429),
    dependencies=[Depends(within(COLLECTIONS, _submit))],
)
async def submit_change(
    person_id: Id,
    body: schemas.ChangeRequest,
    by: Annotated[Actor, Depends(acting(_submit))],
    key: Annotated[CommandKey, Depends(command_key(_submit))],
    changes: Changing,
) -> Response:
    """Ask for a change of what is on record, item by item (S2C-09): the person, their employer, or an official.

    A person has one change at a time. A new ID document must be nobody else's. Old and new values are kept sealed.
    An official asks for a merge, too: another profile of the same person becomes part of this one when a second official
    approves it. Its names and numbers are former ones then, and what is on record of it is this person's.
    """
    return (await changes.submit(key, by, UUID(person_id), body)).response()


change_steps = Router(prefix="/v1/changes", tags=["changes"])
add_routes(
    change_steps,
    change.CASE,
    Changes,
    resubmit={
        "words": "Submit a returned change again, corrected: it goes to the end of the order and has ten working days anew.",
        "body": schemas.ChangeRequest,
        "answers": {
            "response_model": schemas.ChangeOutcome,
            "responses": problems(404, 409, 410, 429),
            "dependencies": [Depends(within(COLLECTIONS, _submit))],
        },
    },
    withdraw={
        "words": "Give a change up before it is decided.",
        "answers": {"response_model": schemas.ChangeOutcome, "responses": problems(404, 409)},
    },
    review={
        "words": """Approve a change, or send it back with a reason (S2C-09). Nobody reviews what they submitted.

What is approved is on record from now on and is published; what it replaces stays in the case.""",
        "body": schemas.ChangeReview,
        "answers": {"response_model": schemas.ChangeOutcome, "responses": problems(404, 409, 410)},
    },
    reverse={
        "words": """Undo a change that was wrongly approved, with a reason, by the caller's authority; nothing is deleted.

With `separate`, a wrong merge ends: the document that the change brought in, with what is on record now, goes to a
person of their own, and the first person gets back what the change replaced. A profile that was merged is on record by
itself again, under its own id. Credits stay in the account they are in, until an authority revokes them.""",
        "body": schemas.ChangeReversal,
        "answers": {"response_model": schemas.ReversalOutcome, "responses": problems(404, 409, 410)},
    },
)


@changes.get("/changes/{id}", response_model=schemas.ChangeView, responses=problems(404, 410))
@reads("change")
async def get_change(change_id: Id, by: Annotated[Actor, Depends(acting(_see))], queries: Queries) -> object:
    """A change with old and new values, masked, and the last day of its review."""
    return await queries.get_change(by, UUID(change_id))


@changes.post("/changes/{id}/disclosure", response_model=schemas.ChangeView, responses=problems(404, 410))
@reads("change")
async def unmask_change(
    response: Response,
    change_id: Id,
    body: schemas.Unmasking,
    by: Annotated[Actor, Depends(acting(_unmask))],
    queries: Queries,
) -> object:
    """A change with its values in full, for a stated purpose, by an official of the place; put on record."""
    response.headers["Cache-Control"] = "no-store"
    return await queries.get_change_in_full(by, UUID(change_id), body.purpose)


own_cases = Router(prefix="/v1", tags=["worklists"], route_class=AuditedRoute)

_mine = require(OWN, "collection:submit")

Own = Annotated[OwnView, Depends(part(OwnView))]


@own_cases.get("/my-cases", response_model=OwnCases)
@reads("own-cases")
async def get_my_cases(by: Annotated[Actor, Depends(acting(_mine))], own_view: Own) -> object:
    """Where each case that the caller handed in stands, in plain words, newest first."""
    return {"items": await own_view.cases(by)}


@own_cases.get("/my-cases/{id}", response_model=OwnCaseInFull, responses=problems(404))
@reads("own-case")
async def get_my_case(case_id: Id, by: Annotated[Actor, Depends(acting(_mine))], own_view: Own) -> object:
    """Where one of them stands, with what the reviewer wrote."""
    return await own_view.case(by, UUID(case_id))
