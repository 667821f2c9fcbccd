"""Handlers of notify: `dispatch` writes the feed and queues a delivery per subscriber, `deliver` calls the subscriber."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cloud import batch, clock, queue, secrets
from cloud.settings import settings
from contract.events import cloud_event
from notify import feed, subscriptions, webhook
from notify.delivery import Delivery, signed

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="notify")
metrics = Metrics(namespace="Haochaping", service="notify")


@logger.inject_lambda_context
def dispatch(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Every result event once into the feed, and one message per subscriber that wants it."""
    return batch.each(event, _dispatch, context)


def _dispatch(record: SQSRecord) -> None:
    told = json.loads(record.body)
    news = cloud_event(told["detail-type"], told["source"], told["detail"])
    feed.append(news)
    # Also for an event that was in the feed already: an earlier try may have stopped before this line. Subscribers know it by its id.
    wanted = [subscriber for subscriber in subscriptions.active() if subscriber.wants(told["detail-type"])]
    deliveries = (Delivery(subscription=subscriber.id, event=news).model_dump_json() for subscriber in wanted)
    queue.send_all(settings().delivery_queue_url, deliveries)


@logger.inject_lambda_context
@metrics.log_metrics
def deliver(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """One signed call per message; what is not taken is tried again by the queue."""
    return batch.each(event, _deliver, context)


def _deliver(record: SQSRecord) -> None:
    delivery = Delivery.model_validate_json(record.body)
    subscriber = subscriptions.find(delivery.subscription)
    if subscriber is None:
        logger.info("subscription is gone", subscription=delivery.subscription)
        return
    body, headers = signed(delivery.event, secrets.signing_secrets(f"subscription/{subscriber.id}"), clock.wall())
    webhook.post(subscriber.url, body, headers)
    metrics.add_metric(name="Delivered", unit=MetricUnit.Count, value=1)
