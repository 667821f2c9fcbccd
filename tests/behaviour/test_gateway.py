"""The HTTPS door checks what can be seen at the door and forwards the rest, with the same proof, to the same Inbox."""

from __future__ import annotations

import json

import pytest

from bed import CONTEXT
from cloud import clock
from haochaping.sending import proof
from intake.gateway import gateway
from said import changed, event, letter, rating, raw


def request(method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None, **parameters: str):
    return {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": headers or {},
        "multiValueHeaders": {},
        "pathParameters": parameters or None,
        "queryStringParameters": None,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {"requestId": "request-1", "identity": {"sourceIp": "127.0.0.1"}, "path": path, "httpMethod": method},
    }


def post(message, path: str = "/messages", **changes: str):
    headers = {name: held["StringValue"] for name, held in proof(message, clock.wall()).items()} | changes
    answer = gateway(request("POST", path, message.body, headers), CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("path", ["/messages", "/signed/messages"])
def test_a_message_is_queued_and_answered_with_the_receipt_under_which_it_is_found(bed, path):
    assert post(letter(event()), path)[0] == 202
    status, body = post(letter(rating()), path)
    assert status == 202
    from intake.app import accept

    queued = bed.messages("Inbox", attributes=True)
    assert accept({"Records": queued}, CONTEXT) == {"batchItemFailures": []}
    answer = gateway(request("GET", f"/receipts/{body['receipt']}", receipt=body["receipt"]), CONTEXT)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("message", "changes", "status", "code"),
    [
        (letter(rating()), {"webhook-signature": "v1,AAAA"}, 401, "bad_signature"),
        (letter(rating()), {"webhook-timestamp": "not-a-time"}, 401, "bad_signature"),
        (letter(rating(), party="nobody"), {}, 401, "unknown_party"),
        (raw("x" * 70_000), {}, 413, "too_large"),
        (raw("{"), {}, 422, "not_json"),
        (changed(rating(), level="7"), {}, 422, "unknown_level"),
    ],
)
def test_what_can_be_seen_at_the_door_is_answered_there(bed, message, changes, status, code):
    answered, body = post(message, **changes)
    assert (answered, body["refusals"][0]["code"]) == (status, code)
    assert bed.messages("Inbox") == []


@pytest.mark.parametrize("receipt", ["nonsense", "", "rc_7TPOlVoR9Dtz4MctB2dteYKbBarvFX0NX9UTRcy7IchqqJuzo4zt"])
def test_an_unknown_receipt_is_not_found(bed, receipt):
    assert gateway(request("GET", f"/receipts/{receipt or 'x'}", receipt=receipt), CONTEXT)["statusCode"] == 404


@pytest.mark.parametrize("body", ["a", "//79"])
def test_a_body_that_is_no_text_is_refused(bed, body):
    answer = gateway(request("POST", "/messages", body) | {"isBase64Encoded": True}, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["refusals"][0]["code"]) == (422, "not_json")
