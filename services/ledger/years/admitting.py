"""What still enters a closed year: make-up in its windows, and corrections that an official answers for (B-07)."""

from datetime import datetime
from typing import Literal

from services.ledger.policy import Account
from services.ledger.refusals import refusal_of
from services.ledger.years.closures import Closures, year_closed

CorrectionReason = Literal[
    "handed_in_before_close", "reported_late", "wrong_record", "objection_upheld", "other"
]
"""Why an official changes a closed year."""


def correction_in(
    closures: Closures,
    place: str,
    account: Account,
    now: datetime,
    *,
    make_up: bool,
    correction: CorrectionReason | None,
) -> CorrectionReason | None:
    """The reason with which credits that come now are marked: None while the year is open, and for make-up.

    Raises the refusal `year-closed` when the year is closed and nobody gives a reason.
    """
    closure = closures.over(place, account, now)
    if closure is None or make_up:
        return None
    if correction is None:
        raise refusal_of(year_closed(closure))
    return correction
