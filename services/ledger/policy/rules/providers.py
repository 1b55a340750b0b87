"""Which providers a clause means: a closed list, matched by code or by name, or those the registry has accredited."""

import unicodedata
from datetime import date
from functools import lru_cache

from services.ledger.policy.language.facts import ProviderStanding
from services.ledger.policy.policy import ProviderTerms
from services.ledger.policy.rules.judged import Providers


@lru_cache(maxsize=4096)
def normal_name(name: str) -> str:
    """A legal name as it is compared: width, case and spaces do not matter; every character that remains does."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


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
