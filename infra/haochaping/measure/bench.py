"""What a rating costs: calls and units by our own arithmetic, CPU time, beside two other ways of doing the same; and import times.

The other two: one put and one update per node for every rating (which counts a redelivered rating twice), and the same wrapped in
Powertools Idempotency (which does not). All three run in this process, against the same model, over the same ratings.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from contextlib import redirect_stdout
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table

from cloud import clients
from cloud.table import marshal
from contract.ledger import RatingFacts
from contract.zone import SHANGHAI
from haochaping import provinces
from haochaping.demo import morning
from haochaping.measure.modelled import modelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

    from contract.messages import Rating
    from haochaping.measure.model import Model
    from haochaping.sending import Letter

_NOW = datetime(2026, 11, 24, 15, tzinfo=SHANGHAI)
_STREAM_BATCH = 100
_QUEUE_BATCH = 10
_HANDLERS = ("intake.app", "intake.gateway", "scoring.app", "rectify.app", "notify.app")
_CONTEXT: Any = SimpleNamespace(function_name="bench", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="1")


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
        return self.cpu_ms * _QUEUE_BATCH


def run(ratings: int, console: Console) -> None:
    """Measures and prints."""
    warnings.filterwarnings("ignore", "No application metrics to publish")
    _pretend_an_account()
    with redirect_stdout(io.StringIO()):  # the metrics that the handlers print
        costs = _costs(_visits(ratings))
    table = Table(title=f"每条评价的成本 cost per rating ({ratings:,} ratings, stream batches of {_STREAM_BATCH})", title_justify="left")
    for heading in ("", "调用 API calls", "写 writes", "其中人员 of it persons", "写单位 WCU", "读单位 RCU", "CPU ms", "CPU ms / 10"):
        table.add_column(heading, justify="left" if not heading else "right")
    for cost in costs:
        table.add_row(
            cost.name,
            f"{cost.calls:.2f}",
            f"{cost.writes:.2f}",
            f"{cost.persons:.2f}",
            f"{cost.write_units:.2f}",
            f"{cost.read_units:.2f}",
            f"{cost.cpu_ms:.2f}",
            f"{cost.cpu_ms_per_batch:.1f}",
        )
    console.print(table)
    _imports(console)


def _pretend_an_account() -> None:
    os.environ.update({"AWS_ACCESS_KEY_ID": "model", "AWS_SECRET_ACCESS_KEY": "model", "AWS_DEFAULT_REGION": "cn-north-1"})
    os.environ["POWERTOOLS_LOG_LEVEL"] = "WARNING"
    os.environ.pop("AWS_ENDPOINT_URL", None)


class _Visit(NamedTuple):
    event: Letter
    rating: Letter
    said: Rating


def _visits(ratings: int) -> list[_Visit]:
    """Services at windows and online with one rating each, as the morning draws them; all in canonical form."""
    province = provinces.read("zhejiang")
    drawn = morning.Draw(province, seed=1, now=_NOW)
    visits = [drawn.visit(number) for number in range(ratings)]
    return [_Visit(drawn.letter("hall-devices", visit.event), drawn.letter("hall-devices", visit.rating), visit.rating) for visit in visits]


def _costs(visits: list[_Visit]) -> list[Cost]:
    intake, scoring = _ours(visits)
    both = Cost("本系统合计 ours, together", *(a + b for a, b in zip(intake[1:], scoring[1:], strict=True)))
    return [intake, _parked(visits), scoring, both, _naive(visits, idempotent=False), _naive(visits, idempotent=True)]


def _measured(name: str, model: Model, ratings: int, work: Callable[[], None]) -> Cost:
    before, inside = _counted(model), model.seconds
    started = time.process_time()
    work()
    cpu = time.process_time() - started - (model.seconds - inside)
    spent = [(now - then) / ratings for now, then in zip(_counted(model), before, strict=True)]
    return Cost._make([name, *spent, cpu * 1000 / ratings])


def _counted(model: Model) -> list[float]:
    persons = model.writes["vault_table"]
    return [model.calls.total(), model.writes.total(), persons, model.write_units, model.read_units]


def _each(batches: list[dict[str, Any]], handler: Callable[[dict[str, Any], Any], Any]) -> None:
    for batch in batches:
        handler(batch, _CONTEXT)


def _ours(visits: list[_Visit]) -> tuple[Cost, Cost]:
    from intake.app import accept
    from scoring.app import count

    with modelled() as model:
        _each(_batches(visit.event for visit in visits), accept)
        batches = _batches(visit.rating for visit in visits)
        model.inserted.clear()
        intake = _measured("接收 intake.accept (event known)", model, len(visits), lambda: _each(batches, accept))
        entries = model.stream("ledger_table")
        if len(entries) != len(visits):
            raise RuntimeError(f"{len(entries)} of {len(visits)} ratings were accepted")
        shards = [{"Records": entries[n : n + _STREAM_BATCH], "shardId": "shardId-1"} for n in range(0, len(entries), _STREAM_BATCH)]
        scoring = _measured("计分 scoring.count", model, len(visits), lambda: _each(shards, count))
    return intake, scoring


def _parked(visits: list[_Visit]) -> Cost:
    """Ratings that come before their event: parked, and admitted when it comes. What the event itself costs is taken off."""
    from intake.app import accept

    def take(*messages: Iterable[Letter]) -> Cost:
        batches = [batch for letters in messages for batch in _batches(letters)]
        with modelled() as model:
            return _measured("接收 intake.accept (parked, then admitted)", model, len(visits), lambda: _each(batches, accept))

    ratings, events = [visit.rating for visit in visits], [visit.event for visit in visits]
    whole, alone = take(ratings, events), take(events)
    return Cost(whole.name, *(a - b for a, b in zip(whole[1:], alone[1:], strict=True)))


def _batches(letters: Iterable[Letter]) -> list[dict[str, Any]]:
    records = [_sqs_record(letter) for letter in letters]
    return [{"Records": records[n : n + _QUEUE_BATCH]} for n in range(0, len(records), _QUEUE_BATCH)]


def _naive(visits: list[_Visit], *, idempotent: bool) -> Cost:
    """One put and one update per node, for every message."""
    from scoring.nodes import counter_of, nodes_of

    with modelled() as model:
        facts = [_facts(visit) for visit in visits]

        def take(data: dict[str, Any]) -> dict[str, Any]:
            rating = RatingFacts.model_validate(data)
            item = {"pk": f"R#{rating.rating_id}", "sk": "R", **rating.plain()}
            clients.dynamodb().put_item(TableName="ledger_table", Item=marshal(item))
            for node in nodes_of(rating):
                clients.dynamodb().update_item(
                    TableName="scores_table",
                    Key=marshal({"pk": node, "sk": rating.day.isoformat()}),
                    UpdateExpression="ADD #c :one",
                    ExpressionAttributeNames={"#c": counter_of(rating)},
                    ExpressionAttributeValues=marshal({":one": 1}),
                )
            return {}

        handle = _idempotent(take) if idempotent else take
        bodies = [fact.plain() for fact in facts]

        def work() -> None:
            for body in bodies:
                handle(data=body)

        name = "一写一更新＋Powertools Idempotency" if idempotent else "一写一更新 naive: put, update per node"
        return _measured(name, model, len(visits), work)


def _idempotent(take: Callable[..., dict[str, Any]]) -> Callable[..., Any]:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function

    warnings.filterwarnings("ignore", "Couldn't determine the remaining time left")
    layer = DynamoDBPersistenceLayer(table_name="idempotency_table", boto3_client=clients.dynamodb())
    config = IdempotencyConfig(event_key_jmespath="rating_id")
    wrapped: Callable[..., Any] = idempotent_function(take, data_keyword_argument="data", persistence_store=layer, config=config)
    return wrapped


def _facts(visit: _Visit) -> RatingFacts:
    event = json.loads(visit.event.body)["data"]
    said = visit.said
    return RatingFacts.model_validate(
        {
            **event,
            **said.plain(),
            "task_code": event["item_code"][:31],
            "staff_ref": f"v1:{event['organisation']}{event['staff_no']}"[:29],
            "rating_id": f"r_{said.project_no}",
            "dict_version": "national-2020-05",
            "identity_mode": "ANONYMOUS",
            "received_hour": said.occurred_at,
            "day": said.occurred_at.date(),
            "day_of": "occurred_at",
            "policy_version": "330000000000@2020-01-01",
        }
    )


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


def _imports(console: Console) -> None:
    """The median of three fresh interpreters per module."""
    table = Table(title="导入时间 import time", title_justify="left")
    table.add_column("模块 module")
    table.add_column("ms", justify="right")
    for module in _HANDLERS:
        code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(3)]
        table.add_row(module, f"{statistics.median(times) * 1000:.0f}")
    console.print(table)
