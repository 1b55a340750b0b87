"""Credits that count once they are recognised, where the notice separates that from registration (S4-03, B-11)."""

from decimal import Decimal

from tests.ledger.policy.builders import JIANGMEN, Given, at, credit


class TestRecognition:
    def test_a_professional_credit_waits_and_names_the_clause(self):
        answer = Given(JIANGMEN, 2024, [credit("60"), credit("30", "public")]).when_asked("2024-12-31")
        assert answer.total == Decimal(30)
        (waits,) = answer.not_counted
        assert (waits.why, waits.clause, waits.credits) == ("awaiting_recognition", "S4-03", Decimal(60))

    def test_recognised_it_counts_for_the_day_of_its_study(self):
        recognised = credit("60", recognised_at=at("2025-02-01"))
        answer = Given(JIANGMEN, 2024, [recognised, credit("30", "public")]).when_asked("2024-12-31")
        assert answer.status == "compliant"

    def test_an_equivalence_that_may_fill_the_professional_part_waits_too(self):
        exam = credit("90", "any", fill=("professional", "public"))
        assert Given(JIANGMEN, 2024, [exam]).when_asked("2024-12-31").total == 0

    def test_imported_history_was_recognised_where_it_comes_from(self):
        """S4-06."""
        imported = credit("60", route="import")
        answer = Given(JIANGMEN, 2024, [imported, credit("30", "public")]).when_asked("2024-12-31")
        assert answer.status == "compliant"
