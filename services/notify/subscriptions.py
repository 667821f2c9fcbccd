"""The Subscriptions table: who gets which events where, how each does, and what is replayed; dispatch reads it through a cache of 60 s.

What was asked for, the circuit and the replay are attributes of their own, each changed by itself: a subscriber that fails while its
owner changes it loses neither.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from cloud import registry
from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import condition_held, get, marshal, put_new, unmarshal
from notify.retrying import CLOSED, Circuit
from notify.subscription import Asked, Replay, Scope, Subscription, Where

if TYPE_CHECKING:
    from datetime import date

    from cloud.table import Item

_SECONDS = 60.0
_held: tuple[float, list[Subscription]] | None = None


class Moved(Exception):
    """Somebody else changed the circuit or the replay in between."""


def here() -> Where:
    """What the addresses of subscriptions of this stack are checked against."""
    return Where(settings().stack_name, dynamodb().meta.region_name, settings().loopback_webhooks)


def scope_of(party_id: str, on: date) -> Scope | None:
    """The scope of a registered party on a day (Asia/Shanghai), None if it is not registered any more."""
    party = registry.party(party_id, on)
    return Scope(party.id, party.role, party.regions, party.organisations) if party else None


# ---------------------------------------------------------------- reading


def active() -> list[Subscription]:
    """Every subscription, as it was at most a minute ago."""
    global _held
    if _held is None or _held[0] < time.monotonic():
        _held = (time.monotonic() + _SECONDS, every())
    return _held[1]


def every() -> list[Subscription]:
    """Every subscription, as it stands now."""
    pages = dynamodb().get_paginator("scan").paginate(TableName=settings().subscriptions_table, ConsistentRead=True)
    return sorted((_of(unmarshal(item)) for page in pages for item in page["Items"]), key=lambda one: one.id)


def forget() -> None:
    """Drops the cache."""
    global _held
    _held = None


def find(id: str) -> Subscription | None:
    """One subscription as it stands now, None if it is gone."""
    item = get(settings().subscriptions_table, {"pk": id})
    return _of(item) if item else None


def _of(item: Item) -> Subscription:
    asked = Asked.model_validate_json(item["asked"])
    circuit = Circuit.model_validate_json(item["circuit"]) if "circuit" in item else CLOSED
    replay = Replay.model_validate_json(item["replay"]) if "replay" in item else None
    return Subscription(**dict(asked), party=item["party"], circuit=circuit, replay=replay)


# ---------------------------------------------------------------- writing


def add(asked: Asked, party: str) -> bool:
    """Adds a subscription of a party; False if its id is taken."""
    return put_new(settings().subscriptions_table, {"pk": asked.id, "party": party, "asked": _text(asked)}) is None


def change(asked: Asked, party: str) -> bool:
    """Changes what a subscription of the party asks for; False if it has none of this id. Functions that run see it within a minute."""
    return _set(asked.id, "asked", asked, "party = :party", {":party": party})


def remove(id: str) -> None:
    """Takes a subscription out; what is under way to it is dropped."""
    dynamodb().delete_item(TableName=settings().subscriptions_table, Key=marshal({"pk": id}))


def set_circuit(id: str, before: Circuit, after: Circuit) -> bool:
    """Notes how a subscriber does, unless somebody has noted something else since it was read; False then."""
    return _replace(id, "circuit", None if before == CLOSED else before, after)


def set_replay(id: str, before: Replay | None, after: Replay | None) -> bool:
    """Notes how far a replay has come, or that there is one, or none any more; False if somebody else has in between."""
    return _replace(id, "replay", before, after)


def _replace(id: str, name: str, before: Circuit | Replay | None, after: Circuit | Replay | None) -> bool:
    condition = "#name = :before" if before else "attribute_not_exists(#name)"
    values = {":before": _text(before)} if before else {}
    if after is None or after == CLOSED:
        return _update(id, "REMOVE #name", name, condition, values)
    return _set(id, name, after, condition, values)


def _set(id: str, name: str, value: Asked | Circuit | Replay, condition: str, values: dict[str, Any]) -> bool:
    return _update(id, "SET #name = :value", name, condition, values | {":value": _text(value)})


def _update(id: str, change: str, name: str, condition: str, values: dict[str, Any]) -> bool:
    request: Any = {
        "TableName": settings().subscriptions_table,
        "Key": marshal({"pk": id}),
        "UpdateExpression": change,
        "ConditionExpression": f"attribute_exists(pk) AND {condition}",
        "ExpressionAttributeNames": {"#name": name},
    }
    if values:
        request["ExpressionAttributeValues"] = marshal(values)
    return condition_held(lambda: dynamodb().update_item(**request))


def _text(value: Asked | Circuit | Replay) -> str:
    return json.dumps(value.model_dump(mode="json", exclude_none=True, exclude_defaults=True), ensure_ascii=False, sort_keys=True)
