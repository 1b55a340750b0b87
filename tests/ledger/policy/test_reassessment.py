"""A judgement stands until the day that `next_change_on` names: whoever keeps judgements need not look at them before."""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from services.ledger.policy import Account, Assessment, Deferral, Exemption, Person, assess, next_change_on
from tests.ledger.policy.builders import BOOK, CHAOYANG, JINCHENG, credit, policy
from tests.ledger.policy.test_properties import ACCOUNTS, PERSONS, forall

DAYS = st.dates(date(2017, 1, 1), date(2028, 1, 1))
WORKER = Person(person_id="p", place=CHAOYANG, qualified_on=date(2018, 9, 1))


def essence(judged: Assessment) -> tuple[Any, ...]:
    """What is kept of a judgement."""
    return judged.status, judged.total, judged.by_category, judged.missing, judged.excess, judged.policy


class TestTurnsOn:
    def test_is_the_day_after_the_year_s_last_for_who_is_short(self):
        """S0-06: the year 2024 of Chaoyang ends with 2025-01-31."""
        found = policy(CHAOYANG, 2024)
        judged = assess(found, None, WORKER, 2024, date(2024, 6, 1))
        assert next_change_on(found, None, judged) == date(2025, 2, 1)
        assert assess(found, None, WORKER, 2024, date(2025, 1, 31)).status == "in_progress"
        assert assess(found, None, WORKER, 2024, date(2025, 2, 1)).status == "deficient"

    def test_is_the_day_of_a_completion_that_is_dated_later(self):
        found = policy(JINCHENG, 2024)
        account = Account(person_id="p", year=2024, credits=[credit("90", on="2024-06-05")])
        judged = assess(found, account, WORKER, 2024, date(2024, 6, 1))
        assert next_change_on(found, account, judged) == date(2024, 6, 5)
        assert assess(found, account, WORKER, 2024, date(2024, 6, 5)).status == "compliant"

    def test_never_comes_for_who_is_compliant_or_whose_year_is_over(self):
        found = policy(CHAOYANG, 2024)
        account = Account(person_id="p", year=2024, credits=[credit("90", on="2024-06-01")])
        assert next_change_on(found, account, assess(found, account, WORKER, 2024, date(2024, 6, 1))) is None
        assert next_change_on(found, None, assess(found, None, WORKER, 2024, date(2025, 2, 1))) is None

    def test_is_the_day_after_a_deferral_or_an_exemption_ends(self):
        """A-14: both hold to the end of their last day."""
        found, on = policy(CHAOYANG, 2024), date(2024, 6, 1)
        last = date(2025, 3, 31)
        more_time = Deferral(until=last, reason="illness", authority=CHAOYANG, granted_on=on)
        free = Exemption(until=last, reason="illness", authority=CHAOYANG, granted_on=on)
        for account in (
            Account(person_id="p", year=2024, deferred=more_time),
            Account(person_id="p", year=2024, exempt=free),
        ):
            judged = assess(found, account, WORKER, 2024, on)
            assert next_change_on(found, account, judged) == date(2025, 4, 1)
            assert assess(found, account, WORKER, 2024, last).status == judged.status
            assert assess(found, account, WORKER, 2024, date(2025, 4, 1)).status == "deficient"

    def test_is_the_end_of_the_year_where_a_deferral_ends_before_it(self):
        found, on = policy(CHAOYANG, 2024), date(2024, 6, 1)
        less = Deferral(until=date(2024, 8, 1), reason="illness", authority=CHAOYANG, granted_on=on)
        account = Account(person_id="p", year=2024, deferred=less)
        judged = assess(found, account, WORKER, 2024, on)

        assert next_change_on(found, account, judged) == date(2025, 2, 1)

    def test_is_the_day_after_the_judgement_for_what_is_completed_with_its_first_moment(self):
        found = policy(JINCHENG, 2024)
        account = Account(person_id="p", year=2024, credits=[credit("90", on="2024-06-02 00:00:00")])
        judged = assess(found, account, WORKER, 2024, date(2024, 6, 1))

        assert next_change_on(found, account, judged) == date(2024, 6, 2)

    def test_is_not_that_of_a_credit_that_no_longer_stands(self):
        found = policy(JINCHENG, 2024)
        later = credit("90", on="2024-06-05", state="revoked")
        judged = assess(found, Account(person_id="p", year=2024), WORKER, 2024, date(2024, 6, 1))

        account = Account(person_id="p", year=2024, credits=[later])
        assert next_change_on(found, account, judged) == date(2025, 4, 1)

    @forall(ACCOUNTS, PERSONS, DAYS, st.integers(1, 4000))
    def test_until_then_nothing_changes(self, account: Account, person: Person, on: date, later: int):
        found = BOOK.resolve(person.place, account.year)
        judged = assess(found, account, person, account.year, on)
        turn = next_change_on(found, account, judged)
        assert turn is None or turn > on
        day = on + timedelta(days=later)
        day = day if turn is None or day < turn else turn - timedelta(days=1)
        assert essence(assess(found, account, person, account.year, day)) == essence(judged)
