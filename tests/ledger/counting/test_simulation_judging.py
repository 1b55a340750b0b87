"""People judged otherwise under a draft are counted, wherever they are, for whichever year; nobody else is counted."""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from services.ledger.counting.reasons import alike
from services.ledger.counting.simulation import Judging
from services.ledger.policy import (
    Account,
    Notice,
    NoticeError,
    Person,
    PolicyBook,
    bundled_notices,
    notice_as_data,
    parse_notice,
)
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import judge
from tests.ledger.policy.builders import BOOK, credit

PLACES = ("210000", "210102", "211302", "210202", "140000", "140502", "140403", "440703", "440300", "110101")
YEARS = range(2018, 2028)
LATER = datetime(2030, 1, 1, tzinfo=UTC)

CARRIED = {"up_to": 30, "categories": ["professional"]}
CARRYING = parse_notice(
    {
        "id": "a-notice-that-carries",
        "title": "结转",
        "issuers": ["某财政厅"],
        "issued_on": "2026-05-01",
        "place": "210000",
        "years": {"from": 2020, "to": 2026},
        "clauses": [
            {
                "id": "T-02",
                "article": "一",
                "text": "结转。",
                "rules": [{"kind": "carry_over", "allowed": True} | CARRIED],
            }
        ],
    }
)
BOOKS = (BOOK, BOOK.with_notice(CARRYING, datetime(2026, 5, 1, tzinfo=UTC), "210000", 1))

places = st.sampled_from(PLACES)
years = st.sampled_from(YEARS)
ranges = st.one_of(
    years.map(lambda year: {"from": year, "to": year}),
    st.tuples(years, years).map(lambda pair: {"from": min(pair), "to": max(pair)}),
    years.map(lambda year: {"from": year}),
    years.map(lambda year: {"to": year}),
)
rules = st.one_of(
    st.sampled_from([30, 90, 120]).map(lambda total: {"kind": "requirement", "total": total}),
    st.sampled_from([0, 30, 45]).map(lambda least: {"kind": "requirement", "categories": {"public": least}}),
    st.sampled_from(["Y-06-30", "Y+1-06-30"]).map(lambda day: {"kind": "window", "until": day}),
    st.just({"kind": "obligation", "qualified": "same_year"}),
    st.sampled_from(["calendar", "rolling", "licence"]).map(
        lambda anchor: {"kind": "period", "name": "cycle", "over": 3, "anchor": anchor, "total": 120}
    ),
    st.sampled_from(["30", "0"]).map(lambda most: {"kind": "carry_over", "allowed": most != "0"} | CARRIED),
    ranges.map(
        lambda span: {
            "kind": "make_up",
            "years": span,
            "windows": [{"channel": "automatic", "from": "2026-01-01", "until": "2026-12-31"}],
        }
    ),
)


def _sound(data: dict[str, Any]) -> Notice:
    """The notice, unless the parser refuses what was put together."""
    try:
        return parse_notice(data)
    except NoticeError:
        reject()


@st.composite
def drafts(draw: st.DrawFn) -> Notice:
    """A later notice of any of the places or of the nation, or a bundled one said otherwise."""
    replaced = draw(st.sampled_from([None, *bundled_notices()]))
    clause: dict[str, Any] = {"id": "T-01", "article": "一", "text": "新规定。", "rules": [draw(rules)]}
    own_years = draw(st.one_of(st.none(), ranges))
    if own_years is not None:
        clause["years"] = own_years
    if replaced is not None:
        data = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in notice_as_data(replaced).items()
        }
        return _sound(data | {"years": draw(ranges), "clauses": [clause]})
    place = draw(st.sampled_from(["100000", "210000", "210100", "211302", "210200", "140000", "110000"]))
    excludes = draw(st.lists(st.sampled_from(["210100", "140500"]), max_size=2, unique=True))
    return _sound(
        {
            "id": "a-draft",
            "title": "征求意见稿",
            "issuers": ["某财政局"],
            "issued_on": "2026-06-01",
            "place": place,
            "years": draw(ranges),
            "excludes": [code for code in excludes if code != place],
            "clauses": [clause],
        }
    )


@st.composite
def people(draw: st.DrawFn) -> tuple[Profile, dict[int, Account]]:
    """Somebody with a few credits in a few years, or with none."""
    number = draw(st.integers(0, 10**6))
    person = Person(
        person_id=f"person-{number}",
        place=draw(places),
        qualified_on=draw(st.one_of(st.none(), st.dates(date(2015, 1, 1), date(2026, 12, 31)))),
        student=draw(st.booleans()),
    )
    held = {
        year: Account(
            person_id=person.person_id,
            year=year,
            credits=[
                credit(amount, category, on=f"{year}-05-20", number=f"{year}-{turn}")
                for turn, (amount, category) in enumerate(
                    draw(
                        st.lists(
                            st.tuples(
                                st.sampled_from(["30", "60", "90"]),
                                st.sampled_from(["professional", "public"]),
                            ),
                            max_size=3,
                        )
                    )
                )
            ],
        )
        for year in draw(st.lists(years, max_size=3, unique=True))
    }
    return Profile(person=person, identity_hash="h", name_hash="n"), held


class TestJudging:
    @settings(max_examples=30, deadline=None)
    @given(
        st.sampled_from(BOOKS),
        drafts(),
        st.lists(people(), min_size=1, max_size=8),
        st.dates(date(2025, 1, 1), date(2027, 3, 1)),
    )
    def test_counts_exactly_those_whose_answer_differs(
        self, before: PolicyBook, draft: Notice, crowd: list[tuple[Profile, dict[int, Account]]], on: date
    ):
        after = before.with_notice(draft, LATER, "draft", 1)
        replaced = [
            entry.notice
            for entry in before
            if (entry.notice.place, entry.notice.id) == (draft.place, draft.id)
        ]
        judging = Judging(before, after, (draft, *replaced), on)
        expected: Counter[tuple[str, int, str, str]] = Counter()
        for profile, held in crowd:
            judging.judge(profile, held)
            for year in range(YEARS[0], on.year + 2):
                old, new = (judge(book, profile, held.get(year), year, on, held) for book in (before, after))
                if not alike(old, new):
                    expected[profile.person.place, year, old.status, new.status] += 1
        found: Counter[tuple[str, int, str, str]] = Counter()
        for change in judging.changed():
            if change.year <= on.year + 1:
                found[change.place, change.year, change.before, change.after] += change.persons
            assert change.reasons, "whoever is judged otherwise is told why"
        assert found == expected
