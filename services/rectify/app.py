"""Handlers of rectify: `handle` decides commands, `deadlines` finds what is due, `relay` tells the bus what happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from cloud import batch, bus, clock, queue, registry, segments, stream
from cloud.segments import Line
from cloud.settings import settings
from contract.codes import RatingKind
from contract.events import BadRatingAccepted, CaseOpened, CaseOverdue, Event, event_id
from contract.ledger import CaseStep, RatingFacts
from contract.zone import day_of, hour_of
from policy.rules import in_force
from rectify import cases
from rectify.case import BecameOverdue, Case, Command, OpenCase, Opened, PassDeadline, decide, evolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloud.stream import StreamRecord
    from policy.rules import Policy

logger = Logger(service="rectify")
_TRIES = 3


@logger.inject_lambda_context
def handle(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Every command of the batch, decided and saved once."""
    return batch.each(event, _handle, context)


def _handle(record: SQSRecord) -> None:
    message = json.loads(record.body)
    if "detail" in message:
        rating = BadRatingAccepted.model_validate(message["detail"]).rating
        # A supervisory check looks at the service as a whole; what it finds is no complaint of one person.
        if rating.kind is not RatingKind.SUPERVISION:
            _carry_out(OpenCase(rating=rating))
    else:
        _carry_out(PassDeadline.model_validate(message))


def _carry_out(command: Command) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            _decide_and_save(command)
        except cases.Clash:
            if attempt == _TRIES:
                raise
        else:
            return


def _decide_and_save(command: Command) -> None:
    case, decided = cases.load(command.case_id, command.command_id)
    if decided:
        return
    facts = decide(case, command, _policy_of(command), clock.now())
    after = case
    for fact in facts:
        after = evolve(after, fact)
    if facts and after:
        cases.save(case, after, facts, command)


def _policy_of(command: Command) -> Policy | None:
    """The policy of the rating's region on the day it was received; a clock is never judged by later rules."""
    if not isinstance(command, OpenCase):
        return None
    region = command.rating.region_code
    return in_force(registry.rules(region), region, day_of(command.rating.received_hour))


@logger.inject_lambda_context
def deadlines(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Sends one step per deadline that has passed, all of them, the oldest first; answers how many.

    The cost grows with what is due. What a step does is decided by `handle`, which ignores one whose clock has stopped or moved.
    """
    now = clock.now()
    steps = (step.model_dump_json() for case in cases.due(now) for step in _passed(case, now))
    return {"sent": queue.send_all(settings().rectify_inbox_url, steps)}


def _passed(case: Case, now: datetime) -> Iterator[PassDeadline]:
    for name, deadline in case.clocks.items():
        if not deadline.overdue and deadline.due_at <= now:
            yield PassDeadline(case_id=case.case_id, clock=name, due_at=deadline.due_at)


@logger.inject_lambda_context
def relay(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The stream of Cases: every history entry becomes a result event, and a line of a raw segment."""
    if not event["Records"]:
        return stream.DONE
    # The mapping filters by key prefix, so that only history comes here.
    lane = stream.lane_of(event)
    # Apart: a step that makes no news is counted all the same, and must have its line.
    told = list(stream.made(event, lambda record: (record, _line_of(lane, record))))
    segments.write(line for _, line in told)
    bus.publish(list(stream.made_of((record for record, _ in told), stream.table_of(event), _event_of)))
    return stream.DONE


def _line_of(lane: str, record: StreamRecord) -> Line:
    step = CaseStep.model_validate(stream.inserted(record).new)
    day, key = step.day.isoformat(), f"{record.pk}/{record.sk}"
    return Line(day, (day,), lane, record.sequence, record.created, "H", key, step.plain())


def _event_of(record: StreamRecord) -> Event:
    fact, rating = cases.fact_of(record.new), RatingFacts.model_validate(record.new["rating"])
    id = event_id(fact.fact, record.pk, record.sk)
    match fact:
        case Opened():
            return CaseOpened(
                event_id=id,
                happened_at=hour_of(fact.at),
                case_id=fact.case_id,
                rating=rating,
                due={clock: deadline.due_at for clock, deadline in fact.clocks.items()},
                provisional=tuple(clock for clock, deadline in fact.clocks.items() if deadline.provisional),
                policy_version=fact.policy_version,
            )
        case BecameOverdue():
            return CaseOverdue(
                event_id=id,
                happened_at=fact.at,
                case_id=record.pk,
                rating_id=rating.rating_id,
                organisation=rating.organisation,
                region_code=rating.region_code,
                clock=fact.clock,
                due_at=fact.due_at,
            )
