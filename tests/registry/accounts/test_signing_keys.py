"""Keys by which clients sign their requests: set by the bureau, named in tokens, kept nowhere where they are secret."""

import base64
import json
from typing import Any

import pytest

from services.kit.signatures import signing_secret
from services.kit.signing import SigningKey
from tests.kit.signed import Signer
from tests.registry.accounts.test_accounts import CLIENTS, issued
from tests.registry.offices import SHANXI, Offices


class TestSigningKeys:
    """RFC 9421: the bureau says by which key a client signs, and whether it has to; its tokens say so."""

    async def claims(self, offices: Offices, account: dict[str, str]) -> dict[str, Any]:
        response = await offices.client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(account["client_id"], account["client_secret"]),
        )
        _, payload, _ = response.json()["access_token"].split(".")
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return claims

    async def test_of_the_client_s_own_stand_in_its_tokens_until_they_are_taken_back(
        self, offices: Offices
    ) -> None:
        account = await issued(offices, await offices.registers("provider"))
        path, own = f"{CLIENTS}/{account['client_id']}/signing-key", Signer()
        assert "cnf" not in await self.claims(offices, account)
        body = {"algorithm": "ed25519", "public_key": own.public, "required": True}
        answer = await offices.done(path, body)
        assert answer["secret"] is None
        claims = await self.claims(offices, account)
        key = SigningKey.of_claims(claims)
        assert key == SigningKey("ed25519", answer["key_id"], own.public, required=True)
        await offices.done(path, {"algorithm": None})
        assert "cnf" not in await self.claims(offices, account)

    async def test_by_secret_are_shown_to_the_bureau_again_and_kept_nowhere(self, offices: Offices) -> None:
        account = await issued(offices, await offices.registers("provider"))
        path = f"{CLIENTS}/{account['client_id']}/signing-key"
        first = await offices.call("POST", path, body={"algorithm": "hmac-sha256"}, place=SHANXI, key="once")
        again = await offices.call("POST", path, body={"algorithm": "hmac-sha256"}, place=SHANXI, key="once")
        assert first.json() == again.json()
        secret = base64.b64decode(first.json()["secret"])
        key = SigningKey.of_claims(await self.claims(offices, account))
        assert key == SigningKey("hmac-sha256", first.json()["key_id"], None, required=False)
        shared = offices.settings.digest_key_bytes
        assert secret == signing_secret(shared, account["client_id"], key.key_id)
        other = await offices.done(path, {"algorithm": "hmac-sha256", "required": True})
        assert other["secret"] != first.json()["secret"]

    @pytest.mark.parametrize(
        "body",
        [
            {"algorithm": "ed25519"},
            {"algorithm": "ed25519", "public_key": "A" * 42},
            {"algorithm": "hmac-sha256", "public_key": "A" * 43},
            {"algorithm": None, "public_key": "A" * 43},
            {"algorithm": "rsa"},
        ],
    )
    async def test_that_are_none_are_refused(self, offices: Offices, body: dict[str, Any]) -> None:
        account = await issued(offices, await offices.registers("provider"))
        path = f"{CLIENTS}/{account['client_id']}/signing-key"
        assert (await offices.call("POST", path, body=body, place=SHANXI)).status_code == 422
