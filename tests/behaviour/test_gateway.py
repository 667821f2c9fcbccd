"""The HTTPS door checks what can be seen at the door and forwards the rest, with the same proof, to the same Inbox."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bed import CONTEXT
from cloud import clock
from haochaping.sending import proof
from intake.gateway import gateway
from said import changed, event, general, letter, rating, raw


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


def test_a_sender_that_is_not_the_partys_principal_is_turned_away_and_its_own_is_let_through_to_the_end(bed):
    from intake.app import accept

    bed.party("bound", ["330000000000"], principals=["AROACHANNEL"])
    message = letter(event(), party="bound")
    headers = {name: held["StringValue"] for name, held in proof(message, clock.wall()).items()}
    for caller, status in (("AROAOTHER:x", 403), ("AROACHANNEL:device", 202)):
        called = request("POST", "/messages", message.body, headers)
        called["requestContext"]["identity"]["caller"] = caller
        assert gateway(called, CONTEXT)["statusCode"] == status
    assert accept({"Records": bed.messages("Inbox", attributes=True)}, CONTEXT) == {"batchItemFailures": []}
    assert bed.codes() == []
    assert len(bed.items("LedgerTable")) == 1


def test_what_lies_outside_the_partys_scope_is_said_at_the_door(bed):
    bed.party("ningbo", ["330200000000"])
    assert post(letter(event(), party="ningbo"))[1]["refusals"][0]["code"] == "out_of_scope"
    assert post(letter(general(), party="ningbo"))[0] == 403


@pytest.mark.parametrize("code", ["RequestThrottled", "AWS.SimpleQueueService.OverLimit"])
def test_what_the_queue_cannot_take_now_is_told_to_come_later(bed, code, monkeypatch):
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)  # between the client's own tries
    from botocore.awsrequest import AWSResponse

    from cloud.clients import sqs

    def busy(request, **_):
        answer = AWSResponse(request.url, 400, {"x-amzn-query-error": f"{code};Sender"}, None)
        answer._content = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": ""}).encode()
        return answer

    message = letter(event())
    headers = {name: held["StringValue"] for name, held in proof(message, clock.wall()).items()}
    with bed.hooked(sqs(), "before-send.sqs.SendMessageBatch", busy):
        answer = gateway(request("POST", "/messages", message.body, headers), CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["refusals"][0]["code"]) == (429, "throttled")
    assert answer["multiValueHeaders"]["Retry-After"] == ["5"]


class TestBatch:
    def send(self, messages, party: str = "hall-devices", path: str = "/messages/batch"):
        listed = []
        for message in messages:
            signed = {name: held["StringValue"] for name, held in proof(message, clock.wall()).items() if name != "party"}
            listed.append({**signed, "body": message.body})
        return self.post(json.dumps({"messages": listed}), party, path)

    def post(self, body: str, party: str = "hall-devices", path: str = "/messages/batch"):
        answer = gateway(request("POST", path, body, {"party": party}), CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    @pytest.mark.parametrize("path", ["/messages/batch", "/signed/messages/batch"])
    def test_each_message_is_answered_by_its_own_outcome_in_their_order(self, bed, path):
        from intake.app import accept

        other = letter(event(project_no="33-2"))
        status, body = self.send([letter(event()), changed(rating(), level="7"), raw("{"), other], path=path)
        assert status == 202
        assert [outcome["status"] for outcome in body["outcomes"]] == [202, 422, 422, 202]
        assert body["outcomes"][0]["webhook-id"] == letter(event()).webhook_id
        assert body["outcomes"][1]["refusals"][0]["code"] == "unknown_level"
        assert accept({"Records": bed.messages("Inbox", attributes=True)}, CONTEXT) == {"batchItemFailures": []}
        assert len(bed.items("LedgerTable")) == 2
        assert bed.codes() == []

    def test_a_hundred_messages_are_taken_and_one_more_is_too_many(self, bed):
        messages = [letter(event(project_no=f"33-{n}")) for n in range(101)]
        assert self.send(messages)[1]["refusals"][0]["code"] == "too_many_messages"
        assert {outcome["status"] for outcome in self.send(messages[:100])[1]["outcomes"]} == {202}
        assert len(bed.messages("Inbox")) == 100

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ("[", 422, "not_json"),
            ("[]", 422, "not_json"),
            ('{"messages": 5}', 422, "malformed_field"),
            ('{"messages": [{"webhook-id": "x", "body": "\\ud800"}]}', 422, "not_json"),
            ('{"messages": []}', 413, "too_many_messages"),
            ('{"messages": [5]}', 422, "malformed_field"),
            ('{"messages": [{"body": 5}]}', 422, "malformed_field"),
        ],
    )
    def test_what_is_no_batch_is_refused_as_a_whole(self, bed, body, status, code):
        answered, told = self.post(body)
        assert (answered, told["refusals"][0]["code"]) == (status, code)

    def test_a_message_signed_by_another_party_does_not_come_in_with_the_batch(self, bed):
        _, body = self.send([letter(event(), party="national-portal"), letter(event())])
        assert [outcome["status"] for outcome in body["outcomes"]] == [401, 202]

    def test_characters_that_the_queue_does_not_take_hold_up_no_other_message(self, bed):
        strange = raw(letter(rating(comment="好X")).body.replace("X", "\\uffff"), "strange")
        _, body = self.send([letter(event()), strange])
        assert [outcome["status"] for outcome in body["outcomes"]] == [202, 422]

    def test_nobody_brings_the_stamp_of_our_door(self, bed):
        from intake import door

        bed.party("bound", ["330000000000"], principals=["AROACHANNEL"])
        message = letter(event(), party="bound")
        headers = {name: held["StringValue"] for name, held in proof(message, clock.wall()).items()}
        forged = gateway(request("POST", "/messages", message.body, headers | {"door": door.keys().stamp(message.message_id)}), CONTEXT)
        assert forged["statusCode"] == 403
        assert bed.messages("Inbox") == []

    def test_an_endless_signature_does_not_burst_the_queue(self, bed):
        signed = {name: held["StringValue"] for name, held in proof(letter(event()), clock.wall()).items() if name != "party"}
        signed["webhook-signature"] += " v1," + "x" * 400_000
        status, body = self.post(json.dumps({"messages": [{**signed, "body": letter(event()).body}]}))
        assert (status, body["outcomes"][0]["status"]) in {(202, 202), (202, 401)}
        assert all(len(str(message["messageAttributes"])) < 2_000 for message in bed.messages("Inbox", attributes=True))


def test_what_was_let_in_at_the_last_moment_is_not_too_old_behind_the_door(bed):
    from intake.app import accept

    message = letter(event())
    signed_at = clock.wall() - timedelta(seconds=298)
    headers = {name: held["StringValue"] for name, held in proof(message, signed_at).items()}
    assert gateway(request("POST", "/messages", message.body, headers), CONTEXT)["statusCode"] == 202
    (queued,) = bed.messages("Inbox", attributes=True)
    queued["attributes"]["SentTimestamp"] = str(int((signed_at + timedelta(seconds=303)).timestamp() * 1000))
    accept({"Records": [queued]}, CONTEXT)
    assert bed.codes() == []


def test_a_hall_full_of_people_behind_one_address_is_not_throttled_as_one(bed):
    for n in range(150):
        assert post(letter(event(project_no=f"33-hall-{n}")))[0] == 202


def test_the_door_publishes_what_it_takes(bed):
    from openapi_spec_validator import validate

    answer = gateway(request("GET", "/openapi.json"), CONTEXT)
    document = json.loads(answer["body"])
    validate(document)
    routes = {
        (route.path.replace("<", "{").replace(">", "}"), method)
        for route in _routes()
        for method in ([route.method] if isinstance(route.method, str) else route.method)
    }
    documented = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    assert documented == routes - {("/openapi.json", "GET")}


def _routes():
    from intake import gateway, rate, reveal

    for module in (gateway, rate, reveal):
        yield from module.app._static_routes + module.app._dynamic_routes


@pytest.mark.parametrize("receipt", ["nonsense", "", "rc_7TPOlVoR9Dtz4MctB2dteYKbBarvFX0NX9UTRcy7IchqqJuzo4zt"])
def test_an_unknown_receipt_is_not_found(bed, receipt):
    assert gateway(request("GET", f"/receipts/{receipt or 'x'}", receipt=receipt), CONTEXT)["statusCode"] == 404


@pytest.mark.parametrize("body", ["a", "//79"])
def test_a_body_that_is_no_text_is_refused(bed, body):
    answer = gateway(request("POST", "/messages", body) | {"isBase64Encoded": True}, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["refusals"][0]["code"]) == (422, "not_json")
