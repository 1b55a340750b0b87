"""Forms of activities that may be claimed for a person's year, as the policy of the place has them, and what each asks."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from services.ledger.cases.claim_awards import reporters_of
from services.ledger.cases.commands import Actor
from services.ledger.policy import STUDY, Policy, may_bring, registered_directly
from services.ledger.policy.language.settings import Sourced
from services.ledger.policy.rules.equivalence import EquivalenceForm, RoleCredits
from services.ledger.policy.rules.route import claimable
from services.ledger.streams.facts import evidence_of

_BY_DAY_OF = {"result": "result_on", "admission": "document_on", "graduation": "document_on"}
_MODES = ("online", "face_to_face", "other")
_EQUIVALENCE = "equivalence."


class ClaimForm(Struct, frozen=True, kw_only=True):
    """A form that may be claimed: its name in the notice, what a unit of it is worth, and what a claim of it has to say.

    `needs` are fields of the claim, `facts` the keys of its `fact`, `requires` the proofs that the notice asks for. `roles`
    are worth different credits; with `discretionary` the reviewer says how many. Proven study (form `study`) has no name,
    and `modes` says of which modes it may be.
    """

    form: str
    name: str | None
    per: str | None
    credits: Decimal | None
    roles: tuple[RoleCredits, ...]
    modes: tuple[str, ...]
    discretionary: bool
    needs: tuple[str, ...]
    facts: tuple[str, ...]
    requires: tuple[str, ...]
    clause: str
    document: str
    text: str


class ClaimForms(Struct, frozen=True, kw_only=True):
    """The forms that may be claimed for a person and a year; they are one page."""

    items: list[ClaimForm]
    next: str | None = None
    total: int


def forms_of(policy: Policy, actor: Actor) -> Iterator[ClaimForm]:
    """The forms that the actor may claim, in the order of their names, proven study last."""
    for name, said in sorted(policy.settings.items()):
        if name.startswith(_EQUIVALENCE) and _is_open(policy, said.value, actor):
            yield _form(policy, said)
    by_mode = {mode: route for mode in _MODES if (route := claimable(policy, mode)) is not None}
    if by_mode:
        route = next(iter(by_mode.values()))
        yield ClaimForm(
            form=STUDY,
            name=None,
            per=None,
            credits=None,
            roles=(),
            modes=tuple(by_mode),
            discretionary=False,
            needs=("mode", "category", "quantity"),
            facts=evidence_of(STUDY),
            requires=(),
            clause=route.clause,
            document=route.document,
            text=route.text,
        )


def _is_open(policy: Policy, form: EquivalenceForm, actor: Actor) -> bool:
    if form.lifted or (registered_directly(policy, form.form) is not None and not _by_place(policy, form)):
        return False
    return any(may_bring(policy, form.form, reporter) is None for reporter in reporters_of(actor))


def _by_place(policy: Policy, form: EquivalenceForm) -> bool:
    """Whether an authority registers the form itself for exams sat in the own province alone."""
    direct = policy.settings.get(f"direct_registration.{form.form}")
    return direct is not None and direct.value.sat == "within"


def _form(policy: Policy, said: Sourced[EquivalenceForm]) -> ClaimForm:
    form = said.value
    return ClaimForm(
        form=form.form,
        name=form.name,
        per=form.per,
        credits=form.credits,
        roles=form.roles,
        modes=(),
        discretionary=form.between is not None,
        needs=tuple(_needs(policy, form)),
        facts=evidence_of(form.form, form.facts),
        requires=form.requires,
        clause=said.clause,
        document=said.document,
        text=said.text,
    )


def _needs(policy: Policy, form: EquivalenceForm) -> Sequence[str]:
    asked = (
        ("role", bool(form.roles)),
        ("score", bool(form.bands)),
        ("quantity", form.per in ("day", "hours", "course", "subject")),
        ("sat_in", _by_place(policy, form)),
    )
    by_day = _BY_DAY_OF.get(form.credit_year or "")
    return [name for name, needed in asked if needed] + ([by_day] if by_day is not None else [])
