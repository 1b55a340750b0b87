"""Whether a completion becomes credits, waits, or is refused: a pure decision under the policy of its place and year.

`admit` decides one completion, `release` which waiting ones have become credits. Both are total: whatever the facts,
they answer. A refusal names a stable code, the clause, and the values that explain it.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from services.kit.clock import local_date
from services.ledger.policy.judging.enrolments import covered, enrolment_clause
from services.ledger.policy.judging.make_up_gates import gate_of
from services.ledger.policy.language.days import ALWAYS, NEVER, begins, day_at, ends
from services.ledger.policy.language.decisions import Decision, Held, Registered, Rejected
from services.ledger.policy.language.facts import Account, CompletionFacts, Person, ProviderStanding, Waiting
from services.ledger.policy.language.rule import Need
from services.ledger.policy.limits import refused_by
from services.ledger.policy.policy import Limits, MakeUpTerms, Policy, ProviderTerms, Span
from services.ledger.policy.rules.providers import is_accredited, is_listed
from services.ledger.policy.rules.registration import REASONS, TOTAL_ALONE, passed, registered_sum, sum_with

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of ours a provider's clock may run."""

YEAR_FIRST = 2000
_ZERO = Decimal(0)
_ANYBODY = ProviderTerms(names=None, codes=frozenset(), clause=None)
_NEED_OF: dict[str, tuple[Need, ...]] = {
    "enrolment_pending": (),
    "exam_pending": ("exam",),
    "evaluation_pending": ("evaluation",),
    "below_total": ("total",),
}


class Opening(NamedTuple):
    """The time a completion falls into, and what applies there."""

    begins: datetime
    ends: datetime
    late: bool
    make_up: MakeUpTerms | None
    providers: ProviderTerms
    needs: tuple[Need, ...]
    clause: str
    limits: Limits | None = None


def is_out_of_range(year: int, now: datetime) -> bool:
    """Whether nobody can study for the credit year at this moment: from 2000 to next year, by Shanghai's calendar."""
    return year < YEAR_FIRST or (year > now.year and year > local_date(now).year + 1)


def admit(
    policy: Policy | None,
    completion: CompletionFacts,
    person: Person,
    account: Account | None,
    provider: ProviderStanding,
    now: datetime,
) -> Decision:
    """Decide one completion for the credit year it states; checks run in a fixed order and the first to fail answers."""
    if is_out_of_range(completion.year, now):
        return Rejected("year-out-of-range", None, {"year": str(completion.year)})
    if policy is None:
        return Rejected("no-policy", None, {"place": person.place, "year": str(completion.year)})
    if (refusal := _implausible(policy, completion, now)) is not None:
        return refusal
    opening = _opening(policy, completion, completion.completed_at, account, now)
    if isinstance(opening, Rejected):
        return opening
    if (refusal := _unsuitable(policy, completion, opening, provider)) is not None:
        if opening.make_up is None or not policy.ordinary or refusal.problem == "provider-disqualified":
            return refusal
        # The make-up is for other providers (B-03); for this one the year's own window has closed.
        study = policy.terms_of(completion.mode).study
        return _outside(policy, study, completion.mode, completion.completed_at, now)
    make_up = opening.make_up is not None
    limits = opening.limits
    if limits is not None:
        refused = refused_by(policy, limits, completion, person, account, now, make_up=make_up)
        if refused is not None:
            return refused
    if limits is not None or opening.needs:
        return _decided(policy, completion, opening, account)
    return Registered(opening.late, make_up, opening.clause)


def _decided(
    policy: Policy, completion: CompletionFacts, opening: Opening, account: Account | None
) -> Decision:
    needs = opening.needs
    if needs != TOTAL_ALONE or opening.limits is not None:
        waits = _waits_for(completion, completion.provider_id, opening, account)
        if waits is not None:
            return waits
    if "total" in needs and sum_with(completion, account) < policy.total:
        return Held("below_total", opening.clause, opening.make_up is not None)
    return Registered(opening.late, opening.make_up is not None, opening.clause)


def _waits_for(
    facts: CompletionFacts | Waiting, provider: str, opening: Opening, account: Account | None
) -> Held | Rejected | None:
    """What a completion waits for other than the total; a refusal when its own exam or evaluation came too late.

    Study, exam and evaluation make one training (S0-09): all of them lie inside the window. What was passed before it opened
    is of no use to this year, and another may still be passed.
    """
    limits = opening.limits
    if limits is not None and opening.make_up is None:
        clause = enrolment_clause(limits)
        if clause is not None and not covered(limits, account, provider, facts.mode, facts.completed_at):
            return Held("enrolment_pending", clause)
    for need in opening.needs:
        if need == "total":
            continue
        moment = facts.exam_passed_at if need == "exam" else facts.evaluated_at
        if moment is not None and opening.begins <= moment < opening.ends:
            continue
        if account is not None and passed(account, need, provider, opening.begins, opening.ends):
            continue
        if moment is not None and moment >= opening.ends:
            return Rejected(f"{need}-too-late", opening.clause)
        return Held(REASONS[need], opening.clause, opening.make_up is not None)
    return None


def unknown_category(policy: Policy) -> Rejected:
    """The category is none of the policy's; the refusal names those there are, with the clause that declares them."""
    known = ", ".join(sorted(policy.categories.codes))
    return Rejected("category-unknown", policy.categories.clause, {"known": known})


def release(policy: Policy | None, account: Account, now: datetime) -> list[str]:
    """The waiting completions that become credits now, in order of completion."""
    return [completion_id for _, completion_id in released(policy, account, now)]


def released(policy: Policy | None, account: Account, now: datetime) -> dict[tuple[str, str], Registered]:
    """The waiting completions that become credits now, by provider and id, each with the terms of its registration."""
    return {
        key: answer
        for key, answer in reconsidered(policy, account, now).items()
        if isinstance(answer, Registered)
    }


def reconsidered(
    policy: Policy | None, account: Account, now: datetime
) -> dict[tuple[str, str], Registered | Held]:
    """What is to be said anew of waiting completions, by provider and id: that they are credits, or wait for another reason.

    All that wait for the total go together once it is reached, by whatever route (B-05); one that waits for the exam
    goes when the same provider's exam was passed in time.
    """
    if policy is None or not account.waiting:
        return {}
    answers: dict[tuple[str, str], Registered | Held] = {}
    for_total: list[tuple[Waiting, Opening]] = []
    reached = registered_sum(account)
    for waiting in sorted(account.waiting, key=lambda w: (w.completed_at, w.provider, w.completion_id)):
        opening = _opening(policy, waiting, waiting.completed_at, account, now)
        if isinstance(opening, Rejected):
            # It was accepted under the notices of its day; a later notice does not take that back.
            opening = Opening(
                ALWAYS, NEVER, False, None, _ANYBODY, _NEED_OF[waiting.reason], waiting.clause or ""
            )
        key = waiting.provider, waiting.completion_id
        waits = _waits_for(waiting, waiting.provider, opening, account)
        if isinstance(waits, Held):
            answers[key] = waits
        elif waits is None:
            reached += waiting.credits
            if "total" in opening.needs:
                for_total.append((waiting, opening))
            else:
                answers[key] = Registered(opening.late, opening.make_up is not None, opening.clause)
    for waiting, opening in for_total:
        answers[waiting.provider, waiting.completion_id] = (
            Registered(opening.late, opening.make_up is not None, opening.clause)
            if reached >= policy.total
            else Held("below_total", opening.clause, opening.make_up is not None)
        )
    reasons = {(w.provider, w.completion_id): w.reason for w in account.waiting}
    return {
        key: answer
        for key, answer in answers.items()
        if isinstance(answer, Registered) or answer.reason != reasons[key]
    }


def _implausible(policy: Policy, completion: CompletionFacts, now: datetime) -> Rejected | None:
    if completion.credits <= _ZERO:
        return Rejected("credits-not-positive")
    if not policy.categories.knows(completion.category):
        return unknown_category(policy)
    if completion.credits > policy.record_limit:
        return Rejected(
            "credits-above-limit", policy.record_limit_clause, {"limit": str(policy.record_limit)}
        )
    latest = completion.completed_at
    if completion.exam_passed_at is not None and completion.exam_passed_at > latest:
        latest = completion.exam_passed_at
    if latest > now and latest > now + CLOCK_TOLERANCE:
        return Rejected("completed-in-future")
    started = completion.started_on
    if started is not None and begins(started) > completion.completed_at:
        return Rejected("started-after-completion", None, {"started_on": started.isoformat()})
    return None


def _opening(
    policy: Policy, facts: CompletionFacts | Waiting, moment: datetime, account: Account | None, now: datetime
) -> Opening | Rejected:
    """The ordinary window, else an automatic make-up window, else the reason there is none."""
    terms = policy.terms_of(facts.mode)
    study, register_ends = terms.study, terms.register_ends
    last = study.ends
    if account is not None and account.deferred is not None:
        # Somebody who was given more time studies and registers until then.
        last = max(last, ends(account.deferred.until))
        register_ends = max(register_ends, last)
    if policy.ordinary and study.begins <= moment < last:
        if not terms.allowed:
            return Rejected("mode-not-allowed", terms.modes_clause, {"mode": facts.mode})
        clause = terms.style_clause or study.until_clause or ""
        late = now >= register_ends
        return Opening(study.begins, last, late, None, terms.providers, terms.needs, clause, terms.limits)
    refusal: Rejected | None = None
    for window in policy.make_up:
        if not _inside(window, facts.mode, moment, now, policy):
            continue
        if window.channel == "application":
            refusal = refusal or Rejected("make-up-by-application", window.clause, {"year": str(policy.year)})
            continue
        gate = gate_of(policy, window, facts.category, account)
        if gate is None:
            needs = terms.needs if window.needs is None else window.needs
            late = now >= window.ends
            return Opening(
                window.begins, window.ends, late, window, window.providers, needs, window.clause, terms.limits
            )
        refusal = gate
    return refusal or _outside(policy, study, facts.mode, moment, now)


def _inside(window: MakeUpTerms, mode: str, moment: datetime, now: datetime, policy: Policy) -> bool:
    if window.modes is not None and mode not in window.modes:
        return False
    if window.act == "register":
        # What was studied in its own year, or since, may be registered while the window is open (S4-08).
        return window.begins <= now < window.ends and policy.study_begins <= moment
    return window.begins <= moment < window.ends


def _outside(policy: Policy, study: Span, mode: str, moment: datetime, now: datetime) -> Rejected:
    year = str(policy.year)
    if policy.ordinary and moment < study.begins:
        since = study.since.isoformat() if study.since else ""
        return Rejected(
            "not-yet-open", study.since_clause or study.until_clause, {"year": year, "since": since}
        )
    later = [
        window
        for window in policy.make_up
        if (window.modes is None or mode in window.modes)
        and (now if window.act == "register" else moment) < window.begins
    ]
    if not policy.ordinary and later:
        return Rejected("not-yet-open", later[0].clause, {"year": year, "since": later[0].since.isoformat()})
    if policy.ordinary:
        until = study.until.isoformat() if study.until else ""
        details = {"year": year, "until": until}
        if later:
            details["make_up_since"] = later[0].since.isoformat()
        return Rejected("window-closed", study.until_clause or study.since_clause, details)
    if moment < policy.study_begins and any(window.begins <= now < window.ends for window in policy.make_up):
        # Registering is open, but this was studied before the year it is for (S4-08).
        since = study.since.isoformat() if study.since else ""
        return Rejected("not-yet-open", study.since_clause, {"year": year, "since": since})
    last = max(policy.make_up, key=lambda window: window.ends)
    until = last.until.isoformat() if last.until else ""
    return Rejected("window-closed", last.clause, {"year": year, "until": until})


def _unsuitable(
    policy: Policy, completion: CompletionFacts, opening: Opening, provider: ProviderStanding
) -> Rejected | None:
    terms = opening.providers
    day = day_at(completion.completed_at)
    if terms.names is not None:
        if not is_listed(terms, provider):
            return Rejected("provider-not-listed", terms.clause, {"year": str(policy.year)})
    else:
        years: tuple[int, ...] = (completion.year,)
        if opening.make_up is not None:
            # Past years are made up with those who may teach now (B-03).
            years = (completion.year, day.year)
        if not is_accredited(policy.chain, years, completion.mode, provider, day):
            details = {"year": str(completion.year), "mode": completion.mode}
            return Rejected("provider-not-accredited", terms.clause, details)
    barred = provider.barred_since(day)
    if barred is not None:
        return Rejected("provider-disqualified", policy.disqualification_clause, {"from": barred.isoformat()})
    return None
