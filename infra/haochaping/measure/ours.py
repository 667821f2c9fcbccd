"""Ratings through our own handlers on the model, as channels send them and as their stream hands them over."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.zone import SHANGHAI
from haochaping import provinces
from haochaping.demo import morning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from haochaping.measure.model import Model
    from haochaping.sending import Letter

STREAM_BATCH = 100
QUEUE_BATCH = 10
CONTEXT: Any = SimpleNamespace(function_name="bench", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="1")
_NOW = datetime(2026, 11, 24, 15, tzinfo=SHANGHAI)


class Cost(NamedTuple):
    """What one way of doing it costs per rating."""

    name: str
    calls: float
    writes: float
    persons: float
    write_units: float
    read_units: float
    cpu_ms: float

    @property
    def cpu_ms_per_batch(self) -> float:
        """CPU time of a batch of the queue, ten messages."""
        return self.cpu_ms * QUEUE_BATCH


class Visit(NamedTuple):
    """A service event and its rating, as they are sent."""

    event: Letter
    rating: Letter


def visits(ratings: int) -> list[Visit]:
    """Services at windows and online with one rating each, as the morning draws them; all in canonical form."""
    drawn = morning.Draw(provinces.read("zhejiang"), seed=1, now=_NOW)
    found = [drawn.visit(number) for number in range(ratings)]
    return [Visit(drawn.letter("hall-devices", visit.event), drawn.letter("hall-devices", visit.rating)) for visit in found]


def measured(name: str, model: Model, ratings: int, work: Callable[[], None]) -> Cost:
    """What some work costs for each of so many ratings; the model's own time is taken off."""
    before, inside = _counted(model), model.seconds
    started = time.process_time()
    work()
    cpu = time.process_time() - started - (model.seconds - inside)
    spent = [(now - then) / ratings for now, then in zip(_counted(model), before, strict=True)]
    return Cost._make([name, *spent, cpu * 1000 / ratings])


def _counted(model: Model) -> list[float]:
    persons = model.writes["vault_table"]
    return [model.calls.total(), model.writes.total(), persons, model.write_units, model.read_units]


def together(name: str, *costs: Cost) -> Cost:
    """The sum of costs."""
    return Cost(name, *(sum(values) for values in zip(*(cost[1:] for cost in costs), strict=True)))


def accept(letters: Iterable[Letter]) -> None:
    """Hands these messages to intake, ten at a time."""
    from intake.app import accept as handler

    for batch in batches(letters):
        handler(batch, CONTEXT)


def batches(letters: Iterable[Letter]) -> list[dict[str, Any]]:
    """Messages as the queue hands them over."""
    records = [_sqs_record(letter) for letter in letters]
    return [{"Records": records[n : n + QUEUE_BATCH]} for n in range(0, len(records), QUEUE_BATCH)]


def each(events: list[dict[str, Any]], handler: Callable[[dict[str, Any], Any], Any]) -> None:
    """Invokes a handler with one event after the other."""
    for event in events:
        handler(event, CONTEXT)


def admitted(model: Model, taken: list[Visit]) -> tuple[Cost, list[dict[str, Any]]]:
    """What accepting these ratings costs once their events are known; and what the Ledger's stream then hands over."""
    from intake.app import accept as handler

    accept(visit.event for visit in taken)
    waiting = batches(visit.rating for visit in taken)
    model.inserted.clear()
    cost = measured("接收 intake.accept (event known)", model, len(taken), lambda: each(waiting, handler))
    entries = model.stream("ledger_table")
    if len(entries) != len(taken):
        raise RuntimeError(f"{len(entries)} of {len(taken)} ratings were accepted")
    return cost, entries


def counted(model: Model, entries: list[dict[str, Any]], shard: str = "shardId-1") -> Cost:
    """What counting these entries costs."""
    from scoring.app import count

    events = [{"Records": entries[n : n + STREAM_BATCH], "shardId": shard} for n in range(0, len(entries), STREAM_BATCH)]
    return measured("计分 scoring.count", model, len(entries), lambda: each(events, count))


def _sqs_record(letter: Letter) -> dict[str, Any]:
    from standardwebhooks.webhooks import Webhook

    signature = Webhook("whsec_c2VjcmV0").sign(letter.webhook_id, _NOW.astimezone(UTC), letter.body)
    sent = {
        "party": letter.party,
        "webhook-id": letter.webhook_id,
        "webhook-timestamp": str(int(_NOW.timestamp())),
        "webhook-signature": signature,
    }
    return {
        "messageId": letter.webhook_id,
        "receiptHandle": "handle",
        "body": letter.body,
        "attributes": {"SentTimestamp": str(int(_NOW.timestamp() * 1000)), "ApproximateReceiveCount": "1"},
        "messageAttributes": {name: {"dataType": "String", "stringValue": value} for name, value in sent.items()},
        "eventSource": "aws:sqs",
    }
