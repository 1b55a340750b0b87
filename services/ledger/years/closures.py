"""The closed years of a log, as every writer of it must know them.

A close raises the log's generation. A writer decides under the closures it knows and names their generation when it
appends: when a year was closed in between, nothing is stored and it decides again. So a close and a batch that meet are
one before the other, at no cost to the batch.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from contracts.divisions import chain_of, full_name_of
from services.kit.clock import local_date
from services.kit.database import Connection
from services.kit.event_store import EventStore
from services.ledger.policy import Account, Policy, Rejected
from services.ledger.policy.judging.reliefs import deferral_on
from services.ledger.years.year import Closure

_READ = """
select l.generation, y.state from logs l left join years y on y.log = l.log where l.log = $1
"""
_decode = msgspec.json.Decoder(Closure).decode


class Closures(Struct, frozen=True):
    """Which years are closed in one log, by year and place, and the generation of the log that this holds for.

    Without a generation nothing is known, and no append depends on it.
    """

    generation: int | None = None
    by_year: Mapping[int, Mapping[str, Closure]] = {}

    def find(self, place: str, year: int) -> Closure | None:
        """The close that binds a place in a year: its own, or the nearest above it; None while the year is open."""
        places = self.by_year.get(year)
        if places is None:
            return None
        return next((places[code] for code in chain_of(place) if code in places), None)

    def over(self, place: str, account: Account, now: datetime) -> Closure | None:
        """The close that binds an account now; None too for somebody who was given more time (A-14)."""
        if not self.by_year:
            return None
        closure = self.find(place, account.year)
        if closure is None or account.deferred is None:
            return closure
        return None if deferral_on(account, local_date(now)) is not None else closure


OPEN = Closures()


class ClosedYears:
    """What this process knows of the closed years of each log; read again when the log's generation has moved on."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._known: dict[str, Closures] = {}

    async def of(self, conn: Connection, log: str) -> Closures:
        """The closures of a log. They may be out of date: the append that names their generation finds out."""
        known = self._known.get(log)
        if known is not None and self._store.generation_of(log) in (None, known.generation):
            return known
        rows = await conn.fetch(_READ, log)
        by_year: dict[int, dict[str, Closure]] = {}
        for row in rows:
            if row[1] is not None:
                closure = _decode(row[1])
                by_year.setdefault(closure.year, {})[closure.place] = closure
        found = Closures(rows[0][0] if rows else None, by_year)
        self._known[log] = found
        return found


def year_closed(closure: Closure) -> Rejected:
    """Why nothing but make-up and corrections enters any more (B-07)."""
    details = {
        "place": full_name_of(closure.place),
        "year": str(closure.year),
        "closed_on": local_date(closure.closed_at).isoformat(),
    }
    return Rejected("year-closed", closure.clause, details)


def make_up_is_open(policy: Policy | None, mode: str, now: datetime) -> bool:
    """Whether the year may be made up by study that providers report now, so that enrolments and exams still matter."""
    return policy is not None and any(
        window.channel == "automatic"
        and (window.modes is None or mode in window.modes)
        and window.begins <= now < window.ends
        for window in policy.make_up
    )
