"""Two clicks at once: the second is decided on what the first has stored, and is never a defect of ours."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.registry.personal_data.vault import Vault
from tests.registry.scenarios import Registry, collection_of, somebody


@contextmanager
def both_decided(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    """Two commands go on to write only when both have decided."""
    write = getattr(Vault, name)
    barrier = asyncio.Barrier(2)

    async def together(*args: object) -> object:
        if barrier.n_waiting or not barrier.broken:
            try:
                async with asyncio.timeout(1):
                    await barrier.wait()
            except (TimeoutError, asyncio.BrokenBarrierError):
                pass
        return await write(*args)

    with monkeypatch.context() as patch:
        patch.setattr(Vault, name, together)
        yield


class TestTwoClicks:
    async def test_of_two_returns_one_is_told_that_it_is_decided(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outcome = await registry.submitted(somebody())
        said = {"subject": "official-2", "reason": "documents_unclear", "note": "材料不全"}
        with both_decided(monkeypatch, "seal_note"):
            answers = await asyncio.gather(
                *(registry.reviews(outcome["collection_id"], "initial", **said) for _ in range(2))
            )
        assert sorted(answer.status_code for answer in answers) == [200, 409], [a.text for a in answers]

    async def test_of_two_resubmissions_one_is_told_that_it_exists(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        human = somebody()
        await registry.returned(human)
        with both_decided(monkeypatch, "seal_all"):
            answers = await asyncio.gather(
                *(registry.call("POST", "/v1/collections", body=collection_of(human)) for _ in range(2))
            )
        assert sorted(answer.status_code for answer in answers) == [201, 409], [a.text for a in answers]
