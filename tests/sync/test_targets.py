"""The list of systems and what they are told is data, and a list that cannot be right is refused by name."""

from pathlib import Path

import pytest

from contracts.divisions import AUTHORITIES, NATION
from services.kit.settings import SettingsError
from services.sync.targets import PACKAGED, Targets
from tests.sync.world import HR, NATIONAL, target


class TestPlaces:
    def test_guangdong_s_system_takes_guangdong_and_not_shenzhen(self):
        """S4-11: 深圳市另行规定."""
        hr = target(HR)
        assert hr.takes_place("440703")
        assert not hr.takes_place("440304")
        assert not hr.takes_place("350102")

    def test_a_place_may_be_cut_out(self):
        national = target(NATIONAL, **{"except": ["210200", "140500"]})
        assert national.takes_place("140403")
        assert not national.takes_place("140502")
        assert not national.takes_place("210202")

    def test_follow_the_logs_of_the_authorities_concerned_and_no_others(self):
        assert Targets([target(HR)]).logs() == ["440000"]
        assert set(Targets([target(NATIONAL)]).logs()) == set(AUTHORITIES) - {NATION}
        assert Targets([target(NATIONAL, url=None)]).logs() == []


class TestCredits:
    @pytest.mark.parametrize(
        ("fields", "taken"),
        [
            ({}, True),
            ({"category": "public"}, False),
            ({"category": "any"}, True),
            ({"mode": "face_to_face"}, False),
            ({"place": "440304"}, False),
            ({"source": "guangdong_hr"}, False),
            ({"source": "national_platform"}, True),
        ],
    )
    def test_are_taken_by_category_mode_place_and_source(self, fields: dict[str, str], taken: bool):
        hr = target(HR, categories=["professional"], modes=["online"], source="guangdong_hr")
        credit = {"place": "440703", "category": "professional", "mode": "online", "source": None}
        assert hr.takes_credit(**{**credit, **fields}) is taken


class TestFile:
    def test_that_is_packaged_knows_three_systems_and_turns_none_on(self):
        targets = Targets.from_file(PACKAGED)
        assert set(targets.all) == {"national-platform", "guangdong-hr", "credit-archive"}
        assert targets.on == []

    def test_within_three_working_days_for_certificates(self):
        """S4-04."""
        assert Targets.from_file(PACKAGED).all["guangdong-hr"].due == 3

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("targets: []", "targets"),
            ("nothing", "targets"),
            ("targets: {x: {record: credit, places: ['999999']}}", "999999"),
            ("targets: {x: {record: credit, places: []}}", "places"),
            ("targets: {x: {record: thing, places: ['140000']}}", "record"),
            ("targets: {x: {record: credit, places: ['140000'], colour: red}}", "colour"),
            ("targets: {x: {record: credit, places: ['140000'], batch: 0}}", "batch"),
            ("targets: [", "cannot be read"),
        ],
    )
    def test_that_cannot_be_right_is_refused_with_the_entry_at_fault(
        self, tmp_path: Path, text: str, named: str
    ):
        file = tmp_path / "targets.yaml"
        file.write_text(text)
        with pytest.raises(SettingsError, match=named):
            Targets.from_file(file)
