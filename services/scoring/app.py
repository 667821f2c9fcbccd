"""Handler of scoring: `count` folds the Ledger's stream into Scores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cloud import stream
from cloud.settings import settings
from contract.ledger import RatingFacts
from scoring import scores
from scoring.fold import Counted, Delta, fold
from scoring.lanes import Checkpoint

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloud.stream import StreamRecord

logger = Logger(service="scoring")
metrics = Metrics(namespace="Haochaping", service="scoring")


@logger.inject_lambda_context
@metrics.log_metrics
def count(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Every rating of the batch, once on each of its nodes. An infrastructure fault raises: the lane stops and comes again."""
    if not event["Records"]:
        return stream.DONE
    lane = stream.lane_of(event)
    deltas = fold(stream.made(event, _counted))
    _flush(deltas, lane)
    metrics.add_metric(name="ScoreUpdates", unit=MetricUnit.Count, value=len(deltas))
    return stream.DONE


def _counted(record: StreamRecord) -> Counted:
    # The mapping filters by key prefix; what is left is a rating, or something that should not be there.
    entry = stream.inserted(record)
    return Counted(Checkpoint(entry.sequence, entry.created), RatingFacts.model_validate(entry.new))


def _flush(deltas: list[Delta], lane: str) -> None:
    # Each item is guarded by itself, so their order does not matter; the first fault is raised after all have been tried.
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        for written in [pool.submit(scores.add, delta, lane) for delta in deltas]:
            written.result()
