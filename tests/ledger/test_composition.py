"""A ledger that starts only under the keys its database was written with."""

import pytest

from services.kit.settings import SettingsError
from services.ledger.composition import Ledger
from tests.conftest import AUDIT_KEY
from tests.ledger.world import IDENTITY_KEY, World, connect


class TestPrepare:
    @pytest.mark.parametrize(
        ("key", "algorithm", "fault"),
        [
            (b"another identity key of 32 bytes", "hs256", "IDENTITY_KEY is not the key"),
            (IDENTITY_KEY, "hsm3", "IDENTITY_HASH must be hs256"),
        ],
    )
    async def test_another_identity_key_or_algorithm_is_refused(
        self, world: World, key: bytes, algorithm: str, fault: str
    ):
        """Everybody would be a stranger, and collected again for good."""
        other = Ledger(await connect(world.fresh), key, audit_key=AUDIT_KEY, hash_algorithm=algorithm)
        try:
            with pytest.raises(SettingsError, match=fault):
                await other.prepare()
        finally:
            await other.close()

    async def test_the_same_key_is_taken_again(self, world: World):
        again = Ledger(await connect(world.fresh), IDENTITY_KEY, audit_key=AUDIT_KEY)
        try:
            await again.prepare()
        finally:
            await again.close()
