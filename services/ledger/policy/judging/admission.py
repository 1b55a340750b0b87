"""Admission of a completion: it becomes credits, waits, or is refused, under the policy of its place and year.

`admit` is total: whatever the facts, it answers. A refusal names a stable code, the clause, and the values that explain it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from services.kit.clock import local_date
from services.ledger.policy.judging.make_up_gates import beside_another, gate_of, takes_reports
from services.ledger.policy.judging.requirements import registered_sum, time_given
from services.ledger.policy.language.days import ALWAYS, NEVER, begins, day_at
from services.ledger.policy.language.facts import (
    Account,
    CompletionFacts,
    Decision,
    Held,
    Person,
    ProviderStanding,
    Registered,
    Rejected,
    Route,
    Waiting,
    WaitingReason,
)
from services.ledger.policy.language.rule import Need
from services.ledger.policy.language.target import of_report
from services.ledger.policy.policy import ModeTerms, Policy
from services.ledger.policy.rules.credit_year import CreditYearTerms
from services.ledger.policy.rules.enrolment import EnrolmentTerms
from services.ledger.policy.rules.make_up import MakeUpWindowTerms
from services.ledger.policy.rules.modes import ModesTerms
from services.ledger.policy.rules.prerequisite import PrerequisiteTerms
from services.ledger.policy.rules.provider_choice import ProviderChoiceTerms
from services.ledger.policy.rules.providers import ProviderTerms
from services.ledger.policy.rules.tiers import TierTerms

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of ours a provider's clock may run."""

YEAR_FIRST = 2000
_ZERO = Decimal(0)
ANYBODY = ProviderTerms(names=None, codes=frozenset(), clause=None)
_REASONS: dict[Need, WaitingReason] = {
    "exam": "exam_pending",
    "evaluation": "evaluation_pending",
    "total": "below_total",
}


class Opening(NamedTuple):
    """The time a completion falls into, and what applies there."""

    begins: datetime
    ends: datetime
    late: bool
    make_up: bool
    providers: ProviderTerms
    needs: tuple[Need, ...]
    clause: str

    def registered(self) -> Registered:
        """The answer to what passed all gates."""
        return Registered(self.late, self.make_up, self.clause)


_NEVER_OPEN = Opening(NEVER, ALWAYS, False, False, ANYBODY, (), "")


class Case(Struct, kw_only=True, gc=False):
    """What is decided about, and under what; the gate `window` finds the opening."""

    policy: Policy
    terms: ModeTerms
    facts: CompletionFacts | Waiting
    taught_by: str
    account: Account | None
    now: datetime
    opening: Opening = _NEVER_OPEN

    @property
    def reported_at(self) -> datetime:
        """When it was first reported: what came in time counts, however long it waited (B-25)."""
        return self.facts.reported_at or self.now


class Posted(Case, kw_only=True, gc=False):
    """A completion that is posted: who studied it and who taught it."""

    facts: CompletionFacts
    person: Person
    provider: ProviderStanding


def plausible(case: Posted) -> Rejected | None:
    """Credits above zero and within one record's limit, a category that is known, moments that have come."""
    policy, facts = case.policy, case.facts
    if facts.credits <= _ZERO:
        return Rejected("credits-not-positive")
    if not policy.categories.knows(facts.category):
        return policy.categories.unknown()
    if facts.credits > policy.record_limit.credits:
        return policy.record_limit.refusal(facts.credits)
    latest = facts.completed_at
    if facts.exam_passed_at is not None and facts.exam_passed_at > latest:
        latest = facts.exam_passed_at
    if latest > case.reported_at + CLOCK_TOLERANCE:
        return Rejected("completed-in-future")
    started = facts.started_on
    if started is not None and begins(started) > facts.completed_at:
        return Rejected("started-after-completion", None, {"started_on": started.isoformat()})
    return None


def window(case: Case) -> Rejected | None:
    """The ordinary window, else an automatic make-up window, else the reason there is none."""
    policy, terms, moment, reported = case.policy, case.terms, case.facts.completed_at, case.reported_at
    study = terms.study
    # Somebody who was given more time studies and registers until then.
    given = time_given(case.account)
    last = max(study.ends, given)
    if policy.ordinary and study.begins <= moment < last:
        clause = terms.style_clause or study.until_clause or ""
        late = terms.windows.is_late(moment, reported, given)
        case.opening = Opening(study.begins, last, late, False, terms.providers, terms.needs, clause)
        return None
    refusal: Rejected | None = None
    for open_ in policy.make_up:
        if not _inside(case, open_):
            continue
        if not takes_reports(open_, case.account):
            refusal = refusal or Rejected("make-up-by-application", open_.clause, {"year": str(policy.year)})
            continue
        gate = gate_of(policy, open_, case.facts.category, case.account) or beside_another(
            open_, case.account, case.facts
        )
        if gate is None:
            needs = terms.needs if open_.needs is None else open_.needs
            late = reported >= open_.study_ends
            case.opening = Opening(
                open_.begins, open_.study_ends, late, True, open_.providers, needs, open_.clause
            )
            return None
        refusal = gate
    return refusal or _outside(case)


def mode(case: Case) -> Rejected | None:
    """The modes that a clause allows; a make-up window has its own."""
    if case.terms.allowed or case.opening.make_up:
        return None
    return Rejected("mode-not-allowed", case.terms.modes_clause, {"mode": case.facts.mode})


def provider(case: Posted) -> Rejected | None:
    """The providers of the list or those accredited, in standing on the day."""
    opening, policy, facts = case.opening, case.policy, case.facts
    day = day_at(facts.completed_at)
    # Past years are made up with those who may teach now (B-03).
    years = (facts.year, day.year) if opening.make_up else (facts.year,)
    refused = opening.providers.refusal(case.provider, policy.chain, years, facts.mode, day)
    if refused is None:
        return policy.disqualification.refusal(case.provider, day)
    # The make-up is for other providers (B-03); for this one the year's own window has closed.
    return _outside(case) if opening.make_up and policy.ordinary else refused


def mode_of_tier(case: Posted) -> Rejected | None:
    """The modes left to people of a tier, also in a make-up."""
    return case.terms.of(ModesTerms).refusal(case.person.qualification, case.facts.mode)


def tier(case: Posted) -> Rejected | None:
    """Courses of a tier that counts for the person, also in a make-up."""
    facts = case.facts
    return case.policy.of(TierTerms).refusal(case.person.qualification, facts.tier, facts.category)


def prerequisite(case: Posted) -> Rejected | None:
    """The categories that come first; a make-up has its own."""
    if case.opening.make_up:
        return None
    return case.policy.of(PrerequisiteTerms).refusal(case.account, case.facts.category)


def own_year(case: Posted) -> Rejected | None:
    """The year of completing, where that is the credit year."""
    if case.opening.make_up or case.facts.completed_at < time_given(case.account):
        return None
    return case.terms.of(CreditYearTerms).refusal(case.facts.completed_at, case.policy.year)


def one_provider(case: Posted) -> Rejected | None:
    """One provider a year (A-10)."""
    if case.opening.make_up:
        return None
    return case.terms.of(ProviderChoiceTerms).refusal(case.account, case.taught_by, case.facts.mode)


def registrable(case: Posted) -> Rejected | None:
    """The firm days of registering, by the moment of the first report (B-25)."""
    if case.opening.make_up:
        return None
    windows, completed = case.terms.windows, case.facts.completed_at
    return windows.not_registered(completed, case.reported_at, time_given(case.account))


def enrolment(case: Case) -> Held | Rejected | None:
    """An enrolment that covers the study; refused where none that may be recorded could."""
    if case.opening.make_up:
        return None
    asked, facts = case.terms.of(EnrolmentTerms), case.facts
    waits = asked.waits(case.account, case.taught_by, facts.mode, facts.completed_at)
    if waits is None or any(asked.may_cover(span, facts.completed_at) for span in _enrolling(case)):
        return waits
    enrol = case.terms.windows.acts["enrol"]
    return Rejected("enrolment-impossible", enrol.until_clause or enrol.since_clause)


def exam(case: Case) -> Held | Rejected | None:
    """The provider's exam, inside the window."""
    return _passed(case, "exam", case.facts.exam_passed_at)


def evaluation(case: Case) -> Held | Rejected | None:
    """The provider's evaluation, inside the window."""
    return _passed(case, "evaluation", case.facts.evaluated_at)


def total(case: Posted) -> Held | None:
    """The year's total: what is registered, what waits for it alone, and the completion that is decided (B-05)."""
    if "total" not in case.opening.needs or _sum_with(case.facts, case.account) >= case.policy.total:
        return None
    return Held("below_total", case.opening.clause, case.opening.make_up)


class Gate(NamedTuple):
    """A check that a completion passes; `when` says for which modes of a policy it can refuse anything."""

    check: Callable[[Posted], Decision | None]
    when: Callable[[Policy, ModeTerms], bool] = lambda policy, terms: True


def _needs(need: Need) -> Callable[[Policy, ModeTerms], bool]:
    return lambda policy, terms: need in terms.needs or any(need in (w.needs or ()) for w in policy.make_up)


_ENROLMENT = Gate(enrolment, lambda policy, terms: terms.get(EnrolmentTerms) is not None)
_EXAM = Gate(exam, _needs("exam"))
_EVALUATION = Gate(evaluation, _needs("evaluation"))

GATES: tuple[Gate, ...] = (
    Gate(plausible),
    Gate(window),
    Gate(mode, lambda policy, terms: not terms.allowed),
    Gate(provider),
    Gate(mode_of_tier, lambda policy, terms: bool(terms.of(ModesTerms).of_tier)),
    Gate(tier, lambda policy, terms: policy.get(TierTerms) is not None),
    Gate(prerequisite, lambda policy, terms: policy.get(PrerequisiteTerms) is not None),
    Gate(own_year, lambda policy, terms: terms.get(CreditYearTerms) is not None),
    Gate(one_provider, lambda policy, terms: terms.get(ProviderChoiceTerms) is not None),
    Gate(registrable, lambda policy, terms: bool(terms.windows.firm or terms.windows.register_days)),
    _ENROLMENT,
    _EXAM,
    _EVALUATION,
    Gate(total, _needs("total")),
)
"""The order of admission: the first gate that refuses decides, else the first that lets wait, and what passes all of them is
registered. So what can never become a credit is refused at the first look, whatever else is missing."""


def is_out_of_range(year: int, now: datetime) -> bool:
    """Whether nobody can study for the credit year at this moment: from 2000 to next year, by Shanghai's calendar."""
    return year < YEAR_FIRST or (year > now.year and year > local_date(now).year + 1)


def no_policy(place: str, year: int, *, out_of_range: bool) -> Rejected:
    """The refusal where nothing can be studied for the year, or no notice governs it."""
    if out_of_range:
        return Rejected("year-out-of-range", None, {"year": str(year)})
    return Rejected("no-policy", None, {"place": place, "year": str(year)})


def admit(
    policy: Policy | None,
    completion: CompletionFacts,
    person: Person,
    account: Account | None,
    provider: ProviderStanding,
    now: datetime,
    route: Route = "provider",
) -> Decision:
    """Decide one completion for the credit year it states, by the gates in their order."""
    out_of_range = is_out_of_range(completion.year, now)
    if policy is None or out_of_range:
        return no_policy(person.place, completion.year, out_of_range=out_of_range)
    if policy.targets is not None:
        policy = policy.of_person(person).of_learning(of_report(completion, person, provider, route))
    terms = policy.terms_of(completion.mode)
    case = Posted(
        policy=policy,
        terms=terms,
        facts=completion,
        taught_by=completion.provider_id,
        account=account,
        now=now,
        person=person,
        provider=provider,
    )
    if terms.gates is None:
        terms.gates = [gate.check for gate in GATES if gate.when(policy, terms)]
    waits: Held | None = None
    for check in terms.gates:
        answer: Decision | None = check(case)
        if isinstance(answer, Held):
            waits = waits or answer
        elif answer is not None:
            return answer
    return waits or case.opening.registered()


def _passed(case: Case, need: Need, moment: datetime | None) -> Held | Rejected | None:
    """Study, exam and evaluation make one training (S0-09): all of them lie inside the window. What was passed before it
    opened is of no use to this year, and another may still be passed."""
    opening, account = case.opening, case.account
    if need not in opening.needs or (moment is not None and opening.begins <= moment < opening.ends):
        return None
    for one in account.exams if account is not None else ():
        in_time = opening.begins <= one.passed_at < opening.ends
        if in_time and one.of == need and one.provider == case.taught_by:
            return None
    if moment is not None and moment >= opening.ends:
        return Rejected(f"{need}-too-late", opening.clause)
    return Held(_REASONS[need], opening.clause, opening.make_up)


def _enrolling(case: Case) -> list[tuple[datetime, datetime]]:
    """When somebody may enrol: in the window to enrol, where there is one, and in a make-up of its own accord."""
    enrol = case.terms.windows.acts.get("enrol")
    return [
        (enrol.begins, enrol.ends) if enrol is not None else (ALWAYS, NEVER),
        *(
            (open_.begins, open_.ends)
            for open_ in case.policy.make_up
            if open_.channel == "automatic" and (open_.modes is None or case.facts.mode in open_.modes)
        ),
    ]


def _sum_with(facts: CompletionFacts, account: Account | None) -> Decimal:
    reached = registered_sum(account) + facts.credits
    for waiting in account.waiting if account is not None else ():
        own = waiting.completion_id == facts.completion_id and waiting.provider == facts.provider_id
        if waiting.reason == "below_total" and not own:
            reached += waiting.credits
    return reached


def _inside(case: Case, open_: MakeUpWindowTerms) -> bool:
    moment, reported = case.facts.completed_at, case.reported_at
    if open_.modes is not None and case.facts.mode not in open_.modes:
        return False
    if open_.act == "register":
        # What was studied in its own year, or since, may be registered while the window is open (S4-08).
        return open_.begins <= reported < open_.ends and case.policy.study_begins <= moment
    return open_.begins <= moment < open_.study_ends


def _outside(case: Case) -> Rejected:
    policy, study, reported = case.policy, case.terms.study, case.reported_at
    moment, year = case.facts.completed_at, str(policy.year)
    since = {"year": year, "since": study.since.isoformat() if study.since else ""}
    if policy.ordinary and moment < study.begins:
        return Rejected("not-yet-open", study.since_clause or study.until_clause, since)
    later = [
        open_
        for open_ in policy.make_up
        if (open_.modes is None or case.facts.mode in open_.modes)
        and (reported if open_.act == "register" else moment) < open_.begins
    ]
    if not policy.ordinary and later:
        return Rejected("not-yet-open", later[0].clause, {"year": year, "since": later[0].since.isoformat()})
    if policy.ordinary:
        details = {"year": year, "until": study.until.isoformat() if study.until else ""}
        if later:
            details["make_up_since"] = later[0].since.isoformat()
        return Rejected("window-closed", study.until_clause or study.since_clause, details)
    if moment < policy.study_begins and any(
        open_.begins <= reported < open_.ends for open_ in policy.make_up
    ):
        # Registering is open, but this was studied before the year it is for (S4-08).
        return Rejected("not-yet-open", study.since_clause, since)
    last = max(policy.make_up, key=lambda open_: open_.study_ends)
    until = last.study_until.isoformat() if last.study_until else ""
    return Rejected("window-closed", last.clause, {"year": year, "until": until})
