"""The application as a deployment meets it: its document, its readiness, its refusal to guess."""

import pytest

from services.kit.settings import SettingsError
from services.transfer.app import create_app, openapi_document
from services.transfer.settings import TransferSettings
from tests.transfer.world import World


class TestDocument:
    def test_needs_no_database(self):
        paths = openapi_document()["paths"]
        assert {"/v1/transfers", "/v1/transfers/{transfer_id}/approval", "/v1/logs/{log}/feed"} <= set(paths)

    def test_every_command_names_its_key_scope_and_refusals(self):
        for path, methods in openapi_document()["paths"].items():
            if "post" not in methods:
                continue
            route = methods["post"]
            assert route["security"], path
            assert {"400", "401", "403", "404", "409", "422"} <= set(route["responses"]), path
            assert {"$ref": "#/components/parameters/IdempotencyKeyInHeader"} in route["parameters"], path


class TestReadiness:
    async def test_says_the_position_reached(self, world: World):
        await world.person()
        answer = await world.readiness()
        assert answer.status_code == 200
        assert answer.json()["position"] == len(await world.log())


class TestSettings:
    def test_a_database_is_not_guessed(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delenv("XUEFEN_TRANSFER_DATABASE_URL", raising=False)
        with pytest.raises(SettingsError, match="XUEFEN_TRANSFER_DATABASE_URL"):
            create_app()

    def test_an_application_is_made_without_a_connection(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("XUEFEN_TRANSFER_DATABASE_URL", "postgresql://nobody@127.0.0.1/none")
        assert create_app().title == "Xuefen transfer"
        assert TransferSettings.load().transfer_pool_size == 8
