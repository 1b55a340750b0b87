"""Erasure across the three services: one person is gone, and nothing else has changed."""

from typing import Any

from tests.e2e.system import CHAOYANG, LIAONING, System


async def feeds(system: System) -> dict[str, list[Any]]:
    """Every published event of every log, as CloudEvents."""
    found = {}
    for service, heads in (await system.all_heads()).items():
        for log, head in heads.items():
            if head:
                path = f"/v1/logs/{log}/feed?limit=1000"
                found[f"{service}/{log}"] = await system.does(service, "GET", path, by=system.reader())
    return found


def without_position(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer but for how far the log had come when it was given."""
    return {name: value for name, value in answer.items() if name != "position"}


async def erases(system: System, person_id: str) -> None:
    official = system.official(CHAOYANG, "person:erase")
    body = {"reason": "own_request", "authority": CHAOYANG}
    await system.does("registry", "POST", f"/v1/persons/{person_id}/erasure", body, by=official)


class TestErasure:
    async def test_changes_no_feed_no_total_and_nobody_else_s_answer(self, system: System) -> None:
        provider = await system.provides()
        gone, stays = system.stranger(), system.stranger()
        ids = [await system.collects(person) for person in (gone, stays)]
        await system.follow()
        outcomes = await provider.posts(
            provider.completion(gone, "40.00"), provider.completion(stays, "50.00")
        )
        assert [each["outcome"] for each in outcomes] == ["registered", "registered"]
        before = await feeds(system)
        answers = [await system.asks(each, 2025) for each in ids]
        await erases(system, ids[0])
        await system.follow()
        after = await feeds(system)
        for log, events in before.items():
            assert after[log][: len(events)] == events
            new = {event["type"] for event in after[log][len(events) :]}
            assert new <= {"cn.xuefen.registry.person.erased.v1"}
        again = [await system.asks(each, 2025) for each in ids]
        assert [without_position(each) for each in again] == [without_position(each) for each in answers]

    async def test_the_same_number_collected_again_starts_from_nothing(self, system: System) -> None:
        provider = await system.provides()
        person = system.stranger()
        first = await system.collects(person)
        await system.follow()
        await provider.posts(provider.completion(person, "40.00"))
        await erases(system, first)
        await system.follow()
        assert await provider.checks(person) == ["unknown"]
        (held,) = await provider.posts(provider.completion(person, "10.00"))
        assert held["outcome"] == "held"
        second = await system.collects(person)
        await system.follow()
        assert second != first
        credits = [await system.asks(each, 2025, LIAONING) for each in (first, second)]
        assert [each["person_id"] for each in credits] == [first, second]
        assert credits[0] != credits[1]
