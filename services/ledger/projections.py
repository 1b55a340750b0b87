"""Read models that may lag: kept by the worker, rows and checkpoint in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from contracts.divisions import authority_of
from services.kit import events as codec
from services.kit.clock import local_date
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.ledger.events import CreditEarned, CreditRevoked, CreditWithdrawn

_ADD = """
insert into registrations_daily (log, year, place, category, mode, provider_id, day, records, credits)
select $1, new.*
  from unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::int[], $9::numeric[]) as new
on conflict (log, year, place, category, mode, provider_id, day) do update
   set records = registrations_daily.records + excluded.records,
       credits = registrations_daily.credits + excluded.credits
"""

Group = tuple[int, str, str, str, str, date]


class RegistrationsDaily:
    """Records and credits by credit year, place, category, mode, provider and day of registration.

    A credit that is withdrawn or revoked is taken off the group and the day on which it was registered, so the sum of
    a day is of the credits that still stand.
    """

    name = "registrations_daily"
    topics = frozenset({CreditEarned.TOPIC, CreditWithdrawn.TOPIC, CreditRevoked.TOPIC})
    tables: Sequence[str] = ("registrations_daily",)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Add what was earned, take off what was ended."""
        sums: dict[Group, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        for recorded in events:
            event = codec.decode(recorded.topic, recorded.state)
            sign = 1 if isinstance(event, CreditEarned) else -1
            assert isinstance(event, CreditEarned | CreditWithdrawn | CreditRevoked)
            if authority_of(event.place) != log:
                # It travelled here, and counts where it was registered.
                continue
            group = (
                event.year,
                event.place,
                event.category,
                event.mode,
                event.provider_id or "",
                local_date(event.registered_at),
            )
            records, credits = sums[group]
            sums[group] = (records + sign, credits + sign * event.credits)
        if not sums:
            return
        rows = sorted(sums.items())
        columns = [list(column) for column in zip(*(group for group, _ in rows), strict=True)]
        records_of = [records for _, (records, _) in rows]
        credits_of = [credits for _, (_, credits) in rows]
        await conn.execute(_ADD, log, *columns, records_of, credits_of)
