"""A breaker leaves a system that fails alone for a while, and looks again with one call."""

from services.kit.breaker import REST_SECONDS_MAX, Breaker


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def breaker(clock: Clock) -> Breaker:
    return Breaker(failures_max=3, rest_seconds=1.0, rest_seconds_max=8.0, now=clock, jitter=lambda: 1.0)


def opened(clock: Clock) -> Breaker:
    new = breaker(clock)
    for _ in range(3):
        assert new.enter() == 0
        new.failed()
    return new


class TestBreaker:
    def test_lets_everybody_call_until_failures_follow_each_other(self):
        one = breaker(Clock())
        for _ in range(2):
            one.failed()
        one.succeeded()
        for _ in range(2):
            one.failed()
        assert (one.enter(), one.state) == (0, "closed")

    def test_open_lets_nobody_call_until_the_rest_is_over(self):
        clock = Clock()
        one = opened(clock)
        assert (one.state, one.enter()) == ("open", 1.0)
        clock.seconds = 1.0
        assert one.enter() == 0

    def test_lets_one_caller_try_and_no_other(self):
        clock = Clock()
        one = opened(clock)
        clock.seconds = 1.0
        assert one.enter() == 0
        assert one.state == "trying"
        assert one.enter() > 0

    def test_closes_when_the_trial_succeeds(self):
        clock = Clock()
        one = opened(clock)
        clock.seconds = 1.0
        one.enter()
        one.succeeded()
        assert (one.state, one.enter(), one.last_success) == ("closed", 0, 1.0)

    def test_rests_twice_as_long_after_each_failed_trial_up_to_a_limit(self):
        clock = Clock()
        one = opened(clock)
        rests = []
        for _ in range(5):
            clock.seconds += one.enter()
            assert one.enter() == 0
            one.failed()
            rests.append(one.enter())
        assert rests == [2.0, 4.0, 8.0, 8.0, 8.0]

    def test_a_trial_given_back_unused_is_anybody_s(self):
        clock = Clock()
        one = opened(clock)
        clock.seconds = 1.0
        one.enter()
        one.leave()
        assert one.enter() == 0

    def test_rests_as_long_as_it_is_asked_to_and_no_longer_than_an_hour(self):
        clock = Clock()
        one = breaker(clock)
        one.rest(30)
        assert (one.enter(), one.state) == (30, "open")
        one.rest(10 * REST_SECONDS_MAX)
        assert one.enter() == REST_SECONDS_MAX
        clock.seconds = REST_SECONDS_MAX
        assert one.enter() == 0

    def test_jitter_shortens_a_rest_by_half_at_most(self):
        clock = Clock()
        one = Breaker(failures_max=1, rest_seconds=4.0, now=clock, jitter=lambda: 0.0)
        one.failed()
        assert one.enter() == 2.0
