"""Policies in force over HTTP, the notices that make them, and drafts checked as they are written."""

from asyncio import to_thread
from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field

from contracts.divisions import AUTHORITIES, NATION, authority_of, chain_of, contains, is_known
from services.kit.auth import Caller, require
from services.kit.openapi import problems
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, StrictModel
from services.ledger.answers.policies import (
    DraftAnswer,
    NoticeDetail,
    NoticeList,
    PolicyAnswer,
    PolicyCheck,
    draft_answer,
    notice_detail,
    notice_list,
    policy_answer,
    policy_check,
)
from services.ledger.policy.language.facts import ACCOUNTING
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.notice import NoDraftError
from services.ledger.streams.problems import NoPolicyHereError, UnknownPlaceError
from services.ledger.web import NOTICE_CHARACTERS_MAX, NoticeId, RegimeCode, place_of

router = Router()
PublishedPoliciesPart = Annotated[PublishedPolicies, Depends(part(PublishedPolicies))]
Reader = require("compliance:read", "compliance:own", "policy:write")


Writer = require("policy:write")
Place = Annotated[str, Path(pattern=r"^[1-9][0-9]{5}$")]


class PolicyToCheck(StrictModel):
    """The text of a notice's YAML file, sound or not."""

    text: Annotated[str, Field(max_length=NOTICE_CHARACTERS_MAX)]


@router.get("/v1/policies", operation_id="list_policies", responses=problems(403, 422))
async def list_policies(
    policies: PublishedPoliciesPart,
    caller: Annotated[Caller, Depends(Reader)],
    place: Annotated[
        str,
        Query(pattern=r"^[1-9][0-9]{5}$", description="Notices that reach it, and those of places under it."),
    ] = NATION,
) -> NoticeList:
    """The notices that reach a place or lie under it, by their day; for whoever may write them at a place, also the drafts
    that wait there. They are few, and come on one page."""
    if not is_known(place):
        raise UnknownPlaceError
    chain = chain_of(place)
    groups = [
        entries
        for entries in policies.book.publications().values()
        if (own := entries[-1].notice.place) in chain or contains(place, own)
    ]
    drafts = []
    if "policy:write" in caller.scopes and caller.place is not None:
        logs = AUTHORITIES if caller.place == NATION else (authority_of(caller.place),)
        found = await policies.drafts(logs)
        drafts = [
            each for each in found if contains(caller.place, each.place) and contains(place, each.place)
        ]
    return notice_list(groups, drafts)


@router.post("/v1/policies/check", operation_id="check_policy", responses=problems(403, 422))
async def check_policy(
    policies: PublishedPoliciesPart, body: PolicyToCheck, caller: Annotated[Caller, Depends(Writer)]
) -> PolicyCheck:
    """What is wrong with a draft, line by line, and what is doubtful, beside the notices that are published; nothing is
    stored, and the same text is answered alike."""
    place_of(caller)
    return await to_thread(policy_check, body.text, policies.book)


@router.get(
    "/v1/policies/{place}/notices/{notice_id}", operation_id="get_notice", responses=problems(404, 422)
)
async def get_notice(
    policies: PublishedPoliciesPart,
    place: Place,
    notice_id: NoticeId,
    caller: Annotated[Caller, Depends(Reader)],
    version: Annotated[int | None, Query(ge=1, le=10_000, description="The latest, left out.")] = None,
) -> NoticeDetail:
    """A notice with its clauses, each beside the rules it makes and what they mean in words, and all its versions; for
    whoever may write it, also the draft that waits."""
    if not is_known(place):
        raise UnknownPlaceError
    entries = policies.book.publications().get((place, notice_id), ())
    if not entries or (version is not None and version > len(entries)):
        raise NoPolicyHereError
    draft = None
    if "policy:write" in caller.scopes and caller.place is not None and contains(caller.place, place):
        found = await policies.drafts([authority_of(place)])
        draft = next((each for each in found if (each.place, each.notice_id) == (place, notice_id)), None)
    return notice_detail(entries, version or len(entries), draft)


@router.get(
    "/v1/policies/{place}/drafts/{notice_id}", operation_id="get_draft", responses=problems(403, 404, 422)
)
async def get_draft(
    policies: PublishedPoliciesPart,
    place: Place,
    notice_id: NoticeId,
    caller: Annotated[Caller, Depends(Writer)],
) -> DraftAnswer:
    """The draft of a notice that waits for another official, with its text. One that is not there, or of a place that is not
    the caller's, is answered alike."""
    within = place_of(caller)
    if not is_known(place) or not contains(within, place):
        raise NoDraftError
    for each in await policies.drafts([authority_of(place)]):
        if (each.place, each.notice_id) == (place, notice_id):
            return draft_answer(each, text=True)
    raise NoDraftError


@router.get("/v1/policies/{place}/{year}", operation_id="get_policy", responses=problems(404, 422))
async def get_policy(
    policies: PublishedPoliciesPart,
    place: Annotated[str, Path(pattern=r"^[1-9][0-9]{5}$")],
    year: Annotated[int, Path(ge=2000, le=2100), IN_DIGITS],
    caller: Annotated[Caller, Depends(Reader)],
    prefix: Annotated[
        str | None, Query(pattern=r"^[a-z_.]{1,60}$", description="Settings that begin so.")
    ] = None,
    regime: RegimeCode = ACCOUNTING,
) -> PolicyAnswer:
    """What is in force for a place and year, every value with the clause, document and place it comes from."""
    if not is_known(place):
        raise UnknownPlaceError
    policy = policies.book.of_regime(regime).resolve(place, year)
    if policy is None:
        raise NoPolicyHereError
    return policy_answer(policy, prefix)
