"""An identifier is judged by its characters alone, and a judgement never repeats them."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.identifiers import (
    IdentifierProblem,
    IdType,
    check_id_number,
    check_resident_id,
    check_uscc,
    uscc_check_character,
)
from services.cli.demo import fictitious
from services.kit.check_digits import mod_11_2

TODAY = date(2026, 4, 9)
NUMBERS = st.integers(0, 10_000_000)
FORMAT, REGION = IdentifierProblem.FORMAT, IdentifierProblem.REGION
BIRTH_DATE, CHECK_DIGIT = IdentifierProblem.BIRTH_DATE, IdentifierProblem.CHECK_DIGIT


def with_check_digit(body: str) -> str:
    return body + mod_11_2(body)


class TestResidentId:
    @given(NUMBERS)
    def test_a_fictitious_one_is_valid_and_can_be_nobody_s(self, number: int):
        made = fictitious.resident_id(number)
        assert check_resident_id(made, on=TODAY) is None
        assert fictitious.is_fictitious(made)

    @given(NUMBERS, st.integers(0, 16), st.integers(1, 9))
    def test_one_wrong_digit_is_always_noticed(self, number: int, place: int, shift: int):
        right = fictitious.resident_id(number)
        wrong = right[:place] + str((int(right[place]) + shift) % 10) + right[place + 1 :]
        assert check_resident_id(wrong, on=TODAY) is not None

    @given(NUMBERS, st.integers(0, 15))
    def test_two_neighbours_swapped_are_always_noticed(self, number: int, place: int):
        right = fictitious.resident_id(number)
        assume(right[place] != right[place + 1])
        wrong = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
        assert check_resident_id(wrong, on=TODAY) is not None

    @pytest.mark.parametrize("county", ["340524", "330103", "211399"])
    def test_a_county_that_ended_or_never_was_is_not_held_against_a_person(self, county: str):
        assert check_resident_id(with_check_digit(f"{county}19800101001"), on=TODAY) is None

    @pytest.mark.parametrize("region", ["81", "82", "83"])
    def test_residence_permits_of_hong_kong_macau_and_taiwan_are_resident_ids(self, region: str):
        assert check_resident_id(with_check_digit(f"{region}000019800101001"), on=TODAY) is None

    def test_a_small_x_is_read_as_a_capital(self):
        ending_in_x = next(made for made in map(fictitious.resident_id, range(50)) if made.endswith("X"))
        assert check_resident_id(ending_in_x.lower(), on=TODAY) is None

    @pytest.mark.parametrize("region", ["00", "16", "20", "55", "66", "70", "80", "84", "91", "99"])
    def test_a_region_that_is_none_is_refused(self, region: str):
        assert check_resident_id(with_check_digit(f"{region}000019800101001"), on=TODAY) is REGION

    @pytest.mark.parametrize(
        "born", ["20260410", "20300101", "18991231", "19800230", "19801301", "19800100", "00000101"]
    )
    def test_a_birth_date_that_cannot_be_is_refused(self, born: str):
        assert check_resident_id(with_check_digit(f"210000{born}001"), on=TODAY) is BIRTH_DATE

    def test_born_today_is_plausible(self):
        assert check_resident_id(with_check_digit("21000020260409001"), on=TODAY) is None

    @given(
        NUMBERS,
        st.sampled_from(["１８", "٣٤", " ", "\n", "\x00", "Ｘ", "x", "-", "\ud800"]),
        st.integers(0, 16),
    )
    def test_any_character_but_ascii_digits_is_refused(self, number: int, odd: str, place: int):
        right = fictitious.resident_id(number)
        assert check_resident_id(right[:place] + odd + right[place + len(odd) :], on=TODAY) is FORMAT

    @given(st.text(max_size=30))
    def test_any_text_gets_an_answer(self, text: str):
        assert check_resident_id(text, on=TODAY) in {None, *IdentifierProblem}

    @pytest.mark.parametrize("around", ["{} ", " {}", "{}\n", "{}0", ""])
    def test_nothing_may_stand_around_it(self, around: str):
        assert check_resident_id(around.format(fictitious.resident_id(7)), on=TODAY) is FORMAT


class TestOtherDocuments:
    @pytest.mark.parametrize(
        ("id_type", "number"),
        [
            (IdType.HK_MACAU_PERMIT, "H00000000"),
            (IdType.HK_MACAU_PERMIT, "M0000000000"),
            (IdType.TAIWAN_PERMIT, "00000000"),
            (IdType.TAIWAN_PERMIT, "0000000000(B)"),
            (IdType.PASSPORT, "XF0000000"),
            (IdType.OFFICER_CARD, "学字第0000000号"),
        ],
    )
    def test_are_taken_in_their_own_form(self, id_type: IdType, number: str):
        assert check_id_number(id_type, number, on=TODAY) is None

    @pytest.mark.parametrize("id_type", list(IdType))
    @pytest.mark.parametrize("number", ["", " ", "H" * 40, "\x00" * 9, "E1234_567"])
    def test_are_refused_in_none(self, id_type: IdType, number: str):
        assert check_id_number(id_type, number, on=TODAY) is FORMAT

    @pytest.mark.parametrize("number", ["０００００００００", "E1234 567", "\ufeffe1234567\u200b"])
    def test_are_checked_as_they_are_hashed(self, number: str):
        assert check_id_number(IdType.PASSPORT, number, on=TODAY) is None

    def test_a_resident_id_is_checked_in_full_by_its_type(self):
        assert check_id_number(IdType.RESIDENT_ID, "210000198001010011", on=TODAY) is CHECK_DIGIT


class TestCreditCode:
    @given(st.integers(0, 999))
    def test_a_fictitious_one_is_valid(self, number: int):
        assert check_uscc(fictitious.uscc(number)) is None

    @given(st.integers(0, 999), st.integers(0, 16), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
    def test_one_wrong_character_is_always_noticed(self, number: int, place: int, other: str):
        right = fictitious.uscc(number)
        assume(right[place] != other)
        assert check_uscc(right[:place] + other + right[place + 1 :]) is not None

    def test_letters_that_read_like_digits_are_refused(self):
        right = fictitious.uscc(1)
        for letter in "IOSVZ":
            assert check_uscc(right[:8] + letter + right[9:]) is FORMAT

    @pytest.mark.parametrize(
        "change", [str.lower, lambda code: code + "\n", lambda code: code[:-1], lambda _: ""]
    )
    def test_another_form_is_refused(self, change):
        assert check_uscc(change(fictitious.uscc(1))) is FORMAT

    def test_the_check_character_closes_the_sum(self):
        assert uscc_check_character("0" * 17) == "0"


class TestProblems:
    @pytest.mark.parametrize("problem", list(IdentifierProblem))
    def test_have_words_in_both_languages_and_no_digits_in_them(self, problem: IdentifierProblem):
        for text in (problem.text_zh, problem.text_en):
            assert text
            assert not any(character.isdigit() for character in text)
