"""A circuit breaker for one system outside: after failures in a row nothing is sent for a while, then one call tries.

A breaker is of one process and one event loop. It knows no request: callers ask for leave, and say how it went.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

REST_SECONDS_MAX = 3600.0
"""However long the other side asks us to stay away, we look again after an hour."""


class Breaker:
    """Closed: everybody may call. Open: nobody, until the rest is over; then one caller, whose success closes it.

    The rest doubles with every failed trial, from `rest_seconds` to `rest_seconds_max`, with jitter upward of half.
    """

    def __init__(
        self,
        *,
        failures_max: int = 5,
        rest_seconds: float = 0.5,
        rest_seconds_max: float = 60.0,
        now: Callable[[], float] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._failures_max = failures_max
        self._rest_seconds = rest_seconds
        self._rest_seconds_max = rest_seconds_max
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._jitter = jitter
        self._failures = 0
        self._trials = 0
        self._closed_until_trial = True
        self._trying = False
        self._rest_until = 0.0
        self.last_success: float | None = None

    @property
    def state(self) -> str:
        """`closed`, `open` or `trying`."""
        if self._closed_until_trial:
            return "closed" if self._now() >= self._rest_until else "open"
        return "trying" if self._trying else "open"

    def enter(self) -> float:
        """Ask for leave to call: 0 when it is given, else the seconds after which to ask again."""
        left = self._rest_until - self._now()
        if left > 0:
            return left
        if self._closed_until_trial:
            return 0.0
        if self._trying:
            return self._rest_seconds
        self._trying = True
        return 0.0

    def leave(self) -> None:
        """Give leave back unused: there was nothing to send."""
        self._trying = False

    def succeeded(self) -> None:
        """A call was answered: everybody may call again."""
        self._failures = self._trials = 0
        self._closed_until_trial = True
        self._trying = False
        self.last_success = self._now()

    def failed(self) -> None:
        """A call was not answered, or not in a way that can be read."""
        self._failures += 1
        if self._closed_until_trial and self._failures < self._failures_max:
            return
        rest = min(self._rest_seconds * 2.0 ** min(self._trials, 16), self._rest_seconds_max)
        self._trials += 1
        self._closed_until_trial = False
        self._trying = False
        self._rest_until = max(self._rest_until, self._now() + rest * (0.5 + self._jitter() / 2))

    def rest(self, seconds: float) -> None:
        """The other side asked to be left alone for so long (Retry-After); no failure."""
        self._trying = False
        self._rest_until = max(self._rest_until, self._now() + min(max(seconds, 0.0), REST_SECONDS_MAX))
