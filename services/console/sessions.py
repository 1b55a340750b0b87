"""Sessions on the server: the browser holds a random cookie, the database its hash and what is sealed under the cookie.

Nobody who reads the table can use a session. An attempt to sign in is
a session of its own, with nobody in it; who comes back from the issuer gets another (rotation).
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidTag

from services.kit.clock import Clock
from services.kit.database import Database
from services.kit.sealing import cipher_of, derive

_ATTEMPT_MINUTES = 15
_SEEN_PAUSE = timedelta(minutes=1)
"""A page within this of the last one leaves the row alone."""
_COOKIE_LENGTH_MAX = 100

_INSERT = "insert into sessions (session_hash, subject, sealed, seen_at, ends_at) values ($1, $2, $3, $4, $5)"
_READ = "select sealed, seen_at from sessions where session_hash = $1 and ends_at > $2 and seen_at > $3"
_TOUCH = "update sessions set seen_at = $2 where session_hash = $1"
_RENEW = "update sessions set sealed = $2 where session_hash = $1"
_DELETE = "delete from sessions where session_hash = $1"
_DELETE_ALL = "delete from sessions where subject = $1"
_FORGET = "delete from sessions where ends_at < $1"


class Attempt(msgspec.Struct, frozen=True, tag="attempt"):
    """A sign-in that is going on: at which issuer, what proves that its answer is to us, and the page to go to."""

    issuer: str
    state: str
    nonce: str
    code_verifier: str
    following: str


class SignedIn(msgspec.Struct, frozen=True, tag="signed_in"):
    """Somebody who has signed in, and the token by which the services know them."""

    issuer: str
    subject: str
    name: str
    token: str
    token_ends_at: datetime
    scopes: frozenset[str]
    roles: tuple[str, ...]
    place: str | None = None
    organization_id: str | None = None
    person_id: str | None = None
    refresh: str | None = None
    """What the issuer renews the sign-in for; None where it renews none."""


_decoder: msgspec.json.Decoder[Attempt | SignedIn] = msgspec.json.Decoder(Attempt | SignedIn)


@dataclass(frozen=True)
class Session:
    """A session as a request finds it. `csrf` stands in every form of it."""

    cookie: str
    content: Attempt | SignedIn

    @property
    def csrf(self) -> str:
        """What a form must say to be ours: nobody knows it who does not hold the cookie."""
        return hashlib.sha256(b"csrf:" + self.cookie.encode()).hexdigest()


class Sessions:
    """The sessions of a deployment. All of its processes share them."""

    def __init__(
        self, database: Database, *, algorithm: str, idle: timedelta, whole: timedelta, clock: Clock
    ) -> None:
        self._database = database
        self._algorithm = algorithm
        self._idle = idle
        self._whole = whole
        self._clock = clock

    async def begin(self, attempt: Attempt) -> Session:
        """A session of nobody yet, for the time of signing in."""
        return await self._store(attempt, None, timedelta(minutes=_ATTEMPT_MINUTES))

    async def sign_in(self, person: SignedIn, before: Session) -> Session:
        """A new session in the place of the one that led to it; what has ended is forgotten."""
        session = await self._store(person, person.subject, self._whole)
        async with self._database.acquire() as conn:
            await conn.execute(_DELETE, _hash(before.cookie))
            await conn.execute(_FORGET, self._clock())
        return session

    async def renew(self, session: Session, person: SignedIn) -> Session:
        """The same session with a token that is good for longer; it ends when it would have ended."""
        async with self._database.acquire() as conn:
            await conn.execute(_RENEW, _hash(session.cookie), self._seal(session.cookie, person))
        return Session(session.cookie, person)

    async def find(self, cookie: str | None) -> Session | None:
        """The session of a cookie; None when there is none, or it is over."""
        if not cookie or len(cookie) > _COOKIE_LENGTH_MAX or not cookie.isascii():
            return None
        now = self._clock()
        async with self._database.acquire() as conn:
            row = await conn.fetchrow(_READ, _hash(cookie), now, now - self._idle)
            if row is not None and now - row["seen_at"] > _SEEN_PAUSE:
                await conn.execute(_TOUCH, _hash(cookie), now)
        content = None if row is None else self._open(cookie, row["sealed"])
        return None if content is None else Session(cookie, content)

    async def end(self, session: Session) -> None:
        """End this session."""
        async with self._database.acquire() as conn:
            await conn.execute(_DELETE, _hash(session.cookie))

    async def end_everywhere(self, session: Session) -> None:
        """End every session of whoever is in this one, on every machine."""
        assert isinstance(session.content, SignedIn)
        async with self._database.acquire() as conn:
            await conn.execute(_DELETE_ALL, session.content.subject)

    async def _store(self, content: Attempt | SignedIn, subject: str | None, lasts: timedelta) -> Session:
        cookie, now = secrets.token_urlsafe(32), self._clock()
        sealed = self._seal(cookie, content)
        async with self._database.acquire() as conn:
            await conn.execute(_INSERT, _hash(cookie), subject, sealed, now, now + lasts)
        return Session(cookie, content)

    def _seal(self, cookie: str, content: Attempt | SignedIn) -> bytes:
        cipher = cipher_of(self._algorithm, self._key(cookie))
        assert cipher is not None
        return cipher.encrypt(msgspec.json.encode(content), _hash(cookie).encode())

    def _open(self, cookie: str, sealed: bytes) -> Attempt | SignedIn | None:
        cipher = cipher_of(self._algorithm, self._key(cookie))
        assert cipher is not None
        try:
            return _decoder.decode(cipher.decrypt(sealed, _hash(cookie).encode()))
        except (InvalidTag, msgspec.DecodeError):
            return None

    def _key(self, cookie: str) -> bytes:
        return derive(self._algorithm, b"session".ljust(32, b"\0"), cookie.encode())


def _hash(cookie: str) -> str:
    return hashlib.sha256(b"session:" + cookie.encode()).hexdigest()


_SESSIONS = """
create table sessions (
    session_hash text collate "C" primary key,
    subject text collate "C",
    sealed bytea not null,
    seen_at timestamptz not null,
    ends_at timestamptz not null
)"""


def tables_sql() -> tuple[str, ...]:
    """The statements that make the tables."""
    return (
        _SESSIONS,
        "create index sessions_of_subject on sessions (subject)",
        "create index sessions_by_end on sessions (ends_at)",
    )
