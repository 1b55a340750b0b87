"""Changes by a later notice, setting by setting, with the clause of each value."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from services.ledger.policy import Notice, PolicyBook, bundled_notices, parse_notice
from services.ledger.policy.book_faults import reaches
from services.ledger.policy.difference import compare_books
from tests.ledger.policy.builders import BOOK, DALIAN, LIAONING, SHANXI, SHUANGTA, notice_text

LATER = datetime(2030, 1, 1, tzinfo=UTC)


def bundled(notice_id: str) -> Notice:
    return next(notice for notice in bundled_notices() if notice.id == notice_id)


def with_notice(notice: Notice, book: PolicyBook = BOOK) -> PolicyBook:
    return book.with_notice(notice, LATER, "draft", 1)


def draft(place: str, year: int, rule: dict[str, Any], excludes: tuple[str, ...] = ()) -> Notice:
    clause = {"id": "T-01", "article": "一", "text": "补充规定。", "rules": [rule]}
    return parse_notice(
        {
            "id": "a-later-notice",
            "title": "补充通知",
            "issuers": ["某财政厅"],
            "issued_on": f"{year}-07-01",
            "place": place,
            "years": {"from": year, "to": year},
            "excludes": list(excludes),
            "clauses": [clause],
        }
    )


def later_liaoning(total: int) -> Notice:
    return draft(LIAONING, 2025, {"kind": "requirement", "total": total}, (DALIAN,))


class TestCompareBooks:
    def test_one_setting_moves_and_the_rest_stays_as_it_was(self):
        """C-04: a later notice overrides clause by clause (S1-03)."""
        later = later_liaoning(100)
        found = compare_books(BOOK, with_notice(later), [later])
        by_place = {(each.place, each.year): each for each in found}
        assert set(by_place) == {(LIAONING, 2025), ("211300", 2025)}
        [change] = by_place[LIAONING, 2025].changes
        assert (change.setting, change.kind) == ("requirement.total", "changed")
        assert change.before is not None
        assert change.after is not None
        assert (change.before.value, change.before.clause) == (Decimal(90), "S1-03")
        assert (change.after.value, change.after.clause) == (Decimal(100), "T-01")

    def test_the_same_value_said_again_is_restated_not_changed(self):
        later = later_liaoning(90)
        found = compare_books(BOOK, with_notice(later), [later])
        assert {change.kind for each in found for change in each.changes} == {"restated"}

    def test_the_same_notice_again_changes_nothing(self):
        notice = bundled("liaoning-2025")
        assert compare_books(BOOK, with_notice(notice), [notice]) == ()

    def test_a_notice_of_another_regime_changes_that_regime_alone(self):
        later = replace(later_liaoning(40), regime="institute")
        found = compare_books(BOOK, with_notice(later), [later])
        assert {each.year for each in found} == {2025}
        told = {change.setting: change.before for each in found for change in each.changes}
        assert told["requirement.total"] is None, "nothing of the accounting duty's is what it was before"

    def test_a_place_without_a_notice_gets_one(self):
        later = parse_notice(notice_text())
        [beijing] = compare_books(BOOK, with_notice(later), [later])
        assert (beijing.place, beijing.year) == ("110000", 2030)
        before = BOOK.resolve("110000", 2030)
        assert before is not None
        assert beijing.before == before.hash

    def test_a_make_up_window_is_a_setting_of_its_own_with_its_clause(self):
        """S2A-04 as a later offer would undo it: the province opens 2023 once more."""
        rule = {
            "kind": "make_up",
            "years": {"from": 2023, "to": 2023},
            "windows": [{"channel": "automatic", "from": "2025-07-01", "until": "2025-09-30"}],
        }
        later = draft(SHANXI, 2025, rule)
        found = compare_books(BOOK, with_notice(later), [later])
        changes = {(each.place, each.year): each.changes for each in found}
        [window] = [c for c in changes[SHANXI, 2023] if c.setting.startswith("make_up.automatic")]
        assert window.after is not None
        assert window.after.clause == "T-01"
        assert str(window.after.value["until"]) == "2025-09-30"


class TestReaches:
    def test_a_notice_reaches_what_lies_under_its_place_and_not_what_is_carved_out(self):
        """S1-01: Liaoning without Dalian."""
        notice = bundled("liaoning-2025")
        assert reaches(notice, SHUANGTA)
        assert not any(reaches(notice, place) for place in (DALIAN, "210202", SHANXI, "999999"))


class TestWhatIsSaidToSome:
    def test_it_is_a_setting_of_its_own_named_for_whom_it_is(self):
        rule = {"kind": "window", "until": "Y-06-30", "for": {"categories": ["public"]}}
        later = draft(SHANXI, 2025, rule)

        found = compare_books(BOOK, with_notice(later), [later])

        change = next(change for each in found for change in each.changes if " for " in change.setting)
        assert (change.setting, change.kind) == (
            'window.study.until.* for {"categories":["public"]}',
            "added",
        )
        assert change.after is not None
        assert (change.after.value, change.after.clause) == ("Y-06-30", "T-01")
