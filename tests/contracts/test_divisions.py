"""Every place has one authority, and a chain that leads from it to the nation."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import divisions
from contracts.divisions import (
    AUTHORITIES,
    CARVE_OUTS,
    CENTRAL,
    CORPS,
    NATION,
    UnknownDivisionError,
    authority_of,
    chain_of,
    contains,
    full_name_en,
    full_name_of,
    is_known,
    name_en,
    name_of,
    parts_of,
)

DATA = Path(divisions.__file__).parent / "data"


def rows(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


SNAPSHOT = {row["code"]: row["name"] for row in rows("divisions-2025.csv")}
CHANGES = rows("divisions-changes.csv")
CODES = st.sampled_from([*SNAPSHOT, NATION, CORPS, CENTRAL, *(row["code"] for row in CHANGES)])


class TestChain:
    @pytest.mark.parametrize(
        ("adcode", "chain"),
        [
            ("211302", ("211302", "211300", "210000", "100000")),  # 朝阳市双塔区
            ("211300", ("211300", "210000", "100000")),
            ("210000", ("210000", "100000")),
            ("100000", ("100000",)),
            ("210202", ("210202", "210200", "100000")),  # 大连市中山区, cut from Liaoning (S1-01)
            ("210200", ("210200", "100000")),
            ("440305", ("440305", "440300", "100000")),
            ("110101", ("110101", "110000", "100000")),  # a municipality has no prefectures
            ("419001", ("419001", "410000", "100000")),  # 济源市, directly under its province
            ("441900", ("441900", "440000", "100000")),  # 东莞市, a prefecture without counties
            ("660000", ("660000", "100000")),
            ("990000", ("990000", "100000")),
        ],
    )
    def test_runs_from_the_place_to_the_nation(self, adcode: str, chain: tuple[str, ...]):
        assert chain_of(adcode) == chain

    @given(CODES)
    def test_starts_at_the_place_ends_at_the_nation_and_repeats_nothing(self, adcode: str):
        chain = chain_of(adcode)
        assert chain[0] == adcode
        assert chain[-1] == NATION
        assert len(set(chain)) == len(chain) <= 4

    @given(CODES)
    def test_of_what_is_above_is_the_rest_of_the_chain(self, adcode: str):
        chain = chain_of(adcode)
        for height, above in enumerate(chain):
            assert chain_of(above) == chain[height:]

    @pytest.mark.parametrize(
        "adcode", ["", "21", "999999", "２１００００", "210000\n", "2100000", "110100", "710000"]
    )
    def test_of_an_unknown_place_is_refused_without_repeating_it(self, adcode: str):
        assert not is_known(adcode)
        for question in (chain_of, authority_of, name_of, full_name_of):
            with pytest.raises(UnknownDivisionError) as refusal:
                question(adcode)
            assert not adcode or adcode not in str(refusal.value)


class TestAuthority:
    def test_there_are_thirty_nine(self):
        provinces = [code for code in SNAPSHOT if code.endswith("0000")]
        assert len(provinces) == 31
        assert set(AUTHORITIES) == {NATION, CORPS, CENTRAL, *CARVE_OUTS, *provinces}
        assert len(AUTHORITIES) == 39

    @given(CODES)
    def test_every_place_has_one(self, adcode: str):
        assert authority_of(adcode) in AUTHORITIES
        assert contains(authority_of(adcode), adcode)

    @given(CODES)
    def test_no_two_but_the_nation_contain_a_place(self, adcode: str):
        above = [
            authority for authority in AUTHORITIES if authority != NATION and contains(authority, adcode)
        ]
        assert above == ([] if adcode == NATION else [authority_of(adcode)])

    @pytest.mark.parametrize("city", CARVE_OUTS)
    def test_a_separately_planned_city_answers_for_itself_alone(self, city: str):
        province = city[:2] + "0000"
        districts = [code for code in SNAPSHOT if code[:4] == city[:4]]
        assert len(districts) > 5
        for district in districts:
            assert authority_of(district) == city
            assert not contains(province, district)
            assert contains(NATION, district)


class TestContains:
    @given(CODES)
    def test_a_place_contains_itself_and_the_nation_contains_it(self, adcode: str):
        assert contains(adcode, adcode)
        assert contains(NATION, adcode)

    @given(CODES, CODES)
    def test_never_goes_both_ways(self, one: str, other: str):
        assert one == other or not (contains(one, other) and contains(other, one))

    @pytest.mark.parametrize(
        ("outer", "inner"),
        [("999999", "999999"), ("", "210000"), ("210000", ""), ("211302", "211300"), ("21", "210000")],
    )
    def test_nobody_acts_for_or_from_an_unknown_place_or_upwards(self, outer: str, inner: str):
        assert not contains(outer, inner)


class TestSnapshot:
    def test_is_in_code_order_with_names_of_people_s_tongue(self):
        assert list(SNAPSHOT) == sorted(SNAPSHOT)
        assert len(SNAPSHOT) == 3209
        assert all(code.isascii() and code.isdigit() and len(code) == 6 for code in SNAPSHOT)
        assert all(len(name) >= 2 and name == name.strip() for name in SNAPSHOT.values())

    def test_every_county_hangs_under_a_province_of_the_snapshot(self):
        assert all(code[:2] + "0000" in SNAPSHOT for code in SNAPSHOT)

    def test_agrees_with_the_dated_changes(self):
        ended = {row["code"] for row in CHANGES if row["change"] == "ended"}
        added = {row["code"]: row["name"] for row in CHANGES if row["change"] == "added"}
        assert ended.isdisjoint(SNAPSHOT)
        assert added.items() <= SNAPSHOT.items()
        assert {row["became"] for row in CHANGES if row["change"] == "ended"} <= SNAPSHOT.keys()
        assert [row["year"] for row in CHANGES] == sorted(row["year"] for row in CHANGES)

    @pytest.mark.parametrize(
        ("adcode", "name"),
        [
            ("653228", "和康县"),
            ("653229", "和安县"),
            ("659012", "白杨市"),
            ("659011", "新星市"),
            ("330114", "钱塘区"),
        ],
    )
    def test_knows_what_was_founded_since_2021(self, adcode: str, name: str):
        assert is_known(adcode)
        assert name_of(adcode) == name

    def test_a_code_that_ended_takes_no_new_record_but_stays_readable(self):
        assert not is_known("330103")
        assert name_of("330103") == "下城区"
        assert authority_of("330103") == "330000"
        assert contains("330100", "330103")

    def test_full_names_read_from_the_authority_down(self):
        assert full_name_of("211302") == "辽宁省朝阳市双塔区"
        assert full_name_of("210202") == "大连市中山区"
        assert full_name_of("100000") == "全国"
        assert full_name_of("660000") == "新疆生产建设兵团"


class TestEnglish:
    @pytest.mark.parametrize(
        ("adcode", "name"),
        [
            ("211302", "Shuangta District, Chaoyang, Liaoning"),
            ("210202", "Zhongshan District, Dalian"),
            ("150100", "Hohhot, Inner Mongolia"),
            ("222400", "Yanbian Korean Autonomous Prefecture, Jilin"),
            ("100000", "the nation"),
        ],
    )
    def test_names_run_from_the_place_to_its_authority(self, adcode: str, name: str):
        assert full_name_en(adcode) == name

    @given(CODES)
    def test_every_place_has_one_and_none_is_chinese(self, adcode: str):
        assert name_en(adcode)
        assert not re.search("[\u4e00-\u9fff]", full_name_en(adcode))

    def test_an_unknown_place_has_none(self):
        with pytest.raises(UnknownDivisionError):
            name_en("999999")


class TestParts:
    def test_are_the_authorities_the_cities_and_the_counties(self):
        assert set(parts_of(NATION)) == set(AUTHORITIES) - {NATION}
        assert "210100" in parts_of("210000")
        assert "210200" not in parts_of("210000"), "a separately planned city is the nation's"
        assert "210202" in parts_of("210200")
        assert "110101" in parts_of("110000")
        assert parts_of("211302") == ()

    def test_leave_nobody_out(self):
        reached, waiting = set(), [NATION]
        while waiting:
            place = waiting.pop()
            reached.add(place)
            waiting += parts_of(place)
        assert reached == {code for code in reached if is_known(code)}
        assert len(reached) == len(set(all_codes()))


def all_codes() -> list[str]:
    return [f"{number:06d}" for number in range(100000, 1000000) if is_known(f"{number:06d}")]
