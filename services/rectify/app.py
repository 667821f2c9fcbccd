"""Handlers of rectify that no request waits for.

`handle` opens cases and passes deadlines; `command` carries out what parties send; `deadlines` finds what is due; `reconcile` looks for bad
ratings without a case, and for a calendar that is known better; `relay` tells what the table's stream holds.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import Field, TypeAdapter

from cloud import batch, bus, clock, queue, segments, stream
from cloud.segments import Line
from cloud.settings import settings
from contract.codes import RatingKind
from contract.events import BadRatingAccepted
from contract.ledger import CaseStep
from contract.zone import day_of
from rectify import cases, deciding, incoming, reconciling, telling
from rectify.naming import case_id_of
from rectify.orders import OpenCase, PassStep, Recount, TakeFollowUp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloud.stream import StreamRecord
    from contract.events import Event

logger = Logger(service="rectify")
metrics = Metrics(namespace="Haochaping", service="rectify")

_OWN: TypeAdapter[PassStep | Recount] = TypeAdapter(Annotated[PassStep | Recount, Field(discriminator="order")])


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """What only the bus, our own functions and the operator can send: bad ratings, steps of clocks, commands that come once more."""
    return batch.each(event, _handle, context)


def _handle(record: SQSRecord) -> None:
    message = json.loads(record.body)
    if "detail" in message:
        _take_rating(BadRatingAccepted.model_validate(message["detail"]))
    elif "resubmit" in message:
        incoming.resubmit(message["resubmit"])
    else:
        deciding.carry_out(_OWN.validate_python(message))


def _take_rating(told: BadRatingAccepted) -> None:
    # A supervisory check looks at the service as a whole; what it finds is no complaint of one person.
    if told.rating.kind is RatingKind.SUPERVISION:
        return
    if told.follows:
        deciding.carry_out(TakeFollowUp(case_id=case_id_of(told.follows), rating=told.rating))
    else:
        deciding.carry_out(OpenCase(rating=told.rating, receipt_sha256=told.receipt_sha256))


@logger.inject_lambda_context
def command(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Every command of the batch is carried out or refused, once, and what became of it is told on the bus."""
    return batch.each(event, _command, context)


def _command(record: SQSRecord) -> None:
    incoming.take(batch.arrival_of(record))


@logger.inject_lambda_context
def deadlines(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Sends one message for each step of a clock that has come, all of them, the oldest first; answers how many.

    The cost grows with what is due. What a step does is decided by `handle`, which ignores one whose clock has stopped or moved.
    """
    return {"sent": queue.send_all(settings().rectify_inbox_url, (step.model_dump_json(exclude_none=True) for step in _due()))}


def _due() -> Iterator[PassStep]:
    for case_id, steps in cases.due(clock.now()):
        for _, name, level, due_at in steps:
            yield PassStep(case_id=case_id, clock=name, due_at=due_at, level=level)


@logger.inject_lambda_context
@metrics.log_metrics
def reconcile(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Bad ratings of a day (`days_back` from today) = cases opened: each that is missing is named, alarmed and announced again.

    After a change of the calendar, open deadlines are worked out anew.
    """
    day = day_of(clock.now()) - timedelta(days=int(event["days_back"]))
    found = reconciling.reconcile(day)
    for rating_id in found.missing:
        logger.error("a bad rating has no case", day=day.isoformat(), rating_id=rating_id)
    metrics.add_metric(name="CasesMissing", unit=MetricUnit.Count, value=len(found.missing))
    return {"day": day.isoformat(), "bad": found.bad, "missing": len(found.missing), "recounted": reconciling.recount_calendar()}


@logger.inject_lambda_context
def relay(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The stream of Cases: every history entry becomes a result event and a line of a raw segment, every command of the queue an answer."""
    if not event["Records"]:
        return stream.DONE
    # The mapping filters by key prefix, so that only history and outcomes come here.
    lane = stream.lane_of(event)
    # Apart: a step that makes no news is counted all the same, and must have its line.
    told = list(stream.made(event, lambda record: (record, _line_of(lane, record))))
    segments.write(line for _, line in told if line)
    news = stream.made_of((record for record, _ in told), stream.table_of(event), _events_of)
    bus.publish([event for events in news for event in events])
    return stream.DONE


def _line_of(lane: str, record: StreamRecord) -> Line | None:
    if not record.sk.startswith("H#"):
        return None
    step = CaseStep.model_validate(stream.inserted(record).new)
    day, key = step.day.isoformat(), f"{record.pk}/{record.sk}"
    return Line(day, (day,), lane, record.sequence, record.created, "H", key, step.plain())


def _events_of(record: StreamRecord) -> list[Event]:
    if record.sk.startswith("H#"):
        return telling.events_of(cases.entry_of(record.pk, record.new))
    return telling.answers_of(record.pk, record.sk, record.new)
