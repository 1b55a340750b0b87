"""Word of the nation on providers: their legal names, and what the nation itself accredited or disqualified."""

import time
from collections.abc import Iterable

from contracts.divisions import NATION
from services.kit.database import OUTCOME_UNKNOWN, Databases
from services.ledger.store.unit import read_providers
from services.ledger.streams.provider import Provider

FRESH_SECONDS = 1.0
"""How long what was read is taken for true: the nation's word reaches every place within that time."""


class Nation:
    """Providers as the nation's log has them, read when asked for."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._read_at: dict[str, float] = {}
        self.providers: dict[str, Provider] = {}

    def unknown(self, provider_ids: Iterable[str]) -> set[str]:
        """Those that were never read."""
        return {each for each in provider_ids if each not in self._read_at}

    async def learn(self, provider_ids: Iterable[str]) -> None:
        """Read those that were not read lately; one that the nation does not know is asked for every time.

        While the nation's log cannot be reached, what it last said stands: the other logs go on without it.
        """
        now = time.monotonic()
        stale = [
            each
            for each in provider_ids
            if each not in self.providers or now - self._read_at[each] >= FRESH_SECONDS
        ]
        if not stale:
            return
        found: dict[str, Provider] = {}
        try:
            async with self._databases.of(NATION).acquire() as conn:
                found = await read_providers(conn, NATION, stale)
        except OUTCOME_UNKNOWN:
            if not self.providers.keys() >= set(stale):
                raise
        # Together, with nothing awaited between: other writers read both.
        self._read_at |= dict.fromkeys(stale, now)
        self.providers |= found
