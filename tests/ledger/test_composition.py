"""A ledger that starts only under the keys its database was written with."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from contracts.identity import IdentityHashers
from services.kit.settings import SettingsError
from services.ledger.composition import Ledger
from tests.conftest import AUDIT_KEY
from tests.ledger.world import DIGEST_KEY, IDENTITY_KEY, World, connect

OTHER_KEY = b"another identity key of 32 bytes"


@asynccontextmanager
async def another(
    world: World, keys: Sequence[bytes], algorithm: str = "hs256", digest_key: bytes = DIGEST_KEY
) -> AsyncIterator[Ledger]:
    ledger = Ledger(
        await connect(world.fresh),
        IdentityHashers(keys, algorithm),
        digest_key=digest_key,
        audit_key=AUDIT_KEY,
    )
    try:
        yield ledger
    finally:
        await ledger.close()


class TestPrepare:
    @pytest.mark.parametrize(
        ("key", "algorithm", "digest_key", "fault"),
        [
            (OTHER_KEY, "hs256", DIGEST_KEY, "IDENTITY_KEY is not the key"),
            (IDENTITY_KEY, "hsm3", DIGEST_KEY, "IDENTITY_HASH must be hs256"),
            (IDENTITY_KEY, "hs256", OTHER_KEY, "DIGEST_KEY is not the key"),
        ],
    )
    async def test_another_key_or_algorithm_is_refused(
        self, world: World, key: bytes, algorithm: str, digest_key: bytes, fault: str
    ):
        """Everybody would be a stranger, and collected again for good; a fact would count again."""
        async with another(world, [key], algorithm, digest_key) as ledger:
            with pytest.raises(SettingsError, match=fault):
                await ledger.prepare()

    async def test_the_same_keys_are_taken_again(self, world: World):
        async with another(world, [IDENTITY_KEY]) as again:
            await again.prepare()
