"""Recognition (认定) where a notice makes it an act of its own after registration: such credits count once recognised
(S4-03, B-11)."""

from collections.abc import Mapping
from typing import Any

from services.ledger.policy.language.categories import ANY, lies_under
from services.ledger.policy.language.facts import Credit

Separate = tuple[tuple[str, str], ...]
"""The categories whose credits are recognised apart from their registration, each with its clause."""


def separately_recognised(settings: Mapping[str, Any]) -> Separate:
    """The categories for which the policy asks for recognition, from its settings."""
    return tuple(
        (name.removeprefix("recognition."), sourced.clause)
        for name, sourced in sorted(settings.items())
        if name.startswith("recognition.") and sourced.value.separate
    )


def awaits(separate: Separate, credit: Credit) -> str | None:
    """The clause for which a registered credit has to be recognised before it counts; None when none asks for it.

    A credit that may fill several categories waits as soon as one of them asks. Imported history was recognised where it
    comes from (S4-06).
    """
    if credit.route == "import":
        return None
    for category, clause in separate:
        paths = credit.fill if credit.category == ANY else (credit.category,)
        if any(lies_under(path, category) for path in paths):
            return clause
    return None
