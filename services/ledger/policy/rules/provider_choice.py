"""One provider a year (任选一家): whether the year's study is with one provider only (A-10)."""

from collections.abc import Iterator

from msgspec import Struct

from services.ledger.policy.language.facts import Account, Rejected
from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import Mode, by_mode
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords


class ProviderChoice(TargetedRule, frozen=True, tag="provider_choice"):
    """任选一家: 一个年度只能在一家机构学习 (A-10); 补学不受此限。Whether the year's study is with one provider only."""

    one_a_year: bool
    modes: tuple[Mode, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each mode."""
        yield from by_mode("provider_choice", self.modes, self.one_a_year)


class ProviderChoiceTerms(Struct, frozen=True):
    """The clause that allows one provider a year."""

    clause: str

    def refusal(self, account: Account | None, provider: str, mode: str) -> Rejected | None:
        """The refusal when another provider has the person's year already: by enrolment, credit, or what waits (A-10)."""
        if account is None:
            return None
        taken = (
            any(e.mode == mode and e.provider != provider for e in account.enrolments)
            or any(
                c.mode == mode
                and c.provider not in (None, provider)
                and c.state == "registered"
                and not c.make_up
                for c in account.credits
                if c.route == "provider"
            )
            or any(w.mode == mode and w.provider != provider for w in account.waiting)
        )
        return Rejected("other-provider-this-year", self.clause) if taken else None


def terms_of(settings: Settings, mode: str) -> ProviderChoiceTerms | None:
    """Of a mode."""
    found = settings.of_mode("provider_choice", mode)
    return ProviderChoiceTerms(found.clause) if found is not None and found.value else None


KIND = Kind(
    rule=ProviderChoice,
    selectors=PERSONS,
    mode_terms=terms_of,
    by_mode=True,
    rejections={
        "other-provider-this-year": RejectionWords(
            "该年度已在其他机构学习",
            "The year is studied with another provider",
            "一个年度只能在一家培训机构学习，该年度已有其他机构的报名或学习记录。",
            "A year is studied with one provider, and another has enrolled the person or reported study.",
        ),
    },
)
