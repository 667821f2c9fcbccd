"""Identifiers are checked where they come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from contract.identifiers import (
    USCC_ALPHABET,
    ancestry,
    check_item_code,
    check_project_no,
    check_region_code,
    check_uscc,
    uscc_check_character,
)

PUBLISHED = ["91350100M000100Y43", "11110000000021135M", "11370881004339634T"]
first_17 = st.text(USCC_ALPHABET, min_size=17, max_size=17)


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_credit_codes_are_valid(code):
    assert check_uscc(code) == code


@given(first_17, st.integers(0, 16), st.sampled_from(USCC_ALPHABET))
def test_one_wrong_character_is_always_found(start, place, other):
    code = start + uscc_check_character(start)
    assert check_uscc(code) == code
    wrong = code[:place] + other + code[place + 1 :]
    if wrong != code:
        with pytest.raises(PydanticCustomError, match="credit code"):
            check_uscc(wrong)


@pytest.mark.parametrize(
    "code", ["", "91350100M000100Y4", "91350100m000100y43", "91350100M000100Y4O", "９1350100M000100Y43", "91350100M000100Y43 "]
)
def test_what_is_no_credit_code_is_refused(code):
    with pytest.raises(PydanticCustomError):
        check_uscc(code)


@pytest.mark.parametrize("tail", ["4372017054001", "437201705400101"])
def test_item_codes_of_31_and_33_characters_are_valid(tail):
    assert check_item_code("11370881004339634T" + tail)


@pytest.mark.parametrize(
    "code", ["11370881004339634T", "11370881004339634T8372017054001", "11370881004339634X4372017054001", "11370881004339634T43720170540010"]
)
def test_what_is_no_item_code_is_refused(code):
    with pytest.raises(PydanticCustomError, match=r"item code|credit code"):
        check_item_code(code)


def test_a_region_code_of_six_digits_is_padded():
    assert check_region_code("330106") == check_region_code("330106000000") == "330106000000"


@pytest.mark.parametrize("code", ["33010", "3301060", "33010600000O", "３３０１０６"])
def test_what_is_no_region_code_is_refused(code):
    # Full-width digits are digits to Python, and to nobody else.
    with pytest.raises(PydanticCustomError):
        check_region_code(code)


@pytest.mark.parametrize(
    ("region", "above"),
    [
        ("330106000000", ["000000000000", "330000000000", "330100000000", "330106000000"]),
        ("330106001002", ["000000000000", "330000000000", "330100000000", "330106000000"]),
        ("330100000000", ["000000000000", "330000000000", "330100000000"]),
        ("330000000000", ["000000000000", "330000000000"]),
    ],
)
def test_a_region_lies_in_county_city_province_and_nation(region, above):
    assert ancestry(region) == above


@pytest.mark.parametrize("number", ["", "a b", "a#b", "a|b", "x" * 51, "a\n"])
def test_what_is_no_case_file_number_is_refused(number):
    with pytest.raises(PydanticCustomError):
        check_project_no(number)
