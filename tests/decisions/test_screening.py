"""What is published does not lead to a person, however the number was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.screening import screened

NUMBERS = {
    "330106199001011234": "证件号码",
    "33010619900101123X": "证件号码",
    "330106 19900101 123x": "证件号码",
    "３３０１０６１９９００１０１１２３４": "证件号码",
    "330106900101123": "证件号码",
    "13800000000": "电话",
    "138-0000-0000": "电话",
    "138 0000 0000": "电话",
    "１３８００００００００": "电话",
    "+8613800000000": "电话",
    "0571-88888888": "电话",
    "(0571)88888888": "电话",
    "6222 0212 3456 7890 123": "号码",
    "6222021234567890123": "号码",
    "浙A·12345": "车牌",
    "浙A12345": "车牌",
    "浙AD12345": "车牌",
}


@pytest.mark.parametrize(("number", "mask"), NUMBERS.items())
def test_a_number_that_leads_to_a_person_is_masked(number, mask):
    shown = screened(f"我是张先生，{number}，等了两个小时")
    assert mask in shown
    assert number not in shown
    assert not any(digits in shown for digits in ("0000", "1990", "8888", "12345", "７８９０"))
    assert shown.endswith("等了两个小时")


@pytest.mark.parametrize("text", ["等了2个小时，跑了3次", "2026年11月24日上午9:30", "第110号窗口", "材料清单有12项", "", "12345热线很好"])
def test_what_leads_to_nobody_stays(text):
    assert screened(text) == text


@given(st.text(), st.sampled_from(list(NUMBERS)), st.text())
def test_no_text_around_it_lets_a_number_through(before, number, after):
    assert number not in screened(f"{before} {number} {after}")


@given(st.text(alphabet="的一是在不了有和人这中大为上个国我以要他时来用们", max_size=200))
def test_words_stay_as_they_are(text):
    assert screened(text) == text
