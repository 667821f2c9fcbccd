"""从自有队列取事件 Takes events from a queue of one's own, verifies each, and handles each once.

QUEUE_URL=https://sqs.… SECRETS=whsec_… python queue_consumer.py        # 轮换期间两个密钥 during a rotation both, by a space
"""

import hmac
import json
import os
from datetime import UTC, datetime, timedelta

import boto3
from standardwebhooks.webhooks import Webhook

SECRETS = os.environ["SECRETS"].split()
known = set()  # yours: a table with the id as its key, written together with what the event changes


def verified(message):
    """The event, None unless one of the secrets signed it, within five minutes of when it was sent: a backlog makes no event stale."""
    proof = {name: held["StringValue"] for name, held in message.get("MessageAttributes", {}).items()}
    try:
        signed_at = datetime.fromtimestamp(int(proof["webhook-timestamp"]), UTC)
        signatures = [Webhook(secret).sign(proof["webhook-id"], signed_at, message["Body"]) for secret in SECRETS]
        offered = proof["webhook-signature"].split()
    except (KeyError, ValueError):
        return None
    sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    if not any(hmac.compare_digest(mine, theirs) for mine in signatures for theirs in offered) or abs(sent_at - signed_at) > timedelta(
        minutes=5
    ):
        return None
    return json.loads(message["Body"])


def handle(event):
    """Yours."""
    print(json.dumps(event, ensure_ascii=False), flush=True)


def take(sqs, url):
    """Handles up to ten messages; how many there were."""
    wanted = {"AttributeNames": ["SentTimestamp"], "MessageAttributeNames": ["All"]}
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20, **wanted).get("Messages", [])
    for message in messages:
        event = verified(message)
        if event is None:
            continue  # not ours: it goes to the dead letters of your queue
        if event["id"] not in known:
            handle(event)
            known.add(event["id"])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


if __name__ == "__main__":
    while True:
        take(boto3.client("sqs"), os.environ["QUEUE_URL"])
