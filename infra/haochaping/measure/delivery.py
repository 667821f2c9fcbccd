"""What an event costs on its way out: into the feed, to each subscriber, and when it is not taken at first.

Everything goes through the real handlers; what a subscriber answers is said instead of asked.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from cloud import registry
from contract.codes import CaseFact, CaseState
from contract.events import CaseProgressed
from haochaping.measure import ours
from haochaping.measure.modelled import modelled
from notify import subscriptions
from notify.app import deliver, dispatch, sweep
from notify.delivery import Answer
from notify.subscription import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from haochaping.measure.model import Model

EVENTS = 400
_QUEUE = "delivery_queue_url"
_NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
_TAKEN, _NOT_TAKEN = Answer(taken=True, status=204), Answer(taken=False, status=500)


class Spent(NamedTuple):
    """What a step costs per event."""

    name: str
    calls: float
    writes: float
    write_units: float
    read_units: float
    cpu_ms: float


def measure(number: int = EVENTS) -> list[Spent]:
    """The steps of an event, over so many of them. A minute's memory of Registry and subscribers is warm, as in a function that goes on."""
    return [
        *(_into_the_feed(number, together) for together in (1, 10, 40)),
        *_to_a_subscriber(number, in_order=False),
        *_to_a_subscriber(number, in_order=True),
        *_again(number),
    ]


def _into_the_feed(number: int, together: int) -> Spent:
    with _running() as model:
        _dispatch(_events(0, 40), 40)
        work = partial(_dispatch, _events(40, number), together)
        return _spent(f"进入事件流 into the feed, {together} a batch", model, number, work)


def _to_a_subscriber(number: int, *, in_order: bool) -> Iterator[Spent]:
    """What a subscriber adds: the message to it, and its delivery."""
    ordered = "，按案有序 in order" if in_order else ""
    with _running() as model:
        _dispatch(_events(0, 40), 40)
        alone = _spent("", model, number, partial(_dispatch, _events(40, number), 40))
    with _running(in_order=in_order) as model:
        _deliver(model, _events(0, 40))
        with_it = _spent("", model, number, partial(_dispatch, _events(40, number), 40))
        yield Spent(f"每个订户另加 for each subscriber{ordered}", *(a - b for a, b in zip(with_it[1:], alone[1:], strict=True)))
        yield _spent(f"送达 delivered{ordered}", model, number, partial(_hand_over, model))


def _again(number: int) -> Iterator[Spent]:
    with _running() as model:
        subscriptions.forget()
        _subscribe(in_order=False)
        _dispatch(_events(0, number), 40)
        with patch("notify.webhook.post", lambda *_: _NOT_TAKEN):
            yield _spent("未被接收 not taken", model, number, partial(_hand_over, model))
        with patch("cloud.clock.now", lambda: _NOW + timedelta(hours=7)), patch("notify.sweeping.A_MINUTE", number):
            yield _spent("到期重试 found by the sweep", model, number, _sweep)
            yield _spent("重试送达 delivered at last", model, number, partial(_hand_over, model))


class _Context:
    """What Lambda tells a handler, as far as these ask."""

    function_name, memory_limit_in_mb, invoked_function_arn, aws_request_id = "bench", 512, "arn", "1"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 300_000


_CONTEXT: Any = _Context()


@contextmanager
def _running(*, in_order: bool | None = None) -> Iterator[Model]:
    """A model with one subscriber (none where `in_order` is None), which takes everything."""
    with modelled() as model, patch("notify.webhook.post", lambda *_: _TAKEN), patch("cloud.clock.now", lambda: _NOW):
        subscriptions.forget()
        if in_order is not None:
            _subscribe(in_order=in_order)
        try:
            yield model
        finally:
            subscriptions.forget()


def _subscribe(*, in_order: bool) -> None:
    value = {"role": "CONSUMER", "name": "门户", "name_en": "Portal", "profile": "canonical", "regions": ["330000000000"]}
    registry.add(registry.Record(kind="party", id="portal", valid_from=_NOW.date(), value=value))
    subscriptions.add(Asked(id="portal", target="https://portal.example.cn/events", in_order=in_order), "portal")


def _sweep() -> None:
    sweep({}, _CONTEXT)


def _deliver(model: Model, messages: list[dict[str, Any]]) -> None:
    _dispatch(messages, 40)
    _hand_over(model)


def _dispatch(messages: list[dict[str, Any]], together: int) -> None:
    for start in range(0, len(messages), together):
        if dispatch({"Records": messages[start : start + together]}, _CONTEXT)["batchItemFailures"]:
            raise RuntimeError("not dispatched")


def _hand_over(model: Model) -> None:
    waiting, model.queues[_QUEUE] = model.queues[_QUEUE], []
    for number, body in enumerate(waiting):
        message = {"messageId": f"d-{number}", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
        if deliver({"Records": [message]}, _CONTEXT)["batchItemFailures"]:
            raise RuntimeError("not delivered")


def _events(first: int, number: int) -> list[dict[str, Any]]:
    return [_message(n) for n in range(first, first + number)]


def _message(n: int) -> dict[str, Any]:
    event = CaseProgressed(
        event_id=f"ev_{n:032}",
        happened_at=_NOW,
        order=n % 9 + 1,
        case_id=f"c_{n:024}",
        rating_id=f"r_{n:086}",
        organisation="11330106MB0000004R",
        region_code="330106000000",
        state=CaseState.ASSIGNED,
        fact=CaseFact.Assigned,
        due={},
    )
    detail = event.model_dump(mode="json", exclude_none=True)
    body = {"detail-type": "CaseProgressed", "source": event.source(), "detail": detail}
    return {"messageId": f"m-{n}", "body": json.dumps(body), "eventSource": "aws:sqs"}


def _spent(name: str, model: Model, number: int, work: Callable[[], None]) -> Spent:
    cost = ours.measured(name, model, number, work)
    return Spent(name, cost.calls, cost.writes, cost.write_units, cost.read_units, cost.cpu_ms)
