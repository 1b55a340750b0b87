"""Words for histories and questions in the tests of the policy engine: days and hours are those of Shanghai."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from services.kit.clock import SHANGHAI
from services.ledger.policy import (
    Account,
    Accreditation,
    Assessment,
    CompletionFacts,
    Credit,
    Decision,
    Deferral,
    Enrolled,
    Exemption,
    PassedExam,
    Person,
    Policy,
    PolicyBook,
    ProviderStanding,
    Waiting,
    admit,
    assess,
    bundled_book,
    released,
)

BOOK = bundled_book()

CHAOYANG, SHUANGTA = "211300", "211302"
LIAONING, SHENYANG = "210000", "210100"
DALIAN, ZHONGSHAN_OF_DALIAN = "210200", "210202"
SHANXI, TAIYUAN, JINCHENG, CHANGZHI = "140000", "140100", "140500", "140400"
GUANGDONG, JIANGMEN, SHENZHEN = "440000", "440700", "440300"
BEIJING = "110000"

SOCIETY = ProviderStanding(organization_id="society", name="朝阳市会计学会")
DONGAO = ProviderStanding(organization_id="dongao", name="北京东奥时代教育科技有限公司")
STRANGER = ProviderStanding(organization_id="stranger", name="某某网校有限公司")


def accredited(
    place: str, *years: int, modes: tuple[str, ...] = ("online",), disqualified_from: date | None = None
) -> ProviderStanding:
    """A provider that a finance bureau of the place has filed and published."""
    return ProviderStanding(
        organization_id="accredited",
        name="会计之星培训中心",
        accreditations=(Accreditation(place=place, years=years, modes=modes),),
        disqualified_from=disqualified_from,
    )


def at(text: str) -> datetime:
    """A moment in Shanghai: '2025-01-31' is noon of that day, '2025-01-31 23:59:59' that second."""
    moment = datetime.fromisoformat(text)
    if len(text) == 10:
        moment += timedelta(hours=12)
    return moment.replace(tzinfo=SHANGHAI)


def policy(place: str, year: int, book: PolicyBook = BOOK) -> Policy:
    found = book.resolve(place, year)
    assert found is not None, f"no policy for {place} {year}"
    return found


def credit(
    credits: str = "30", category: Any = "professional", on: str = "2024-06-01", **other: Any
) -> Credit:
    number = other.pop("number", f"{category}-{on}-{credits}")
    return Credit(
        credit_id=f"credit-{number}",
        completion_id=f"completion-{number}",
        category=category,
        credits=Decimal(credits),
        mode=other.pop("mode", "online"),
        provider=other.pop("provider", "society"),
        completed_at=at(on),
        registered_at=at(on),
        **other,
    )


def waiting(
    credits: str, reason: Any = "below_total", on: str = "2024-06-01", number: str = "1", **other: Any
) -> Waiting:
    return Waiting(
        completion_id=f"waiting-{number}",
        provider=other.pop("provider", "accredited"),
        category=other.pop("category", "professional"),
        credits=Decimal(credits),
        mode=other.pop("mode", "online"),
        completed_at=at(on),
        reason=reason,
        held_at=at(on),
        **other,
    )


def exam(on: str, provider: str = "society") -> PassedExam:
    return PassedExam(provider=provider, passed_at=at(on))


def exempt(reason: str = "childbirth", until: str | None = None) -> Exemption:
    last = date.fromisoformat(until) if until else None
    return Exemption(reason=reason, authority="211302", granted_on=date(2024, 3, 1), until=last)


def deferred(until: str, reason: str = "abroad") -> Deferral:
    return Deferral(
        until=date.fromisoformat(until), reason=reason, authority="211302", granted_on=date(2024, 3, 1)
    )


def completion(year: int, on: str, credits: str = "30", **other: Any) -> CompletionFacts:
    """A completed online course; `exam_passed="2024-12-01"` and `started_on` may be given."""
    passed = other.pop("exam_passed", None)
    return CompletionFacts(
        completion_id=other.pop("number", "completion-1"),
        provider_id=other.pop("provider", "society"),
        year=year,
        category=other.pop("category", "professional"),
        credits=Decimal(credits),
        mode=other.pop("mode", "online"),
        completed_at=at(on),
        exam_passed_at=at(passed) if passed else None,
        **other,
    )


@dataclass
class Given:
    """A person and an account under the policy of a place and year; ask it with `when_*`."""

    place: str
    year: int
    credits: Iterable[Credit] = ()
    waits: Iterable[Waiting] = ()
    exams: Iterable[PassedExam] = ()
    exempt: Exemption | None = None
    deferred: Deferral | None = None
    qualified_on: date | None = date(2019, 5, 1)
    working_since: date | None = None
    student: bool = False
    qualification: str | None = None
    enrolments: Iterable[Enrolled] = ()
    book: PolicyBook = field(default=BOOK)

    @property
    def person(self) -> Person:
        return Person(
            person_id="person-1",
            place=self.place,
            qualified_on=self.qualified_on,
            working_since=self.working_since,
            student=self.student,
            qualification=self.qualification,
        )

    @property
    def account(self) -> Account:
        return Account(
            person_id="person-1",
            year=self.year,
            credits=list(self.credits),
            waiting=list(self.waits),
            exams=list(self.exams),
            exempt=self.exempt,
            deferred=self.deferred,
            enrolments=list(self.enrolments),
        )

    def when_asked(self, on: str) -> Assessment:
        found = self.book.resolve(self.place, self.year)
        return assess(found, self.account, self.person, self.year, date.fromisoformat(on))

    def when_posted(
        self, facts: CompletionFacts, provider: ProviderStanding = SOCIETY, now: str | None = None
    ) -> Decision:
        found = self.book.resolve(self.place, self.year)
        posted = at(now) if now else max(facts.completed_at, facts.exam_passed_at or facts.completed_at)
        return admit(found, facts, self.person, self.account, provider, posted)

    def when_released(self, now: str) -> list[str]:
        found = released(self.book.resolve(self.place, self.year), self.account, at(now))
        return [completion_id for _, completion_id in found]


def notice_text(**changes: str) -> str:
    """A small notice of Beijing as YAML; `clauses` replaces its clauses, the rest single lines of the head."""
    head = {
        "id": "beijing-2030",
        "title": "关于2030年度继续教育的通知",
        "issuers": "[北京市财政局]",
        "issued_on": "2030-01-10",
        "place": '"110000"',
        "years": "{from: 2030, to: 2030}",
    }
    clauses = changes.pop(
        "clauses",
        """
  - id: T-01
    article: 一
    text: 不少于90学分。
    rules:
      - kind: requirement
        total: 90
""",
    )
    lines = [f"{key}: {value}" for key, value in (head | changes).items() if value]
    return "\n".join([*lines, "clauses:" + clauses])
