"""Story of one scenario, told to the policy engine and to the account's own events, and what comes out otherwise."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from msgspec import UNSET

from services.kit.clock import local_date, start_of_day
from services.ledger.officials import revocation as revocations
from services.ledger.policy import (
    STUDY,
    Account,
    Award,
    Held,
    Policy,
    ProvenStudy,
    Registered,
    Rejected,
    admit,
    admit_enrolment,
    admit_terms,
    assess_purpose,
    award_organised,
    award_study,
    may_bring,
    purpose_terms,
    reconsidered,
    registered_directly,
    used_up,
)
from services.ledger.policy.judging.awards import AUTHORITY_TRAINING
from services.ledger.policy.language.target import of_provider
from services.ledger.scenarios.beginnings import (
    OTHER,
    PERSON,
    Shelf,
    accounts_of,
    credited,
    person_of,
    profile_of,
)
from services.ledger.scenarios.expectations import Difference, as_text, decided, refused_as, shown, stated
from services.ledger.scenarios.scenario_file import (
    ActivityStep,
    Answer,
    CourseStep,
    Ending,
    Enrol,
    Exam,
    InForce,
    Merge,
    Organised,
    Proof,
    Scenario,
    Step,
    Teacher,
    moment,
)
from services.ledger.scenarios.steps import claimed, enrolled_of, enrolment_of, facts_of, latest_of
from services.ledger.streams import account as accounts
from services.ledger.streams import merge as merges
from services.ledger.streams.account import held_again, released
from services.ledger.streams.account_events import CompletionHeld, CreditEarned, ExamPassed
from services.ledger.streams.filing_terms import unfiled
from services.ledger.streams.who_judges import account_in, judge

Where = tuple[str, str]
"""A step, an answer or a value of a scenario, in Chinese and in English."""


class Story:
    """A scenario on its way: the accounts by year, what each step did, and what came out otherwise than expected."""

    def __init__(self, scenario: Scenario, providers: dict[str, Teacher], shelf: Shelf) -> None:
        given = scenario.given
        self.scenario, self.given = scenario, given
        self.book = shelf.book(given)
        self.person = person_of(given)
        self.profile = profile_of(given)
        self.providers = {name: teacher.standing(name) for name, teacher in providers.items()}
        self.accounts = accounts_of(given)
        self.differs: list[Difference] = []

    def run(self) -> Sequence[Difference]:
        """Everything that differs from what the scenario expects.

        Raises LookupError, ValueError and AssertionError where the story cannot be told; `trial.py` turns them into words.
        """
        for number, step in enumerate(self.scenario.when, start=1):
            self._take(number, step)
        for answer in self.scenario.then:
            self._answer(answer)
        for value in self.scenario.in_force:
            self._in_force(value)
        return self.differs

    def _account(self, year: int) -> Account:
        return self.accounts.setdefault(year, accounts.empty(PERSON, year))

    def _policy(self, year: int) -> Policy | None:
        return self.book.policy_for(self.person, year)

    def _expect(self, where: Where, what: str, expected: Any, found: Any) -> None:
        if expected != found:
            self.differs.append(Difference(*where, what, expected, found))

    def _take(self, number: int, step: Step) -> None:
        takers: list[tuple[Any, Callable[[str, Any, Step], dict[str, Any]]]] = [
            (step.study, self._study),
            (step.exam, self._exam),
            (step.claim, self._claim),
            (step.proof, self._proof),
            (step.enrol, self._enrol),
            (step.organised, self._organised),
            (step.withdraw, self._withdraw),
            (step.revoke, self._revoke),
            (step.recognise, self._recognise),
            (step.merge, self._merge),
        ]
        said = [(part, take) for part, take in takers if part is not None]
        where = f"第{number}步", f"step {number}"
        part, take = said[0]
        found = take(f"step-{number}", part, step)
        expected = {
            "outcome": step.outcome,
            "problem": step.problem,
            "reason": step.reason,
            "late": step.late,
            "make_up": step.make_up,
            "registers": step.registers,
        }
        for what, value in expected.items():
            self._expect(where, what, value, found.get(what, _NOTHING[what]))
        for what in ("credits", "counts_for"):
            if (value := getattr(step, what)) is not None:
                self._expect(where, what, value, found.get(what))
        if step.clause is not UNSET:
            self._expect(where, "clause", step.clause, found.get("clause"))

    def _study(self, record: str, study: CourseStep, step: Step) -> dict[str, Any]:
        year = study.year or self.given.year
        account, policy = self._account(year), self._policy(year)
        standing = self.providers[study.provider]
        if policy is not None:
            held = of_provider(self.person, standing, "provider")
            learning = held._replace(categories=(study.category,), mode=study.mode, course=study.course)
            policy = policy.of_learning(learning)
        facts = facts_of(record, study, year, policy)
        if isinstance(facts, Rejected):
            return refused_as(facts)
        now = moment(study.reported) if study.reported else latest_of(facts)
        decision = admit(policy, facts, self.person, account, standing, now)
        if not study.filed and policy is not None and not isinstance(decision, Rejected):
            decision = unfiled(policy, facts, None, {}) or decision
        if isinstance(decision, Rejected):
            return refused_as(decision)
        said = {
            name: getattr(facts, name)
            for name in ("completion_id", "provider_id", "year", "category", "credits", "mode")
        }
        said |= {"completed_at": facts.completed_at, "exam_passed_at": facts.exam_passed_at}
        said |= {"course": study.course, "tier": facts.tier, "evaluated_at": facts.evaluated_at}
        said |= {"content": record, "person_id": PERSON, "clause": decision.clause, "policy": ""}
        if isinstance(decision, Held):
            accounts.evolve(account, CompletionHeld(**said, reason=decision.reason, held_at=now))
        else:
            accounts.evolve(account, self._earned(said, decision, now))
        return decided(decision) | {"registers": self._release(year, now)}

    def _earned(self, said: dict[str, Any], decision: Registered, now: datetime) -> CreditEarned:
        return CreditEarned(
            **said,
            credit_id=f"credit-{said['completion_id']}",
            place=self.given.place,
            registered_at=now,
            late=decision.late,
            make_up=decision.make_up,
        )

    def _release(self, year: int, now: datetime) -> int:
        account, policy = self._account(year), self._policy(year)
        waiting = {(item.provider, item.completion_id): item for item in account.waiting}
        freed = 0
        for key, answer in reconsidered(policy, account, now).items():
            assert policy is not None, "nothing is admitted where no policy is"
            item = waiting[key]
            if isinstance(answer, Held):
                accounts.evolve(account, held_again(item, account, policy, answer, now))
                continue
            credit_id = f"credit-{item.completion_id}"
            assert isinstance(answer, Registered), "what waits is registered, or goes on waiting"
            event = released(item, account, self.given.place, policy, answer, credit_id, now)
            accounts.evolve(account, event)
            freed += 1
        return freed

    def _exam(self, record: str, exam: Exam, step: Step) -> dict[str, Any]:
        year, passed = exam.year or self.given.year, moment(exam.passed)
        standing = self.providers[exam.provider]
        refused = admit_enrolment(
            self._policy(year), standing, self.person, year, "online", local_date(passed)
        )
        if refused is not None:
            return refused_as(refused)
        event = ExamPassed(
            person_id=PERSON,
            year=year,
            provider_id=exam.provider,
            exam_id=record,
            passed_at=passed,
            content=record,
            of=exam.of,
        )
        accounts.evolve(self._account(year), event)
        return {"outcome": "recorded", "registers": self._release(year, passed)}

    def _claim(self, record: str, claim: ActivityStep, step: Step) -> dict[str, Any]:
        year = claim.year or self.given.year
        now = moment(claim.claimed or max(claim.on, claim.result_on or claim.on).isoformat())
        policy = self._policy(year)
        awarded = claimed(policy, claim, self.given.place, year, now)
        if isinstance(awarded, Award) and policy is not None:
            direct = registered_directly(policy, claim.form, claim.sat_in)
            if used_up(policy, claim.form, self._account(year)) is not None:
                return {"outcome": "rejected", "problem": "fact-counted", "clause": awarded.clause}
            if direct is not None and step.outcome != "listed":
                awarded = Rejected("registered-directly", direct.clause)
            elif step.outcome != "listed":
                awarded = may_bring(policy, claim.form, claim.by) or awarded
        outcome = "listed" if step.outcome == "listed" else "awarded"
        return self._awarded(record, awarded, claim.on, now, year, outcome, claim.form)

    def _proof(self, record: str, proof: Proof, step: Step) -> dict[str, Any]:
        year, now = proof.year or self.given.year, moment(proof.claimed)
        study = ProvenStudy(
            mode=proof.mode,
            category=proof.category,
            credits=proof.credits,
            completed_on=proof.on,
            special_reason=proof.special_reason,
        )
        awarded = award_study(self._policy(year), study, self.given.place, year, now, self._account(year))
        return self._awarded(record, awarded, proof.on, now, year, "awarded", STUDY)

    def _organised(self, record: str, organised: Organised, step: Step) -> dict[str, Any]:
        year, now = organised.year or self.given.year, moment(organised.registered)
        study = ProvenStudy(
            mode=organised.mode,
            category=organised.category,
            credits=organised.credits,
            completed_on=organised.on,
        )
        policy, place = self._policy(year), self.given.place
        awarded = award_organised(policy, study, place, year, now, self._account(year))
        return self._awarded(record, awarded, organised.on, now, year, "listed", AUTHORITY_TRAINING)

    def _awarded(
        self,
        record: str,
        awarded: Award | Rejected,
        on: date,
        now: datetime,
        year: int,
        outcome: str,
        form: str,
    ) -> dict[str, Any]:
        if isinstance(awarded, Rejected):
            return refused_as(awarded)
        said = {
            "completion_id": record,
            "year": year,
            "category": awarded.category,
            "credits": awarded.credits,
            "mode": "equivalence",
            "completed_at": start_of_day(on),
            "content": record,
            "person_id": PERSON,
            "clause": awarded.clause,
            "policy": "",
            "route": "direct" if outcome == "listed" else "claim",
            "fill": awarded.fill,
            "form": form,
        }
        decision = Registered(late=False, make_up=awarded.make_up, clause=awarded.clause)
        accounts.evolve(self._account(year), self._earned(said, decision, now))
        return {
            "outcome": outcome,
            "credits": awarded.credits,
            "counts_for": awarded.category,
            "clause": awarded.clause,
            "make_up": awarded.make_up,
            "registers": self._release(year, now),
        }

    def _enrol(self, record: str, enrol: Enrol, step: Step) -> dict[str, Any]:
        year = enrol.year or self.given.year
        standing, policy = self.providers[enrol.provider], self._policy(year)
        refused = admit_enrolment(policy, standing, self.person, year, enrol.mode, enrol.on)
        account, event = self._account(year), enrolment_of(record, enrol, year)
        if refused is None and policy is not None:
            refused = admit_terms(policy, enrolled_of(event), self.person, account)
        if refused is not None:
            return refused_as(refused)
        accounts.evolve(account, event)
        return {"outcome": "recorded", "registers": self._release(year, start_of_day(enrol.on))}

    def _withdraw(self, record: str, ending: Ending, step: Step) -> dict[str, Any]:
        return self._end(ending, "withdrawn")

    def _revoke(self, record: str, ending: Ending, step: Step) -> dict[str, Any]:
        return self._end(ending, "revoked")

    def _end(self, ending: Ending, outcome: str) -> dict[str, Any]:
        account, now = self._account(self.given.year), moment(ending.at)
        credit_id = f"credit-step-{ending.step}"
        if outcome == "revoked":
            event: Any = revocations.revoke_credit(
                account, credit_id, reason="cheating", authority=self.given.place, decided_by="x", now=now
            )
        else:
            providers = {credit.completion_id: credit.provider for credit in account.credits}
            providers |= {waiting.completion_id: waiting.provider for waiting in account.waiting}
            provider = providers[f"step-{ending.step}"]
            event = accounts.withdraw_completion(
                account, provider or "", f"step-{ending.step}", reason="reported_in_error", now=now
            )
        accounts.evolve(account, event)
        return {"outcome": outcome}

    def _recognise(self, _record: str, ending: Ending, _step: Step) -> dict[str, Any]:
        at = moment(ending.at)
        for account in self.accounts.values():
            account.credits = [
                msgspec.structs.replace(credit, recognised_at=at)
                if credit.completion_id == f"step-{ending.step}"
                else credit
                for credit in account.credits
            ]
        return {"outcome": "recognised"}

    def _merge(self, _record: str, merge: Merge, _step: Step) -> dict[str, Any]:
        at, freed = moment(merge.at).astimezone(UTC), 0
        for year, other in credited(OTHER, merge.credits, self.given.year).items():
            account = self._account(year)
            found = merges.duplicates_of(account, other, self._policy(year))
            accounts.evolve(account, merges.absorbed(account, other, at))
            for credit, first in found.credits:
                accounts.evolve(account, merges.duplicated(account, credit, first, at))
            freed += self._release(year, at)
        return {"outcome": "merged", "registers": freed}

    def _answer(self, expected: Answer) -> None:
        year = expected.year or self.given.year
        book = self.book.of_regime(expected.regime)
        accounts = {n: account_in(book, self.profile, n, each) for n, each in self.accounts.items()}
        found = judge(book, self.profile, accounts.get(year), year, expected.on, accounts)
        where = f"{expected.on} 的 {year} 年度", f"{year} on {expected.on}"
        for what, value in stated(expected):
            if what == "purposes":
                told = {name: self._fulfilled(name, year, expected.on) for name in value}
                self._expect(where, what, value, told)
            else:
                self._expect(where, what, value, shown(what, value, found))

    def _fulfilled(self, purpose: str, year: int, on: date) -> bool | None:
        """Whether a purpose asked about in a year is fulfilled on a day."""
        terms = purpose_terms(self._policy(year), purpose, year)
        answers = {
            each: judge(self.book, self.profile, self.accounts.get(each), each, on, self.accounts)
            for each in terms.years
        }
        return assess_purpose(terms, answers, year, on).fulfilled

    def _in_force(self, value: InForce) -> None:
        policy = self._policy(self.given.year)
        where = value.setting, value.setting
        sourced = policy.settings.get(value.setting) if policy is not None else None
        if sourced is None:
            self.differs.append(Difference(*where, "clause", value.clause, None))
            return
        self._expect(where, "clause", value.clause, sourced.clause)
        if value.document is not None:
            self._expect(where, "document", value.document, sourced.document)
        if value.says is not UNSET:
            says = msgspec.to_builtins(sourced.value)
            if isinstance(value.says, dict) and isinstance(says, dict):
                says = {name: says.get(name) for name in value.says}
            self._expect(where, "says", as_text(value.says), as_text(says))


_NOTHING = {
    "outcome": None,
    "problem": None,
    "reason": None,
    "late": False,
    "make_up": False,
    "registers": 0,
}
