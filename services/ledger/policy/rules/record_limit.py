"""The most credits one record may carry (单条记录上限)."""

from decimal import Decimal

from msgspec import Struct

from services.ledger.policy.language.facts import Rejected
from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import Credits
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords

DEFAULT = Decimal(360)
"""Four whole years, where no notice says."""


class RecordLimit(TargetedRule, frozen=True, tag="record_limit"):
    """单条学习记录的学分上限。The most credits one completion may carry."""

    credits: Credits


class RecordLimitTerms(Struct, frozen=True):
    """The most credits of a record, and the clause that says so."""

    credits: Decimal
    clause: str | None

    def refusal(self, credits: Decimal) -> Rejected | None:
        """Why a record of so many credits is refused; None when it is not."""
        if credits <= self.credits:
            return None
        return Rejected("credits-above-limit", self.clause, {"limit": str(self.credits)})


def terms_of(settings: Settings) -> RecordLimitTerms:
    """The limit, or the default."""
    found = settings.get("record_limit")
    return RecordLimitTerms(found.value.credits, found.clause) if found else RecordLimitTerms(DEFAULT, None)


KIND = Kind(
    rule=RecordLimit,
    selectors=PERSONS | {"categories", "modes", "courses", "routes"},
    terms=terms_of,
    rejections={
        "credits-above-limit": RejectionWords(
            "学分超过上限",
            "More credits than one completion may carry",
            "单条记录最多 {limit} 学分。",
            "One completion may carry {limit} credits at most.",
        ),
    },
)
