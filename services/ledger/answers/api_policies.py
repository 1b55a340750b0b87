"""Policies in force over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from contracts.divisions import is_known
from services.kit.auth import Caller, require
from services.kit.openapi import problems
from services.kit.parts import part
from services.kit.schemas import IN_DIGITS
from services.ledger.answers.policies import PolicyAnswer, policy_answer
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.problems import NoPolicyHereError, UnknownPlaceError

router = APIRouter()
PublishedPoliciesPart = Annotated[PublishedPolicies, Depends(part(PublishedPolicies))]
Reader = require("compliance:read", "compliance:own", "policy:write")


@router.get("/v1/policies/{place}/{year}", operation_id="get_policy", responses=problems(404, 422))
async def get_policy(
    policies: PublishedPoliciesPart,
    place: Annotated[str, Path(pattern=r"^[1-9][0-9]{5}$")],
    year: Annotated[int, Path(ge=2000, le=2100), IN_DIGITS],
    caller: Annotated[Caller, Depends(Reader)],
    prefix: Annotated[
        str | None, Query(pattern=r"^[a-z_.]{1,60}$", description="Settings that begin so.")
    ] = None,
) -> PolicyAnswer:
    """What is in force for a place and year, every value with the clause, document and place it comes from."""
    if not is_known(place):
        raise UnknownPlaceError
    policy = policies.book.resolve(place, year)
    if policy is None:
        raise NoPolicyHereError
    return policy_answer(policy, prefix)
