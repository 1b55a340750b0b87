"""One call over HTTP: bounded, repeated where that can help, and told apart by what a failure means."""

from collections.abc import Callable, Iterator

import httpx
import pytest
import stamina

from contracts.relay import Mail
from services.transfer.peers import ATTEMPTS_MAX, Peer, PeerRefusedError, PeerUnavailableError

EMPTY = {"exchanges": [], "next": None}
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS_MAX):
        yield


class Far:
    """Somebody who gives one answer after the other."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask(self) -> Mail:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self), base_url="http://far") as client:
            return await Peer("far", client).ask(Mail, "GET", "/v1/mail")


class TestAsk:
    async def test_reads_the_answer(self):
        assert await Far(httpx.Response(200, json=EMPTY)).ask() == Mail(exchanges=())

    @pytest.mark.parametrize(
        "failure",
        [httpx.Response(503), httpx.Response(429), httpx.Response(502), httpx.ConnectError("no")],
        ids=["503", "429", "502", "no connection"],
    )
    async def test_tries_again_what_may_pass(self, failure: httpx.Response | Exception):
        far = Far(failure, httpx.Response(200, json=EMPTY))
        assert await far.ask() == Mail(exchanges=())
        assert far.asked == 2

    async def test_not_for_ever(self):
        far = Far(*(httpx.Response(500) for _ in range(ATTEMPTS_MAX)))
        with pytest.raises(PeerUnavailableError, match="far: status 500"):
            await far.ask()
        assert far.asked == ATTEMPTS_MAX

    async def test_comes_back_later_when_asked_for_more_patience_than_a_call_has(self):
        far = Far(httpx.Response(503, headers={"Retry-After": "120"}))
        with pytest.raises(PeerUnavailableError) as raised:
            await far.ask()
        assert (raised.value.retry_after, far.asked) == (120.0, 1)

    async def test_a_token_that_is_not_taken_decides_nothing(self):
        far = Far(*(httpx.Response(401) for _ in range(ATTEMPTS_MAX)))
        with pytest.raises(PeerUnavailableError):
            await far.ask()

    async def test_a_no_is_not_asked_again_and_says_its_code(self):
        problem = {"type": "urn:xuefen:problem:departure-blocked", "blockers": []}
        far = Far(httpx.Response(409, json=problem))
        with pytest.raises(PeerRefusedError) as raised:
            await far.ask()
        assert (raised.value.code, raised.value.status, far.asked) == ("departure-blocked", 409, 1)

    async def test_an_answer_nobody_can_read_repeats_none_of_it(self):
        far = Far(*(httpx.Response(200, json={"exchanges": "secret"}) for _ in range(ATTEMPTS_MAX)))
        with pytest.raises(PeerUnavailableError) as raised:
            await far.ask()
        assert "secret" not in str(raised.value)
