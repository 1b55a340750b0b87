"""Webhooks over HTTP: an organization registers endpoints for events of its own, looks at deliveries, and sends again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

import msgspec
from fastapi import Depends, Path, Query, Response
from msgspec import Struct
from pydantic import AfterValidator, Field, model_validator

from contracts.catalogue import PUBLISHED_EVENTS
from services.kit.auth import Caller, require
from services.kit.field_errors import refuse
from services.kit.idempotency import CommandKey, StoredAnswer, command_key
from services.kit.openapi import struct_answer
from services.kit.parts import part
from services.kit.review import cursor_of, next_of
from services.kit.routers import Router
from services.kit.schemas import IN_DIGITS, Moment, StrictModel
from services.sync.problems import NotAnOrganizationError
from services.sync.webhooks.address import URL_LENGTH_MAX, must_be_public
from services.sync.webhooks.deliveries import OWNERS, DeliveryQueue
from services.sync.webhooks.endpoints import EndpointList, Endpoints, EndpointView, Replayed
from services.sync.webhooks.sender import secret_of

KINDS = tuple(
    sorted(kind for kind, event in PUBLISHED_EVENTS.items() if set(OWNERS) & set(event.model_fields))
)
"""The kinds of events that are an organization's."""
EVENT_ID = r"^[1-9][0-9]{5}/[1-9][0-9]{0,17}$"
PLACE = rf"^[^~]{{1,40}}~{EVENT_ID[1:]}"
LAST = (datetime(9999, 1, 1, tzinfo=UTC), "", 0)

router = Router(prefix="/v1/webhooks", tags=["webhooks"])
Owner = require("completion:write", "enrolment:write", "filing:submit")
OwnerCaller = Annotated[Caller, Depends(Owner)]
OwnerKey = Annotated[CommandKey, Depends(command_key(Owner))]
EndpointsPart = Annotated[Endpoints, Depends(part(Endpoints))]
WebhookId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
_encode = msgspec.json.Encoder().encode


class WebhookTerms:
    """What of a deployment decides on webhooks: the key of their secrets, and whether they may go `anywhere` (a sandbox)."""

    def __init__(self, key: bytes, *, anywhere: bool) -> None:
        self.key = key
        self.anywhere = anywhere


TermsPart = Annotated[WebhookTerms, Depends(part(WebhookTerms))]


def _known(kinds: list[str]) -> list[str]:
    if not set(kinds) <= set(KINDS):
        raise refuse("unknown_kind", "没有这种事件", "There is no such kind of event")
    return sorted(set(kinds))


class WebhookBody(StrictModel):
    """Where events go, and which: of every kind where none is named."""

    url: Annotated[str, Field(min_length=1, max_length=URL_LENGTH_MAX, pattern=r"^[!-~]+$")]
    kinds: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]],
        Field(max_length=len(KINDS)),
        AfterValidator(_known),
    ] = Field(default_factory=list)


class Replay(StrictModel):
    """Which deliveries go again: by the ids of their events, or by when those were recorded."""

    events: Annotated[list[Annotated[str, Field(pattern=EVENT_ID)]], Field(max_length=1_000)] = Field(
        default_factory=list
    )
    since: Moment | None = None
    until: Moment | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.events) == (self.since is not None):
            raise refuse(
                "one_of",
                "请写明事件编号，或起始时间，二者择一",
                "Name events, or a time to begin with: one of both",
            )
        return self


class WebhookSecret(Struct, kw_only=True):
    """An endpoint and the secret that signs from now on, shown with this answer alone."""

    webhook: EndpointView
    secret: str


class WebhookDelivery(Struct, frozen=True, kw_only=True):
    """One event on its way: `pending` (next at `next_at`), `delivered`, or `failed` (given up while others were taken).

    `answer` is the status answered last, `reason` why that was no success.
    """

    event_id: str
    kind: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    answer: int | None
    reason: str | None
    recorded_at: datetime
    next_at: datetime | None
    settled_at: datetime | None


class WebhookDeliveryPage(Struct, frozen=True):
    """Deliveries, the latest first; `next` names what to go on after, null at the end."""

    items: Sequence[WebhookDelivery]
    next: str | None


def _organization(caller: Caller) -> str:
    if caller.organization is None:
        raise NotAnOrganizationError
    return caller.organization


def _with_secret(answer: StoredAnswer, terms: WebhookTerms, rotation: int) -> Response:
    """The secret is put into the answer as it leaves: what is kept under the key does not hold it."""
    shown = msgspec.json.decode(answer.body, type=EndpointView)
    body = WebhookSecret(webhook=shown, secret=secret_of(terms.key, shown.webhook_id, rotation))
    return Response(_encode(body), status_code=answer.status, media_type="application/json")


@router.post(
    "",
    operation_id="register_webhook",
    status_code=201,
    **struct_answer(
        WebhookSecret, "Registered; the secret is not shown again.", status=201, refusals=(400, 403, 409, 422)
    ),
)
async def register_webhook(
    body: WebhookBody, caller: OwnerCaller, key: OwnerKey, endpoints: EndpointsPart, terms: TermsPart
) -> Response:
    """Have events of what the organization reported sent to an address, from now on (Standard Webhooks)."""
    owner = _organization(caller)
    must_be_public(body.url, anywhere=terms.anywhere)
    answer = await endpoints.register(owner, body.url, body.kinds, caller.subject, key)
    return _with_secret(answer, terms, 1)


@router.get(
    "", operation_id="list_webhooks", **struct_answer(EndpointList, "The endpoints.", refusals=(403,))
)
async def list_webhooks(caller: OwnerCaller, endpoints: EndpointsPart) -> Response:
    """The organization's endpoints, and how each does."""
    return Response(_encode(await endpoints.all(_organization(caller))), media_type="application/json")


@router.get(
    "/{webhook_id}",
    operation_id="get_webhook",
    **struct_answer(EndpointView, "The endpoint.", refusals=(403, 404, 422)),
)
async def get_webhook(webhook_id: WebhookId, caller: OwnerCaller, endpoints: EndpointsPart) -> Response:
    """One endpoint, and how it does."""
    shown = await endpoints.get(_organization(caller), webhook_id)
    return Response(_encode(shown), media_type="application/json")


@router.put(
    "/{webhook_id}",
    operation_id="change_webhook",
    **struct_answer(EndpointView, "Changed.", refusals=(400, 403, 404, 409, 422)),
)
async def change_webhook(
    webhook_id: WebhookId,
    body: WebhookBody,
    caller: OwnerCaller,
    key: OwnerKey,
    endpoints: EndpointsPart,
    terms: TermsPart,
) -> Response:
    """Another address or other kinds, from the next delivery on."""
    owner = _organization(caller)
    must_be_public(body.url, anywhere=terms.anywhere)
    answer = await endpoints.change(owner, webhook_id, body.url, body.kinds, caller.subject, key)
    return answer.response()


@router.post(
    "/{webhook_id}/secret",
    operation_id="rotate_webhook_secret",
    **struct_answer(WebhookSecret, "The new secret, not shown again.", refusals=(400, 403, 404, 409, 422)),
)
async def rotate_webhook_secret(
    webhook_id: WebhookId, caller: OwnerCaller, key: OwnerKey, endpoints: EndpointsPart, terms: TermsPart
) -> Response:
    """A new secret. For 24 hours messages are signed under the old one too, so that no message fails meanwhile."""
    answer = await endpoints.rotate(_organization(caller), webhook_id, caller.subject, key)
    return _with_secret(answer, terms, (await endpoints.find(webhook_id)).rotation)


@router.post(
    "/{webhook_id}/pause",
    operation_id="pause_webhook",
    **struct_answer(EndpointView, "Disabled.", refusals=(400, 403, 404, 409, 422)),
)
async def pause_webhook(
    webhook_id: WebhookId, caller: OwnerCaller, key: OwnerKey, endpoints: EndpointsPart
) -> Response:
    """Send nothing for now; what comes waits."""
    return (await endpoints.pause(_organization(caller), webhook_id, key)).response()


@router.post(
    "/{webhook_id}/enabling",
    operation_id="enable_webhook",
    **struct_answer(EndpointView, "Active again.", refusals=(400, 403, 404, 409, 422)),
)
async def enable_webhook(
    webhook_id: WebhookId, caller: OwnerCaller, key: OwnerKey, endpoints: EndpointsPart
) -> Response:
    """Send what waited, and what comes."""
    return (await endpoints.enable(_organization(caller), webhook_id, caller.subject, key)).response()


@router.post(
    "/{webhook_id}/removal",
    operation_id="remove_webhook",
    **struct_answer(EndpointView, "Removed.", refusals=(400, 403, 404, 409, 422)),
)
async def remove_webhook(
    webhook_id: WebhookId, caller: OwnerCaller, key: OwnerKey, endpoints: EndpointsPart
) -> Response:
    """Send nothing any more; what waits is dropped."""
    return (await endpoints.remove(_organization(caller), webhook_id, caller.subject, key)).response()


@router.post(
    "/{webhook_id}/replay",
    operation_id="replay_webhook",
    **struct_answer(Replayed, "How many deliveries go again.", refusals=(400, 403, 404, 409, 422)),
)
async def replay_webhook(
    webhook_id: WebhookId, body: Replay, caller: OwnerCaller, key: OwnerKey, endpoints: EndpointsPart
) -> Response:
    """Send deliveries of the last 30 days again, under the ids they had; the ledger's `GET /v1/feed` has older events."""
    events = [(log, int(position)) for log, _, position in (each.partition("/") for each in body.events)]
    answer = await endpoints.replay(_organization(caller), webhook_id, events, body.since, body.until, key)
    return answer.response()


@router.get(
    "/{webhook_id}/deliveries",
    operation_id="list_webhook_deliveries",
    **struct_answer(WebhookDeliveryPage, "Deliveries, the latest first.", refusals=(403, 404, 422)),
)
async def list_webhook_deliveries(
    webhook_id: WebhookId,
    caller: OwnerCaller,
    endpoints: EndpointsPart,
    queue: Annotated[DeliveryQueue, Depends(part(DeliveryQueue))],
    state: Annotated[Literal["pending", "delivered", "failed"] | None, Query()] = None,
    after: Annotated[str | None, Query(pattern=PLACE, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200), IN_DIGITS] = 100,
) -> Response:
    """The log of deliveries of the last 30 days: what was sent, what was answered, and what waits."""
    await endpoints.get(_organization(caller), webhook_id)
    rows = await queue.look(webhook_id, state, _place(after), limit)
    items = [
        WebhookDelivery(
            event_id=f"{row['log']}/{row['position']}",
            kind=row["kind"],
            state=row["state"],
            attempts=row["attempts"],
            answer=row["status"],
            reason=row["reason"],
            recorded_at=row["recorded_at"],
            next_at=row["next_at"] if row["state"] == "pending" else None,
            settled_at=row["settled_at"],
        )
        for row in rows
    ]
    last = items[-1] if len(items) == limit else None
    following = None if last is None else next_of((last.recorded_at, last.event_id))
    return Response(_encode(WebhookDeliveryPage(items, following)), media_type="application/json")


def _place(after: str | None) -> tuple[datetime, str, int]:
    """What the page ends before, the latest delivery of all where none is named. Raises InvalidRequestError."""
    if after is None:
        return LAST
    at, event_id = cursor_of(after)
    log, _, position = event_id.partition("/")
    return at, log, int(position)
