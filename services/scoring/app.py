"""Handlers of scoring: `count` folds the streams of Ledger and Cases into Scores, `recount` proves it, `publish` closes periods."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError

from cloud import clock, stream
from cloud.settings import settings
from contract.ledger import counted
from contract.zone import day_of
from scoring import recount as recounting
from scoring import scores
from scoring.fold import Delta, Placed, fold
from scoring.lanes import Checkpoint
from scoring.published import publishing

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloud.stream import StreamRecord

logger = Logger(service="scoring")
metrics = Metrics(namespace="Haochaping", service="scoring")


@logger.inject_lambda_context
@metrics.log_metrics
def count(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Every entry of the batch, once on each of its nodes. An infrastructure fault raises: the lane stops and comes again."""
    if not event["Records"]:
        return stream.DONE
    lane = stream.lane_of(event)
    deltas = fold(filter(None, stream.made(event, _placed)))
    _flush(deltas, lane)
    metrics.add_metric(name="ScoreUpdates", unit=MetricUnit.Count, value=len(deltas))
    return stream.DONE


def _placed(record: StreamRecord) -> Placed | None:
    entry = stream.inserted(record)
    found = counted(entry.sk, entry.new)
    return Placed(Checkpoint(entry.sequence, entry.created), found) if found else None


def _flush(deltas: list[Delta], lane: str) -> None:
    # Each item is guarded by itself, so their order does not matter; the first fault is raised after all have been tried.
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        for written in [pool.submit(_add, delta, lane) for delta in deltas]:
            written.result()


def _add(delta: Delta, lane: str) -> None:
    try:
        scores.add(delta, lane)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        # The item would be larger than one may be: it is left as it is, and its lane goes on.
        note = {"table": settings().scores_table, "pk": delta.key.pk, "sk": delta.key.sk, "sequence": str(delta.first.sequence)}
        stream.set_aside(note | {"reason": "ValidationException"})


# So long before its end a function stops, and goes on in the next run.
_SPARE_MILLISECONDS = 60_000
# Of what is older than a late rating reaches, one day in turn is recounted: appeals and services rated late still move it.
_IN_TURN_FROM, _IN_TURN_DAYS = 10, 90


@logger.inject_lambda_context
@metrics.log_metrics
def recount(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Counts a day again from its segments: `days_back` days ago, or one of the quarter before in its turn. It corrects nothing."""
    today = day_of(clock.now())
    back = event.get("days_back") or _IN_TURN_FROM + today.toordinal() % _IN_TURN_DAYS
    report = recounting.recount(today - timedelta(days=back), f"nightly-{today}", correct=False, now=clock.wall())
    if report.differences:
        logger.error("counts are not those of their entries", day=report.day, differences=report.differences)
    metrics.add_metric(name="ScoresDiffer", unit=MetricUnit.Count, value=report.differences)
    return report.plain()


@logger.inject_lambda_context
@metrics.log_metrics
def publish(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publishes the months, quarters and years that are due, and revisions of those whose figures have changed; goes on in the next run."""
    told = publishing.publish_due(lambda: context.get_remaining_time_in_millis() > _SPARE_MILLISECONDS)
    metrics.add_metric(name="ResultsPublished", unit=MetricUnit.Count, value=len(told))
    return {"published": [f"{news.period} r{news.revision}" for news in told]}
