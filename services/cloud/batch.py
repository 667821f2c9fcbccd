"""How a function takes a batch from a queue: message by message, so that one failure does not hold up the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext


def each(event: dict[str, Any], keep: Callable[[SQSRecord], None], context: LambdaContext) -> PartialItemFailureResponse:
    """Hands each message to `keep` (whose parameter must be named `record`); what raises goes back to the queue alone.

    Only infrastructure faults may raise: what no retry can mend is set aside by `keep` itself.
    """
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, keep, processor, context)
