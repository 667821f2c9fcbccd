"""Hands one event to one subscriber, in the way that it asked for, and says what it answered.

A webhook and a reply queue carry the CloudEvent with the same proof (Standard Webhooks): as headers, or as attributes of the message. A
bus gets the event as it was on ours: source, name, detail; there AWS vouches for the sender.
"""

from __future__ import annotations

import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cloud import clock, secrets
from cloud.clients import events, sqs
from contract.codes import SubscriptionKind
from notify import webhook
from notify.delivery import Answer, proof_of, text_of
from notify.wanting import name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from notify.subscription import Subscription


def hand_over(subscriber: Subscription, event: dict[str, Any]) -> Answer:
    """What the subscriber answered to the event."""
    return _WAYS[subscriber.kind](subscriber, event)


def _to_webhook(subscriber: Subscription, event: dict[str, Any]) -> Answer:
    body = text_of(event)
    return webhook.post(
        subscriber.target, body, {"content-type": "application/cloudevents+json; charset=utf-8", **_proof(subscriber, event, body)}
    )


def _to_queue(subscriber: Subscription, event: dict[str, Any]) -> Answer:
    body = text_of(event)
    proof: Any = {name: {"DataType": "String", "StringValue": value} for name, value in _proof(subscriber, event, body).items()}
    return _of_aws(lambda: sqs().send_message(QueueUrl=_queue_url(subscriber.target), MessageBody=body, MessageAttributes=proof))


def _to_bus(subscriber: Subscription, event: dict[str, Any]) -> Answer:
    detail = json.dumps(event["data"], ensure_ascii=False)
    entry: Any = {"Source": event["source"], "DetailType": name_of(event), "Detail": detail, "EventBusName": subscriber.target}

    def put() -> None:
        (answer,) = events().put_events(Entries=[entry])["Entries"]
        if "ErrorCode" in answer:
            raise ClientError({"Error": {"Code": answer["ErrorCode"]}}, "PutEvents")

    return _of_aws(put)


_WAYS: dict[SubscriptionKind, Callable[[Subscription, dict[str, Any]], Answer]] = {
    SubscriptionKind.WEBHOOK: _to_webhook,
    SubscriptionKind.QUEUE: _to_queue,
    SubscriptionKind.EVENT_BUS: _to_bus,
}


def _proof(subscriber: Subscription, event: dict[str, Any], body: str) -> dict[str, str]:
    return proof_of(event["id"], body, secrets.signing_secrets(f"subscription/{subscriber.id}"), clock.wall())


@cache
def _queue_url(arn: str) -> str:
    *_, account, name = arn.split(":")
    return sqs().get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]


def _of_aws(call: Callable[[], Any]) -> Answer:
    started = time.monotonic()
    error = ""
    try:
        call()
    except ClientError as failed:
        error = failed.response["Error"]["Code"]
    except BotoCoreError as failed:
        error = type(failed).__name__
    return Answer(taken=not error, error=error or "queued", milliseconds=round((time.monotonic() - started) * 1000))
