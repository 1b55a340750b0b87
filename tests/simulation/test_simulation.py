"""A year of a few people, four providers and three authorities: every answer as the auditor predicts it, the sums equal,
nothing lost from the feeds, rows as a rebuild gives them, and no trace of a name or a number."""

import asyncio
import io
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import structlog

from contracts import registry
from contracts.divisions import AUTHORITIES
from services.kit.observability import configure_logging
from services.kit.projection import ProjectionRunner
from services.ledger.counting.rebuild import behind, rebuild
from services.ledger.streams.publishing import publish
from tests.conftest import FreshDatabaseFactory
from tests.ledger.world import Provider, Somebody, World, make_world
from tests.simulation.auditor import DALIAN, JINCHENG, LIAONING, SHANXI, SHENYANG, Auditor, Expected
from tests.simulation.feed_reader import FeedReader
from tests.simulation.workload import FIRMS, YEAR_OF, Batch, Person, Round, Workload

SEEDS = [int(seed) for seed in os.environ.get("XUEFEN_SIMULATION_SEEDS", "1 2 3").split()]
"""Those of a failure are in its test's name; give them here to see it again."""
LOGS = ["100000", LIAONING, SHANXI, DALIAN]


class Simulation:
    """The ledger on one side, the auditor on the other."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.workload = Workload(seed)
        self.auditor = Auditor(FIRMS)
        self.reader = FeedReader(world.client, LOGS, self.workload.random)
        self.providers: dict[str, Provider] = {}
        self.collected: dict[str, Somebody] = {}
        self.outcomes: Counter[str] = Counter()
        self.keys = 0

    async def open(self) -> None:
        """The registry has told of the providers."""
        for name, firm in FIRMS.items():
            [modes] = set(firm.accredited.values())
            provider = await self.world.provides(name, accredited=list(firm.accredited), modes=modes)
            self.providers[name] = provider
            for place, since in firm.barred.items():
                await self.world.hears(
                    registry.ProviderDisqualified(
                        organization_id=provider.organization_id,
                        place=place,
                        from_date=since.date(),
                        reason="cheating",
                    )
                )

    async def play(self, round_: Round) -> None:
        """One round, every answer compared."""
        self.world.now = round_.now
        for person in round_.collect:
            await self.collect(person)
        predicted = [self.predict(batch) for batch in round_.batches]
        answers = await asyncio.gather(*(self.post(batch) for batch in round_.batches))
        for batch, expected, results in zip(round_.batches, predicted, answers, strict=True):
            for record, one, result in zip(batch.records, expected, results, strict=True):
                self.compare(record, one, result)
        for kind, which in round_.decisions:
            await getattr(self, kind)(which)
        await self.look(round_)
        await self.reader.read_a_little()

    async def collect(self, person: Person) -> None:
        who = person.who
        self.collected[who.id_number] = await self.world.collects(person.place, person=who)
        self.auditor.collected(who.id_number, who.name, person.place)

    def predict(self, batch: Batch) -> list[Expected | None]:
        return [
            self.auditor.posted(batch.provider, record, self.world.now) if good else None
            for record, good in zip(batch.records, batch.good, strict=True)
        ]

    async def post(self, batch: Batch) -> list[dict[str, Any]]:
        return await self.providers[batch.provider].posts(*batch.records)

    def compare(self, record: dict[str, Any], expected: Expected | None, result: dict[str, Any]) -> None:
        """One record's answer against the prediction; a malformed one is rejected with a problem."""
        problem = result.get("problem", {})
        if expected is None:
            expected = Expected("rejected", problem=problem["type"].rpartition(":")[2])
            assert expected.problem in ("invalid-request", "identity-implausible", "place-unknown")
        said = Expected(
            result["outcome"],
            reason=result.get("reason"),
            problem=problem["type"].rpartition(":")[2] if problem else None,
            first=result.get("first", {}).get("outcome", expected.first),
            differs=problem.get("differs"),
            released=set(result.get("released", [])),
        )
        assert said == expected, (record["id"], record["year"], record["mode"], record["credits"])
        assert result["outcome"] == "rejected" or result["id"] == record["id"]
        self.outcomes[expected.problem or expected.reason or expected.outcome] += 1

    async def withdraw(self, which: float) -> None:
        sent = [(firm, record) for firm, records in self.workload.sent.items() for record in records]
        if not sent:
            return
        firm, record = sent[int(which * len(sent))]
        authority = {"authority": record["authority"]} if "authority" in record else {}
        if not authority and len(FIRMS[firm].accredited) != 1:
            return
        expected = self.auditor.withdrawn(firm, record)
        response = await self.providers[firm].withdraws(record["id"], key=self.key(), **authority)
        assert response.status_code == expected, response.text
        self.outcomes[f"withdrawal {expected}"] += 1

    async def revoke(self, which: float) -> None:
        known = sorted(self.collected)
        if not known:
            return
        id_number = known[int(which * len(known))]
        lines = (await self.transcript(id_number))["credits"]
        if lines:
            line = lines[int(which * 1000) % len(lines)]
            provider = next(n for n, p in self.providers.items() if p.organization_id == line["provider_id"])
            expected = self.auditor.revoked(id_number, line["year"], provider, line["completion_id"])
            status = await self.decide(
                id_number, f"credits/{line['credit_id']}/revocation", line["year"], "cheating"
            )
            assert status == expected
            self.outcomes[f"revocation {expected}"] += 1

    async def exempt(self, which: float) -> None:
        known = sorted(self.collected)
        if known and which < 0.5:
            id_number = known[int(which * 2 * len(known))]
            year = YEAR_OF[self.auditor.people[id_number][1]]
            expected = self.auditor.exempted(id_number, year)
            assert await self.decide(id_number, "exemptions", year, "illness") == expected
            self.outcomes[f"exemption {expected}"] += 1

    async def decide(self, id_number: str, path: str, year: int, reason: str) -> int:
        response = await self.world.client.post(
            f"/v1/persons/{self.collected[id_number].person_id}/{path}",
            json={"year": year, "reason": reason},
            headers=self.world.official("100000") | {"Idempotency-Key": self.key()},
        )
        return response.status_code

    def key(self) -> str:
        self.keys += 1
        return f"key-{self.keys}"

    async def transcript(self, id_number: str) -> Any:
        who = self.collected[id_number]
        headers = self.world.official("100000")
        response = await self.world.client.get(f"/v1/persons/{who.person_id}/transcript", headers=headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def look(self, round_: Round) -> None:
        """Ask about everybody that is known, in one query for each place, on a day around now."""
        on = (round_.now + timedelta(days=self.workload.random.randint(-60, 200))).date().isoformat()
        for place in (SHENYANG, JINCHENG, DALIAN):
            numbers = [number for number in self.collected if self.auditor.people[number][1] == place]
            if numbers:
                body = {
                    "year": YEAR_OF[place],
                    "persons": [self.collected[n].person_id for n in numbers],
                    "on": on,
                }
                response = await self.world.client.post(
                    "/v1/compliance/query", json=body, headers=self.world.official(place)
                )
                for number, answer in zip(numbers, response.json()["results"], strict=True):
                    said = {"status": answer["status"], "total": answer["total"]} | answer["by_category"]
                    assert said == self.auditor.compliance(number, YEAR_OF[place], on), (number, on)

    async def close_the_books(self) -> None:
        """Transcripts and statistics against the auditor's dictionaries."""
        names = {provider.organization_id: name for name, provider in self.providers.items()}
        for id_number in self.collected:
            lines = (await self.transcript(id_number))["credits"]
            assert self.auditor.lines(id_number) == {
                (names[line["provider_id"]], line["completion_id"]): (line["state"], line["credits"])
                for line in lines
            }
        for projection in behind(self.world.ledger.policies):
            runner = ProjectionRunner(
                self.world.ledger.databases, self.world.ledger.store, projection, lambda: LOGS
            )
            for log in LOGS:
                await runner.catch_up(log)
        for place, places in ((LIAONING, {SHENYANG}), (SHANXI, {JINCHENG}), (DALIAN, {DALIAN})):
            response = await self.world.client.get(
                "/v1/statistics/registrations",
                params={"place": place},
                headers=self.world.official(place),
            )
            rows = response.json()["rows"]
            sums = (
                sum(row["records"] for row in rows),
                sum((Decimal(row["credits"]) for row in rows), Decimal(0)),
            )
            assert sums == self.auditor.registered(places)


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """Everything that is logged, as it would be written."""
    root, lines = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logging("simulation", level="DEBUG", stream=lines)
    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
async def world(fresh_database: FreshDatabaseFactory) -> AsyncIterator[World]:
    async with make_world(fresh_database)().running() as world:
        yield world


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_year_comes_out_as_the_auditor_says(world: World, log_lines: io.StringIO, seed: int):
    """Given a seed, when its year is played, then every answer, sum, feed and row is right and holds nobody's name."""
    simulation = Simulation(world, seed)
    await simulation.open()
    for round_ in simulation.workload.rounds():
        await simulation.play(round_)
    await simulation.close_the_books()
    print(f"seed {seed}: {dict(simulation.outcomes.most_common())}")
    await nothing_is_lost(world, simulation.reader)
    await rows_are_what_a_rebuild_gives(world)
    await nobody_is_named(world, simulation, log_lines.getvalue())


async def nothing_is_lost(world: World, reader: FeedReader) -> None:
    """The reader has every published event of every log once, in order."""
    await reader.read_all()
    for log in LOGS:
        events = await world.events(log)
        assert [event.position for event in events] == list(range(1, len(events) + 1))
        published = [event.position for event in events if publish(event) is not None]
        assert [event["position"] for event in reader.stored[log]] == published
        parts = [event["id"].split("/") for event in reader.stored[log]]
        assert [(of, int(position)) for of, _, position in parts] == [(log, each) for each in published]
        assert len({history for _, history, _ in parts}) <= 1


async def rows_are_what_a_rebuild_gives(world: World) -> None:
    rebuilt = await rebuild(world.ledger.databases, logs=LOGS)
    assert [done.rows_changed for done in rebuilt] == [0] * len(rebuilt)


async def nobody_is_named(world: World, simulation: Simulation, logged: str) -> None:
    """No event, row, feed or log line holds a name or an ID number."""
    assert '"event":"request"' in logged
    texts = [logged, *simulation.reader.text]
    for log in AUTHORITIES:
        texts += [
            f"{event.stream_id} {event.identity} {event.state.decode()}" for event in await world.events(log)
        ]
    for database in world.ledger.databases.all():
        async with database.acquire() as conn:
            tables = await conn.fetch(
                "select table_name from information_schema.columns where table_schema = 'ledger'"
                " and column_name = 'state' and data_type = 'bytea' and table_name !~ '_[0-9]+$'"
            )
            for table in {row[0] for row in tables}:
                texts += [bytes(row[0]).decode() for row in await conn.fetch(f"select state from {table}")]
            texts += [str(row) for row in await conn.fetch("select * from idempotency_keys")]
    everything = "\n".join(texts)
    for person in simulation.workload.people:
        assert person.who.id_number not in everything
        assert person.who.name not in everything
    assert "别的名字" not in everything
