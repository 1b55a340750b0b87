"""What may still be begun in a log for somebody who is leaving it, has left it, or came with years that others judged."""

from datetime import datetime

from services.kit.database import Connection
from services.kit.event_store import EventStore
from services.ledger.accounts.profile import Profile
from services.ledger.accounts.profile_rows import read_profiles
from services.ledger.moving.problems import (
    DepartureUnderWayError,
    ProfileLeftError,
    YearJudgedElsewhereError,
)
from services.ledger.moving.sides import side_of
from services.ledger.policy import PolicyBook


def must_judge(profile: Profile, year: int, book: PolicyBook, done_at: datetime | None = None) -> None:
    """The year is this log's to decide on; or what was done, at `done_at`, was done before the person left (A-13, B-12).

    Raises ProfileLeftError and YearJudgedElsewhereError.
    """
    if not profile.is_moving:
        return
    side = side_of(profile, year, book.resolve(profile.person.place, year))
    judgement = profile.judgement(year)
    if side == "elsewhere" and judgement is not None:
        raise YearJudgedElsewhereError(place=judgement.place)
    if side == "moved" and profile.left is not None and not (done_at and done_at < profile.left.left_at):
        raise ProfileLeftError(to_place=profile.left.to_place)


async def must_stay(
    conn: Connection, store: EventStore, log: str, person_id: str, year: int, book: PolicyBook
) -> None:
    """Hold the log, and make sure that nobody begins what blocks a departure under way (S2C-14): whoever guards it holds the
    log, too, so one of the two sees the other. Append at once.

    Raises DepartureUnderWayError, and as `must_judge`.
    """
    await store.lock(conn, log)
    found = (await read_profiles(conn, log, [person_id])).get(person_id)
    if found is None:
        return
    profile = found[1]
    if profile.departing is not None:
        raise DepartureUnderWayError(transfer_id=profile.departing.transfer_id, clause="S2C-14")
    must_judge(profile, year, book)
