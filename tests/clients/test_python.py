"""The Python client: against a ledger, and against answers that no ledger gives twice."""

import asyncio
import base64
import contextlib
import inspect
import json
import re
import runpy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from xuefen_client import AsyncClient, Client, Credentials, ProblemError, Retries, UnreachableError, models
from xuefen_client.signing import signer

from contracts.divisions import AUTHORITIES
from services.cli.demo import fictitious
from services.kit.projection import ProjectionRunner
from services.kit.signatures import DIGEST, SignatureInvalidError, _Message
from services.kit.signatures import verify as verify_signature
from services.kit.signing import ED25519, HMAC, SigningKey
from services.ledger.store.organization_events import OrganizationEvents
from tests.ledger.moving.mover import LIAONING, LISTED
from tests.ledger.world import Provider, World

ROOT = Path(__file__).parents[2]
CLIENT = httpx.Client
SOMEBODY = fictitious.person(1)
AT_ONCE = Retries(attempts=4, pause=0.0)


@pytest.fixture
async def provider(world: World) -> Provider:
    world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
    return await world.provides(LISTED, accredited=[LIAONING])


@pytest.fixture
def xuefen(world: World, provider: Provider) -> AsyncClient:
    return AsyncClient("http://ledger.test", token_of(provider), http=world.client, language="en")


def token_of(provider: Provider) -> str:
    return provider.headers()["Authorization"].removeprefix("Bearer ")


def through(world: World) -> httpx.Client:
    """A client without a loop whose requests the ledger of this loop answers."""
    loop = asyncio.get_running_loop()

    def answer(request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        told = asyncio.run_coroutine_threadsafe(world.client.send(sent), loop).result()
        return httpx.Response(told.status_code, headers=told.headers, content=told.content)

    return CLIENT(transport=httpx.MockTransport(answer))


def record(number: int, **fields: Any) -> dict[str, Any]:
    person = {"id_type": "resident_id", "id_number": SOMEBODY.id_number, "name": SOMEBODY.name}
    return {
        "id": f"r-{number}", "person": person, "year": 2025, "category": "professional", "credits": "3.00",
        "mode": "online", "course": "C-1", "completed_at": "2025-05-20T10:00:00+08:00", "authority": "210000", **fields,
    }  # fmt: skip


def answering(
    *answers: Callable[[httpx.Request], httpx.Response], credentials: Any = "token", **options: Any
) -> tuple[Client, list[httpx.Request]]:
    """A client whose ledger gives these answers in turn, and the requests it got."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers[len(asked) - 1](request)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Client("http://ledger.test", credentials, retries=AT_ONCE, http=http, **options), asked


def outcomes(of: Callable[[dict[str, Any]], str]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        records = json.loads(request.content)["records"]
        results = [{"id": each["id"], "outcome": of(each)} for each in records]
        return httpx.Response(200, json={"results": results, "summary": {}})

    return answer


def refused(status: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    problem = {"type": "urn:xuefen:problem:busy", "title": "Busy", "status": status, "detail": "Later."}
    return lambda _: httpx.Response(status, json=problem, headers=headers)


def lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadError("gone", request=request)


async def followed(world: World) -> None:
    """The worker has seen everything."""
    ledger = world.ledger
    runner = ProjectionRunner(ledger.databases, ledger.store, OrganizationEvents(), lambda: AUTHORITIES)
    for log in AUTHORITIES:
        await runner.catch_up(log)


class TestLedger:
    async def test_says_what_became_of_each_record(
        self, world: World, provider: Provider, xuefen: AsyncClient
    ):
        known, stranger = await world.collects(LIAONING), world.stranger()
        records = [
            provider.completion(known, 2025, "30.00"),
            provider.completion(stranger, 2025, "30.00"),
            provider.completion(known, 2025, "30.00", category="unheard_of"),
        ]
        [report] = [each async for each in xuefen.report(records)]
        assert [outcome.outcome for outcome in report.answer.results] == ["registered", "held", "rejected"]
        assert report.answer.summary == {"registered": 1, "held": 1, "rejected": 1}
        [(waiting, why)] = report.of("held")
        assert isinstance(waiting, models.Completion)
        assert (waiting.id, why.reason) == (records[1]["id"], "not_collected")

    async def test_reads_back_and_takes_back(self, world: World, provider: Provider, xuefen: AsyncClient):
        known = await world.collects(LIAONING)
        records = [provider.completion(known, 2025, "1.00") for _ in range(3)]
        async for _ in xuefen.report(records):
            pass
        withdrawn = await xuefen.withdraw(records[0]["id"], "refunded", key="refund-1")
        assert await xuefen.withdraw(records[0]["id"], "refunded", key="refund-1") == withdrawn
        assert (await xuefen.completion(records[0]["id"])).state == "withdrawn"
        found = [each.id async for each in xuefen.completions(state="registered", year=2025)]
        assert found == [records[1]["id"], records[2]["id"]]

    async def test_goes_on_in_its_feed_where_it_was(
        self, world: World, provider: Provider, xuefen: AsyncClient
    ):
        known = await world.collects(LIAONING)
        for number in range(2):
            async for _ in xuefen.report([provider.completion(known, 2025, f"{number + 1}.00")]):
                pass
        await followed(world)
        batches = [batch async for batch in xuefen.feed(limit=1)]
        assert len(batches) == 2
        [first], cursor = batches[0]
        assert [events async for events, _ in xuefen.feed(cursor)] == [batches[1][0]]
        assert first.log == LIAONING

    async def test_a_refusal_is_told_with_its_code(self, xuefen: AsyncClient):
        with pytest.raises(ProblemError) as refusal:
            await xuefen.completion("nobody-posted-it")
        assert (refusal.value.status, refusal.value.code) == (404, "completion-unknown")

    async def test_a_table_is_posted_as_it_is(self, provider: Provider, xuefen: AsyncClient, tmp_path: Path):
        other = tmp_path / "completions.pdf"
        other.write_bytes(b"")
        with pytest.raises(ValueError, match=re.escape("completions.pdf: a table is .csv or .xlsx")):
            await xuefen.report_table(other)


class TestRetries:
    def test_send_the_same_records_until_there_is_an_answer(self):
        client, asked = answering(lost, refused(503), refused(429), outcomes(lambda _: "registered"))
        [report] = client.report([record(1)])
        assert report.answer.summary == {"registered": 1}
        assert len({request.content for request in asked}) == 1
        assert len(asked) == 4

    def test_end(self):
        client, asked = answering(*[lost] * 4)
        with pytest.raises(UnreachableError):
            list(client.report([record(1)]))
        assert len(asked) == 4
        client, _ = answering(*[refused(503)] * 4)
        with pytest.raises(ProblemError, match="503 busy"):
            list(client.report([record(1)]))

    def test_are_not_for_what_was_refused(self):
        client, asked = answering(refused(422))
        with pytest.raises(ProblemError):
            list(client.report([record(1)]))
        assert len(asked) == 1

    def test_post_again_only_what_is_unknown(self):
        half = outcomes(lambda each: "unknown" if each["id"] == "r-2" else "registered")
        client, asked = answering(half, outcomes(lambda _: "duplicate"))
        [report] = client.report([record(1), record(2), record(3)])
        assert [each.outcome for each in report.answer.results] == ["registered", "duplicate", "registered"]
        assert [each["id"] for each in json.loads(asked[1].content)["records"]] == ["r-2"]

    @pytest.mark.parametrize(("answered", "waits"), [("7", 7.0), ("3600", 30.0), ("soon", 0.0), (None, 0.0)])
    def test_wait_as_long_as_they_are_told_but_not_for_ever(self, answered: str | None, waits: float):
        headers = {} if answered is None else {"Retry-After": answered}
        assert Retries(pause=0.0).before(1, httpx.Response(503, headers=headers)) == waits


class TestHeaders:
    def test_go_with_every_request(self):
        moment = {"Xuefen-Sandbox-Now": "2026-06-18T12:00:00+08:00"}
        client, asked = answering(outcomes(lambda _: "registered"), headers=moment)
        list(client.report([record(1)]))
        assert asked[0].headers["Xuefen-Sandbox-Now"] == moment["Xuefen-Sandbox-Now"]


class TestBatches:
    def test_are_of_a_thousand(self):
        client, asked = answering(*[outcomes(lambda _: "registered")] * 2)
        assert [len(report.records) for report in client.report(record(n) for n in range(1_001))] == [
            1_000,
            1,
        ]
        assert len(asked) == 2

    def test_a_record_with_a_misspelt_field_is_refused_before_anything_is_sent(self):
        client, asked = answering()
        with pytest.raises(ValueError, match="creditz"):
            list(client.report([record(1, creditz="3.00")]))
        assert asked == []


class TestCredentials:
    GIVEN = Credentials("http://registry.test/oauth/token", "client-1", "secret")

    @staticmethod
    def token(text: str) -> Callable[[httpx.Request], httpx.Response]:
        return lambda _: httpx.Response(200, json={"access_token": text, "expires_in": 3600})

    def test_get_one_token_for_many_requests(self):
        done = outcomes(lambda _: "registered")
        client, asked = answering(self.token("t-1"), done, done, credentials=self.GIVEN)
        list(client.report([record(1)]))
        list(client.report([record(2)]))
        assert [request.headers["Authorization"] for request in asked[1:]] == ["Bearer t-1"] * 2
        assert asked[0].headers["Authorization"].startswith("Basic ")
        assert b"grant_type=client_credentials" in asked[0].content

    def test_get_another_when_it_was_refused_and_only_once(self):
        client, asked = answering(
            self.token("t-1"), refused(401), self.token("t-2"), refused(401), credentials=self.GIVEN
        )
        with pytest.raises(ProblemError, match="401"):
            list(client.report([record(1)]))
        assert asked[3].headers["Authorization"] == "Bearer t-2"

    def test_are_not_shown(self):
        assert "secret" not in repr(self.GIVEN).replace("client_secret", "")


class TestSigning:
    @pytest.mark.parametrize("algorithm", [ED25519, HMAC])
    def test_is_what_the_services_verify(self, algorithm: str):
        private, secret = Ed25519PrivateKey.generate(), b"a secret of a client, 32 bytes .."
        public = base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).decode().rstrip("=")
        key = SigningKey(algorithm, "key-1", public if algorithm == ED25519 else None)
        sign = signer("key-1", private if algorithm == ED25519 else secret)
        withdrawn = {"id": "r-1", "log": "210000", "position": 3}
        answers = [outcomes(lambda _: "registered"), lambda _: httpx.Response(200, json=withdrawn)]
        client, asked = answering(*answers, sign=sign)
        list(client.report([record(1)]))
        with contextlib.suppress(ValueError):  # the answer's other fields do not matter here
            client.withdraw("r-1", "refunded", key="refund-1")
        for request in asked:
            message = _Message(request.method, str(request.url), request.headers)
            assert DIGEST.fullmatch(verify_signature(message, request.content, key, secret))
            changed = _Message(request.method, f"{request.url}?x=1", request.headers)
            with pytest.raises(SignatureInvalidError):
                verify_signature(changed, request.content, key, secret)
        assert len(asked) == 2

    def test_a_reading_is_not_signed(self):
        client, asked = answering(refused(404), sign=signer("key-1", b"s" * 32))
        with pytest.raises(ProblemError):
            client.completion("r-1")
        assert "Signature" not in asked[0].headers


class TestBoth:
    def test_clients_have_the_same_methods(self):
        def methods(client: type) -> dict[str, list[str]]:
            found = inspect.getmembers(client, inspect.isfunction)
            return {
                name: list(inspect.signature(each).parameters)
                for name, each in found
                if not name.startswith("_")
            }

        assert methods(Client) == methods(AsyncClient)

    def test_speak_in_the_same_version_as_the_ledger(self):
        document = json.loads((ROOT / "contracts/openapi/ledger.v1.json").read_text())
        ours = (ROOT / "clients/python/pyproject.toml").read_text()
        assert f'version = "{document["info"]["version"]}"' in ours

    async def test_the_one_without_a_loop_says_the_same(
        self, provider: Provider, xuefen: AsyncClient, world: World
    ):
        who = await world.collects(LIAONING)
        posted = provider.completion(who, 2025, "3.00")
        [awaited] = [each async for each in xuefen.report([posted])]
        with Client("http://ledger.test", token_of(provider), http=through(world)) as client:
            [plain] = await asyncio.to_thread(lambda: list(client.report([posted])))
        assert plain.answer.results[0].credit_id == awaited.answer.results[0].credit_id
        assert plain.answer.results[0].outcome == "duplicate"

    async def test_the_example_reports_takes_back_and_goes_on_in_its_feed(
        self, provider: Provider, world: World, tmp_path: Path, monkeypatch: Any, capsys: Any
    ):
        who = await world.collects(LIAONING)
        records = [
            provider.completion(who, 2025, "3.00", id="e-1"),
            provider.completion(who, 2025, "4.00", id="e-2"),
        ]
        file = tmp_path / "completions.json"
        file.write_text(json.dumps(records))
        monkeypatch.setenv("XUEFEN_LEDGER", "http://ledger.test")
        monkeypatch.setenv("XUEFEN_TOKEN", token_of(provider))
        clients = iter([through(world) for _ in range(3)])
        monkeypatch.setattr(httpx, "Client", lambda **_: next(clients))
        program = runpy.run_path(str(ROOT / "clients/python/examples/report.py"))
        await asyncio.to_thread(program["main"], str(file), "e-2")
        assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("e-")] == [
            "e-1: registered", "e-2: registered", "e-2: taken back",
        ]  # fmt: skip
        await followed(world)
        await asyncio.to_thread(program["main"], str(file))
        again = capsys.readouterr().out
        assert "e-1: duplicate" in again
        assert again.count("credit.earned") == 2
        await asyncio.to_thread(program["main"], str(file))
        assert "credit.earned" not in capsys.readouterr().out


class TestYear:
    def test_is_written_whole_under_one_header(self, tmp_path: Path):
        head = "\ufeffid,state\r\n"
        client, asked = answering(
            lambda _: httpx.Response(
                200, text=f"{head}a,held\r\n", headers={"Xuefen-Next-After": "210000~a"}
            ),
            lambda _: httpx.Response(200, text=f"{head}b,registered\r\n"),
        )
        client.write_year(2025, tmp_path / "year.csv")
        assert (tmp_path / "year.csv").read_bytes() == f"{head}a,held\r\nb,registered\r\n".encode()
        assert [request.url.raw_path for request in asked] == [
            b"/v1/completion-tables/2025", b"/v1/completion-tables/2025?after=210000~a",
        ]  # fmt: skip

    def test_that_ends_in_the_middle_leaves_the_file_of_before(self, tmp_path: Path):
        file = tmp_path / "year.csv"
        file.write_text("before")
        client, _ = answering(
            lambda _: httpx.Response(200, text="id\r\na\r\n", headers={"Xuefen-Next-After": "210000~a"}),
            refused(403),
        )
        with pytest.raises(ProblemError):
            client.write_year(2025, file)
        assert [each.name for each in tmp_path.iterdir()] == ["year.csv"]
        assert file.read_text() == "before"

    async def test_of_a_ledger_has_a_row_for_each_completion(
        self, world: World, provider: Provider, xuefen: AsyncClient, tmp_path: Path
    ):
        await provider.posts(provider.completion(world.stranger(), 2025, "9.00", id="only"))
        await xuefen.write_year(2025, tmp_path / "year.csv")
        head, row = (tmp_path / "year.csv").read_text("utf-8-sig").splitlines()
        assert head.split(",")[:3] == ["id", "authority", "state"]
        assert row.split(",")[:3] == ["only", LIAONING, "held"]
