"""The same person gives the same hash under one key, and nothing under another."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.identity import HASH_PATTERN, IdentityHasher, is_ignorable, normalise_id_number, normalise_name
from services.cli.demo import fictitious

HASHER = IdentityHasher(b"k" * 32)
PEOPLE = st.integers(0, 1799).map(fictitious.person)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
IGNORABLE = st.deferred(
    lambda: st.sampled_from([chr(each) for each in range(0xF0000) if is_ignorable(chr(each))])
)


class TestPerson:
    @given(PEOPLE)
    def test_is_hashed_the_same_each_time(self, person: fictitious.FictitiousPerson):
        again = IdentityHasher(b"k" * 32)
        assert HASHER.person("resident_id", person.id_number) == again.person("resident_id", person.id_number)

    @given(PEOPLE)
    def test_is_another_under_another_key(self, person: fictitious.FictitiousPerson):
        other = IdentityHasher(b"o" * 32)
        assert HASHER.person("resident_id", person.id_number) != other.person("resident_id", person.id_number)

    @given(PEOPLE)
    def test_is_found_however_the_number_was_typed(self, person: fictitious.FictitiousPerson):
        typed = f" {person.id_number[:6]} {person.id_number[6:].lower()}\n"
        assert HASHER.person("resident_id", typed) == HASHER.person("resident_id", person.id_number)

    def test_differs_by_the_type_of_document(self):
        assert HASHER.person("passport", "XF0000000") != HASHER.person("officer_card", "XF0000000")

    def test_stays_what_it_is_for_ever(self):
        # Hashes are stored: a release that computes another would know nobody.
        assert HASHER.person("resident_id", fictitious.resident_id(0)) == (
            "hs256:Rlwm5JWnucTtyuhfhADFIOA1tpaEoGL0fHAtB6nTkEg"
        )
        assert HASHER.name("resident_id", fictitious.resident_id(0), "赵甲子") == (
            "hs256:KybVnj-82-M19JWw_SUhEHGyEIWba49LH7hy2TBwL4k"
        )

    @given(TEXTS, TEXTS, TEXTS)
    def test_tells_nothing_but_its_algorithm(self, id_type: str, id_number: str, name: str):
        for hashed in (HASHER.person(id_type, id_number), HASHER.name(id_type, id_number, name)):
            assert re.fullmatch(HASH_PATTERN[1:-1], hashed)

    @given(TEXTS, TEXTS)
    def test_parts_cannot_be_shifted_into_each_other(self, one: str, other: str):
        joined = HASHER.name("a", one + other, "")
        assert not normalise_name(other) or HASHER.name("a", one, other) != joined


class TestName:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("赵 甲子", "赵甲子"),
            ("　赵甲子 ", "赵甲子"),
            ("阿里木•买买提", "阿里木·买买提"),
            ("阿里木．买买提", "阿里木·买买提"),
            ("LI  Ming", "Li Ming"),
            ("Ｌｉ Ming", "li ming"),
            ("Jose\u0301", "José"),
            ("\ufeff赵\u200b甲\u200d子\u2060", "赵甲子"),
            ("\u202a赵甲子\u202c", "赵甲子"),
            ("\u2066赵甲子\u2069\u200e", "赵甲子"),
            ("葛\U000e0101城", "葛城"),
            ("葛\ufe00城", "葛城"),
            ("J\u200bose\u200d\u0301", "José"),
            ("赵\ue863", "赵䶮"),
            ("\ue81a", "㑳"),
            ("\ue834", "䁖"),
            ("\ue815", "厂"),
            ("\ue81e\ue864", "龴龻"),
            ("\ufa0e\uf9dc", "\ufa0e隆"),
            ("⼤⽟", "大玉"),
            ("⻢⻓⻩", "马长黄"),
            *((f"阿里木{dot}买买提", "阿里木·买买提") for dot in "·•・･‧∙⋅᛫。．.⸱ꞏ\u0387"),
            ("阿里木 · 买买提", "阿里木·买买提"),
            ("Ｊ．Ｓｍｉｔｈ", "j. smith"),
            ("赵\u3000甲\u2003子\xa0", "赵甲子"),
        ],
    )
    def test_is_one_name_however_it_was_typed(self, typed: str, meant: str):
        assert normalise_name(typed) == normalise_name(meant)

    @pytest.mark.parametrize(
        ("one", "other"), [("赵甲子", "赵乙丑"), ("Li Ming", "Liming"), ("赵甲子", "赵甲")]
    )
    def test_is_another_where_it_is_another(self, one: str, other: str):
        assert normalise_name(one) != normalise_name(other)

    @given(TEXTS, st.data())
    def test_what_shows_nothing_never_makes_another(self, name: str, data: st.DataObject):
        mark, place = data.draw(IGNORABLE), data.draw(st.integers(0, len(name)))
        assert HASHER.name("passport", "XF1", name[:place] + mark + name[place:]) == HASHER.name(
            "passport", "XF1", name
        )

    @given(TEXTS)
    @example("a　\u0301")
    @example("⒈")
    @example("\ue815")
    def test_normalising_twice_changes_nothing(self, name: str):
        assert normalise_name(normalise_name(name)) == normalise_name(name)

    @given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=8))
    def test_of_plain_characters_is_left_as_it_is(self, name: str):
        assert normalise_name(name) == name == normalise_name(f" {name} ")

    def test_belongs_to_a_number(self):
        first, second = fictitious.resident_id(0), fictitious.resident_id(1)
        assert HASHER.name("resident_id", first, "赵甲子") != HASHER.name("resident_id", second, "赵甲子")
        assert HASHER.name("resident_id", first, "赵甲子") != HASHER.person("resident_id", first)


class TestNumber:
    @pytest.mark.parametrize(
        "typed",
        ["XF-12x", " xf-12X\u3000", "ＸＦ－１２Ｘ", "X\u200bF\u201112x", "\ufeffXF—12x\u202c"],
    )
    def test_is_one_number_however_it_was_typed(self, typed: str):
        assert normalise_id_number(typed) == "XF-12X"

    @given(TEXTS, st.data())
    def test_what_shows_nothing_never_makes_another(self, number: str, data: st.DataObject):
        mark, place = data.draw(IGNORABLE), data.draw(st.integers(0, len(number)))
        typed = number[:place] + mark + number[place:]
        assert HASHER.person("passport", typed) == HASHER.person("passport", number)

    @given(TEXTS)
    def test_normalising_twice_changes_nothing(self, number: str):
        assert normalise_id_number(normalise_id_number(number)) == normalise_id_number(number)


class TestKey:
    def test_must_be_long_enough(self):
        with pytest.raises(ValueError, match="32 bytes"):
            IdentityHasher(b"short")


class TestSm3:
    """The profile 国密 hashes by HMAC-SM3 (GB/T 32905)."""

    SM = IdentityHasher(b"k" * 32, "hsm3")

    @given(PEOPLE)
    def test_names_itself_and_differs(self, person: fictitious.FictitiousPerson):
        number = person.id_number
        person_hash, name_hash = self.SM.person_and_name("resident_id", number, person.name)
        assert person_hash == IdentityHasher(b"k" * 32, "hsm3").person("resident_id", number)
        assert re.fullmatch(HASH_PATTERN[1:-1], person_hash)
        assert person_hash.startswith("hsm3:")
        assert person_hash[5:] != HASHER.person("resident_id", number)[6:]
        assert name_hash == self.SM.name("resident_id", number, person.name)

    def test_stays_what_it_is_for_ever(self):
        assert (
            self.SM.person("resident_id", fictitious.resident_id(0))
            == "hsm3:XnVnAK54qSdIHVNIf4SVIA_N78DtSyXV2ASSK8FBL4s"
        )

    def test_no_other_algorithm_is_taken(self):
        with pytest.raises(ValueError, match="hs256, hsm3"):
            IdentityHasher(b"k" * 32, "md5")
