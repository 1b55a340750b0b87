"""The stored events of a claim (学分申请). Evidence appears by hash; reasons are codes; nobody by name."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from msgspec import Struct

from services.kit.events import Event
from services.ledger.policy import Category, CreditCategory
from services.ledger.policy.judging.awards import Role


class Evidence(Struct, frozen=True):
    """A file that proves the claim, by its SHA-256 and media type."""

    sha256: str
    media_type: str


class Claimed(Event, frozen=True, kw_only=True):
    """What is claimed. `fact` is the keyed digest of what makes it the same real fact again (A-15).

    Proven study (form "study") has its mode, its category in `studied`, and its credits in `quantity`. `document_on`,
    `score` and `sat_in` are given where the policy converts by them; `collective` names the list that it came with, `row`
    its place there.
    """

    claim_id: str
    person_id: str
    place: str
    year: int
    form: str
    happened_on: date
    fact: str
    evidence: tuple[Evidence, ...]
    quantity: Decimal
    mode: str = "equivalence"
    studied: Category | None = None
    special_reason: bool = False
    make_up: bool = False
    role: Role | None = None
    result_on: date | None = None
    document_on: date | None = None
    score: Decimal | None = None
    sat_in: str | None = None
    credits: Decimal
    category: CreditCategory
    fill: tuple[Category, ...] = ()
    clause: str
    collective: str | None = None
    row: int | None = None
    by: str
    at: datetime


class ClaimSubmitted(Claimed, frozen=True, kw_only=True):
    """A claim was handed in, with what the policy of that day makes of it (S0-12, S1-12)."""

    TOPIC: ClassVar[str] = "ledger.ClaimSubmitted"


class ClaimAmended(Claimed, frozen=True, kw_only=True):
    """The claim was changed before a reviewer accepted it, or after it was returned."""

    TOPIC: ClassVar[str] = "ledger.ClaimAmended"


class ClaimStep(Event, frozen=True, kw_only=True):
    """What every later step says."""

    claim_id: str
    person_id: str
    by: str
    at: datetime


class ClaimAccepted(ClaimStep, frozen=True, kw_only=True):
    """A reviewer took the claim on; from now on it may not be amended."""

    TOPIC: ClassVar[str] = "ledger.ClaimAccepted"


class ClaimReturned(ClaimStep, frozen=True, kw_only=True):
    """The claim went back for correction."""

    TOPIC: ClassVar[str] = "ledger.ClaimReturned"

    reason: str


class ClaimRefused(ClaimStep, frozen=True, kw_only=True):
    """The claim was refused for good."""

    TOPIC: ClassVar[str] = "ledger.ClaimRefused"

    reason: str


class ClaimWithdrawn(ClaimStep, frozen=True, kw_only=True):
    """Whoever submitted the claim took it back."""

    TOPIC: ClassVar[str] = "ledger.ClaimWithdrawn"


class ClaimSatisfied(ClaimStep, frozen=True, kw_only=True):
    """An authority registered the same fact from its own list: the claim has got what it asked for (A-15)."""

    TOPIC: ClassVar[str] = "ledger.ClaimSatisfied"

    credit_id: str


class ClaimApproved(ClaimStep, frozen=True, kw_only=True):
    """The claim was approved; `credits` are what the policy of that moment awards, earned in the same transaction."""

    TOPIC: ClassVar[str] = "ledger.ClaimApproved"

    year: int
    form: str
    credit_id: str
    credits: Decimal
    category: CreditCategory
    clause: str
    policy: str
