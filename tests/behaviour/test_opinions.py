"""What a bad rating says reaches whoever has to put it right, and never who said it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bed import CONTEXT
from contract.ledger import RatingFacts
from intake import door, receipts
from intake.places import rating_key
from intake.reveal import reveal
from said import bad_rating, event, letter, rating

PERSON = "canary-330106199001011234"


def ask(bed: Any, party: str, rating_id: str, caller: str = "AROAUNIT:session") -> tuple[int, dict[str, Any]]:
    request = {
        "httpMethod": "POST",
        "path": "/opinions",
        "resource": "/opinions",
        "headers": {"party": party},
        "body": json.dumps({"rating_id": rating_id, "by": "p-1"}),
        "isBase64Encoded": False,
        "requestContext": {"httpMethod": "POST", "path": "/opinions", "requestId": "1", "identity": {"caller": caller}},
    }
    answer = reveal(request, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def province(bed):
    bed.party("unit", ["330106000000"], "UNIT", organisations=[event().organisation], principals=["AROAUNIT"])
    bed.party("other", ["330106000000"], "UNIT", organisations=["11330106MB0000005W"], principals=["AROAUNIT"])
    bed.party("supervisor", ["330100000000"], "SUPERVISOR", principals=["AROAUNIT"])
    bed.party("channel", ["330000000000"], "CHANNEL", principals=["AROAUNIT"])
    return bed


def accepted(bed, **said) -> str:
    bed.accept(letter(event()), letter(bad_rating(**said)))
    (entry,) = bed.items("LedgerTable", "R#")
    return RatingFacts.model_validate(entry).rating_id


def test_the_unit_reads_the_screened_text_and_of_a_real_name_the_case_file_and_the_rater_sees_it(province):
    rater = {"certificate_type": "111", "certificate_number": PERSON, "name": "canary-张三"}
    rating_id = accepted(province, rater=rater, comment="等了两个小时，电话 13800000000")
    status, said = ask(province, "unit", rating_id)
    assert (status, said) == (200, {"comment": "等了两个小时，电话 【电话】", "project_no": "33202611240001", "service_number": 1})
    standing = receipts.standing(door.keys().receipt(rating_key("33202611240001", 1, 1)), door.keys())
    assert [(look.by, look.purpose) for look in standing.identity_read] == [("unit/p-1", "RECTIFICATION")]


def test_of_an_anonymous_rating_nobody_in_the_unit_learns_the_case_file(province):
    rating_id = accepted(province, rater=None, comment="等了两个小时")
    assert ask(province, "unit", rating_id) == (200, {"comment": "等了两个小时"})


def test_a_supervisor_reads_it_within_its_regions(province):
    assert ask(province, "supervisor", accepted(province))[0] == 200


@pytest.mark.parametrize("party", ["other", "channel"])
def test_nobody_else_does(province, party):
    status, said = ask(province, party, accepted(province))
    assert (status, said["refusals"][0]["code"]) == (403, "out_of_scope")


def test_a_good_rating_and_one_that_is_not_there_are_refused_alike(province):
    province.accept(letter(event()), letter(rating()))
    (entry,) = province.items("LedgerTable", "R#")
    good = ask(province, "unit", entry["rating_id"])
    assert good == ask(province, "unit", "r_nobody")
    assert good[1]["refusals"][0]["code"] == "out_of_scope"


def test_who_is_not_the_party_is_refused(province):
    status, said = ask(province, "unit", accepted(province), caller="AROASOMEBODY:1")
    assert (status, said["refusals"][0]["code"]) == (403, "wrong_sender")


def test_no_identity_is_asked_for_to_put_something_right(province):
    from intake import revealing
    from intake.revealing import Question

    rating_id = accepted(province, rater={"certificate_type": "111", "certificate_number": PERSON, "name": "canary-张三"})
    with pytest.raises(Exception, match="nobody_known"):
        revealing.answer(Question(purpose="RECTIFICATION", by="p-1", rating_id=rating_id), "AROAUNIT", door.keys())
