"""Filing (备案): before a training and after it, by whom, with what."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import Mode, Reporter, Text, by_mode
from services.ledger.policy.language.settings import Settings, Sourced
from services.ledger.policy.language.target import TargetedRule
from services.ledger.policy.language.words import RejectionWords


class Filing(TargetedRule, frozen=True, tag="filing"):
    """备案: 培训前备案或报计划, 培训后若干工作日内报送名单。Filing before a training, roster after it."""

    modes: tuple[Mode, ...] = ()
    before: Literal["approved", "submitted", "account"] | None = None
    report_working_days: Annotated[int, Meta(ge=0, le=250)] | None = None
    reporters: tuple[Reporter, ...] = ()
    submits: tuple[Text, ...] = ()
    accounts_by: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """Each part is a setting of its own, for each mode."""
        for field in ("before", "report_working_days", "reporters", "submits", "accounts_by"):
            value = getattr(self, field)
            if value is not None and value != ():
                yield from by_mode(f"filing.{field}", self.modes, value)


class FilingTerms(Struct, frozen=True):
    """The clause by which trainings of a mode are filed before they are held (S1-14, S2B-13)."""

    first: Sourced[str]


def terms_of(settings: Settings, mode: str) -> FilingTerms | None:
    """Of a mode; None where trainings need no filing."""
    found = settings.of_mode("filing.before", mode)
    return FilingTerms(found) if found is not None and found.value in ("approved", "submitted") else None


KIND = Kind(
    rule=Filing,
    selectors=frozenset({"providers", "organisers"}),
    mode_terms=terms_of,
    rejections={
        "filing-needed": RejectionWords(
            "该培训须事先备案",
            "The training must be filed first",
            "通知要求培训前备案：请注明备案编号，或由名单登记。",
            "The notice wants trainings filed before they are held: cite the filing, or report by its roster.",
        ),
        "filing-not-suitable": RejectionWords(
            "所注明的备案不适用",
            "The filing that is cited does not cover this",
            "该备案不存在、不属于本机构、未在培训前通过，或当日没有场次。",
            "It does not exist, is another organization's, was not approved before the training, "
            "or has no session that day.",
        ),
    },
)
