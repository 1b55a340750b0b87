"""The allotment under limits: fulfilled limits, the best there is, and the same answer each time."""

from fractions import Fraction
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ledger.policy.judging.allotment import Limit, allot


class TestSmallQuestions:
    def test_one_limit_is_used_up(self):
        found = allot(2, [Limit({0: 1, 1: 1}, 30), Limit({0: 1}, 20)], [{0: 1, 1: 1}])
        assert sum(found.taken) == 30
        assert 0 in found.tight

    def test_a_later_wish_decides_between_what_the_first_holds_equal(self):
        limits = [Limit({0: 1, 1: 1}, 30)]
        assert allot(2, limits, [{0: 1, 1: 1}, {1: 1}]).taken == (0, 30)
        assert allot(2, limits, [{0: 1, 1: 1}, {0: 1}]).taken == (30, 0)

    def test_limits_that_cross_in_threes_may_leave_halves(self):
        pairs = [Limit({0: 1, 1: 1}, 1), Limit({1: 1, 2: 1}, 1), Limit({0: 1, 2: 1}, 1)]
        found = allot(3, pairs, [{0: 1, 1: 1, 2: 1}])
        assert found.taken == (Fraction(1, 2),) * 3

    def test_nothing_wished_for_takes_nothing(self):
        assert allot(2, [Limit({0: 1}, 5)], [{}]).taken == (0, 0)


FACTORS = st.dictionaries(st.integers(0, 2), st.just(1), min_size=1)
WEIGHTS = st.dictionaries(st.integers(0, 2), st.integers(0, 3))


class TestAnyQuestion:
    @settings(deadline=None, max_examples=200)
    @given(
        st.lists(st.builds(Limit, FACTORS, st.integers(0, 6)), max_size=4),
        st.lists(st.integers(0, 5), min_size=3, max_size=3),
        st.lists(WEIGHTS, min_size=1, max_size=3),
    )
    def test_it_keeps_the_limits_and_no_whole_choice_is_better(
        self, crossing: list[Limit], most: list[int], wishes: list[dict[int, int]]
    ):
        limits = [*crossing, *(Limit({n: 1}, top) for n, top in enumerate(most))]
        found = allot(3, limits, wishes).taken
        assert all(amount >= 0 for amount in found)
        assert all(sum(f * found[n] for n, f in limit.factors.items()) <= limit.most for limit in limits)
        best = max(
            _worth(choice, wishes)
            for choice in product(*(range(top + 1) for top in most))
            if all(sum(f * choice[n] for n, f in limit.factors.items()) <= limit.most for limit in limits)
        )
        assert _worth(found, wishes) >= best


def _worth(choice: tuple[int | Fraction, ...], wishes: list[dict[int, int]]) -> list[int | Fraction]:
    return [sum(weight * choice[n] for n, weight in wish.items()) for wish in wishes]
