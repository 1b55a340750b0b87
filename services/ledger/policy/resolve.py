"""The way from notices to a policy: for one place and year, every setting taken from the notice that outranks the others.

The nearest place wins (county over city over province over nation); of two notices of one place the later issued wins;
each setting by itself, so that a notice which moves one date leaves the rest as it was (C-04). Within one notice a
clause about a mode wins over a clause about all modes, and what is said to some over what is said to all: the more a
target names, the stronger.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, cast

import msgspec

from services.ledger.policy.document.notice import Clause, Notice, canonical
from services.ledger.policy.language.days import Span
from services.ledger.policy.language.rule import Rule
from services.ledger.policy.language.settings import Rank, Settings, Sourced
from services.ledger.policy.language.target import Target, TargetedRule
from services.ledger.policy.policy import Basis, ModeTerms, NoticeRef, Policy, Targets
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


class Said(NamedTuple):
    """A rule of a notice with its rank, where it comes from, and the day its notice is dated."""

    rank: Rank
    rule: Rule
    source: Sourced[Any]
    issued: date

    @property
    def target(self) -> Target | None:
        """Of whom it is asked."""
        return cast("TargetedRule", self.rule).target


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
    targeted: list[Said] = []
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
                source = _source(notice, clause)
                for rule in clause.rules:
                    if rule.target is None:
                        settings.take((depth, notice.dated, order, 0), rule, source, notice.dated)
                    else:
                        named = len(cast("Target", rule.target).named)
                        rank = depth, notice.dated, order, named
                        targeted.append(Said(rank, rule, source, notice.dated))
        governs = year in notice.years
        ordinary = ordinary or (governs and (notice.standalone or basis == "national"))
        if governs or offer.rules:
            used.append(NoticeRef(notice.id, notice.label, notice.place, hash_))
    if settings.get("requirement.total") is None:
        return None
    if not ordinary and not any(rule.value.windows for offer in standing(offers) for rule in offer.rules):
        return None
    head = _Head(place, year, tuple(chain), ordinary, basis, provisional, tuple(used))
    return _Layers(head, settings, tuple(targeted), tuple(offers)).policy(frozenset(), None)


class _Head(NamedTuple):
    """What a policy is of, and by which notices."""

    place: str
    year: int
    chain: tuple[str, ...]
    ordinary: bool
    basis: Basis
    provisional: bool
    notices: tuple[NoticeRef, ...]


class _Layers:
    """What notices say of a place and year to all, and beside it to some: a policy of it for each of those, made when it is
    asked for the first time."""

    def __init__(
        self, head: _Head, settings: Settings, targeted: tuple[Said, ...], offers: tuple[Offer, ...]
    ) -> None:
        self._head = head
        self._settings = settings
        self._targeted = targeted
        self._offers = offers
        made = (rule.value.target for offer in offers for rule in offer.rules)
        targets = (*(said.target for said in targeted), *made)
        self._targets = tuple(dict.fromkeys(each for each in targets if each is not None))
        self._policies: dict[tuple[frozenset[Target], frozenset[Target] | None], Policy] = {}

    def policy(self, meant: frozenset[Target], open_: frozenset[Target] | None) -> Policy:
        """The policy of whom those targets mean; `open_` are those that what was studied will decide, None all that there
        are."""
        key = meant, open_
        if key not in self._policies:
            self._policies[key] = self._made(meant, open_)
        return self._policies[key]

    def _made(self, meant: frozenset[Target], open_: frozenset[Target] | None) -> Policy:
        head, settings = self._head, self._settings
        asked = [said for said in self._targeted if said.target in meant]
        if asked:
            settings = settings.copy()
            for said in asked:
                settings.take(said.rank, said.rule, said.source, said.issued)
        stand = standing(_meant(self._offers, meant)) if self._offers else []
        any_mode = ModeTerms(settings, "*")
        modes = {mode: ModeTerms(settings, mode) for mode in sorted(_modes(settings))}
        last_days = (terms.study.until for terms in (any_mode, *modes.values()) if terms.allowed)
        own_end = max((day for day in last_days if day), default=date(head.year, 12, 31))
        make_up = make_up_terms(stand, head.year, own_end)
        targets = tuple(each for each in self._targets if open_ is None or each in open_)
        return Policy(
            **head._asdict(),
            hash_=_hash(head, settings, make_up, self._left(targets)),
            settings=settings,
            modes=modes,
            any_mode=any_mode,
            spans=_spans(any_mode, modes),
            make_up=make_up,
            targets=Targets(targets, meant, open_ is None, self.policy) if targets else None,
            for_some=self._for_some(targets),
        )

    def _for_some(self, targets: tuple[Target, ...]) -> dict[str, Sourced[Any]]:
        """What is said to some alone, by the name of the setting and of whom, the stronger last."""
        found: dict[str, Sourced[Any]] = {}
        for said in sorted(self._targeted, key=lambda one: one.rank):
            if said.target in targets:
                found |= {
                    f"{name} {said.target}": said.source.carrying(value)
                    for name, value in said.rule.settings()
                }
        offered = (rule for offer in self._offers for rule in offer.rules)
        return found | {
            f"make_up {rule.value.target}": rule for rule in offered if rule.value.target in targets
        }

    def _left(self, targets: tuple[Target, ...]) -> list[object]:
        """What is said to those whom some of the targets mean: it decides for them as the settings do."""
        said = [[each.rank[:1], each.rule, each.source] for each in self._targeted if each.target in targets]
        offered = [rule for offer in self._offers for rule in offer.rules if rule.value.target in targets]
        return [*said, *offered]


def _meant(offers: Iterable[Offer], meant: frozenset[Target]) -> Iterator[Offer]:
    """The offers with the rules that are for all, or for those who are meant."""
    for offer in offers:
        rules = tuple(rule for rule in offer.rules if rule.value.target is None or rule.value.target in meant)
        if rules:
            yield offer._replace(rules=rules)


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


_LATER = frozenset({"one_at_a_time", "choice", "any_of", "share", "routes"})
"""Fields of a make-up window and of its minima that came later: where they say nothing they change no hash."""


def _without_later(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_later(v) for k, v in value.items() if v or k not in _LATER}
    return [_without_later(each) for each in value] if isinstance(value, list | tuple) else value


def _hash(head: _Head, settings: Settings, make_up: MakeUpTerms, targeted: list[object]) -> str:
    national = {"basis": head.basis, "provisional": head.provisional} if head.basis == "national" else {}
    said = {
        **national,
        **({"targeted": targeted} if targeted else {}),
        "place": head.place,
        "year": head.year,
        "ordinary": head.ordinary,
        "settings": settings.values(),
        "make_up": [
            {k: v for k, v in msgspec.structs.asdict(window).items() if k not in ("begins", "ends")}
            for window in make_up.windows
        ],
        "never": make_up.never,
    }
    plain = msgspec.to_builtins(said, builtin_types=(Decimal,), order="deterministic")
    plain = canonical(plain | {"make_up": _without_later(plain["make_up"])})
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
