"""Who somebody is stands in the Vault alone: read for a purpose, recorded, shown to the person concerned, and erased for good."""

from __future__ import annotations

import json

import pytest
from test_gateway import request

from bed import CONTEXT
from intake import door, receipts, vault
from intake.places import key_of
from intake.reveal import reveal
from said import AT, event, letter, rating

ZHANG = {"certificate_type": "111", "certificate_number": "330106199001011234", "name": "张三", "phone": "13800000000"}
LI = {"certificate_type": "111", "certificate_number": "330106198802022345", "name": "李四", "phone": "13900000000"}


def receipt(message=None) -> str:
    return door.keys().receipt(key_of(message or rating(rater=ZHANG), "hall-devices"))


def ask(caller: str = "AROADESK:session", **question: str):
    asked = {"purpose": "CONTACT", "by": "desk-3", "receipt": receipt()} | question
    called = request("POST", "/identities", json.dumps(asked))
    called["requestContext"]["identity"]["caller"] = caller
    answer = reveal(called, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def rated(bed):
    bed.accept(letter(event(applicant=ZHANG, agent=LI)), letter(rating(rater=ZHANG)))
    return bed


def test_a_person_is_read_for_a_purpose_and_only_as_far_as_it_needs(rated):
    assert ask() == (200, {"name": "张三", "phone": "13800000000"})
    assert ask(purpose="CALLBACK") == (200, {"name": "张三", "phone": "13800000000"})
    assert ask(purpose="LEGAL") == (200, ZHANG)
    assert ask(receipt=receipt(event())) == (200, {"name": "张三", "phone": "13800000000"})


def test_every_reading_is_recorded_and_the_rater_is_told(rated):
    ask()
    ask(purpose="LEGAL", by="court-1", caller="AROACOURT:x")
    looks = receipts.standing(receipt(), door.keys()).identity_read
    assert [(look.by, look.purpose) for look in looks] == [("AROADESK:session/desk-3", "CONTACT"), ("AROACOURT:x/court-1", "LEGAL")]


@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ({"purpose": "CURIOSITY"}, 422, "unknown_code"),
        ({"by": ""}, 422, "malformed_field"),
        ({"by": "张三 有空格"}, 422, "malformed_field"),
        ({"receipt": "rc_nonsense"}, 404, "nobody_known"),
        ({"purpose": "INVITATION"}, 404, "nobody_known"),
    ],
)
def test_a_question_that_names_no_purpose_nobody_or_no_rating_is_refused(rated, question, status, code):
    answered, body = ask(**question)
    assert (answered, body["refusals"][0]["code"]) == (status, code)
    assert list(vault.readings(door.keys().pseudonym("person", "111", ZHANG["certificate_number"]))) == []


def test_an_anonymous_rating_leads_to_nobody(bed):
    bed.accept(letter(event(applicant=ZHANG)), letter(rating(rater=None)))
    assert ask(receipt=receipt(rating()))[1]["refusals"][0]["code"] == "nobody_known"


def test_what_is_stored_of_a_person_is_encrypted(rated):
    held = [item for item in rated.items("VaultTable") if item["sk"].startswith("PERSON#")]
    assert len(held) == 2
    for canary in (*ZHANG.values(), *LI.values()):
        assert canary.encode() not in b"".join(item["sealed"] for item in held) or canary == "111"


def test_erasing_leaves_every_count_and_rating_as_it_is(rated):
    rated.flow()
    before = (rated.count("province#330000000000"), rated.items("LedgerTable"))
    vault.erase(door.keys().pseudonym("person", "111", ZHANG["certificate_number"]), "desk-3", "本人申请")
    assert ask()[0] == 404
    assert (rated.count("province#330000000000"), rated.items("LedgerTable")) == before
    assert receipts.standing(receipt(), door.keys()).outcome == "accepted"


def test_a_restore_does_not_bring_an_erased_person_back(rated):
    pseudonym = door.keys().pseudonym("person", "111", ZHANG["certificate_number"])
    (backup,) = [item for item in rated.items("VaultTable") if item["pk"] == pseudonym]
    vault.erase(pseudonym, "desk-3", "本人申请")
    from cloud.table import put

    put("VaultTable", backup)
    assert ask()[0] == 404
    assert vault.bury_again() == 1
    assert pseudonym not in {item["pk"] for item in rated.items("VaultTable")}


def test_an_erased_person_who_comes_again_is_a_new_one(rated, later):
    pseudonym = door.keys().pseudonym("person", "111", ZHANG["certificate_number"])
    vault.erase(pseudonym, "desk-3", "本人申请")
    later(days=1)
    rated.accept(letter(event(project_no="33-again", applicant=ZHANG)))
    assert vault.bury_again() == 0
    assert ask()[0] == 200


def test_a_rater_who_is_no_applicant_and_one_who_waits_are_kept_too(bed):
    bed.accept(letter(rating(rater=LI)))
    bed.accept(letter(event(applicant=ZHANG)))
    assert ask(receipt=receipt(rating(rater=LI))) == (200, {"name": "李四", "phone": "13900000000"})


def test_a_message_that_comes_again_does_not_bring_an_erased_person_back(rated):
    vault.erase(door.keys().pseudonym("person", "111", ZHANG["certificate_number"]), "desk-3", "本人申请")
    rated.accept(letter(event(applicant=ZHANG, agent=LI)), letter(rating(rater=ZHANG)), receive_count=2)
    rated.accept(letter(event(applicant=ZHANG, agent=LI), "told-again"), letter(rating(rater=ZHANG), "resent"))
    assert ask()[0] == 404
    vault.bury_again()
    assert not [item for item in rated.items("VaultTable") if item["pk"].startswith("v1:") and item["pk"] != _li()]


def _li() -> str:
    return door.keys().pseudonym("person", "111", LI["certificate_number"])


def test_who_names_only_the_certificate_takes_no_telephone_away(rated):
    rated.accept(letter(event(project_no="33-2", applicant={name: ZHANG[name] for name in ("certificate_type", "certificate_number")})))
    assert ask() == (200, {"name": "张三", "phone": "13800000000"})


def test_another_party_puts_no_telephone_of_its_own_in_the_place_of_what_was_said(rated):
    rated.party("wenzhou", ["330300000000"])
    elsewhere = {"region_code": "330302000000", "organisation": "11330302MB00000138", "project_no": "33-wz"}
    rated.accept(letter(event(applicant=ZHANG | {"phone": "13999999999"}, **elsewhere), party="wenzhou"))
    assert rated.codes() == []
    assert ask() == (200, {"name": "张三", "phone": "13800000000"})
    assert ask(receipt=receipt(event(**elsewhere))) == (200, {"name": "张三", "phone": "13999999999"})


def test_an_identity_number_is_one_however_its_last_letter_is_written(bed):
    small, large = ({"certificate_type": "111", "certificate_number": f"33010619900101123{x}"} for x in "xX")
    bed.accept(letter(event()), letter(rating(rater=small), "small"), letter(rating(rater=large), "large"))
    assert bed.codes() == []


@pytest.mark.parametrize(("body", "is_base64"), [("a", True), ("//79", True), ("[", False), ("[1]", False)])
def test_an_odd_question_is_refused(rated, body, is_base64):
    answer = reveal(request("POST", "/identities", body) | {"isBase64Encoded": is_base64}, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["refusals"][0]["code"]) == (422, "not_json")


def test_a_data_key_serves_many_persons_and_not_for_ever(bed, monkeypatch):
    monkeypatch.setattr(vault, "_PERSONS_PER_KEY", 3)
    calls = []
    from cloud.clients import kms

    with bed.hooked(kms(), "before-send.kms.GenerateDataKey", lambda **_: calls.append(1)):
        people = [{"certificate_type": "111", "certificate_number": f"3301061990010112{n:02}"} for n in range(7)]
        bed.accept(*[letter(event(project_no=f"33-{n}", applicant=person)) for n, person in enumerate(people)])
    assert len(calls) == 3


def test_a_telephone_alone_tells_a_person_apart(bed):
    caller = {"phone": "13800000000"}
    bed.accept(letter(event()), letter(rating(rater=caller, occurred_at=AT)))
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["identity_mode"] == "REAL_NAME"
    assert ask(receipt=receipt(rating())) == (200, caller)
