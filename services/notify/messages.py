"""Asks the platform that sends messages to tell somebody something; what comes in quiet hours is held until they end.

A held request stands in the Deliveries table, `M#event id`, in the index `due` under MESSAGE.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from cloud import bus, clock
from cloud.due import stamp
from cloud.settings import settings
from cloud.table import delete_many, put, search
from contract.events import MessageRequested
from notify.deliveries import expiry
from notify.ground import policy_of
from notify.requests import may_concern, request_of
from notify.wanting import place_of
from policy import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

_HELD = "MESSAGE"
_TOGETHER = 100


def ask(events: Sequence[dict[str, Any]]) -> None:
    """Asks for what people are to be told of these events (CloudEvents). Told twice, it is known by its `event_id`."""
    now = clock.now()
    at_once = []
    for event in filter(may_concern, events):  # of most events nobody is told, and their places' rules need not be worked out
        region, _ = place_of(event)
        policy = policy_of(region, now) if region else None
        request = request_of(event, policy.message_language) if policy else None
        if policy and request:
            held_until = quiet.until(policy.quiet_hours, now)
            if held_until:
                _hold(request, held_until)
            else:
                at_once.append(request)
    bus.publish(at_once)


def _hold(request: MessageRequested, until: datetime) -> None:
    index = {"due_shard": _HELD, "due_at": stamp(until), "expires_at": expiry()}
    put(
        settings().deliveries_table,
        {"pk": f"M#{request.event_id}", "sk": "M", "request": request.model_dump_json(exclude_none=True)} | index,
    )


def ask_held(now: datetime, is_time: Callable[[], bool] = lambda: True) -> int:
    """Asks for what was held and may be told now, a hundred at a time while it is time; how many.

    An invitation that nobody can take any more is dropped. The morning after a night may have very many.
    """
    held = search(settings().deliveries_table, "due_shard = :pk AND due_at <= :now", {":pk": _HELD, ":now": stamp(now)}, IndexName="due")
    asked = 0
    while is_time() and (rows := list(islice(held, _TOGETHER))):
        requests = [MessageRequested.model_validate_json(row["request"]) for row in rows]
        good = [request for request in requests if request.expires_at is None or request.expires_at > now]
        bus.publish(good)
        delete_many(settings().deliveries_table, rows)
        asked += len(good)
    return asked
