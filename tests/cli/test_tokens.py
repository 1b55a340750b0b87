"""Tokens of the command line: only such as a service could use."""

import math
from typing import Any

import pytest

from services.cli.settings import SERVICES
from services.cli.sign_in import OTHER_SCOPES, SCOPES, check
from services.kit.settings import SettingsError
from tests.openapi import committed

GOOD: dict[str, Any] = {"place": "210000", "organization": None, "subject": "official", "days": 1.0}


class TestCheck:
    @pytest.mark.parametrize("kind", sorted(SCOPES))
    def test_takes_every_kind_as_it_is(self, kind: str) -> None:
        check(SCOPES[kind], **GOOD)

    @pytest.mark.parametrize(
        ("scopes", "told", "named"),
        [
            (["feed:raed"], {}, "feed:raed"),
            ([""], {}, "scope"),
            ([], {"place": "999999"}, "999999"),
            ([], {"place": "21"}, "--place"),
            ([], {"place": ""}, "--place"),
            ([], {"days": 0.0}, "--days"),
            ([], {"days": -1.0}, "--days"),
            ([], {"days": 367.0}, "--days"),
            ([], {"days": math.nan}, "--days"),
            ([], {"days": math.inf}, "--days"),
            ([], {"subject": "x" * 201}, "--subject"),
            ([], {"organization": "a\nb"}, "--organization"),
        ],
    )
    def test_refuses_what_there_is_not_and_names_it(
        self, scopes: list[str], told: dict[str, Any], named: str
    ) -> None:
        with pytest.raises(SettingsError, match=named):
            check(scopes, **GOOD | told)

    def test_names_all_that_is_wrong_at_once(self) -> None:
        with pytest.raises(SettingsError, match=r"no scope.*no place.*--days"):
            check(["a:b"], **GOOD | {"place": "1", "days": 0.0})

    def test_knows_every_scope_that_a_route_asks_for(self) -> None:
        asked = {
            scope
            for service in SERVICES
            for path in committed(service)["paths"].values()
            for operation in path.values()
            for requirement in operation.get("security", [])
            for scope in requirement.get("oauth2", [])
        }
        assert asked
        assert asked <= OTHER_SCOPES.union(*SCOPES.values())
