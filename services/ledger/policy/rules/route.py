"""By which route credits are registered: an authority's own list, a provider's or employer's report, an own or a collective
application; and which forms go by which, also by where an exam was sat (S0-13, S2B-09, S2B-10)."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta

from contracts.divisions import authority_of
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.rule import Code, Mode, Rule, Text
from services.ledger.policy.policy import Policy, Sourced

Reporter = Literal["provider", "employer", "person", "authority", "collective"]
"""`person` applies alone, `collective` is an employer's application for many; the others report or list."""


class DirectRegistration(Rule, frozen=True, tag="direct_registration"):
    """直接登记: 由财政部门直接登记, 无需申请。Registered by an authority from its own lists; nobody applies.

    With `sat: within` that is so for what was sat in the authority's own province alone; the rest is applied for (S2B-09).
    """

    by: Literal["province", "county_up"]
    activities: Annotated[tuple[Text, ...], Meta(min_length=1)]
    forms: tuple[Code, ...] = ()
    sat: Literal["anywhere", "within"] = "anywhere"
    application_needed: bool = False


class Route(Rule, frozen=True, tag="route"):
    """登记途径: 谁申报, 谁审核登记。Who reports a mode of study, or a form of activity, and who reviews and registers it.

    A form that a route names is brought by its `reporters` and by nobody else; one that no route names is applied for.
    """

    name: Code
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()
    reporters: tuple[Reporter, ...] = ()
    reviewer: Text | None = None
    path: tuple[Text, ...] = ()
    by_document: Text | None = None

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each named route."""
        yield f"route.{self.name}", self


def registered_directly(
    policy: Policy, form: str, sat_in: str | None = None
) -> Sourced[DirectRegistration] | None:
    """The clause by which an authority registers this form from its own lists, so that nobody applies (S0-13, S2B-09).

    Where it is so for exams of the own province alone, one sat elsewhere is not; without a word it is taken to be here.
    """
    direct: Sourced[DirectRegistration] | None = policy.settings.get("direct_registration")
    if direct is None or form not in direct.value.forms or direct.value.application_needed:
        return None
    if direct.value.sat == "within" and sat_in is not None:
        return direct if authority_of(sat_in) == authority_of(policy.place) else None
    return direct


def may_bring(policy: Policy, form: str, reporter: Reporter) -> Rejected | None:
    """Why this reporter may not bring an activity of this form; None when it may."""
    routes = [
        sourced
        for name, sourced in policy.settings.items()
        if name.startswith("route.") and form in sourced.value.forms
    ]
    if not routes or any(reporter in sourced.value.reporters for sourced in routes):
        return None
    return Rejected("route-not-open", routes[0].clause, {"form": form, "reporter": reporter})
