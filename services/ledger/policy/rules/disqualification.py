"""Disqualification (取消资格): what a provider without standing teaches is not registered."""

from datetime import date
from typing import Literal

from msgspec import Struct

from services.ledger.policy.language.facts import ProviderStanding, Rejected
from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import Rule
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.words import RejectionWords


class Disqualification(Rule, frozen=True, tag="disqualification"):
    """取消培训资格: 自生效日起完成的学习不予登记。Completions on or after the date are refused (A-12)."""

    published: bool = True
    completions: Literal["refused_from_date"] = "refused_from_date"


class DisqualificationTerms(Struct, frozen=True):
    """The clause that says so; a provider without standing is refused without one, too."""

    clause: str | None

    def refusal(self, provider: ProviderStanding, day: date) -> Rejected | None:
        """Why nothing of the provider completed on the day is registered; None when it is (A-12)."""
        barred = provider.barred_since(day)
        if barred is None:
            return None
        return Rejected("provider-disqualified", self.clause, {"from": barred.isoformat()})


def terms_of(settings: Settings) -> DisqualificationTerms:
    """Of the year."""
    found = settings.get("disqualification")
    return DisqualificationTerms(found.clause if found is not None else None)


KIND = Kind(
    rule=Disqualification,
    terms=terms_of,
    rejections={
        "provider-disqualified": RejectionWords(
            "培训机构已被取消资格",
            "The provider is disqualified",
            "培训机构自 {from} 起被取消资格，此后完成的学习不予登记。",
            "The provider is disqualified from {from}; completions from that day on are refused.",
        ),
    },
)
