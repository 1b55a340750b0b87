"""Checkpoints: how far a projection or a follower has come, saved in the transaction of its effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.kit.database import Connection

_OPEN = """
insert into checkpoints (log, name, source, position) values ($1, $2, $3, 0) on conflict do nothing
"""
_GET = "select position from checkpoints where log = $1 and name = $2 and source = $3"
_ADVANCE = """
update checkpoints set position = $4 where log = $1 and name = $2 and source = $3 and position < $4
"""
_REWIND = "update checkpoints set position = 0 where log = $1 and name = $2 and source = $3"


class CheckpointError(Exception):
    """A checkpoint was asked to stand still or go back: somebody else has applied the same events."""


class Checkpoints:
    """The saved positions of one reader.

    A checkpoint lives in the `log` its effects are written to and counts positions of a `source`: the same
    log for a projection, the followed log of another service for a follower.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    async def get(self, conn: Connection, log: str, source: str) -> int:
        """The position reached, 0 before the first."""
        position: int | None = await conn.fetchval(_GET, log, self.name, source)
        return position or 0

    async def lock(self, conn: Connection, log: str, source: str) -> int:
        """The position reached, kept from others until the transaction ends; two workers take turns."""
        position = await conn.fetchval(f"{_GET} for update", log, self.name, source)
        if position is None:
            await conn.execute(_OPEN, log, self.name, source)
            position = await conn.fetchval(f"{_GET} for update", log, self.name, source)
        assert isinstance(position, int)
        return position

    async def advance(self, conn: Connection, log: str, source: str, position: int) -> None:
        """Move on to a position. CheckpointError when it is not beyond the one reached."""
        for _ in range(2):
            if await conn.execute(_ADVANCE, log, self.name, source, position) == "UPDATE 1":
                return
            await conn.execute(_OPEN, log, self.name, source)
        raise CheckpointError(f"{self.name} in {log} has already reached {position} of {source}")

    async def rewind(self, conn: Connection, log: str, source: str) -> None:
        """Go back to the beginning, in the transaction that empties what was built."""
        await conn.execute(_REWIND, log, self.name, source)
