"""Providers (培训机构) a clause means: a closed list, matched by code or by name, or those the registry has accredited."""

import unicodedata
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Annotated, Any

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import ProviderStanding, Rejected
from services.ledger.policy.language.findings import At, Finding, Kind
from services.ledger.policy.language.rule import Mode, Part, ProviderRule, Text, by_mode
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords


class ListedProvider(Part, frozen=True):
    """名单中的机构: 有统一社会信用代码按代码认定, 否则按名称。Matched by code when given, else by exact name."""

    name: Text
    uscc: Annotated[str, Meta(pattern="^[0-9A-HJ-NP-RT-UW-Y]{18}$")] | None = None


class Providers(TargetedRule, frozen=True, tag="providers"):
    """培训机构: listed 仅限名单, accredited 凡经备案公布者。A closed list, or whoever the registry has accredited."""

    rule: ProviderRule
    modes: tuple[Mode, ...] = ()
    list: tuple[ListedProvider, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each mode."""
        yield from by_mode("providers", self.modes, self)


@lru_cache(maxsize=4096)
def normal_name(name: str) -> str:
    """A legal name as it is compared: width, case and spaces do not matter; every character that remains does."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


class ProviderTerms(Struct, frozen=True):
    """Which providers: those listed by name or by code, or, when `names` is None, the accredited."""

    names: frozenset[str] | None
    codes: frozenset[str]
    clause: str | None

    def refusal(
        self,
        provider: ProviderStanding,
        chain: frozenset[str],
        years: tuple[int, ...],
        mode: str,
        day: date,
    ) -> Rejected | None:
        """Why the provider may not teach the first of the years in this mode on this day; None when it may."""
        year = str(years[0])
        if self.names is not None:
            if is_listed(self, provider):
                return None
            return Rejected("provider-not-listed", self.clause, {"year": year})
        if is_accredited(chain, years, mode, provider, day):
            return None
        return Rejected("provider-not-accredited", self.clause, {"year": year, "mode": mode})


def terms_of(settings: Settings, mode: str) -> ProviderTerms:
    """Of a mode."""
    found = settings.of_mode("providers", mode)
    return provider_terms(found.value if found else None, found.clause if found else None)


def provider_terms(rule: Providers | None, clause: str | None) -> ProviderTerms:
    """The rule ready for comparing; no rule means the accredited (B-14)."""
    if rule is None or rule.rule == "accredited":
        return ProviderTerms(names=None, codes=frozenset(), clause=clause)
    return ProviderTerms(
        names=frozenset(normal_name(listed.name) for listed in rule.list if listed.uscc is None),
        codes=frozenset(listed.uscc for listed in rule.list if listed.uscc is not None),
        clause=clause,
    )


def is_listed(terms: ProviderTerms, provider: ProviderStanding) -> bool:
    """Whether the closed list names the provider: by code where the list gives one, else by exact name (S1-22)."""
    if terms.names is not None and normal_name(provider.name) in terms.names:
        return True
    return provider.uscc is not None and provider.uscc in terms.codes


def is_accredited(
    chain: frozenset[str], years: tuple[int, ...], mode: str, provider: ProviderStanding, day: date
) -> bool:
    """Whether the place or one above it accredited the provider for the mode in one of the years (B-14), and the filing
    had not ended on the day.
    """
    for accreditation in provider.accreditations:
        if accreditation.until is not None and day >= accreditation.until:
            continue
        if accreditation.place in chain and mode in accreditation.modes:
            for year in years:
                if year in accreditation.years:
                    return True
    return False


def faults(rule: Providers, at: At) -> Iterator[Finding]:
    """A closed list without names, or names without one."""
    if (rule.rule == "listed") != bool(rule.list):
        yield at.found(
            "list",
            "list",
            "“listed”须列出机构，“accredited”不列",
            "a list goes with listed, and only with it",
        )


KIND = Kind(
    rule=Providers,
    selectors=PERSONS | {"categories", "courses", "routes", "organisers"},
    mode_terms=terms_of,
    by_mode=True,
    faults=faults,
    rejections={
        "provider-not-listed": RejectionWords(
            "培训机构不在名单内",
            "The provider is not on the notice's list",
            "培训机构不在 {year} 年度通知的名单内，不予登记。",
            "The provider is not on the list of the notice for {year}; nothing is registered.",
        ),
        "provider-not-accredited": RejectionWords(
            "培训机构未备案公布",
            "The provider is not accredited",
            "培训机构未就 {year} 年度、此学习方式（{mode}）在本地备案公布。",
            "The provider is not accredited here for {year} and this mode ({mode}).",
        ),
    },
)
