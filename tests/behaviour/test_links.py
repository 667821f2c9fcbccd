"""An invitation's link: one rating of one service, without login, and not for staff."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from test_gateway import request

from bed import CONTEXT
from intake import app, door, receipts
from intake.rate import rate
from intake.tickets import Ticket
from said import APPLICANT, bad_rating, event, letter, rating

GOOD = {"level": "SATISFIED", "tags": ["406"]}
BAD = {"level": "VERY_DISSATISFIED", "tags": ["115"], "comment": "态度差", "anonymous": False}


@pytest.fixture
def token(bed, later):
    bed.policy(unrated_policy="INVITE")
    bed.accept(letter(event()))
    later(days=5)
    bed.sweep()
    app.relay({"Records": bed.stream("LedgerTable"), "shardId": "shardId-1"}, CONTEXT)
    (message,) = bed.messages("NotifyInbox")
    return json.loads(message["body"])["detail"]["token"]


def call(method: str, token: str, body=None, headers: dict[str, str] | None = None, caller: str | None = None):
    called = request(method, f"/rate/{token}", None if body is None else json.dumps(body), headers, token=token)
    called["requestContext"]["identity"]["caller"] = caller
    answer = rate(called, CONTEXT)
    return answer["statusCode"], answer["body"]


def asked(*arguments, **options):
    status, body = call(*arguments, **options)
    return status, json.loads(body)


def code_of(answer) -> tuple[int, str]:
    return answer[0], answer[1]["refusals"][0]["code"]


def test_the_page_shows_what_is_rated_and_nothing_that_leads_to_a_person(bed, token):
    status, page = asked("GET", token)
    assert status == 200
    assert page["organisation"]["zh"] == "杭州市西湖区政务服务中心"
    assert page["item"]["zh"] == "营业执照登记"
    assert page["rated"] is False
    assert {tag["code"][0] for level in page["levels"] if level["level"] == "DISSATISFIED" for tag in level["tags"]} == {"2"}
    for canary in (event().project_no, "0007", APPLICANT["certificate_number"]):
        assert canary not in json.dumps(page, ensure_ascii=False) + token


def test_a_browser_gets_a_page_that_loads_nothing_from_elsewhere(bed, token):
    status, page = call("GET", token, headers={"Accept": "text/html,application/xhtml+xml"})
    assert status == 200
    assert "政务服务评价" in page
    assert "http:" not in page
    assert "https:" not in page


def test_the_rating_is_the_raters_own_and_counts_like_any_other(bed, token):
    status, redeemed = asked("POST", token, GOOD)
    assert (status, redeemed["outcome"]) == (200, "accepted")
    (entry,) = bed.items("LedgerTable", "R#")
    assert (entry["provenance"], entry["rating_channel"], entry["kind"]) == ("SELF_ONLINE", "SMS", "VISIT")
    assert (entry["identity_mode"], "rater" in entry) == ("ANONYMOUS", False)
    assert receipts.standing(redeemed["receipt"], door.keys()).outcome == "accepted"
    assert asked("GET", token)[1]["rated"] is True


def test_a_token_is_good_for_one_rating(bed, token):
    first = asked("POST", token, GOOD)
    assert asked("POST", token, GOOD)[1]["receipt"] == first[1]["receipt"]
    assert code_of(asked("POST", token, BAD)) == (409, "already_rated")
    assert len(bed.items("LedgerTable", "R#")) == 1


def test_who_has_rated_otherwise_cannot_rate_by_the_link_as_well(bed, token):
    bed.accept(letter(bad_rating()))
    assert code_of(asked("POST", token, GOOD)) == (409, "already_rated")


def test_an_applicant_who_wants_to_be_called_back_is_known_by_the_events_pseudonym(bed, token):
    assert asked("POST", token, BAD)[0] == 200
    (entry,) = bed.items("LedgerTable", "R#")
    assert entry["rater"] == door.keys().pseudonym("person", *event().applicant.identity)
    bed.flow()
    assert len(bed.items("CasesTable", "STATE")) == 1


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ({"level": "DISSATISFIED"}, 422, "reason_required"),
        ({"level": "DISSATISFIED", "tags": ["510"]}, 422, "tag_of_other_level"),
        ({"level": "EXCELLENT"}, 422, "unknown_level"),
        ({}, 422, "missing_field"),
        ({"level": "SATISFIED", "provenance": "SELF_DEVICE"}, 422, "unknown_field"),
        ([], 422, "not_json"),
    ],
)
def test_an_answer_that_cannot_be_taken_is_told_why_and_may_be_given_again(bed, token, answer, status, code):
    assert code_of(asked("POST", token, answer)) == (status, code)
    assert asked("POST", token, GOOD)[0] == 200


def test_a_text_over_the_policys_length_is_refused(bed, token):
    assert code_of(asked("POST", token, GOOD | {"comment": "长" * 1001})) == (422, "text_too_long")


@pytest.mark.parametrize("headers", [{"party": "hall-devices"}, {"webhook-signature": "v1,x"}, {"Authorization": "AWS4-HMAC-SHA256 x"}])
def test_a_party_a_device_or_an_identity_of_the_account_cannot_redeem_one(bed, token, headers):
    assert code_of(asked("POST", token, GOOD, headers=headers)) == (403, "token_not_for_staff")
    assert code_of(asked("GET", token, headers=headers)) == (403, "token_not_for_staff")
    assert code_of(asked("POST", token, GOOD, caller="AROASTAFF:me")) == (403, "token_not_for_staff")
    assert bed.items("LedgerTable", "R#") == []


def test_a_link_expires(bed, token, later):
    later(days=30)
    assert code_of(asked("GET", token)) == (410, "token_expired")
    assert code_of(asked("POST", token, GOOD)) == (410, "token_expired")


def test_a_link_that_was_altered_or_never_given_is_none(bed, token):
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), "t_", "nonsense", receipts_token(rating())):
        assert code_of(asked("GET", wrong)) == (404, "bad_token")


def receipts_token(message) -> str:
    from intake.places import key_of

    return door.keys().receipt(key_of(message, "hall-devices"))


def test_the_platform_that_invites_gets_the_telephone_by_the_token_and_nothing_else(bed, later):
    from test_vault import ask

    bed.policy(unrated_policy="INVITE")
    bed.accept(letter(event(applicant=APPLICANT | {"name": "张三", "phone": "13800000000"})))
    later(days=5)
    expires_at = event().finished_at + timedelta(days=12)
    ticket = Ticket(project_no=event().project_no, service_number=1, channel="SMS", expires_at=expires_at)
    assert ask(purpose="INVITATION", receipt="", token=ticket.token(door.keys())) == (200, {"phone": "13800000000"})
    assert ask(purpose="CONTACT", receipt="", token=ticket.token(door.keys()))[0] == 404
    later(days=20)
    assert ask(purpose="INVITATION", receipt="", token=ticket.token(door.keys()))[1]["refusals"][0]["code"] == "token_expired"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"level": "DISSATISFIED", "comment": "a\\ud800"}', 422, "not_json"),
        ('{"level": "SATISFIED", "level": "DISSATISFIED"}', 422, "not_json"),
        (json.dumps({"level": "SATISFIED", "comment": "x" * 70_000}), 413, "too_large"),
        (json.dumps({"level": "SATISFIED", "tags": ["406"] * 21}), 422, "malformed_field"),
        ("{", 422, "not_json"),
    ],
)
def test_an_odd_body_is_refused_at_once(bed, token, body, status, code):
    answer = rate(request("POST", f"/rate/{token}", body, token=token), CONTEXT)
    assert code_of((answer["statusCode"], json.loads(answer["body"]))) == (status, code)


def test_a_refused_attempt_by_link_is_kept_like_any_other(bed, token):
    asked("POST", token, GOOD)
    asked("POST", token, BAD)
    assert bed.codes() == ["already_rated"]


def test_who_cannot_be_reached_is_not_invited(bed, later):
    bed.policy(unrated_policy="INVITE")
    bed.accept(letter(event(applicant=None)))
    later(days=5)
    bed.sweep()
    assert len(bed.items("LedgerTable")) == 1
