"""The file of issuers: read whole or refused by name, a stand-in refused in production, claims found where they are."""

from pathlib import Path

import pytest
import yaml

from contracts.sign_in import SignInError, claim_of, read_issuers, trusted_issuers
from services.stand_ins.sign_in.app import StandInRefusedError, build_app
from services.stand_ins.sign_in.people import People, issuer_of

EXAMPLE = Path(__file__).parents[2] / "deploy" / "sign-in" / "issuers.example.yaml"
ADDRESS = "http://127.0.0.1:8012"


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    file = tmp_path / "issuers.yaml"
    file.write_text(
        yaml.safe_dump({"issuers": [issuer_of(ADDRESS).model_dump(mode="json", exclude_none=True)]})
    )
    return file


class TestFile:
    def test_that_is_given_as_an_example_can_be_used(self):
        (issuer,) = read_issuers(EXAMPLE)

        assert issuer.roles["finance-reviewer"] == "reviewer"

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("issuers: []", "issuers"),
            ("issuers: [{key: A}]", "key"),
            (": [", "YAML"),
            ("issuers: 1", "issuers"),
        ],
    )
    def test_with_a_fault_is_refused_by_name(self, tmp_path: Path, text: str, named: str):
        file = tmp_path / "issuers.yaml"
        file.write_text(text)

        with pytest.raises(SignInError, match=named):
            read_issuers(file)

    def test_with_two_issuers_of_one_key_is_refused(self, tmp_path: Path):
        told = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
        file = tmp_path / "issuers.yaml"
        file.write_text(yaml.safe_dump({"issuers": told["issuers"] * 2}))

        with pytest.raises(SignInError, match="key"):
            read_issuers(file)


class TestStandIn:
    def test_is_refused_in_production_by_whoever_reads_the_file(self, stand_in: Path):
        assert trusted_issuers(stand_in, production=False)
        with pytest.raises(SignInError, match="production"):
            trusted_issuers(stand_in, production=True)

    def test_does_not_start_in_production(self, tmp_path: Path):
        with pytest.raises(StandInRefusedError):
            build_app(ADDRESS, f"{ADDRESS}/back", People(tmp_path / "people.yaml"), production=True)


class TestClaim:
    @pytest.mark.parametrize(
        ("claims", "name", "found"),
        [
            ({"roles": ["a"]}, "roles", ["a"]),
            ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
            ({"realm.roles": ["a"]}, "realm.roles", ["a"]),
            ({"realm_access": "a"}, "realm_access.roles", None),
            ({}, "roles", None),
            ({"roles": 1}, None, None),
        ],
    )
    def test_is_found_where_its_name_leads(self, claims: dict[str, object], name: str | None, found: object):
        assert claim_of(claims, name) == found
