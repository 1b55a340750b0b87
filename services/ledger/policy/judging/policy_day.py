"""A policy on a given day, the same for everybody: the phase of the year, deadlines, the make-up that is open."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.language.days import begins, ends, last_second
from services.ledger.policy.language.facts import Category
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.make_up import MakeUpWindowTerms

DAYS_MAX = 400
"""Days remembered per policy; past that the memory starts afresh."""


OpenAct = Literal["enrol", "study", "make_up_study", "make_up_apply"]
MAKE_UP_ACTS = frozenset({"make_up_study", "make_up_apply"})


class PersonOpening(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that this person can do, from `since` (the day asked about, or a later one) to `until`, both included.

    `category` is what it counts for, None for an enrolment and where any is missing. `enrol` says that study needs an
    enrolment that is still to come, `paid` that it has to be paid. `conditions` are those of a make-up window, which the
    person meets or an official hears (`special_reason`). `study_until` is the last day of the study that is applied for,
    where the notice gives it one of its own (B-23); `registers` is of a make-up in which what was studied is registered
    (补登).
    """

    act: OpenAct
    mode: str
    category: Category | None
    since: date
    until: date | None
    clause: str | None
    enrol: bool = False
    paid: bool = False
    conditions: tuple[str, ...] = ()
    study_until: date | None = None
    registers: bool = False


class Deadline(Struct, frozen=True):
    """Until when an act may be done, `until` included. `at` is its last second in Shanghai; `mode` None means all."""

    act: str
    mode: str | None
    since: date | None
    until: date | None
    at: datetime | None
    open: bool
    clause: str | None


class MakeUpOffer(Struct, frozen=True):
    """A window in which this year may be made up: by itself through study, or by application (S1-17, S1-18).

    `until` is the last day of applying; `study_until` that of the study, where the notice gives it one of its own (B-23).
    """

    channel: Literal["automatic", "application"]
    since: date
    until: date | None
    open: bool
    modes: tuple[str, ...]
    categories: tuple[str, ...]
    conditions: tuple[str, ...]
    clause: str
    document: str
    fee: Decimal | None = None
    study_until: date | None = None


class MakeUpResult(Struct, frozen=True):
    """Whether the year can be made up on this day, by which channel, and every window there is or was; days as in an
    offer, `registers` where what was studied is registered (补登)."""

    open: bool
    channel: Literal["automatic", "application"] | None
    until: date | None
    clause: str | None
    windows: tuple[MakeUpOffer, ...]
    study_until: date | None = None
    registers: bool = False


class PolicyDay(Struct, frozen=True):
    """A policy on a day."""

    on: date
    counted_until: datetime
    when_short: Literal["in_progress", "deficient", "undecided"]
    phase: Literal["before", "open", "over"]
    deadlines: tuple[Deadline, ...]
    make_up: MakeUpResult | None
    cited: tuple[str, ...]
    study_since: date | None
    study_until: date | None


def policy_on(policy: Policy, on: date) -> PolicyDay:
    """The policy's view of the day, made once and remembered."""
    day: PolicyDay | None = policy.days.get(on)
    if day is None:
        if len(policy.days) >= DAYS_MAX:
            policy.days.clear()
        day = policy.days[on] = _made(policy, on)
    return day


def _made(policy: Policy, on: date) -> PolicyDay:
    start, end = begins(on), ends(on)
    over = start >= policy.study_ends
    deadlines = tuple(
        Deadline(
            act=span.act,
            mode=span.mode,
            since=span.since,
            until=span.until,
            at=last_second(span.until) if span.until is not None else None,
            open=policy.ordinary and span.begins < end and start < span.ends,
            clause=span.until_clause or span.since_clause,
        )
        for span in policy.spans
    )
    make_up = _make_up(policy, start, end)
    cited = [terms.clause for terms in policy.requirements]
    cited += [deadline.clause for deadline in deadlines if deadline.clause]
    cited += [make_up.clause] if make_up and make_up.clause else []
    return PolicyDay(
        on=on,
        counted_until=end,
        when_short="in_progress" if not over else "undecided" if policy.provisional else "deficient",
        phase="over" if over else "open" if end > policy.study_begins else "before",
        deadlines=deadlines,
        make_up=make_up,
        cited=tuple(dict.fromkeys(cited)),
        study_since=min(
            (span.since for span in policy.spans if span.act == "study" and span.since), default=None
        ),
        study_until=max(
            (span.until for span in policy.spans if span.act == "study" and span.until), default=None
        ),
    )


def _make_up(policy: Policy, start: datetime, end: datetime) -> MakeUpResult | None:
    if not policy.make_up and policy.never is None:
        return None
    offers = tuple(_offer(window, start, end) for window in policy.make_up)
    now = next((offer for offer in offers if offer.open), None)
    open_ = [window for window in policy.make_up if window.begins < end and start < window.ends]
    never = policy.never.clause if policy.never is not None else None
    clause = now.clause if now else offers[-1].clause if offers else never
    return MakeUpResult(
        open=now is not None,
        channel=now.channel if now else None,
        until=now.until if now else None,
        clause=clause,
        windows=offers,
        study_until=now.study_until if now else None,
        registers=bool(open_) and open_[0].registers,
    )


def _offer(window: MakeUpWindowTerms, start: datetime, end: datetime) -> MakeUpOffer:
    return MakeUpOffer(
        channel=window.channel,
        since=window.since,
        until=window.until,
        open=window.begins < end and start < window.ends,
        modes=tuple(sorted(window.modes or ())),
        categories=tuple(sorted(window.categories or ())),
        conditions=window.conditions,
        clause=window.clause,
        document=window.document,
        fee=window.fee,
        study_until=window.own_study_until,
    )
