"""Key sets: where the public keys come from that tokens are checked with, and our own signing key."""

from __future__ import annotations

import asyncio
import json
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from services.kit.errors import NotReadyError
from services.kit.http_client import PatientClient

_RESPONSE_SIZE_MAX = 256 * 1024
_FIRST_PAUSE_SECONDS = 1.0
_UNREADABLE: tuple[type[Exception], ...] = (JoseError, ValueError, KeyError, TypeError, AttributeError)
_NOT_TO_BE_HAD: tuple[type[Exception], ...] = (httpx.HTTPError, *_UNREADABLE)
_log = structlog.stdlib.get_logger("services.kit.key_sets")


REVOKED = "revoked"
"""Member of a key set beside `keys`: subjects whose tokens are good no more, though they have not expired."""


class KeySource(Protocol):
    """Gives an issuer's public keys, and whose tokens it has taken back."""

    @property
    def revoked(self) -> frozenset[str]:
        """The subjects whose tokens are good no more, as last known."""
        ...

    async def current(self) -> KeySet:
        """The keys as last known."""
        ...

    async def refreshed(self) -> KeySet:
        """The keys, looked up again where that can help: a token named a key that is not among them."""
        ...


class FixedKeys:
    """Keys that do not change while the process runs."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys
        self.revoked: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *keys: OKPKey) -> FixedKeys:
        """The keys of our own signing keys; only public halves are ever shown."""
        return cls(KeySet(list(keys)))

    @classmethod
    def from_json(cls, text: str) -> FixedKeys:
        """A JWK Set, or a single JWK."""
        document = json.loads(text)
        return cls(KeySet.import_key_set(document if "keys" in document else {"keys": [document]}))

    @classmethod
    def from_file(cls, path: Path) -> FixedKeys:
        """The JWK Set in a file."""
        return cls.from_json(path.read_text(encoding="utf-8"))

    async def current(self) -> KeySet:
        """The keys."""
        return self._keys

    async def refreshed(self) -> KeySet:
        """The same keys: there is nowhere to look again."""
        return self._keys


class FetchedKeys:
    """Keys from a key set's address, fetched anew at most every `pause_seconds`.

    The last good set is kept in the file `kept_in`, so that a process which starts while the issuer is away still knows it.
    Older than `fresh_seconds` they are fetched again beside the request that meets them, which does not wait, so that a
    revocation arrives within a minute; older than `age_seconds_max` they are waited for, but once: an issuer
    that is away delays nobody twice.
    """

    def __init__(
        self,
        url: str,
        *,
        kept_in: Path | None = None,
        client: Callable[[], httpx.AsyncClient] | None = None,
        age_seconds_max: float = 3600.0,
        fresh_seconds: float = 45.0,
        pause_seconds: float = 10.0,
        timeout_seconds: float = 3.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._client = client or (
            lambda: PatientClient(timeout=httpx.Timeout(timeout_seconds, connect=1.0), trust_env=False)
        )
        self._age_max = age_seconds_max
        self._fresh = fresh_seconds
        self._beside: asyncio.Task[KeySet] | None = None
        self.revoked: frozenset[str] = frozenset()
        self._pause = pause_seconds
        self._now = now
        self._kept_in = kept_in
        self._kept = b""
        self._failed = False
        self._keys: KeySet | None = None
        self._fetched_at = -math.inf
        if kept_in is not None and kept_in.is_file():
            self._take_kept(kept_in)
        self._tried_at: float | None = None
        self._fetching = asyncio.Lock()

    async def current(self) -> KeySet:
        """The keys, fetched when there are none yet or they have grown old.

        Raises NotReadyError when there are none and none can be had.
        """
        age = self._now() - self._fetched_at
        if self._keys is None or (age > self._age_max and not self._failed):
            return await self.refreshed()
        if age > self._fresh and (self._beside is None or self._beside.done()):
            self._beside = asyncio.create_task(self.refreshed())
        return self._keys

    async def refreshed(self) -> KeySet:
        """The keys, fetched again unless that was tried a moment ago."""
        async with self._fetching:
            pause = self._pause if self._keys is not None else min(self._pause, _FIRST_PAUSE_SECONDS)
            if self._tried_at is None or self._now() - self._tried_at >= pause:
                self._tried_at = self._now()
                await self._fetch()
        if self._keys is None:
            raise NotReadyError(
                "令牌签发方的密钥暂不可用", "The token issuer's keys cannot be had at the moment"
            )
        return self._keys

    async def _fetch(self) -> None:
        try:
            async with self._client() as client:
                response = await client.get(self._url, headers={"Accept": "application/json"})
            response.raise_for_status()
            if len(response.content) > _RESPONSE_SIZE_MAX:
                return
            self._take(response.json())
            self._fetched_at = self._now()
        except _NOT_TO_BE_HAD:
            self._failed = True
            return
        self._failed = False
        self._keep(response.content)

    def _take(self, document: Mapping[str, Any]) -> None:
        self._keys = KeySet.import_key_set({"keys": document["keys"]})
        self.revoked = frozenset(map(str, document.get(REVOKED, ())))

    def _take_kept(self, file: Path) -> None:
        with suppress(OSError, *_UNREADABLE):
            self._take(json.loads(file.read_bytes()))

    def _keep(self, document: bytes) -> None:
        """Keep what was fetched where it differs; a disk that takes nothing costs only the next start."""
        file = self._kept_in
        if file is None or document == self._kept:
            return
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as beside:
                beside.write(document)
            Path(beside.name).replace(file)
        except OSError as error:
            _log.warning("the issuer's keys cannot be kept", file=str(file), error=type(error).__name__)
        self._kept = document
