"""Result events reach the feed once and their subscribers signed; an address that must not be called is not."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from bed import CONTEXT
from cloud import clock, secrets
from haochaping.demo.receiver import Receiver
from notify import feed
from notify.app import deliver, dispatch
from notify.delivery import Forbidden, check_address, proof_of, text_of
from said import bad_rating, event, letter


def in_feed() -> list[dict]:
    return list(feed.everything())


def subscribe(bed, target: str, *types: str, **further) -> None:
    bed.subscribe("portal", target, types=types, **further)


def bad_news(bed) -> list[dict]:
    """The queued messages of one bad rating and its case."""
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    return bed.messages("DeliveryQueue")


def test_an_event_is_in_the_feed_once_however_often_it_is_told(bed):
    bed.accept(letter(event()), letter(bad_rating()))
    bed.flow()
    bed.read.clear()
    bed.flow()
    assert sorted(entry["type"] for entry in in_feed()) == ["BadRatingAccepted.v1", "CaseOpened.v1"]


def test_the_feed_is_gapless_and_in_order(bed):
    for n in range(9):
        bed.accept(letter(event(project_no=f"33-{n}")), letter(bad_rating(project_no=f"33-{n}")))
    bed.flow()
    positions: dict[str, list[int]] = {}
    for item in bed.items("FeedTable", "0"):
        positions.setdefault(item["pk"], []).append(int(item["sk"]))
    assert sum(map(len, positions.values())) == 18
    for found in positions.values():
        assert sorted(found) == list(range(1, len(found) + 1))


def test_a_subscriber_gets_a_delivery_that_the_public_library_verifies(loopback):
    with Receiver() as receiver:
        subscribe(loopback, receiver.url)
        receiver.verifier = Webhook(secrets.signing_secrets("subscription/portal")[0])
        deliveries = bad_news(loopback)
        assert deliver({"Records": deliveries}, CONTEXT) == {"batchItemFailures": []}
    assert sorted(event["type"] for event in receiver.events.values()) == ["BadRatingAccepted.v1", "CaseOpened.v1"]
    assert receiver.refused == 0


def test_a_subscriber_gets_only_the_types_it_wants(bed):
    subscribe(bed, "https://portal.example.cn/events", "CaseOpened")
    (message,) = bad_news(bed)
    assert json.loads(message["body"])["event"]["type"] == "CaseOpened.v1"


def test_a_tampered_or_late_delivery_does_not_verify(bed):
    key = "whsec_c2VjcmV0IG9mIGEgc3Vic2NyaWJlcg=="
    body = text_of({"id": "ev_1", "type": "CaseOpened.v1"})
    headers = proof_of("ev_1", body, [key], clock.wall())
    assert Webhook(key).verify(body, headers) == {"id": "ev_1", "type": "CaseOpened.v1"}
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body.replace("Opened", "Closed"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body, proof_of("ev_1", body, [key], clock.wall() - timedelta(minutes=6)))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://a.example", "169.254.169.254"),
        ("https://a.example", "10.0.0.1"),
        ("https://a.example", "127.0.0.1"),
        ("https://a.example", "::1"),
        ("https://a.example", "fd00::1"),
        ("https://a.example", "100.64.0.1"),
        ("http://a.example", "93.184.216.34"),
    ],
)
def test_an_address_that_is_not_public_or_not_encrypted_is_never_called(url, address):
    with pytest.raises(Forbidden):
        check_address(url, [address], loopback_allowed=False)


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(Forbidden):
        check_address("https://a.example", ["93.184.216.34", "10.0.0.1"], loopback_allowed=False)


def test_a_public_https_address_may_be_called():
    check_address("https://a.example", ["93.184.216.34"], loopback_allowed=False)


def test_an_event_whose_deliveries_were_not_queued_is_told_again_and_queued_then(bed):
    subscribe(bed, "https://portal.example.cn/events", "CaseOpened")
    assert len(bad_news(bed)) == 1
    (entry,) = [item for item in in_feed() if item["type"] == "CaseOpened.v1"]
    told = {"detail-type": "CaseOpened", "source": entry["source"], "detail": entry["data"]}
    message = {"messageId": "1", "body": json.dumps(told), "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs"}
    assert dispatch({"Records": [message]}, CONTEXT) == {"batchItemFailures": []}
    assert len(bed.messages("DeliveryQueue")) == 1
    assert len(in_feed()) == 2
