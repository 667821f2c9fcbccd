"""Handlers of intake: `accept` empties the Inbox, `relay` and `announce` tell what the tables' streams hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cloud import batch, bus, clock, stream
from contract.events import BadRatingAccepted, MessagesRefused, event_id
from contract.ledger import RatingFacts
from contract.refusals import Refused
from intake import door, quarantine, segments
from intake.admission import Outcome
from intake.arrival import UNREGISTERED, Arrival
from intake.arrival import of as arrival_of
from intake.take import take

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloud.stream import StreamRecord

logger = Logger(service="intake")
metrics = Metrics(namespace="Haochaping", service="intake")


@logger.inject_lambda_context
@metrics.log_metrics
def accept(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Every message of the batch ends accepted, duplicate, parked or refused; only infrastructure faults go back to the queue."""
    return batch.each(event, _accept, context)


def _accept(record: SQSRecord) -> None:
    arrival = _arrival(record)
    keys = door.keys()
    try:
        outcome = take(door.open_message(arrival), arrival, keys)
    except Refused as refused:
        quarantine.keep(arrival, arrival.body, refused.reasons, keys)
        outcome = Outcome.REFUSED
        logger.info("refused", codes=[reason.code for reason in refused.reasons])
    metrics.add_metric(name=outcome.value.capitalize(), unit=MetricUnit.Count, value=1)


def _arrival(record: SQSRecord) -> Arrival:
    held = record.raw_event.get("messageAttributes", {})
    sent = {name: attribute.get("stringValue") or "" for name, attribute in held.items()}
    queue = record.raw_event["attributes"]
    sent_at, received_at = clock.unmoved(queue["SentTimestamp"]), clock.at_milliseconds(queue["SentTimestamp"])
    again = int(queue["ApproximateReceiveCount"]) > 1
    return arrival_of(record.body, sent, record.message_id, sent_at, received_at, is_redelivery=again)


@logger.inject_lambda_context
@metrics.log_metrics
def relay(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Ledger's stream: every record into a raw segment, bad ratings onto the bus."""
    if not event["Records"]:
        return stream.DONE
    lane = stream.lane_of(event)
    entries = list(stream.made(event, lambda record: _entry(lane, record)))
    segments.write(entry.line for entry in entries)
    news = [entry.news for entry in entries if entry.news]
    bus.publish(news)
    metrics.add_metric(name="Relayed", unit=MetricUnit.Count, value=len(news))
    return stream.DONE


class _Entry(NamedTuple):
    """What becomes of a Ledger entry: always a line of a segment, sometimes news."""

    line: segments.Line
    news: BadRatingAccepted | None


def _entry(lane: str, record: StreamRecord) -> _Entry:
    try:
        stream.inserted(record)
    except stream.Altered:
        metrics.add_metric(name="LedgerAltered", unit=MetricUnit.Count, value=1)
        raise
    rating = RatingFacts.model_validate(record.new) if record.sk.startswith("R#") else None
    return _Entry(segments.line(lane, record, rating), _bad_rating(rating) if rating and rating.level.is_bad else None)


def _bad_rating(rating: RatingFacts) -> BadRatingAccepted:
    id = event_id("BadRatingAccepted", rating.rating_id)
    return BadRatingAccepted(event_id=id, happened_at=rating.received_hour, rating=rating)


@logger.inject_lambda_context
def announce(event: dict[str, Any], context: LambdaContext) -> None:
    """Quarantine's stream: one announcement per party and batch (the mapping gathers a minute), with the count per code."""
    refused: dict[str, list[_Refused]] = defaultdict(list)
    for record in stream.made(event, _refused):
        refused[record.party].append(record)
    bus.publish([_refusals(party, records) for party, records in refused.items()])


class _Refused(NamedTuple):
    """A refused message, as it is announced."""

    key: tuple[str, str]
    party: str
    received_at: datetime
    codes: list[str]


def _refused(record: StreamRecord) -> _Refused:
    codes = [reason["code"] for reason in record.new["reasons"]]
    party = UNREGISTERED if "unknown_party" in codes else str(record.new["party"])
    return _Refused((record.pk, record.sk), party, datetime.fromisoformat(record.new["received_at"]), codes)


def _refusals(party: str, records: list[_Refused]) -> MessagesRefused:
    first, last = records[0], records[-1]
    return MessagesRefused(
        event_id=event_id("MessagesRefused", *first.key, *last.key),
        happened_at=last.received_at,
        party=party,
        count=len(records),
        codes=dict(Counter(code for record in records for code in record.codes)),
    )
