"""A command that is sent twice is carried out once: its `Idempotency-Key` and its answer are stored in the
command's own transaction.

Follows draft-ietf-httpapi-idempotency-key-header-07: 400 missing, 422 reused with another body, 409 while
the first is in flight. The stored answer is text that is kept: it must hold no personal data; that is the
caller's duty.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Self

import asyncpg
import msgspec
from fastapi import Depends, Header, Request
from starlette.responses import Response

from services.kit.auth import Caller
from services.kit.database import Connection
from services.kit.errors import Problem
from services.kit.event_store import table_sql
from services.kit.openapi import REQUIRED

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
IN_FLIGHT_WAIT_MS = 2_000

_PATTERN = r"[A-Za-z0-9._:~-]{1,128}"
_HEADER = Header(
    alias=HEADER,
    description="A fresh id for each command, the same on a retry; bare, or in quotes as the draft writes it.",
    json_schema_extra={
        "type": "string",
        "pattern": f'^(?:{_PATTERN}|"{_PATTERN}")$',
        "anyOf": None,
        REQUIRED: True,
    },
)
_KEY = re.compile(f'({_PATTERN})|"({_PATTERN})"', re.ASCII)


class IdempotencyKeyMissingError(Problem):
    """The command needs an `Idempotency-Key` of 1 to 128 characters `A-Z a-z 0-9 . _ : ~ -`, bare or in quotes."""

    code = "idempotency-key-missing"
    status = 400
    title_zh = "缺少有效的 Idempotency-Key 请求头"
    title_en = "A valid Idempotency-Key header is required"


class IdempotencyKeyReusedError(Problem):
    """The same key came before with another request: one of the two is a mistake."""

    code = "idempotency-key-reused"
    status = 422
    title_zh = "该 Idempotency-Key 已用于另一请求"
    title_en = "The Idempotency-Key was used for another request"


class IdempotencyKeyInFlightError(Problem):
    """The first request with this key is still being carried out."""

    code = "idempotency-key-in-flight"
    status = 409
    title_zh = "相同 Idempotency-Key 的请求正在处理"
    title_en = "A request with this Idempotency-Key is still in flight"

    def __init__(self) -> None:
        super().__init__()
        self.headers = {"Retry-After": "2"}


@dataclass(frozen=True)
class CommandKey:
    """Who sent a command under which key, and the fingerprint of what was sent."""

    caller: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class StoredAnswer:
    """The answer to a command. `body` is JSON text without personal data; it is kept and given again."""

    status: int
    body: str
    replayed: bool = False

    @classmethod
    def of(cls, status: int, body: object) -> Self:
        """The answer with the body as JSON; the body is anything msgspec can encode."""
        return cls(status, msgspec.json.encode(body).decode())

    def response(self) -> Response:
        """The HTTP answer; a repeat says so in a header."""
        headers = {REPLAYED_HEADER: "true"} if self.replayed else {}
        return Response(self.body, status_code=self.status, media_type="application/json", headers=headers)


def command_key(caller: Callable[..., Caller | Awaitable[Caller]]) -> Callable[..., Awaitable[CommandKey]]:
    """A dependency that reads the key of a command. `caller` is the route's own `require(...)` dependency.

    Raises IdempotencyKeyMissingError when the header is missing or not of the required form.
    """

    async def read(
        request: Request,
        who: Annotated[Caller, Depends(caller)],
        idempotency_key: Annotated[str | None, _HEADER] = None,
    ) -> CommandKey:
        written = _KEY.fullmatch(idempotency_key or "")
        if written is None:
            raise IdempotencyKeyMissingError
        body = await request.body()
        # Subjects of two issuers may be spelled alike; claims hold no line break, so no two callers are one.
        caller_key = "\n".join((who.subject, who.place or "", who.organization or ""))
        secret: bytes = getattr(request.app.state, "fingerprint_key", b"")
        digest = fingerprint(request.method, request.url.path, body, secret)
        return CommandKey(caller_key, written[1] or written[2], digest)

    return read


def fingerprint(method: str, path: str, body: bytes, secret: bytes = b"") -> str:
    """A digest over method, path and the JSON body with its members in order, so that spacing does not
    matter.

    It is kept, and bodies may hold numbers of people: without a secret, whoever reads the table finds the
    number by trying them all. An application says its secret as `app.state.fingerprint_key`, 1 to 64 bytes.
    """
    try:
        canonical = msgspec.json.encode(msgspec.json.decode(body), order="deterministic") if body else b""
    except msgspec.DecodeError:
        canonical = body  # a file; strict JSON was refused before if it was not that
    digest = hashlib.blake2b(key=secret, digest_size=32)
    for part in (method.encode(), path.encode(), canonical):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


_TABLE = """
create table idempotency_keys (
    log text collate "C" not null,
    caller text collate "C" not null,
    key text collate "C" not null,
    fingerprint text collate "C" not null,
    status integer,
    body text,
    recorded_at timestamptz not null default now(),
    primary key (log, caller, key)
)"""


def idempotency_table_sql(partitions: int = 0) -> list[str]:
    """The statements that create the table of keys, hash-partitioned by log when `partitions` > 0."""
    return table_sql("idempotency_keys", _TABLE, partitions=partitions)


_CLAIM = """
insert into idempotency_keys (log, caller, key, fingerprint) values ($1, $2, $3, $4)
on conflict do nothing returning key
"""
_FIND = "select fingerprint, status, body from idempotency_keys where log = $1 and caller = $2 and key = $3"
_REMEMBER = "update idempotency_keys set status = $4, body = $5 where log = $1 and caller = $2 and key = $3"
# An answer from memory must wait for a synchronous standby like the first did, so its transaction writes too.
_WRITE_SOMETHING = "select pg_logical_emit_message(true, 'xuefen', '')"


async def claim(conn: Connection, log: str, key: CommandKey) -> StoredAnswer | None:
    """Take the key for this transaction, or give the answer that was stored for it before.

    First statement of the command's transaction. Raises IdempotencyKeyReusedError and
    IdempotencyKeyInFlightError.
    """
    before = await conn.fetchval("select current_setting('lock_timeout')")
    await conn.execute(f"set local lock_timeout = {IN_FLIGHT_WAIT_MS}")
    try:
        taken = await conn.fetchval(_CLAIM, log, key.caller, key.key, key.fingerprint)
    except asyncpg.LockNotAvailableError:
        raise IdempotencyKeyInFlightError from None
    await conn.execute("select set_config('lock_timeout', $1, true)", before)
    if taken is not None:
        return None
    row = await conn.fetchrow(_FIND, log, key.caller, key.key)
    if row is None or row["status"] is None:
        raise IdempotencyKeyInFlightError
    if row["fingerprint"] != key.fingerprint:
        raise IdempotencyKeyReusedError
    await conn.execute(_WRITE_SOMETHING)
    return StoredAnswer(row["status"], row["body"], replayed=True)


async def remember(conn: Connection, log: str, key: CommandKey, answer: StoredAnswer) -> None:
    """Store the answer beside the key, in the command's transaction; call it before the events are
    appended.
    """
    await conn.execute(_REMEMBER, log, key.caller, key.key, answer.status, answer.body)
