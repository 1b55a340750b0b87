"""Golden hashes of the bundled notices and of every policy they make: however the engine is built, it says the same.

`golden_hashes.txt` holds a line for each notice and for each place and year that the notices reach, as written by
`python -m tests.ledger.policy.test_golden_hashes`. A policy has two hashes: the one that every answer shows, over its
settings with their sources, and one over what the engine made of them. A new notice adds lines and changes none.
"""

import hashlib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from contracts.divisions import chain_of
from services.ledger.policy import Policy, bundled_notices, notice_hash
from services.ledger.policy.book_faults import bounds_of, places_with_notices, years_of
from services.ledger.policy.language.selector import RequirementTerms
from services.ledger.policy.policy import ModeTerms
from services.ledger.policy.rules.cap import OneCap
from services.ledger.policy.rules.credit_year import CreditYearTerms
from services.ledger.policy.rules.enrolment import EnrolmentTerms
from services.ledger.policy.rules.modes import ModesTerms
from services.ledger.policy.rules.provider_choice import ProviderChoiceTerms
from services.ledger.policy.rules.tiers import TierTerms
from tests.ledger.policy.builders import BOOK

GOLDEN = Path(__file__).parent / "golden_hashes.txt"
BELOW = ("110101", "140105", "140502", "210211", "211302", "440105", "440703", "440304")
"""Places without a notice of their own, each under others that have or have none."""
YEARS_BEYOND = 5
"""How many years of an open range are looked at after the last that a notice names."""


LATER = frozenset({"step", "one_at_a_time", "choice", "any_of", "share", "routes", "graduated_offset",
                   "graduated_clause"})  # fmt: skip
"""Fields that came after the hashes were written: where they say nothing, nothing is what it was not."""


def plain(value: Any) -> Any:
    """The value without names of classes and fields: what it holds, in order."""
    if isinstance(value, msgspec.Struct):
        parts = msgspec.structs.asdict(value)
        return [plain(part) for name, part in parts.items() if part or name not in LATER]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(plain(part) for part in value)
    if isinstance(value, dict):
        return [
            [plain(name), plain(part)] for name, part in sorted(value.items(), key=lambda item: str(item[0]))
        ]
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def of_mode(terms: ModeTerms) -> list[Any]:
    """How a mode is admitted; nothing where it asks no more than its window and its providers."""
    enrolment, windows = terms.get(EnrolmentTerms), terms.windows
    choice, own_year = terms.get(ProviderChoiceTerms), terms.get(CreditYearTerms)
    more = [
        enrolment.needed if enrolment else None,
        enrolment.days if enrolment else None,
        windows.pay_days,
        choice.clause if choice else None,
        own_year.clause if own_year else None,
        None,
        terms.of(ModesTerms).of_tier,
        windows.firm,
    ]
    return [
        terms.allowed,
        terms.modes_clause,
        terms.study,
        terms.register_ends,
        windows.register_clause,
        terms.providers,
        terms.needs,
        terms.style_clause,
        terms.acts,
        terms.units,
        more if any(more) else None,
    ]


def of_minimum(terms: RequirementTerms) -> list[Any]:
    """A minimum, of a mode by the mode's name; of all else by its category or its course."""
    said = [terms.kind, terms.category, terms.minimum, terms.clause, terms.document, terms.text]
    return [*said, terms.course, terms.course_name, *terms.modes]


def of_cap(cap: OneCap) -> list[Any]:
    """A cap with the credits that it is about."""
    of = cap.of
    return [cap.name, cap.per, cap.credits, of.categories, of.modes, of.forms, cap.clause, cap.spread]


def made_of(policy: Policy) -> list[Any]:
    """What the engine makes of a policy's settings, part by part."""
    assert policy.get(TierTerms) is None, "no bundled notice has tiers that refuse anything"
    return [
        policy.ordinary,
        policy.notices,
        [of_minimum(terms) for terms in policy.requirements],
        policy.duty,
        {mode: of_mode(terms) for mode, terms in policy.modes.items()},
        of_mode(policy.any_mode),
        policy.spans,
        policy.make_up,
        policy.never,
        policy.categories,
        policy.carries,
        [of_cap(cap) for cap in policy.caps.caps] if policy.caps is not None else (),
        policy.recognition.separate if policy.recognition is not None else (),
        policy.record_limit.credits,
        policy.record_limit.clause,
        policy.disqualification.clause,
    ]


def short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:24]


def lines() -> Iterator[str]:
    """The notices oldest first, then the policies by place and year."""
    notices = bundled_notices()
    for notice in notices:
        yield f"notice {notice.place} {notice.id} {notice_hash(notice)}"
    first, last = bounds_of(BOOK)
    years = years_of(notices, (first - 1, last + YEARS_BEYOND))
    for place in sorted({*places_with_notices(notices, BOOK), *BELOW}):
        for year in years:
            policy = BOOK.resolve(place, year)
            if policy is None:
                yield f"policy {place} {year} none"
                continue
            made = msgspec.json.encode(plain(made_of(policy)))
            yield f"policy {place} {year} {policy.hash.removeprefix('sha256:')[:24]} {short(made)}"


class TestGoldenHashes:
    def test_every_bundled_notice_and_policy_is_what_it_was(self):
        found, golden = list(lines()), GOLDEN.read_text(encoding="utf-8").splitlines()
        assert found == golden, "\n".join(sorted(set(found) ^ set(golden))[:20])

    def test_places_below_others_have_no_notice_of_their_own(self):
        assert not set(BELOW) & {notice.place for notice in bundled_notices()}
        assert all(len(chain_of(place)) > 1 for place in BELOW)


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")
