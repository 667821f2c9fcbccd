"""Names that lead nowhere without the key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.sealing import Keys, LedgerKey, NotOurs

KEYS = Keys("one-secret")


@given(st.text(min_size=1, max_size=50).filter(lambda text: "|" not in text), st.sampled_from(["R#01#1", "E#99#3"]))
def test_a_receipt_opens_to_the_key_that_it_seals(project_no, sk):
    key = LedgerKey(f"P#{project_no}", sk)
    assert KEYS.open_receipt(KEYS.receipt(key)) == key
    assert KEYS.receipt(key) == KEYS.receipt(key)


def test_a_receipt_does_not_show_the_case_file_number_and_cannot_be_altered():
    receipt = KEYS.receipt(LedgerKey("P#33202611240001", "R#01#1"))
    assert "33202611240001" not in receipt
    for wrong in (receipt[:-2] + "AA", "", "x", "收据", receipt + "A"):
        with pytest.raises(NotOurs):
            KEYS.open_receipt(wrong)


def test_a_receipt_is_never_taken_for_an_option_of_a_command():
    keys = [LedgerKey(f"P#33-{number}", "R#01#1") for number in range(300)]
    assert not [key for key in keys if not KEYS.receipt(key)[0].isalpha()]


def test_another_provinces_receipt_is_none_of_ours():
    with pytest.raises(NotOurs):
        KEYS.open_receipt(Keys("another-secret").receipt(LedgerKey("P#1", "R#01#1")))


@given(st.text())
def test_a_sealed_original_opens_and_is_sealed_anew_each_time(original):
    assert KEYS.open(KEYS.seal(original)) == original
    assert KEYS.seal(original) != KEYS.seal(original)


def test_names_differ_by_key_kind_and_content():
    first, second = LedgerKey("P#33-1", "R#01#1"), LedgerKey("P#33-1", "R#11#1")
    assert KEYS.rating_id(first) not in {Keys("another").rating_id(first), KEYS.rating_id(second)}
    assert KEYS.pseudonym("person", "111", "x") != KEYS.pseudonym("staff", "111", "x")
    assert KEYS.fingerprint("a", None) != KEYS.fingerprint("a", "")


def test_a_name_of_one_kind_is_none_of_another():
    """Else whoever has a receipt could use it as a token, or look a rating up by it."""
    key = LedgerKey("P#33-1", "R#01#1")
    made = {"receipt": KEYS.receipt(key), "rating_id": KEYS.rating_id(key), "event_ref": KEYS.event_ref(key), "token": KEYS.token(key)}
    opened = {"receipt": KEYS.open_receipt, "rating_id": KEYS.open_rating_id, "event_ref": KEYS.open_event_ref, "token": KEYS.open_token}
    for kind, open_as in opened.items():
        assert open_as(made[kind]) == key
        for other in made.keys() - {kind}:
            body = made[other].partition("_")[2]
            for name in (made[other], made[kind].partition("_")[0] + "_" + body):
                with pytest.raises(NotOurs):
                    open_as(name)
