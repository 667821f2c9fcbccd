"""SM2 and SM4 open what was sealed with the right key, and say nothing else about what they cannot open."""

from __future__ import annotations

import base64
import json
import sys

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7
from gmssl import sm2
from hypothesis import given
from hypothesis import strategies as st

from contract.cipher import MAX_SEALED, Suite, decrypt, encrypt
from contract.refusals import Refused
from intake.interpret import interpret

# The key pair of GB/T 32918.5-2017, annex C, and what it opens there. Keys of a standard's example are nobody's.
KEY = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PUBLIC = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
STANDARD = (
    "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
    "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd876621886ca989ca9c7d58087307ca93092d651efa"
)
SM4_KEY = "0123456789abcdeffedcba9876543210"

OLD = Suite(suite="SM2", text="hex", order="C1C2C3")
NEW = Suite(suite="SM2", text="hex", order="C1C3C2")
CBC = Suite(suite="SM4-CBC", text="base64")
ECB = Suite(suite="SM4-ECB", text="hex")
BY_BLOCK = modes.ECB()  # noqa: S305 - as an upstream may prescribe


def sm2_sealed(text: str, mode: int = 1) -> str:
    return sm2.CryptSM2(KEY, PUBLIC, mode=mode).encrypt(text.encode()).hex()


def sm4_sealed(text: str, mode: modes.Mode) -> bytes:
    padding, sealing = PKCS7(128).padder(), Cipher(SM4(bytes.fromhex(SM4_KEY)), mode).encryptor()
    return sealing.update(padding.update(text.encode()) + padding.finalize()) + sealing.finalize()


def cbc_sealed(text: str) -> str:
    iv = bytes(range(16))
    return base64.b64encode(iv + sm4_sealed(text, modes.CBC(iv))).decode()


def cannot(suites: list[Suite], key: str, sealed: str) -> None:
    with pytest.raises(Refused, match="cannot_decrypt"):
        decrypt(suites, key, sealed)


def test_the_example_of_the_standard_is_opened():
    assert decrypt([NEW], KEY, STANDARD) == "encryption standard"


@given(st.text(min_size=1, max_size=200))
def test_what_sm2_seals_it_opens(text):
    assert decrypt([NEW, CBC], KEY, sm2_sealed(text)) == text
    assert decrypt([OLD], KEY, "04" + sm2_sealed(text, mode=0)) == text


@given(st.text(max_size=200))
def test_what_sm4_seals_it_opens(text):
    assert decrypt([NEW, CBC], SM4_KEY, cbc_sealed(text)) == text
    assert decrypt([ECB], SM4_KEY, sm4_sealed(text, BY_BLOCK).hex()) == text


@pytest.mark.parametrize("suite", [NEW, OLD, NEW.model_copy(update={"text": "HEX", "point_mark": "04"}), ECB, CBC])
@given(text=st.text(min_size=1, max_size=200))
def test_what_is_sealed_for_a_receiver_only_its_key_opens(suite, text):
    to, by = (PUBLIC, KEY) if suite.suite == "SM2" else (SM4_KEY, SM4_KEY)
    sealed = encrypt(suite, to, text)
    assert decrypt([suite], by, sealed) == text
    assert suite is ECB or encrypt(suite, to, text) != sealed
    with pytest.raises(Refused, match="cannot_decrypt"):
        decrypt([suite], "12" * (len(by) // 2), sealed)


def test_what_is_sealed_is_written_as_declared():
    sealed = encrypt(NEW.model_copy(update={"text": "HEX", "point_mark": "04"}), "04" + PUBLIC, "text")
    assert sealed.startswith("04")
    assert sealed == sealed.upper()
    assert len(encrypt(NEW, PUBLIC, "text")) == len(sealed) - 2
    assert sm2.CryptSM2(KEY, PUBLIC, mode=1).decrypt(bytes.fromhex(encrypt(NEW, PUBLIC, "text"))) == b"text"


@pytest.mark.parametrize("key", ["", "zz", "00" * 64, PUBLIC[:-1] + "4", PUBLIC + "00", KEY])
def test_for_a_key_that_is_none_nothing_is_sealed(key):
    with pytest.raises(ValueError, match=r"."):
        encrypt(NEW, key, "text")


def test_the_example_of_the_sm4_standard_is_opened():
    # GB/T 32907-2016, annex A: the block equals the key; decrypted with its padding it is no text of ours.
    block = Cipher(SM4(bytes.fromhex(SM4_KEY)), BY_BLOCK).encryptor().update(bytes.fromhex(SM4_KEY))
    assert block.hex() == "681edf34d206965e86b3e94f536e4246"
    cannot([ECB], SM4_KEY, block.hex())


@pytest.mark.parametrize("key", ["", "zz" * 32, "00" * 32, "ff" * 32, KEY[:-1] + "9", SM4_KEY, "12"])
def test_without_the_right_key_nothing_is_opened(key):
    cannot([NEW], key, STANDARD)


@pytest.mark.parametrize("position", [0, 2, 60, 130, 140, 194, -1])
def test_a_digit_that_was_changed_is_noticed(position):
    digits = list(STANDARD)
    digits[position] = "1" if digits[position] != "1" else "2"
    cannot([NEW], KEY, "".join(digits))


@pytest.mark.parametrize("sealed", ["", "04", STANDARD[:130], STANDARD[:194], STANDARD[:-1], "00" * 100, "text"])
def test_what_is_no_ciphertext_is_not_opened(sealed):
    cannot([NEW], KEY, sealed)
    cannot([OLD], KEY, sealed)
    cannot([CBC], SM4_KEY, sealed)


def test_the_order_is_not_guessed():
    cannot([OLD], KEY, STANDARD)


def test_without_the_library_sm2_is_refused_and_the_rest_goes_on(monkeypatch):
    monkeypatch.setitem(sys.modules, "gmssl.sm2", None)
    cannot([NEW], KEY, STANDARD)
    assert decrypt([NEW, CBC], SM4_KEY, cbc_sealed("still")) == "still"


def test_a_ciphertext_is_measured_before_any_work(monkeypatch):
    monkeypatch.setattr("contract.cipher._raw", None)
    with pytest.raises(Refused, match="too_large"):
        decrypt([NEW], KEY, "0" * (MAX_SEALED + 1))


@pytest.mark.parametrize("inside", ["no json", "[]", "[1, 2]", '[{"a": 1, "a": 2}]'])
def test_what_is_sealed_must_be_one_record(inside):
    body = json.dumps({"txnBodyCom": {"params": {"evaluate": [sm2_sealed(inside)]}}})
    with pytest.raises(Refused) as refused:
        interpret(body, "national", "33", KEY)
    assert refused.value.reasons[0].field == "txnBodyCom.params.evaluate"
    assert refused.value.reasons[0].code in {"cannot_decrypt", "malformed_field"}


def test_a_ciphertext_too_long_names_its_place():
    with pytest.raises(Refused) as refused:
        interpret(json.dumps({"data": "0" * (MAX_SEALED + 1)}), "beijing", "33", KEY)
    assert [(reason.code, reason.field) for reason in refused.value.reasons] == [("too_large", "data")]
