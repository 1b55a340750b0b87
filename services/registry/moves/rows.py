"""The read model of arrivals: by which transfer somebody is about to arrive, or has arrived."""

from typing import Any

from services.kit.database import Connection
from services.registry.read_model import ReadModel

_EXPECT = "insert into arrivals (log, transfer_id, person_id) values ($1, $2, $3)"
_DROP = "delete from arrivals where log = $1 and transfer_id = $2"

_MOVES = (
    """
create table arrivals (
    log text collate "C" not null,
    transfer_id text collate "C" not null,
    person_id text collate "C" not null,
    primary key (log, transfer_id)
)""",
    "alter table people add column departed_to text",
)


def moves_tables_sql() -> list[str]:
    """The statements that add arrivals, and where somebody departed to."""
    return list(_MOVES)


async def _expected(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_EXPECT, log, event.transfer_id, str(event.originator_id))


async def _dropped(conn: Connection, log: str, event: Any) -> None:
    await conn.execute(_DROP, log, event.transfer_id)


def move_read_models() -> list[ReadModel]:
    """Arrivals by their transfer."""
    changes = {"registry.ArrivalExpected": _expected, "registry.ArrivalDropped": _dropped}
    return [ReadModel("arrivals", changes)]
