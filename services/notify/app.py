"""Handlers of notify that no request waits for.

`dispatch` writes the feed and queues a delivery per subscriber, `deliver` hands it over, `sweep` comes back to what is due and `archive`
to what is old; `seal` seals the Ledger, `report` tells the level above, `reconcile` compares what it took.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from cloud import batch, clock
from cloud.bus import NotPublished
from cloud.queue import NotSent
from cloud.settings import settings
from contract.events import cloud_event
from notify import archiving, delivering, dispatching, feed, sweeping
from notify.cursor import shard_of
from notify.delivery import Delivery
from notify.ground import policy_of

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="notify")
metrics = Metrics(namespace="Haochaping", service="notify")

_FAULTS = (ClientError, BotoCoreError, feed.HeadMoved, NotSent, NotPublished, OSError)
# A run ends before the function does; what is left is found by the next one.
_SPARE_MILLISECONDS = 20_000


@logger.inject_lambda_context
@metrics.log_metrics
def dispatch(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Every result event once into the feed, and one message per subscriber that wants it.

    Events of one shard go together; if that fails, all of them come again, which changes nothing about those that are there.
    """
    shards: dict[int, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    failed: list[str] = []
    for record in event["Records"]:
        try:
            told = json.loads(record["body"])
            news = cloud_event(told["detail-type"], told["source"], told["detail"])
            shards[shard_of(news)].append((record["messageId"], news))
        except (ValueError, KeyError, TypeError) as error:
            # Only the bus sends here: what is no event goes to the dead letters, and is alarmed.
            logger.error("no event", error=type(error).__name__, message_id=record["messageId"])
            failed.append(record["messageId"])
    for shard, of_shard in shards.items():
        failed += _take(shard, of_shard)
    metrics.add_metric(name="Dispatched", unit=MetricUnit.Count, value=len(event["Records"]) - len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _take(shard: int, news: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Takes events of one shard, each with the id of its message; which messages are to come again.

    One that cannot be dealt with holds up no other: they are taken one by one then.
    """
    try:
        dispatching.take(shard, [event for _, event in news])
    except _FAULTS as error:
        logger.error("not dispatched", error=type(error).__name__, shard=shard, events=len(news))
    except (ValueError, KeyError, TypeError) as error:
        if len(news) > 1:
            return [message_id for one in news for message_id in _take(shard, [one])]
        logger.error("not understood", error=type(error).__name__, message_id=news[0][0])
    else:
        return []
    return [message_id for message_id, _ in news]


@logger.inject_lambda_context
@metrics.log_metrics
def deliver(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """One signed call per message; what is not taken waits in the Deliveries table for its next try."""
    return batch.each(event, _deliver, context)


def _deliver(record: SQSRecord) -> None:
    outcome = delivering.deliver(Delivery.model_validate_json(record.body))
    metrics.add_metric(name=outcome.capitalize(), unit=MetricUnit.Count, value=1)


@logger.inject_lambda_context
@metrics.log_metrics
def sweep(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """What has come due: tries, probes, replays, messages of the morning. Answers how many of each."""
    return sweeping.sweep(_is_time(context))


@logger.inject_lambda_context
def archive(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Moves blocks of the feed that are older than policy keeps them into its archive; how many."""
    now = clock.now()
    kept = timedelta(days=policy_of(settings().province, now).feed_days)
    return {"blocks": archiving.archive_until(now - kept, _is_time(context))}


@logger.inject_lambda_context
@metrics.log_metrics
def seal(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Seals what came into the Ledger since the last run, and closes the days that are over; how much of it."""
    from notify.sealed import sealing  # here and below: what dispatch and deliver never use costs them no start

    if sealing.is_late():  # first: the run may fail, as those before
        metrics.add_metric(name="SealLate", unit=MetricUnit.Count, value=1)
    return sealing.seal(_is_time(context))


@logger.inject_lambda_context
@metrics.log_metrics
def report(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Reports to every level above what was sealed and what became of cases; what came of it, for each."""
    from notify.upward import reporting

    return reporting.report(_is_time(context))


@logger.inject_lambda_context
@metrics.log_metrics
def reconcile(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Compares what was to be reported with what was taken or refused, day by day; what differs, for each level above."""
    from notify.upward import reconciling

    return reconciling.reconcile(_is_time(context))


def _is_time(context: LambdaContext) -> Any:
    return lambda: context.get_remaining_time_in_millis() > _SPARE_MILLISECONDS
