"""Handlers of intake that no request waits for.

`accept` empties the Inbox and `resubmit` the operator's queue; `annotate` puts beside a rating what rectify decided; `relay` and
`announce` tell what the tables' streams hold; `sweep` comes back to what waited long enough; `sample` draws the call-back sample;
`reconcile` compares the Ledger with its segments.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import ClientError

from cloud import batch, bus, clock, segments, stream
from contract.arrival import UNREGISTERED
from contract.events import AppealGranted, AppealOverturned, CaseReplied, MessagesRefused, event_id
from contract.refusals import Refused
from contract.zone import day_of
from intake import door, ledger, quarantine, reconciliation, resubmission, sampling, telling, unrated, waiting
from intake.admission import Outcome
from intake.ground import policy_of, province_region
from intake.marks import Answered, Turned
from intake.settling import admit_parked
from intake.take import take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cloud.registry import Party
    from cloud.stream import StreamRecord
    from cloud.table import Item
    from contract.arrival import Arrival

logger = Logger(service="intake")
metrics = Metrics(namespace="Haochaping", service="intake")

_DECISIONS: dict[str, type[AppealGranted | AppealOverturned]] = {"AppealGranted": AppealGranted, "AppealOverturned": AppealOverturned}
# A sweep ends before the function does; what is left is found by the next one.
_SPARE_MILLISECONDS = 20_000


@logger.inject_lambda_context
@metrics.log_metrics
def accept(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Every message of the batch ends accepted, duplicate, parked or refused; only infrastructure faults go back to the queue."""
    return batch.each(event, _accept, context)


def _accept(record: SQSRecord) -> None:
    arrival = batch.arrival_of(record)
    _account_for(arrival, lambda: door.check_origin(arrival))


def _account_for(arrival: Arrival, check_origin: Callable[[], Party]) -> Outcome:
    keys, proven = door.keys(), False
    try:
        party = check_origin()
        proven = True
        outcome = take(door.read(arrival, party), arrival, keys)
    except Refused as refused:
        quarantine.keep(arrival, arrival.body, refused.reasons, keys, proven=proven, proof=quarantine.proof_of(arrival))
        outcome = Outcome.REFUSED
        logger.info("refused", codes=[reason.code for reason in refused.reasons])
    metrics.add_metric(name=outcome.value.capitalize(), unit=MetricUnit.Count, value=1)
    return outcome


@logger.inject_lambda_context
@metrics.log_metrics
def resubmit(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """The operator's queue: each message is taken as when it first came, with its original party, id, time and proof."""
    return batch.each(event, _resubmit, context)


def _resubmit(record: SQSRecord) -> None:
    sent, keys = batch.sent_with(record), door.keys()
    again = resubmission.of(record.body, sent, record.message_id, keys)
    outcome = _account_for(again.arrival, lambda: resubmission.check_origin(again))
    if again.kept:
        quarantine.note_resubmission(again.kept, record.body, sent, outcome.value, record.message_id, keys)


@logger.inject_lambda_context
@metrics.log_metrics
def annotate(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """What rectify decided, put beside its rating: answered (`A#`), excluded and restored (`X#`). Told twice, it is put once."""
    return batch.each(event, _annotate, context)


def _annotate(record: SQSRecord) -> None:
    told = json.loads(record.body)
    detail, keys = told["detail"], door.keys()
    if told["detail-type"] == "CaseReplied":
        replied = CaseReplied.model_validate(detail)
        # A second reply of a case adds nothing: the rater has an answer.
        ledger.mark(Answered.of(replied).item(keys.open_rating_id(replied.rating_id)))
        return
    decided = _DECISIONS[told["detail-type"]].model_validate(detail)
    if not ledger.mark(Turned.of(decided).item(keys.open_rating_id(decided.rating.rating_id))):
        # The queue keeps it, and then its dead letters: two decisions of one turn cannot both be right.
        raise ValueError(f"{decided.event_id}: another decision holds this turn")


@logger.inject_lambda_context
@metrics.log_metrics
def relay(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Ledger's stream: every record into a raw segment, what somebody must act on onto the bus."""
    if not event["Records"]:
        return stream.DONE
    lane, keys = stream.lane_of(event), door.keys()

    # Apart: what makes no news is counted all the same, and must have its line.
    told = list(stream.made(event, lambda record: (record, telling.line(lane, _unaltered(record), keys))))
    segments.write(line for _, line in told)
    records = (record for record, _ in told)
    news = list(filter(None, stream.made_of(records, stream.table_of(event), lambda record: telling.news_of(record, keys))))
    bus.publish(news)
    metrics.add_metric(name="Relayed", unit=MetricUnit.Count, value=len(news))
    return stream.DONE


def _unaltered(record: StreamRecord) -> StreamRecord:
    try:
        return stream.inserted(record)
    except stream.Altered:
        metrics.add_metric(name="LedgerAltered", unit=MetricUnit.Count, value=1)
        raise


@logger.inject_lambda_context
def announce(event: dict[str, Any], context: LambdaContext) -> None:
    """Quarantine's stream: one announcement per party and batch (the mapping gathers a minute), with the count per code."""
    refused: dict[str, list[_Refused]] = defaultdict(list)
    for record in filter(None, stream.made(event, _refused)):
        refused[record.party].append(record)
    bus.publish([_refusals(party, records) for party, records in refused.items()])


class _Refused(NamedTuple):
    """A refused message, as it is announced."""

    key: tuple[str, str]
    party: str
    received_at: datetime
    codes: list[str]


def _refused(record: StreamRecord) -> _Refused | None:
    if quarantine.is_note(record.new):
        return None  # an operator sent it again; what comes of that is told by itself
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


@logger.inject_lambda_context
@metrics.log_metrics
def sweep(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Everything in Waiting whose time is over, the oldest first: parked ratings are released as policy says, unrated services concluded.

    Answers how many of each. The cost grows with what is due; one that cannot be dealt with is left for the next sweep and holds up nobody.
    """
    keys, now = door.keys(), clock.now()
    released = _each_due(waiting.overdue_parked(now), lambda item: admit_parked(waiting.Parked.of(item), keys, is_over=True), context)
    concluded = _each_due(waiting.overdue_unrated(now), lambda item: unrated.conclude(waiting.Unrated.of(item), keys, now), context)
    metrics.add_metric(name="Released", unit=MetricUnit.Count, value=released)
    metrics.add_metric(name="Concluded", unit=MetricUnit.Count, value=concluded)
    return {"released": released, "concluded": concluded}


def _each_due(due: Iterable[Item], conclude: Callable[[Item], None], context: LambdaContext) -> int:
    done = 0
    for found in due:
        if context.get_remaining_time_in_millis() < _SPARE_MILLISECONDS:
            break
        try:
            conclude(found)
        except (ledger.Moved, Refused, ClientError, ValueError, KeyError, TypeError) as error:
            logger.error("left for the next sweep", error=type(error).__name__)
            metrics.add_metric(name="SweepFailed", unit=MetricUnit.Count, value=1)
        else:
            done += 1
    return done


@logger.inject_lambda_context
def sample(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Draws yesterday's call-back sample of the province where policy asks for one. Run again, it draws the same."""
    now, region = clock.now(), province_region()
    day = day_of(now) - timedelta(days=1)
    policy = policy_of(region, now)
    per_mille = policy.callback_sample_per_mille
    survey = sampling.survey_of(day, region)
    if not per_mille:
        return {"survey": survey, "drawn": 0}
    head, chosen = sampling.draw(day, policy, region, per_mille, sampling.seed_of(survey, door.keys()), now)
    return {"survey": survey, "drawn": head.drawn, "recorded": sampling.record(head, chosen)}


@logger.inject_lambda_context
@metrics.log_metrics
def reconcile(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Goes on with this month's comparison of Ledger and segments; answers at once when it is done. Differences are named and alarmed."""
    yesterday = (day_of(clock.now()) - timedelta(days=1)).isoformat()
    scan = reconciliation.load(yesterday[:7], yesterday)
    if scan.finished:
        return reconciliation.report(scan)
    scan = reconciliation.go_on(scan, door.keys(), lambda: context.get_remaining_time_in_millis() > _SPARE_MILLISECONDS)
    for finding in scan.findings:
        logger.error("ledger and segments differ", day=finding.day, lacking=finding.lacking, entry=finding.entry)
    metrics.add_metric(name="Unreconciled", unit=MetricUnit.Count, value=scan.missing)
    return reconciliation.report(scan)
