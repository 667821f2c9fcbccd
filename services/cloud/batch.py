"""How a function takes a batch from a queue: message by message, so that one failure does not hold up the others."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, ExceptionInfo, FailureResponse, process_partial_response
from botocore.exceptions import ClientError

from cloud import clock
from contract import arrival

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from contract.arrival import Arrival

logger = Logger(service="batch")


def each(event: dict[str, Any], keep: Callable[[SQSRecord], None], context: LambdaContext) -> PartialItemFailureResponse:
    """Hands each message to `keep` (whose parameter must be named `record`); what raises goes back to the queue alone.

    Only infrastructure faults may raise: what no retry can mend is set aside by `keep` itself.
    """
    processor = _Telling(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, keep, processor, context)


def sent_with(record: SQSRecord) -> dict[str, str]:
    """The attributes that a message was sent with."""
    held = record.raw_event.get("messageAttributes", {})
    return {name: attribute.get("stringValue") or "" for name, attribute in held.items()}


def arrival_of(record: SQSRecord) -> Arrival:
    """A party's message as it reached the queue."""
    queue = record.raw_event["attributes"]
    return arrival.of(
        record.body,
        sent_with(record),
        record.message_id,
        clock.unmoved(queue["SentTimestamp"]),
        clock.at_milliseconds(queue["SentTimestamp"]),
        sender=queue.get("SenderId", ""),
        is_redelivery=int(queue["ApproximateReceiveCount"]) > 1,
    )


class _Telling(BatchProcessor):
    """Logs what failed: the kind of error and where, never its text, which may repeat what was sent."""

    def failure_handler(self, record: Any, exception: ExceptionInfo) -> FailureResponse:
        kind, error, trace = exception
        code = f"{error.operation_name}: {error.response['Error']['Code']}" if isinstance(error, ClientError) else ""
        where = traceback.format_tb(trace, -3) if trace else []
        logger.error("message failed", error=kind.__name__ if kind else "", code=code, where=where, message_id=record.message_id)
        return super().failure_handler(record, exception)
