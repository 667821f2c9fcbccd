"""Subscriptions over HTTPS: a party manages its own, within its scope; tests and rotates them, replays, and looks up deliveries."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from standardwebhooks.webhooks import Webhook

from asking import call, dispatched, refused, register, told
from bed import CONTEXT, be_local
from cloud import secrets
from haochaping.demo.receiver import Receiver
from notify import deliveries, feed, owning, subscriptions, sweeping
from notify.app import deliver
from told import progressed

CITY, XIHU, NINGBO = "330100000000", "330106000000", "330203000000"
HALL, MARKET = "11330106MB0000004R", "11330106MB0000005W"
PORTAL = {"id": "portal", "target": "https://portal.example.cn/events"}
QUEUE = "arn:aws-cn:sqs:cn-north-1:123456789012:test-reply-portal"


@pytest.fixture
def door(bed, monkeypatch):
    register(bed)
    be_local(monkeypatch)
    return bed


def add(party: str = "data-centre", **asked) -> dict:
    return told("POST", "/subscriptions", party, PORTAL | asked)


def listening(receiver: Receiver, party: str = "data-centre", **asked) -> str:
    """A subscription whose webhook is on this machine; its secret."""
    secret = add(party, target=receiver.url, **asked)["secret"]
    receiver.verifier = Webhook(secret)
    return secret


def handed_over(bed) -> None:
    """Everything that waits in the delivery queue is handed over; functions have heard of every subscription."""
    deliver({"Records": bed.messages("DeliveryQueue")}, CONTEXT)


def told_to_all(*events) -> None:
    subscriptions.forget()
    dispatched(*events)


# ---------------------------------------------------------------- adding and changing


def test_a_subscription_is_answered_with_its_secret_once(door):
    answered = call("POST", "/subscriptions", body=PORTAL)
    assert answered.status == 201
    assert answered.body["secret"].startswith("whsec_")
    seen = told("GET", "/subscriptions/portal")
    assert "secret" not in json.dumps(seen)
    assert (seen["id"], seen["party"], seen["target"]) == ("portal", "data-centre", PORTAL["target"])
    assert told("GET", "/subscriptions") == {"subscriptions": [seen]}


def test_from_then_on_its_events_reach_it_signed_with_this_secret(door, receiver):
    listening(receiver, types=["CaseProgressed"], regions=["330106"])
    told_to_all(progressed(1), progressed(2, region_code=NINGBO))
    handed_over(door)
    assert (list(receiver.events), receiver.refused) == (["ev_1"], 0)


@pytest.mark.parametrize("party", ["data-centre", "city", "hall", "ningbo"])
def test_every_sort_of_party_may_subscribe_and_hears_of_its_scope_alone(door, receiver, party):
    listening(receiver, party)
    told_to_all(progressed(1), progressed(2, region_code=NINGBO, organisation=None), progressed(3, organisation=MARKET))
    handed_over(door)
    heard = {"data-centre": {"ev_1", "ev_2", "ev_3"}, "city": {"ev_1", "ev_3"}, "hall": {"ev_1"}, "ningbo": {"ev_2"}}
    assert receiver.events.keys() == heard[party]


def test_a_change_replaces_what_was_asked_for_and_keeps_the_id(door):
    add(types=["CaseOpened"])
    changed = told("PUT", "/subscriptions/portal", body={"target": "https://other.example.cn/", "severity": "URGENT", "paused": True})
    assert (changed["id"], changed["target"], changed["severity"], changed["types"]) == (
        "portal",
        "https://other.example.cn/",
        "URGENT",
        [],
    )
    assert refused("PUT", "/subscriptions/portal", body=PORTAL | {"id": "another"}) == (422, "malformed_field", "id")


def test_no_party_sees_or_touches_the_subscription_of_another(door):
    add()
    assert told("GET", "/subscriptions", "province") == {"subscriptions": []}
    body = {"PUT": PORTAL, "rotate": {}, "replay": {"cursor": ""}}
    for method, path in (
        *(("GET", ""), ("PUT", ""), ("DELETE", "")),
        *(("POST", "/test"), ("POST", "/rotate"), ("POST", "/replay"), ("GET", "/deliveries")),
    ):
        said = body.get(method) or body.get(path.strip("/"))
        answered = refused(method, f"/subscriptions/portal{path}", "province", said)
        assert answered == (404, "unknown_subscription", "id"), (method, path)
    assert refused("POST", "/subscriptions", "province", PORTAL) == (409, "subscription_exists", "id")
    assert told("GET", "/subscriptions/portal")["target"] == PORTAL["target"]


@pytest.mark.parametrize("id", ["none", "N%20o", "x" * 60])
def test_what_is_not_there_is_not_found(door, id):
    assert refused("GET", f"/subscriptions/{id}") == (404, "unknown_subscription", "id")


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"id": "Portal"}, "malformed_field", "id"),
        ({"target": "http://portal.example.cn/"}, "bad_target", "target"),
        ({"target": "https://user:word@portal.example.cn/"}, "bad_target", "target"),
        ({"kind": "QUEUE"}, "bad_target", "target"),
        ({"kind": "QUEUE", "target": QUEUE.replace("reply-", "")}, "bad_target", "target"),
        ({"kind": "EVENT_BUS", "target": QUEUE}, "bad_target", "target"),
        ({"kind": "PIGEON"}, "unknown_code", "kind"),
        ({"types": ["Rumour"]}, "unknown_code", "types"),
        ({"types": ["PressureReported"]}, "unknown_code", "types"),
        ({"severity": "LOUD"}, "unknown_code", "severity"),
        ({"regions": ["33x"]}, "bad_region_code", "regions.0"),
        ({"organisations": ["1"]}, "bad_credit_code", "organisations.0"),
        ({"colour": "red"}, "unknown_field", "colour"),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused_with_the_field(door, said, code, field):
    assert refused("POST", "/subscriptions", body=PORTAL | said) == (422, code, field)
    assert told("GET", "/subscriptions") == {"subscriptions": []}


def test_a_body_that_is_no_object_or_too_large_is_refused(door):
    assert refused("POST", "/subscriptions", body="[]")[:2] == (422, "not_json")
    assert refused("POST", "/subscriptions", body=json.dumps(PORTAL | {"target": "x" * 70_000}))[:2] == (413, "too_large")
    assert refused("POST", "/subscriptions", body={"id": "portal"}) == (422, "missing_field", "target")


@pytest.mark.parametrize(
    ("party", "said", "field"),
    [
        ("city", {"regions": [NINGBO]}, "regions"),
        ("city", {"regions": ["330000"]}, "regions"),
        ("data-centre", {"regions": ["000000"]}, "regions"),
        ("hall", {"organisations": [MARKET]}, "organisations"),
        ("hall", {"regions": [CITY]}, "regions"),
    ],
)
def test_nobody_subscribes_to_what_lies_outside_its_scope(door, party, said, field):
    assert refused("POST", "/subscriptions", party, PORTAL | said) == (403, "out_of_scope", field)
    add(party)
    assert refused("PUT", "/subscriptions/portal", party, PORTAL | said) == (403, "out_of_scope", field)


def test_what_lies_within_the_scope_may_be_asked_for(door):
    add("city", regions=[XIHU], organisations=[MARKET])
    add("hall", id="hall", organisations=[HALL])


def test_an_id_is_used_once_even_when_its_subscriber_has_gone(door, receiver):
    listening(receiver)
    told_to_all(progressed(1))
    handed_over(door)
    told("DELETE", "/subscriptions/portal")
    assert refused("POST", "/subscriptions", "province", PORTAL) == (409, "subscription_exists", "id")


def test_adding_that_was_cut_off_before_the_secret_was_made_is_done_by_adding_again(door, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(secrets, "renew_signing_secret", crash)
        with pytest.raises(ConnectionResetError):
            add()
    assert add()["secret"] == secrets.signing_secrets("subscription/portal")[0]
    assert refused("POST", "/subscriptions", body=PORTAL) == (409, "subscription_exists", "id")


def crash(*_):
    raise ConnectionResetError


# ---------------------------------------------------------------- ending


def test_a_subscription_that_has_ended_gets_nothing_and_leaves_no_secret(door, receiver):
    listening(receiver)
    told_to_all(progressed(1))
    assert told("DELETE", "/subscriptions/portal") == {}
    handed_over(door)
    assert receiver.events == {}
    assert refused("GET", "/subscriptions/portal")[:2] == (404, "unknown_subscription")
    assert not [held for held in door.secrets.list_secrets()["SecretList"] if held["Name"].endswith("subscription/portal")]


def test_a_secret_that_a_crash_left_behind_opens_nothing_of_the_next_subscriber(door, monkeypatch):
    left = add()["secret"]
    with monkeypatch.context() as broken:
        broken.setattr(secrets, "remove_signing_secret", crash)
        with pytest.raises(ConnectionResetError):
            told("DELETE", "/subscriptions/portal")
    fresh = add("province")["secret"]
    assert fresh != left
    assert secrets.signing_secrets("subscription/portal") == [fresh]


# ---------------------------------------------------------------- tests


def test_a_test_is_sent_at_once_and_its_answer_told(door, receiver):
    listening(receiver, types=["CaseClosed"], paused=True)
    tested = told("POST", "/subscriptions/portal/test")
    assert (tested["taken"], tested["status"], tested["milliseconds"] >= 0) == (True, 204, True)
    (event,) = receiver.events.values()
    assert (event["id"], event["type"], event["data"]["subscription"]) == (tested["event_id"], "SubscriptionTested.v1", "portal")
    assert list(feed.everything()) == []


def test_a_test_that_is_not_taken_says_why_and_is_not_tried_again(door, receiver):
    listening(receiver)
    receiver.verifier = Webhook("whsec_b3RoZXI=")
    answered = call("POST", "/subscriptions/portal/test")
    assert (answered.status, answered.body["taken"], answered.body["status"]) == (200, False, 401)
    told("PUT", "/subscriptions/portal", body={"target": f"http://127.0.0.1:{unused_port()}/"})
    assert told("POST", "/subscriptions/portal/test")["error"] == "no_connection"
    assert sweeping.sweep()["sent"] == 0


def unused_port() -> int:
    with Receiver() as gone:
        return urlsplit(gone.url).port or 0


def test_a_test_reaches_a_reply_queue_and_says_if_there_is_none(door):
    add(kind="QUEUE", target=QUEUE)
    assert "NonExistent" in told("POST", "/subscriptions/portal/test")["error"]
    url = door.sqs.create_queue(QueueName="test-reply-portal")["QueueUrl"]
    assert told("POST", "/subscriptions/portal/test")["taken"] is True
    (got,) = door.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    door.sqs.delete_queue(QueueUrl=url)
    assert json.loads(got["Body"])["type"] == "SubscriptionTested.v1"
    assert got["MessageAttributes"]["webhook-signature"]["StringValue"].startswith("v1,")


# ---------------------------------------------------------------- rotation


def verified_by(secret: str, receiver: Receiver) -> bool:
    """Whether what is sent now verifies with this secret."""
    receiver.verifier = Webhook(secret)
    return told("POST", "/subscriptions/portal/test")["taken"]


def test_during_a_rotation_both_secrets_verify_and_after_it_the_new_one_alone(door, receiver):
    before = listening(receiver)
    rotated = told("POST", "/subscriptions/portal/rotate")["secret"]
    assert rotated != before
    assert (verified_by(before, receiver), verified_by(rotated, receiver)) == (True, True)
    assert told("POST", "/subscriptions/portal/rotate", body={"finish": True}) == {}
    assert (verified_by(before, receiver), verified_by(rotated, receiver)) == (False, True)


def test_the_next_rotation_ends_the_one_before(door, receiver):
    first = listening(receiver)
    second = told("POST", "/subscriptions/portal/rotate")["secret"]
    third = told("POST", "/subscriptions/portal/rotate", body={})["secret"]
    assert [verified_by(secret, receiver) for secret in (first, second, third)] == [False, True, True]


def test_to_finish_what_was_not_begun_changes_nothing(door, receiver):
    secret = listening(receiver)
    assert told("POST", "/subscriptions/portal/rotate", body={"finish": True}) == {}
    assert verified_by(secret, receiver)


def test_rotating_keeps_whatever_else_a_secret_holds(bed):
    name = secrets.signing_secret_name("party/hall-devices")
    held = json.loads(bed.secrets.get_secret_value(SecretId=name)["SecretString"])
    bed.secrets.put_secret_value(SecretId=name, SecretString=json.dumps(held | {"cipher_key": "abcd"}))
    fresh = secrets.rotate_signing_secret("party/hall-devices")
    assert secrets.signing_secrets("party/hall-devices") == [fresh, held["current"]]
    assert secrets.cipher_key("party/hall-devices") == "abcd"


# ---------------------------------------------------------------- replays and what became of deliveries


def test_a_replay_sends_once_more_what_the_feed_holds_from_a_cursor_on(door, receiver):
    dispatched(progressed(1))
    cursor = told("GET", "/feed")["cursor"]
    dispatched(progressed(2), progressed(3))
    listening(receiver)
    answered = call("POST", "/subscriptions/portal/replay", body={"cursor": cursor})
    assert (answered.status, answered.body["replay"]["cursor"]) == (202, cursor)
    assert told("GET", "/subscriptions/portal")["replay"] == answered.body["replay"]
    sweeping.sweep()
    handed_over(door)
    assert sorted(receiver.events) == ["ev_2", "ev_3"]
    assert "replay" not in told("GET", "/subscriptions/portal")


def test_a_replay_is_stopped_where_it_is(door):
    add()
    dispatched(progressed(1))
    told("POST", "/subscriptions/portal/replay", body={"cursor": ""})
    assert call("POST", "/subscriptions/portal/replay", body={"stop": True}).status == 202
    assert "replay" not in told("GET", "/subscriptions/portal")
    assert sweeping.sweep()["replayed"] == 0
    assert call("POST", "/subscriptions/portal/replay", body={"stop": True}).status == 202


def test_while_others_keep_moving_a_replay_it_is_to_be_asked_for_again(door, monkeypatch):
    add()
    monkeypatch.setattr(subscriptions, "set_replay", lambda *_: False)
    answered = call("POST", "/subscriptions/portal/replay", body={"cursor": ""})
    assert (answered.status, answered.code, answered.headers["Retry-After"]) == (429, "throttled", "5")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "missing_field"),
        ({"cursor": "", "stop": True}, "malformed_field"),
        ({"cursor": "f1"}, "bad_cursor"),
        ({"cursor": "latest"}, "bad_cursor"),
        ({"set_aside": False}, "unknown_code"),
    ],
)
def test_a_replay_is_asked_for_in_one_way(door, said, code):
    add()
    assert refused("POST", "/subscriptions/portal/replay", body=said)[:2] == (422, code)


def test_what_was_delivered_when_with_which_answer_can_be_looked_up(door, receiver):
    listening(receiver)
    told_to_all(progressed(1))
    handed_over(door)
    (seen,) = told("GET", "/subscriptions/portal/deliveries", event_id="ev_1")["deliveries"]
    assert {name: seen[name] for name in ("event_id", "state", "tries", "answer")} == {
        "event_id": "ev_1",
        "state": "DELIVERED",
        "tries": 1,
        "answer": "204",
    }
    assert told("GET", "/subscriptions/portal/deliveries", event_id="ev_9") == {"deliveries": []}


def test_what_was_given_up_is_seen_and_tried_again_when_asked_for(door, receiver, later):
    secret = listening(receiver)
    receiver.verifier = Webhook("whsec_b3RoZXI=")
    told_to_all(progressed(1), progressed(2))
    handed_over(door)
    waiting = told("GET", "/subscriptions/portal/deliveries", state="WAITING")["deliveries"]
    assert {(row["event_id"], row["answer"], "due_at" in row) for row in waiting} == {("ev_1", "401", True), ("ev_2", "401", True)}
    later(days=5)
    sweeping.sweep()
    aside = told("GET", "/subscriptions/portal/deliveries", state="SET_ASIDE")["deliveries"]
    assert [row["state"] for row in aside] == ["SET_ASIDE", "SET_ASIDE"]
    assert told("POST", "/subscriptions/portal/replay", body={"set_aside": True}) == {"revived": 2, "more": False}
    receiver.verifier = Webhook(secret)
    sweeping.sweep()
    handed_over(door)
    assert sorted(receiver.events) == ["ev_1", "ev_2"]


def test_of_very_much_that_was_set_aside_a_part_is_put_back_at_once(door, receiver, later, monkeypatch):
    monkeypatch.setattr(owning, "REVIVED", 1)
    listening(receiver)
    receiver.verifier = Webhook("whsec_b3RoZXI=")
    told_to_all(progressed(1), progressed(2))
    handed_over(door)
    later(days=5)
    sweeping.sweep()
    told_twice = [told("POST", "/subscriptions/portal/replay", body={"set_aside": True}) for _ in range(3)]
    assert told_twice == [{"revived": 1, "more": True}] * 2 + [{"revived": 0, "more": False}]


@pytest.mark.parametrize("state", [None, "DELIVERED", "WAITING"])
def test_deliveries_come_page_by_page_each_once(door, receiver, state):
    secret = listening(receiver)
    if state == "WAITING":
        receiver.verifier = Webhook("whsec_b3RoZXI=")
    told_to_all(*(progressed(n, rating=f"r_{n}") for n in range(7)))
    handed_over(door)
    receiver.verifier = Webhook(secret)
    asked = {"state": state} if state else {}
    found, cursor = [], ""
    while True:
        page = told("GET", "/subscriptions/portal/deliveries", limit=2, cursor=cursor, **asked)
        found += [row["event_id"] for row in page["deliveries"]]
        if "cursor" not in page:
            break
        cursor = page["cursor"]
    assert sorted(found) == [f"ev_{n}" for n in range(7)]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"state": "LOST"}, "unknown_code", "state"),
        ({"limit": 101}, "malformed_field", "limit"),
        ({"cursor": "ev_1", "state": "WAITING"}, "bad_cursor", "cursor"),
        ({"cursor": "2026-11-24T02:00:00Z~ev_1"}, "bad_cursor", "cursor"),
        ({"cursor": "何"}, "bad_cursor", "cursor"),
        ({"event_id": "ev_1", "state": "WAITING"}, "malformed_field", "event_id"),
    ],
)
def test_what_cannot_be_asked_of_deliveries_is_refused(door, query, code, field):
    add()
    assert refused("GET", "/subscriptions/portal/deliveries", **query) == (422, code, field)


def test_the_secret_of_nobody_is_in_an_answer_or_in_the_table(door):
    secret = add()["secret"]
    assert secret not in str(door.items("SubscriptionsTable"))
    assert list(deliveries.all_of("portal")) == []
