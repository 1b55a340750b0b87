"""Random histories of a few people, played through the real intake: posted, repeated, contradicted, taken back, revoked,
exempted, held and released by the registry, by an exam, or by the total."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from hypothesis import strategies as st

from contracts import transfer
from services.ledger.reactions.reactions import SourceEvent
from services.ledger.streams.account_events import CreditEarned, CreditRevoked, CreditWithdrawn
from tests.ledger.world import Provider, Somebody, World

NOW = datetime(2025, 3, 5, 4, tzinfo=UTC)
"""In Jincheng's window for 2024 and Liaoning's for 2025; Chaoyang's for 2024 is over, what was studied in it comes late."""


class Slot(NamedTuple):
    """Somebody's place and the year that is asked about; when they studied and passed; and the provider's name."""

    place: str
    log: str
    year: int
    name: str
    accredited: str
    at: str


JINCHENG = Slot("140500", "140000", 2024, "会计之星", "140000", "2025-01-15T10:00:00+08:00")
CHAOYANG = Slot("211302", "210000", 2024, "朝阳市会计学会", "211300", "2025-01-15T10:00:00+08:00")
LIAONING = Slot(
    "210100", "210000", 2025, "北京东奥时代教育科技有限公司", "210000", "2025-03-04T10:00:00+08:00"
)
SLOTS = (JINCHENG, CHAOYANG, LIAONING, JINCHENG)
"""Registered when the total is reached (S2B-07), after the exam (S0-11), and at study (S1-09)."""
LOGS = ("100000", "140000", "210000")

slots = st.integers(0, len(SLOTS) - 1)
numbers = st.integers(0, 30)
credits = st.sampled_from(["0.01", "30", "60.00", "89.99", "90"])
categories = st.sampled_from(["professional", "public"])
modes = st.sampled_from(["online", "online", "face_to_face"])
completions = st.tuples(
    st.just("complete"), slots, credits, categories, modes, st.sampled_from([False] * 9 + [True])
)
steps = st.one_of(
    completions,
    completions,
    st.tuples(st.just("batch"), st.lists(completions, min_size=2, max_size=5)),
    st.tuples(st.sampled_from(["again", "differ", "withdraw", "revoke", "unenrol"]), numbers),
    st.tuples(st.sampled_from(["exempt", "collect", "collect", "exam", "enrol", "move"]), slots),
)
histories = st.builds(
    lambda known, steps: [*(("collect", number) for number in sorted(known)), *steps],
    st.sets(slots, min_size=2),
    st.lists(steps, min_size=4, max_size=20),
)
"""Most people are known from the start, some are collected on the way or never."""


class Player:
    """Plays one history with people of its own; answers are kept as they were given."""

    def __init__(self, world: World, providers: Mapping[Slot, Provider], transfers: Iterator[int]) -> None:
        self.world = world
        self.providers = providers
        self.transfers = transfers
        self.places: dict[int, str] = {}
        self.people = [world.stranger() for _ in SLOTS]
        self.collected: dict[int, Somebody] = {}
        self.sent: list[tuple[Slot, str, dict[str, Any]]] = []
        self.credits: list[tuple[int, str]] = []

    async def play(self, step: tuple[Any, ...]) -> None:
        """One step; whatever it asks for, the ledger answers without a 5xx."""
        await getattr(self, f"_{step[0]}")(*step[1:])

    async def _complete(self, *what: Any) -> None:
        await self._batch([("complete", *what)])

    async def _batch(self, completions: list[tuple[Any, ...]]) -> None:
        for slot in dict.fromkeys(SLOTS[number] for _, number, *_ in completions):
            records = [self._record(*what) for _, *what in completions if SLOTS[what[0]] == slot]
            self.sent += [(slot, "completions", record) for record in records]
            await self._post(slot, "completions", records)

    def _record(self, number: int, credits: str, category: str, mode: str, misnamed: bool) -> dict[str, Any]:
        slot, who = SLOTS[number], self.people[number]
        record = self.providers[slot].completion(
            who, slot.year, credits, category=category, mode=mode, completed_at=slot.at
        )
        return record | {"person": record["person"] | {"name": "别的名字"}} if misnamed else record

    async def _post(self, slot: Slot, route: str, records: list[dict[str, Any]]) -> None:
        by_number = {person.id_number: number for number, person in enumerate(self.people)}
        outcomes = await self.providers[slot].posts(*records, to=route)
        for record, outcome in zip(records, outcomes, strict=True):
            if "credit_id" in outcome:
                self.credits.append((by_number[record["person"]["id_number"]], outcome["credit_id"]))

    async def _again(self, n: int) -> None:
        if self.sent:
            slot, route, record = self.sent[n % len(self.sent)]
            await self._post(slot, route, [record])

    async def _differ(self, n: int) -> None:
        if self.sent:
            slot, route, record = self.sent[n % len(self.sent)]
            await self._post(slot, route, [record | {"year": record["year"] - 1}])

    async def _withdraw(self, n: int) -> None:
        await self._take_back([item for item in self.sent if item[1] == "completions"], n)

    async def _unenrol(self, n: int) -> None:
        await self._take_back([item for item in self.sent if item[1] == "enrolments"], n)

    async def _take_back(self, sent: list[tuple[Slot, str, dict[str, Any]]], n: int) -> None:
        if sent:
            slot, route, record = sent[n % len(sent)]
            key = f"{route}-{record['id']}-{n}"
            response = await self.providers[slot].withdraws(record["id"], kind=route, key=key)
            assert response.status_code in (200, 404, 409), response.text

    async def _revoke(self, n: int) -> None:
        if self.credits:
            number, credit_id = self.credits[n % len(self.credits)]
            await self._decide(number, f"credits/{credit_id}/revocation", "cheating", str(n))

    async def _exempt(self, number: int) -> None:
        await self._decide(number, "exemptions", "illness", "x")

    async def _decide(self, number: int, path: str, reason: str, key: str) -> None:
        if number in self.collected:
            who = self.collected[number]
            response = await self.world.client.post(
                f"/v1/persons/{who.person_id}/{path}",
                json={"year": SLOTS[number].year, "reason": reason},
                headers=self.world.official("100000")
                | {"Idempotency-Key": f"{who.person_id}-{path.replace('/', '-')}-{key}"},
            )
            assert response.status_code in (200, 201, 409), response.text

    async def _collect(self, number: int) -> None:
        if number not in self.collected:
            self.collected[number] = await self.world.collects(
                SLOTS[number].place, person=self.people[number], qualified_on=date(2018, 9, 1)
            )

    async def _exam(self, number: int) -> None:
        await self._report("exam-passes", number, passed_at=SLOTS[number].at)

    async def _enrol(self, number: int) -> None:
        await self._report("enrolments", number, mode="online", enrolled_on=SLOTS[number].at[:10])

    async def _report(self, route: str, number: int, **fields: Any) -> None:
        slot = SLOTS[number]
        whole = self.providers[slot].completion(self.people[number], slot.year, "1")
        record = {name: whole[name] for name in ("id", "person", "year")} | fields
        self.sent.append((slot, route, record))
        await self._post(slot, route, [record])

    async def _move(self, number: int) -> None:
        """To another place of the same authority and back, as a transfer would."""
        if number not in self.collected:
            return
        slot, who = SLOTS[number], self.collected[number]
        here = self.places.get(number, slot.place)
        there = self.places[number] = slot.log if here == slot.place else slot.place
        position = next(self.transfers)
        fact = transfer.ProfileTransferred(
            transfer_id=f"transfer-{position}",
            person_id=who.person_id,
            from_place=here,
            to_place=there,
            from_authority=slot.log,
            to_authority=slot.log,
            employer=None,
            transferred_at=self.world.now,
            end="within",
        )
        await self.world.ledger.reactions.handle("transfer", [SourceEvent(position, fact)], position)


def credits_by_events(events: list[Any], person_id: str, year: int) -> dict[str, Any]:
    """What an account must hold, from its events alone: what was earned less what was ended."""
    standing: dict[str, CreditEarned] = {}
    for event in events:
        if getattr(event, "person_id", None) != person_id or getattr(event, "year", None) != year:
            continue
        if isinstance(event, CreditEarned):
            assert event.credit_id not in standing
            standing[event.credit_id] = event
        elif isinstance(event, CreditWithdrawn | CreditRevoked):
            del standing[event.credit_id]
    return {
        category: f"{sum((e.credits for e in standing.values() if e.category == category), 0):.2f}"
        for category in ("professional", "public")
    }
