"""Publication of notices over HTTP, and the word that none will come, by officials of their place."""

from asyncio import to_thread
from typing import Annotated

import msgspec
from fastapi import Depends, Response
from pydantic import Field

from contracts.divisions import contains
from services.kit.auth import Caller, require
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.idempotency import CommandKey, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.routers import Router
from services.kit.schemas import StrictModel
from services.ledger.officials.api_closing import Place, Year, must_cover
from services.ledger.officials.publication import (
    DeclareNoNotice,
    NoNoticeAnswer,
    PolicyDraft,
    PolicyPublisher,
    PublishedPolicy,
    Replacement,
    WithdrawNoNotice,
)
from services.ledger.policy import notice_hash
from services.ledger.policy.document.schema_faults import harmless
from services.ledger.streams.notice import WithdrawalReason
from services.ledger.streams.problems import OutsidePlaceError
from services.ledger.web import NoticeId, PolicyText, place_of


class NoNoticeWithdrawal(StrictModel):
    """Why it is taken back that no notice will come."""

    reason: WithdrawalReason


class PolicyApproval(StrictModel):
    """What is to be published: the hash of the draft that was looked at."""

    notice_hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


router = Router()
PolicyPublisherPart = Annotated[PolicyPublisher, Depends(part(PolicyPublisher))]

Publisher = require("policy:write")
_encode = msgspec.json.Encoder().encode


@router.post(
    "/v1/policies",
    operation_id="draft_policy",
    **struct_answer(PolicyDraft, "The notice as it was drafted.", refusals=(403, 422)),
)
async def draft_policy(
    publisher: PolicyPublisherPart, body: PolicyText, caller: Annotated[Caller, Depends(Publisher)]
) -> Response:
    """Draft a notice, which another official then publishes; the same content again changes nothing, so no
    Idempotency-Key is asked for. A later draft takes the place of an earlier one."""
    place = place_of(caller)
    notice, text = await to_thread(body.read)
    if contains(place, notice.place):
        found, replaced = await publisher.beside_the_published(notice)
        if found:
            raise InvalidRequestError(
                [
                    FieldError(f"/{body.field}{harmless(each.pointer)}", each.code, each.zh, each.en)
                    for each in found
                ]
            )
    else:
        raise OutsidePlaceError
    drafted = await publisher.draft_policy(notice, text, within=place, drafted_by=caller.subject)
    answer = PolicyDraft(
        id=notice.id,
        place=notice.place,
        document=notice.label,
        hash=notice_hash(notice),
        state="drafted" if drafted else "in_force",
        replaces=None if replaced is None else Replacement(*replaced.words),
    )
    return Response(_encode(answer), media_type="application/json")


@router.post(
    "/v1/policies/{place}/notices/{notice_id}/publication",
    operation_id="publish_policy",
    **struct_answer(PublishedPolicy, "The notice as it is in force.", refusals=(403, 404, 409, 422)),
)
async def publish_policy(
    publisher: PolicyPublisherPart,
    place: Place,
    notice_id: NoticeId,
    body: PolicyApproval,
    caller: Annotated[Caller, Depends(Publisher)],
) -> Response:
    """Publish the draft that was looked at, as another official than the one who drafted it. The hash names what it says, so
    that nothing else is published; nothing is stored twice, so no Idempotency-Key is asked for."""
    must_cover(caller, place)
    notice, replaced = await publisher.publish_draft(
        place, notice_id, body.notice_hash, within=place_of(caller), approved_by=caller.subject
    )
    answer = PublishedPolicy(
        id=notice.id,
        place=notice.place,
        document=notice.label,
        hash=body.notice_hash,
        replaces=None if replaced is None else Replacement(*replaced.words),
    )
    return Response(_encode(answer), media_type="application/json")


@router.post(
    "/v1/years/{place}/{year}/no-notice",
    operation_id="declare_no_notice",
    status_code=201,
    **struct_answer(
        NoNoticeAnswer, "The year as it is judged now.", status=201, refusals=(400, 403, 404, 409, 422)
    ),
)
async def declare_no_notice(
    publisher: PolicyPublisherPart,
    place: Place,
    year: Year,
    caller: Annotated[Caller, Depends(Publisher)],
    key: Annotated[CommandKey, Depends(command_key(Publisher))],
) -> Response:
    """Say that no notice will come for a year of a place and all under it (B-20).

    The nation's rule, which judged it provisionally, judges it for good from now on: who is short once it is over is
    deficient. A notice that is published after all ends this, and judges the year.
    """
    must_cover(caller, place)
    command = DeclareNoNotice(place=place, year=year, declared_by=caller.subject)
    return (await publisher.declare_no_notice(command, key)).response()


@router.post(
    "/v1/years/{place}/{year}/no-notice/withdrawal",
    operation_id="withdraw_no_notice",
    **struct_answer(NoNoticeAnswer, "The year as it is judged now.", refusals=(400, 403, 404, 409, 422)),
)
async def withdraw_no_notice(
    publisher: PolicyPublisherPart,
    place: Place,
    year: Year,
    body: NoNoticeWithdrawal,
    caller: Annotated[Caller, Depends(Publisher)],
    key: Annotated[CommandKey, Depends(command_key(Publisher))],
) -> Response:
    """Take back that no notice will come for a year of a place (B-20), by another official than the one who said it.

    The nation's rule judges the year provisionally again, and who is short is undecided. Refused once the year was closed
    for the place, above it or under it.
    """
    must_cover(caller, place)
    command = WithdrawNoNotice(place=place, year=year, reason=body.reason, withdrawn_by=caller.subject)
    return (await publisher.withdraw_no_notice(command, key)).response()
