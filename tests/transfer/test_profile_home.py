"""The registry's facts that are worth recording, and which list of opened authorities can be right."""

from datetime import date
from pathlib import Path

import pytest

from contracts.divisions import AUTHORITIES
from services.transfer.places import (
    HomeRecorded,
    OpenedAuthorities,
    OpenedAuthoritiesError,
    ProfileHome,
    record_home,
)
from tests.transfer.scenarios import EMPLOYER, FORMER_EMPLOYER, LONGCHENG, NOW, SHUANGTA, collected


def home(place: str = SHUANGTA, *, transfer_id: str | None = None) -> ProfileHome:
    return ProfileHome(
        person_id="person-1", place=place, employer=FORMER_EMPLOYER, version=1, transfer_id=transfer_id
    )


class TestRecordHome:
    def test_of_a_person_not_known_before(self):
        assert record_home(None, collected("person-1")) == HomeRecorded(
            person_id="person-1", place=SHUANGTA, employer=FORMER_EMPLOYER, collected_at=NOW
        )

    def test_the_same_again_tells_nothing(self):
        assert record_home(home(), collected("person-1")) is None

    def test_another_place_or_employer_is_news(self):
        moved = record_home(home(), collected("person-1", LONGCHENG))
        assert moved is not None
        assert moved.place == LONGCHENG
        hired = record_home(home(), collected("person-1", employer=EMPLOYER))
        assert hired is not None
        assert hired.employer == EMPLOYER

    def test_after_a_transfer_the_registry_does_not_move_the_profile_back(self):
        assert record_home(home(LONGCHENG, transfer_id="t"), collected("person-1")) is None


class TestOpenedAuthorities:
    def test_the_packaged_list_is_empty(self):
        opened = OpenedAuthorities.from_file()
        assert not any(opened.has_opened(authority, date(2100, 1, 1)) for authority in AUTHORITIES)

    def test_counts_from_its_day(self, tmp_path: Path):
        opened = OpenedAuthorities.from_file(
            written(tmp_path, 'opened: [{authority: "140000", opened_on: 2026-03-01}]')
        )
        assert not opened.has_opened("140000", date(2026, 2, 28))
        assert opened.has_opened("140000", date(2026, 3, 1))
        assert not opened.has_opened("210000", date(2026, 3, 1))

    def test_between_two_both_must_have_opened(self):
        """S2C-13."""
        opened = OpenedAuthorities({"140000": date(2026, 3, 1), "210000": date(2026, 4, 1)})
        for from_place, to_place in (("140502", "211302"), ("211302", "140502")):
            assert not opened.have_opened(from_place, to_place, date(2026, 3, 31))
            assert opened.have_opened(from_place, to_place, date(2026, 4, 1))
        assert not opened.have_opened("140502", "210202", date(2026, 4, 1))

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("opened: [", "cannot be read"),
            ("- 140000", "must be a list"),
            ("opened: {}", "must be a list"),
            ("opened: [140000]", "entry 1 must be"),
            ('opened: [{authority: "140000"}]', "entry 1 must be"),
            ('opened: [{authority: "140100", opened_on: 2026-03-01}]', "entry 1 names no authority"),
            ('opened: [{authority: "100000", opened_on: 2026-03-01}]', "entry 1 names no authority"),
            ('opened: [{authority: "140000", opened_on: soon}]', "entry 1 needs a day"),
            ('opened: [{authority: "140000", opened_on: 2026-03-01T00:00:00Z}]', "entry 1 needs a day"),
            (
                'opened: [{authority: "140000", opened_on: 2026-03-01}, '
                '{authority: "140000", opened_on: 2026-03-02}]',
                "entry 2 names 140000 again",
            ),
        ],
    )
    def test_says_which_entry_is_wrong(self, tmp_path: Path, text: str, says: str):
        with pytest.raises(OpenedAuthoritiesError, match=says):
            OpenedAuthorities.from_file(written(tmp_path, text))

    def test_a_file_that_is_not_there(self, tmp_path: Path):
        with pytest.raises(OpenedAuthoritiesError, match="cannot be read"):
            OpenedAuthorities.from_file(tmp_path / "none.yaml")


def written(folder: Path, text: str) -> Path:
    path = folder / "opened.yaml"
    path.write_text(text, encoding="utf-8")
    return path
