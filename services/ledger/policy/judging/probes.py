"""Probes of admission: a course, an enrolment or an application as one person could bring it on a day, put to the very
functions that decide records."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from services.ledger.policy.judging.admission import admit
from services.ledger.policy.judging.awards import ProvenStudy, award_study
from services.ledger.policy.judging.enrolments import admit_enrolment, admit_terms
from services.ledger.policy.judging.make_up_gates import gate_of
from services.ledger.policy.judging.policy_day import MAKE_UP_ACTS, OpenAct
from services.ledger.policy.language.days import begins
from services.ledger.policy.language.facts import (
    Account,
    Accreditation,
    Category,
    CompletionFacts,
    Enrolled,
    Held,
    Person,
    ProviderStanding,
    Registered,
    Rejected,
    lies_under,
)
from services.ledger.policy.language.target import Learning
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.enrolment import EnrolmentTerms
from services.ledger.policy.rules.equivalence import Award
from services.ledger.policy.rules.make_up import MakeUpWindowTerms
from services.ledger.policy.rules.provider_choice import ProviderChoiceTerms
from services.ledger.policy.rules.providers import ProviderTerms
from services.ledger.policy.rules.tiers import TierTerms, tier_of

_NOON = timedelta(hours=12)
_ANOTHER = "another"


class Found(NamedTuple):
    """The answer of one day: days that follow each other with the same answer are one opening."""

    act: OpenAct
    clause: str | None
    enrol: bool = False
    paid: bool = False
    conditions: tuple[str, ...] = ()
    study_until: date | None = None
    registers: bool = False


class Probe:
    """Asks admission about what this person could do on a day."""

    def __init__(self, policy: Policy, person: Person, account: Account | None) -> None:
        self.policy = policy
        self.person = person
        self.account = account or Account(person_id=person.person_id, year=policy.year)
        tiered = policy.get(TierTerms) is not None
        self._tiers = dict.fromkeys((None, tier_of(person.qualification)) if tiered else (None,))
        self._credits = min(Decimal(1), policy.record_limit.credits)

    def codes(self, category: Category | None) -> Sequence[Category]:
        """Categories of which a course can be, to count for this one; None stands for any."""
        known = self.policy.categories
        if category is None:
            return [code for root in known.roots for code in self.codes(root)[:1]]
        if known.knows(category):
            return [category]
        return sorted(code for code in known.codes if lies_under(code, category))[:1]

    def studying(self, mode: str, category: Category, days: Sequence[date], day: date) -> Found | None:
        """Study completed and reported on the day, with its exam and evaluation, as admission answers it."""
        answer = self._decided(mode, category, day, self.account)
        if answer is None:
            return None
        if not isinstance(answer, Held) or answer.reason != "enrolment_pending":
            return self._study(answer.make_up, day, mode, answer.clause)
        for first in (day, *(each for each in days if each < day)):
            then = self._enrolled(mode, first)
            later_ = self._decided(mode, category, day, then) if then is not None else None
            if later_ is not None and not _waits_to_enrol(later_):
                return Found("study", None, enrol=True)
        return None

    def enrolling(self, mode: str, days: Sequence[date], day: date) -> Found | None:
        """An enrolment on the day that is taken, and without which study is not, or whose time is running."""
        terms = self.policy.terms_of(mode)
        asked = terms.get(EnrolmentTerms)
        needed = asked.needed if asked is not None else None
        if asked is None and ("enrol" not in terms.acts or self._has_enrolled(mode)):
            return None
        codes = self.codes(None)
        if asked is not None and self._has_enrolled(mode):
            now = [self._decided(mode, code, day, self.account) for code in codes]
            if any(one is not None and not _waits_to_enrol(one) for one in now):
                return None
        then = self._enrolled(mode, day)
        if then is None:
            return None
        for each in days:
            for code in codes if each >= day else ():
                answer = self._decided(mode, code, each, then)
                if answer is not None and not _waits_to_enrol(answer) and not answer.make_up:
                    clause = needed.clause if needed is not None else None
                    return Found("enrol", clause, paid=needed is not None and needed.value == "paid")
        return None

    def applying(self, mode: str, category: Category, day: date) -> Found | None:
        """An application to make up, with proof of study and the special reason that its window asks for: of study of the
        day, or of the last day on which what may be applied for had to be finished (B-23)."""
        finished = {window.own_study_until for window in self.policy.make_up}
        for completed in (day, *sorted(each for each in finished if each is not None and each < day)):
            answer = self._applied(mode, category, day, completed)
            if not isinstance(answer, Rejected) and answer.make_up:
                window = self._applied_under(answer.clause, category, day, completed)
                found = self._made_up("make_up_apply", answer.clause, window)
                return found._replace(study_until=window.own_study_until if window is not None else None)
        return None

    def refused(self, window: MakeUpWindowTerms, mode: str, category: Category, day: date) -> Rejected | None:
        """The refusal of make-up by the channel of the window."""
        if window.channel == "application":
            answer = self._applied(mode, category, day, day)
            return answer if isinstance(answer, Rejected) else None
        for standing in self._standings(mode):
            facts = self._facts(mode, category, day, _ANOTHER, None)
            refused = admit(self.policy, facts, self.person, self.account, standing, facts.completed_at)
            if isinstance(refused, Rejected):
                return refused
        return None

    def takes(self, facts: CompletionFacts, now: datetime) -> bool:
        """Whether a completion would be registered, or wait, by some list of providers."""
        decided = (
            admit(self.policy, facts, self.person, self.account, standing, now)
            for standing in self._standings(facts.mode)
        )
        return any(not isinstance(answer, Rejected) for answer in decided)

    def clause_of(self, found: Found, mode: str, category: Category | None, until: date | None) -> str | None:
        """The clause that ends an opening, else that opens it."""
        if found.act in MAKE_UP_ACTS:
            return found.clause
        code = next(iter(self.codes(category)), None)
        learning = Learning(categories=None if code is None else (code,), mode=mode, route="provider")
        terms, deferred = self.policy.of_learning(learning).terms_of(mode), self.account.deferred
        if deferred is not None and until == deferred.until:
            return deferred.clause
        act, firm = terms.acts.get("enrol") if found.act == "enrol" else terms.study, terms.windows.firm
        if found.act == "study" and firm is not None and until == firm.until and until != terms.study.until:
            return firm.until_clause
        own = (act.until_clause or act.since_clause) if act is not None else None
        return own or found.clause

    def _study(self, make_up: bool, day: date, mode: str, clause: str) -> Found:
        if not make_up:
            return Found("study", None)
        window = self._window(clause, "automatic", day)
        return self._made_up("make_up_study", clause, window)

    def _made_up(self, act: OpenAct, clause: str, window: MakeUpWindowTerms | None) -> Found:
        if window is None:
            return Found(act, clause)
        return Found(act, clause, conditions=window.conditions, registers=window.registers)

    def _window(self, clause: str, channel: str, day: date) -> MakeUpWindowTerms | None:
        return next(
            (
                window
                for window in self.policy.make_up
                if window.clause == clause
                and window.channel == channel
                and window.begins <= begins(day) < window.ends
            ),
            None,
        )

    def _applied_under(
        self, clause: str, category: Category, day: date, completed: date
    ) -> MakeUpWindowTerms | None:
        """The window that takes the application; a clause may have several, each with conditions of its own."""
        return next(
            (
                window
                for window in self.policy.make_up
                if (window.clause, window.channel) == (clause, "application")
                and window.begins <= begins(day) < window.ends
                and begins(completed) < window.study_ends
                and gate_of(
                    self.policy, window, category, self.account, special_reason=True, by_application=True
                )
                is None
            ),
            None,
        )

    def _applied(self, mode: str, category: Category, day: date, completed: date) -> Award | Rejected:
        study = ProvenStudy(
            mode=mode,
            category=category,
            credits=self._credits,
            completed_on=completed,
            special_reason=True,
            qualification=self.person.qualification,
        )
        moment = begins(day) + _NOON
        return award_study(self.policy, study, self.person.place, self.policy.year, moment, self.account)

    def _decided(
        self, mode: str, category: Category, day: date, account: Account
    ) -> Registered | Held | None:
        """The best answer that any provider can bring about; None when all are refused."""
        best: Held | None = None
        for taught_by in self._teachers(mode, account):
            for tier in self._tiers:
                for standing in self._standings(mode):
                    facts = self._facts(mode, category, day, taught_by, tier)
                    answer = admit(self.policy, facts, self.person, account, standing, facts.completed_at)
                    if isinstance(answer, Rejected):
                        continue
                    if isinstance(answer, Registered) or not _waits_to_enrol(answer):
                        return answer
                    best = answer
        return best

    def _facts(
        self, mode: str, category: Category, day: date, taught_by: str, tier: str | None
    ) -> CompletionFacts:
        moment = begins(day) + _NOON
        return CompletionFacts(
            completion_id="",
            provider_id=taught_by,
            year=self.policy.year,
            category=category,
            credits=self._credits,
            mode=mode,
            completed_at=moment,
            exam_passed_at=moment,
            evaluated_at=moment,
            tier=tier,
        )

    def _teachers(self, mode: str, account: Account) -> Iterable[str]:
        """Another provider, or one that the person is with already, where it matters who teaches."""
        terms = self.policy.terms_of(mode)
        if terms.get(ProviderChoiceTerms) is None and terms.get(EnrolmentTerms) is None:
            return (_ANOTHER,)
        known = [enrolled.provider for enrolled in account.enrolments if enrolled.mode == mode]
        known += [waiting.provider for waiting in account.waiting if waiting.mode == mode]
        known += [credit.provider for credit in account.credits if credit.mode == mode and credit.provider]
        return dict.fromkeys((*known, _ANOTHER))

    def _standings(self, mode: str) -> Iterator[ProviderStanding]:
        """Providers of each list that may apply, accredited as well."""
        year = self.policy.year
        accredited = Accreditation(
            place=self.policy.place, years=tuple(range(year - 1, year + 12)), modes=(mode,)
        )
        branches = self.policy.branches
        lists = [each.terms_of(mode).providers for each in branches]
        lists += [window.providers for each in branches for window in each.make_up]
        for name, code in dict.fromkeys(_of_list(terms) for terms in lists):
            yield ProviderStanding(
                organization_id=_ANOTHER, name=name, uscc=code, accreditations=(accredited,)
            )

    def _has_enrolled(self, mode: str) -> bool:
        return any(enrolled.mode == mode for enrolled in self.account.enrolments)

    def _enrolled(self, mode: str, day: date) -> Account | None:
        """The account with an enrolment, paid, of that day; None where nobody may enrol the person then."""
        for provider in self._teachers(mode, self.account):
            enrolled = Enrolled(enrolment_id="", provider=provider, mode=mode, enrolled_on=day, paid_on=day)
            if admit_terms(self.policy, enrolled, self.person, self.account) is not None:
                continue
            for standing in self._standings(mode):
                if admit_enrolment(self.policy, standing, self.person, self.policy.year, mode, day) is None:
                    return replace(self.account, enrolments=[*self.account.enrolments, enrolled])
        return None


def _waits_to_enrol(answer: object) -> bool:
    return isinstance(answer, Held) and answer.reason == "enrolment_pending"


def _of_list(terms: ProviderTerms) -> tuple[str, str | None]:
    """A name and a code that a closed list takes; none where it is open to the accredited."""
    return min(terms.names or (), default=""), min(terms.codes, default=None)
