"""Recognition (认定) where a notice makes it an act of its own after registration: such credits count once recognised
(S4-03, B-11)."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from services.ledger.policy.language.facts import ANY, Credit, lies_under
from services.ledger.policy.language.findings import Kind
from services.ledger.policy.language.rule import CategoryPath, Text
from services.ledger.policy.language.settings import Settings
from services.ledger.policy.language.target import PERSONS, TargetedRule


class Recognition(TargetedRule, frozen=True, tag="recognition"):
    """认定: 登记之外是否另行认定。Whether credits are recognised in an act of its own after registration (B-11)."""

    category: CategoryPath
    separate: bool
    levels: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each category."""
        yield f"recognition.{self.category}", self


class RecognitionTerms(Struct, frozen=True):
    """The categories whose credits are recognised apart from their registration, each with its clause."""

    separate: tuple[tuple[str, str], ...]

    def awaits(self, credit: Credit) -> str | None:
        """The clause for which a registered credit has to be recognised before it counts; None when none asks for it.

        A credit that may fill several categories waits as soon as one of them asks. Imported history was recognised where it
        comes from (S4-06).
        """
        if credit.route == "import":
            return None
        for category, clause in self.separate:
            paths = credit.fill if credit.category == ANY else (credit.category,)
            if any(lies_under(path, category) for path in paths):
                return clause
        return None


def terms_of(settings: Settings) -> RecognitionTerms | None:
    """The categories for which the policy asks for recognition; None where there are none."""
    found = tuple((name, each.clause) for name, each in settings.under("recognition.") if each.value.separate)
    return RecognitionTerms(found) if found else None


KIND = Kind(
    rule=Recognition,
    selectors=PERSONS | {"modes", "forms", "courses", "routes"},
    terms=terms_of,
    why={
        "awaiting_recognition": (
            "已登记，尚待财政部门认定",
            "registered, and waits to be recognised by the authority",
        )
    },
)
