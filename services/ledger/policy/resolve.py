"""From notices to a policy: for one place and year, every setting taken from the notice that outranks the others.

The nearest place wins (county over city over province over nation); of two notices of one place the later issued wins;
each setting by itself, so that a notice which moves one date leaves the rest as it was (C-04). Within one notice a
clause about a mode wins over a clause about all modes.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from services.ledger.policy.document.notice import Clause, Notice, canonical
from services.ledger.policy.language.days import Span
from services.ledger.policy.language.settings import Settings, Sourced
from services.ledger.policy.policy import Basis, ModeTerms, NoticeRef, Policy
from services.ledger.policy.rules import KINDS
from services.ledger.policy.rules.make_up import MakeUp, MakeUpTerms, Offer, standing
from services.ledger.policy.rules.make_up import terms_of as make_up_terms
from services.ledger.policy.rules.providers import Providers
from services.ledger.policy.rules.window import ACTS


class Published(NamedTuple):
    """A notice with its hash and its turn among all published ones."""

    notice: Notice
    hash: str
    order: int


def resolve(
    published: Iterable[Published],
    place: str,
    year: int,
    chain: Sequence[str],
    *,
    basis: Basis = "notice",
    provisional: bool = False,
) -> Policy | None:
    """The policy of the place for the year, or None where no notice governs it.

    A framework (`standalone: false`) governs nobody alone, unless it is the nation's and the `basis` (B-20). A year that
    only make-up windows name is governed by what it inherits. Without a required total there is nothing to judge by,
    hence no policy.
    """
    specificity = {code: depth for depth, code in enumerate(reversed(chain))}
    settings = Settings(year)
    offers: list[Offer] = []
    ordinary = False
    used: list[NoticeRef] = []
    for notice, hash_, order in published:
        depth = specificity.get(notice.place)
        if depth is None or any(code in specificity for code in notice.excludes):
            continue
        offer = _offer(notice, year, depth, order)
        if offer.rules:
            offers.append(offer)
        for clause in notice.clauses:
            if year in (clause.years or notice.years):
                settings.take(
                    (depth, notice.dated, order), clause.rules, _source(notice, clause), notice.dated
                )
        governs = year in notice.years
        ordinary = ordinary or (governs and (notice.standalone or basis == "national"))
        if governs or offer.rules:
            used.append(NoticeRef(notice.id, notice.label, notice.place, hash_))
    stand = standing(offers)
    if settings.get("requirement.total") is None:
        return None
    if not ordinary and not any(rule.value.windows for offer in stand for rule in offer.rules):
        return None
    any_mode = ModeTerms(settings, "*")
    modes = {mode: ModeTerms(settings, mode) for mode in sorted(_modes(settings))}
    last_days = (terms.study.until for terms in (any_mode, *modes.values()) if terms.allowed)
    own_end = max((day for day in last_days if day), default=date(year, 12, 31))
    make_up = make_up_terms(stand, year, own_end)
    return Policy(
        place=place,
        year=year,
        chain=tuple(chain),
        ordinary=ordinary,
        basis=basis,
        provisional=provisional,
        hash_=_hash(place, year, ordinary, settings, make_up, {"basis": basis, "provisional": provisional}),
        notices=tuple(used),
        settings=settings,
        modes=modes,
        any_mode=any_mode,
        spans=_spans(any_mode, modes),
        make_up=make_up,
    )


def _source(notice: Notice, clause: Clause) -> Sourced[object]:
    return Sourced(None, clause.id, notice.label, notice.place, clause.article, clause.text)


def _offer(notice: Notice, year: int, specificity: int, order: int) -> Offer:
    """What the notice says about making up the year."""
    said = [(clause, rule) for clause in notice.clauses for rule in clause.rules]
    return Offer(
        notice.dated,
        specificity,
        order,
        rules=tuple(
            _source(notice, clause).carrying(rule)
            for clause, rule in said
            if isinstance(rule, MakeUp) and year in rule.years
        ),
        lists={clause.id: rule for clause, rule in said if isinstance(rule, Providers)},
    )


def _modes(settings: Settings) -> set[str]:
    """The modes that a clause names: it allows them, or says something of them."""
    allowed = settings.get("modes")
    named = (settings.modes_of(kind.tag) for kind in KINDS if kind.by_mode)
    return set(allowed.value.allowed if allowed is not None else ()).union(*named)


def _hash(
    place: str,
    year: int,
    ordinary: bool,
    settings: Settings,
    make_up: MakeUpTerms,
    basis: Mapping[str, Basis | bool],
) -> str:
    said = {
        **(basis if basis["basis"] == "national" else {}),
        "place": place,
        "year": year,
        "ordinary": ordinary,
        "settings": settings.values(),
        "make_up": [
            {k: v for k, v in msgspec.structs.asdict(window).items() if k not in ("begins", "ends")}
            for window in make_up.windows
        ],
        "never": make_up.never,
    }
    plain = canonical(msgspec.to_builtins(said, builtin_types=(Decimal,), order="deterministic"))
    return "sha256:" + hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def _spans(any_mode: ModeTerms, modes: Mapping[str, ModeTerms]) -> tuple[Span, ...]:
    """The general span of every act that has one, then those of modes that differ from it."""
    studied = (terms.study for terms in modes.values() if terms.allowed)
    spans = [any_mode.study, *(span for span in studied if not _alike(span, any_mode.study))]
    for act in ACTS:
        general = any_mode.acts.get(act)
        spans += [general] if general is not None else []
        special = (terms.acts[act] for terms in modes.values() if act in terms.acts)
        spans += [span for span in special if span.until is not None and not _alike(span, general)]
    return tuple(spans)


def _alike(one: Span, other: Span | None) -> bool:
    return other is not None and (one.since, one.until) == (other.since, other.until)
