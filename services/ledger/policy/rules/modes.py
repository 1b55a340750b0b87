"""Modes of study (学习形式): which are allowed, to everybody and to people of a tier."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from services.ledger.policy.language.facts import Rejected
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import Mode, Tier
from services.ledger.policy.language.settings import Settings, Sourced, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import MODES, RejectionWords, label
from services.ledger.policy.language.words import TIERS as TIER_WORDS
from services.ledger.policy.rules.make_up import MakeUpTerms
from services.ledger.policy.rules.tiers import TIERS, tier_of

_SPEAKS_OF_A_MODE = (
    "window.study",
    "window.enrol",
    "providers",
    "registration",
    "enrolment",
    "units",
    "provider_choice",
)
"""Settings by mode that are of no use where the mode is not allowed."""


class Modes(TargetedRule, frozen=True, tag="modes"):
    """学习形式: 允许的方式; open 表示"等", 其他方式亦可。Allowed modes; when open, others are allowed too.

    With `tiers` it is said of people of those tiers alone, beside what is said of everybody (高级仅限面授).
    """

    allowed: Annotated[tuple[Mode, ...], Meta(min_length=1)]
    open: bool = False
    tiers: tuple[Tier, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """One setting for everybody, or one for each tier named."""
        if not self.tiers:
            yield "modes", self
        for tier in self.tiers:
            yield f"modes.{tier}", self


class ModesTerms(Struct, frozen=True):
    """Whether a mode is allowed, by which clause, and what is said to people of a tier."""

    allowed: bool
    clause: str | None
    of_tier: Mapping[str, Sourced[Modes]]

    def refusal(self, qualification: str | None, mode: str) -> Rejected | None:
        """Why people of this tier may not study in this mode (seniors face to face only); None when they may."""
        tier = tier_of(qualification)
        found = self.of_tier.get(tier) if tier is not None else None
        if tier is None or found is None or found.value.open or mode in found.value.allowed:
            return None
        return Rejected("mode-not-for-tier", found.clause, {"mode": mode, "tier": tier})


def terms_of(settings: Settings, mode: str) -> ModesTerms:
    """Of the mode; where no clause lists modes, all are allowed."""
    allowed: Sourced[Modes] | None = settings.get("modes")
    return ModesTerms(
        allowed=allowed is None or allowed.value.open or mode in allowed.value.allowed,
        clause=allowed.clause if allowed else None,
        of_tier={tier: found for tier in TIERS if (found := settings.get(f"modes.{tier}")) is not None},
    )


def warnings(rule: Modes, at: At) -> Iterator[Finding]:
    """A rule for tiers that limits them in nothing."""
    if rule.tiers and rule.open:
        yield at.found(
            "open",
            "no-limit",
            "写“open: true”时，对该层级没有任何限制",
            "being open, it limits these tiers in nothing",
        )


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """A mode that is spoken of and not allowed, a year or a tier without any mode."""
    if not policy.ordinary:
        return
    for name, sourced in policy.settings.items():
        setting, _, mode = name.rpartition(".")
        if mode == "*" or not setting.startswith(_SPEAKS_OF_A_MODE) or sourced not in own:
            continue
        terms = policy.modes[mode].of(ModesTerms) if mode in policy.modes else None
        used_later = any(w.modes is None or mode in w.modes for w in policy.of(MakeUpTerms).windows)
        if terms is not None and not terms.allowed and not used_later:
            zh, en = label(MODES, mode)
            yield Finding(
                own.pointer(sourced) or "",
                "mode-not-allowed",
                f"为{zh}作了规定，但 {terms.clause} 未允许此方式",
                f"it speaks of study {en}, a mode that {terms.clause} does not allow",
            )
    general = policy.any_mode.of(ModesTerms)
    pointer = own.pointer(policy.settings.get("modes"))
    found = [general, *(terms.of(ModesTerms) for terms in policy.modes.values())]
    if not any(terms.allowed for terms in found) and pointer is not None:
        yield Finding(pointer, "no-mode", "没有任何允许的学习方式", "no mode of study is allowed")
    yield from _tiers(policy, own)


def _tiers(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    allowed: Sourced[Any] | None = policy.settings.get("modes")
    for tier in TIERS:
        found: Sourced[Any] | None = policy.settings.get(f"modes.{tier}")
        if found is None or allowed is None or found.value.open or allowed.value.open:
            continue
        pointer = own.pointer(found, allowed)
        if pointer is not None and not set(found.value.allowed) & set(allowed.value.allowed):
            zh, en = label(TIER_WORDS, tier)
            yield Finding(
                pointer,
                "tier-without-mode",
                f"{zh}层级没有可用的学习方式",
                f"people of the {en} tier are left without a mode of study",
            )


KIND = Kind(
    rule=Modes,
    selectors=PERSONS - {"tiers"} | {"categories", "courses", "routes"},
    mode_terms=terms_of,
    warnings=warnings,
    year_warnings=year_warnings,
    rejections={
        "mode-not-allowed": RejectionWords(
            "不接受该学习方式",
            "The mode of study is not allowed",
            "通知未列入此学习方式：{mode}。",
            "The notice does not allow this mode: {mode}.",
        ),
        "mode-not-for-tier": RejectionWords(
            "该层级人员不能采用此学习方式",
            "The mode is not for people of this tier",
            "{tier} 层级人员不能采用此学习方式：{mode}。",
            "People of tier {tier} may not study in this mode: {mode}.",
        ),
    },
)
