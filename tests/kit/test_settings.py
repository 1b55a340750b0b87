"""Settings from the environment: what is missing is named, and a secret never shows."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, SecretStr

from services.kit.settings import (
    FROM_JSON,
    ServiceSettings,
    SettingsError,
    misspelt,
    new_key_text,
    secret_key,
    secret_text,
)


class Told(ServiceSettings):
    told_database_url: str
    told_pool_size: int = Field(default=8, ge=2)
    told_databases: Annotated[dict[str, SecretStr], FROM_JSON] = Field(default_factory=dict)


class TestLoad:
    def test_names_every_variable_at_fault_and_no_value(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_POOL_SIZE", "hunter2")
        with pytest.raises(SettingsError) as refused:
            Told.load()
        assert "XUEFEN_TOLD_DATABASE_URL is not set" in str(refused.value)
        assert "XUEFEN_TOLD_POOL_SIZE cannot be used" in str(refused.value)
        assert "hunter2" not in str(refused.value)

    def test_an_empty_value_counts_as_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL", "postgresql://x")
        monkeypatch.setenv("XUEFEN_TOLD_POOL_SIZE", "")
        assert Told.load().told_pool_size == 8

    def test_an_address_with_its_password_may_stand_in_a_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        file = tmp_path / "told.dsn"
        file.write_text("postgresql://told:hunter2@db/x\n", encoding="utf-8")
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL_FILE", str(file))
        assert Told.load().told_database_url == "postgresql://told:hunter2@db/x"
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL", "postgresql://x")
        assert Told.load().told_database_url == "postgresql://x"
        monkeypatch.delenv("XUEFEN_TOLD_DATABASE_URL")
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL_FILE", str(tmp_path / "nowhere"))
        with pytest.raises(SettingsError, match="XUEFEN_TOLD_DATABASE_URL_FILE cannot be read"):
            Told.load()

    def test_what_is_told_beats_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL", "postgresql://x")
        monkeypatch.setenv("XUEFEN_TOLD_POOL_SIZE", "4")
        told = Told.load(told_pool_size=5)
        assert (told.told_database_url, told.told_pool_size) == ("postgresql://x", 5)
        assert told.model_fields_set == {"told_database_url", "told_pool_size"}

    def test_what_is_more_than_a_word_is_written_as_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL", "postgresql://x")
        monkeypatch.setenv("XUEFEN_TOLD_DATABASES", '{"440300": "postgresql://hunter2"}')
        told = Told.load()
        assert told.told_databases["440300"].get_secret_value() == "postgresql://hunter2"
        assert "hunter2" not in repr(told)

    @pytest.mark.parametrize("text", ["hunter2", '{"440300": ', '["hunter2"]', '{"440300": {"hunter2": 1}}'])
    def test_what_is_not_that_json_is_named_and_not_shown(
        self, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL", "postgresql://x")
        monkeypatch.setenv("XUEFEN_TOLD_DATABASES", text)
        with pytest.raises(SettingsError, match="XUEFEN_TOLD_DATABASES cannot be used") as refused:
            Told.load()
        assert "hunter2" not in str(refused.value)

    def test_the_key_set_is_the_registry_s_unless_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL", "postgresql://x")
        monkeypatch.setenv("XUEFEN_REGISTRY_URL", "http://registry:8001/")
        assert Told.load().key_set_url == "http://registry:8001/.well-known/jwks.json"
        monkeypatch.setenv("XUEFEN_JWKS_URL", "https://outside.example/keys")
        assert Told.load().key_set_url == "https://outside.example/keys"


class TestSecret:
    def test_comes_from_the_variable_before_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("from file\n")
        assert secret_text("X", SecretStr("from variable"), file) == "from variable"
        assert secret_text("X", None, file) == "from file"

    def test_a_key_is_32_bytes_in_base64url(self) -> None:
        text = new_key_text()
        assert len(secret_key("X", text, None)) == 32
        assert secret_key("X", text + "=", None) == secret_key("X", text, None)

    @pytest.mark.parametrize("text", ["short", "é" * 43, "+/" * 22, "A" * 44])
    def test_another_key_is_refused_without_showing_it(self, text: str) -> None:
        with pytest.raises(SettingsError) as refused:
            secret_key("XUEFEN_X", text, None)
        assert str(refused.value) == "XUEFEN_X must be 32 bytes in base64url"

    def test_says_which_variable_or_file_is_missing(self, tmp_path: Path) -> None:
        (tmp_path / "empty").write_text("\n")
        for file, words in (
            (None, "X or X_FILE is not set"),
            (tmp_path / "absent", "X_FILE cannot be read"),
            (tmp_path / "empty", "X_FILE names an empty file"),
        ):
            with pytest.raises(SettingsError, match=words):
                secret_text("X", None, file)


class TestSeveralFaults:
    def test_each_has_a_line_and_all_are_told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL_FILE", str(tmp_path / "nowhere"))
        monkeypatch.setenv("XUEFEN_LOG_LEVEL", "loud")
        monkeypatch.setenv("XUEFEN_REGISTRY_URL", "hunter2:8001")
        monkeypatch.setenv("XUEFEN_TOLD_DATABASES", '{"440300": ')
        with pytest.raises(SettingsError) as refused:
            Told.load()
        assert [line.partition(" ")[0] for line in str(refused.value).splitlines()] == [
            "XUEFEN_LOG_LEVEL",
            "XUEFEN_REGISTRY_URL",
            "XUEFEN_TOLD_DATABASES",
            "XUEFEN_TOLD_DATABASE_URL_FILE",
        ]
        assert "hunter2" not in str(refused.value)

    @pytest.mark.parametrize(
        "address",
        [
            "postgresql://told@h1:5432,h2:5433/x?target_session_attrs=read-write",
            "postgresql://told:p%40ss@db/x?sslmode=verify-full",
            "postgresql:///x?host=/var/run/postgresql",
            "postgres://[::1]/x",
        ],
    )
    def test_an_address_may_say_what_postgresql_takes(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL", address)
        assert Told.load().told_database_url == address

    @pytest.mark.parametrize("address", ["mysql://h/x", "db.example/x", "host=db dbname=x"])
    def test_an_address_of_something_else_is_named(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL", address)
        with pytest.raises(SettingsError, match="XUEFEN_TOLD_DATABASE_URL must look like"):
            Told.load()


class TestMisspelt:
    def test_a_slip_is_told_with_what_was_meant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XUEFEN_TOLD_DATABSE_URL", "hunter2")
        monkeypatch.setenv("XUEFEN_TOLD_DATABASE_URL_FILE", "hunter2")
        monkeypatch.setenv("XUEFEN_OF_SOMEBODY_ELSE", "hunter2")
        [line] = [each for each in misspelt(Told.model_fields) if "TOLD" in each]
        assert line == "XUEFEN_TOLD_DATABSE_URL is not known; did you mean XUEFEN_TOLD_DATABASE_URL?"
