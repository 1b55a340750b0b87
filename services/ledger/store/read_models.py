"""Read models that are written in the transaction of their events, each by the statement that also rebuilds it.

A row is the state of one stream, folded by the same `evolve` that decisions use.
"""

from services.kit.projection import Projection
from services.ledger.store.accounts import ACCOUNT_ROWS, PROVIDER_ROWS, ROOM_ROWS
from services.ledger.store.claims import CLAIM_ROWS
from services.ledger.store.departures import DepartureRows
from services.ledger.store.filings import FILING_ROWS, ROSTER_ROWS, YEAR_ROWS
from services.ledger.store.profiles import PROFILE_ROWS, FormerIdentityRows
from services.ledger.store.published_policies import NoticeRows

INLINE: tuple[Projection, ...] = (
    ACCOUNT_ROWS,
    PROFILE_ROWS,
    FormerIdentityRows(),
    PROVIDER_ROWS,
    ROOM_ROWS,
    CLAIM_ROWS,
    FILING_ROWS,
    ROSTER_ROWS,
    YEAR_ROWS,
    NoticeRows(),
    DepartureRows(),
)
"""Written with their events; a rebuild holds the log's counter row for the switch."""
