"""The routes of collections (信息采集): hand in, review in two steps, look at a case."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.kit.auth import Caller, require
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import problems
from services.registry.actors import OWN, Actor
from services.registry.api import Id, Queries
from services.registry.commands import ReviewCollection, SubmitCollection
from services.registry.people import case_schemas as schemas
from services.registry.people.collection import Collections
from services.registry.people.person import FINAL, INITIAL
from services.registry.people.profile import Qualification
from services.registry.personal_data.audit import AuditedRoute, reads_personal_data
from services.registry.personal_data.vault import Identity

router = APIRouter(prefix="/v1/collections", tags=["collections"], route_class=AuditedRoute)

_submit = require("collection:submit", OWN)
_review = require("collection:review")
_see = require("collection:submit", "collection:review", OWN)


def _collections(request: Request) -> Collections:
    collections: Collections = request.app.state.registry.collections
    return collections


Cases = Annotated[Collections, Depends(_collections)]


def actor_of(caller: Caller) -> Actor:
    """Who acts, from a token."""
    return Actor(caller.subject, caller.scopes, caller.place, caller.organization)


def submission_of(body: schemas.CollectionRequest, by: Actor) -> SubmitCollection:
    """The command that a body asks for."""
    person = body.person
    return SubmitCollection(
        by=by,
        identity=Identity(person.id_type, person.id_number, person.name),
        place=body.place,
        employer=body.employer,
        student=body.student,
        student_since=body.student_since,
        qualifications=tuple(Qualification(each.level, each.obtained_on) for each in body.qualifications),
        jobs=tuple(body.jobs),
        working_since=body.working_since,
        details=body.details(),
        evidence=tuple(body.evidence),
    )


@router.post("", status_code=201, response_model=schemas.CollectionOutcome, responses=problems(409))
async def submit_collection(
    body: schemas.CollectionRequest,
    caller: Annotated[Caller, Depends(_submit)],
    key: Annotated[CommandKey, Depends(command_key(_submit))],
    collections: Cases,
) -> Response:
    """Hand in a person's information (信息采集): the person, their employer, or an official of their place.

    Once for each ID document: a second submission is refused with the state of the first, unless that was
    returned, which makes it a resubmission. Contact, education and certificates are kept sealed.
    """
    return (await collections.submit(submission_of(body, actor_of(caller)), key)).response()


@router.post("/{id}/initial-review", response_model=schemas.CollectionOutcome, responses=problems(404, 409))
async def review_collection_initially(
    collection_id: Id,
    body: schemas.ReviewRequest,
    caller: Annotated[Caller, Depends(_review)],
    key: Annotated[CommandKey, Depends(command_key(_review))],
    collections: Cases,
) -> Response:
    """初审: pass a submission on, or send it back with a reason (S2C-08). Nobody reviews what they submitted."""
    return (await collections.review(_command(collection_id, INITIAL, body, caller), key)).response()


@router.post("/{id}/final-review", response_model=schemas.CollectionOutcome, responses=problems(404, 409))
async def review_collection_finally(
    collection_id: Id,
    body: schemas.ReviewRequest,
    caller: Annotated[Caller, Depends(_review)],
    key: Annotated[CommandKey, Depends(command_key(_review))],
    collections: Cases,
) -> Response:
    """复审: take it as the person's information, or send it back; by another official than the initial one (S2C-08)."""
    return (await collections.review(_command(collection_id, FINAL, body, caller), key)).response()


@router.get("/{id}", response_model=schemas.Collection, responses=problems(404))
@reads_personal_data("collection")
async def get_collection(
    collection_id: Id, caller: Annotated[Caller, Depends(_see)], queries: Queries
) -> Any:
    """A collection case: its state, the last day of its review, and its lane; for the person's employer, the officials
    of their place, and whoever handed it in for themselves.
    """
    return await queries.get_collection(actor_of(caller), UUID(collection_id))


def _command(collection_id: str, step: str, body: schemas.ReviewRequest, caller: Caller) -> ReviewCollection:
    return ReviewCollection(
        by=actor_of(caller),
        collection_id=UUID(collection_id),
        step=step,
        reason=body.reason,
        note=body.note,
    )
