"""The Subscriptions table: who gets which events where; read through a cache of 60 s."""

from __future__ import annotations

import time

from cloud import table
from cloud.clients import dynamodb
from cloud.settings import settings
from cloud.table import Item, get, unmarshal
from contract.identifiers import PartyId
from contract.model import Model

_SECONDS = 60.0
_held: tuple[float, list[Subscription]] | None = None


class Subscription(Model):
    """A webhook. `types` are event names as in the contract; none means all. Its secret is `subscription/ID` in Secrets Manager."""

    id: PartyId
    url: str
    types: tuple[str, ...] = ()

    def wants(self, detail_type: str) -> bool:
        """True if events of this name go to this subscriber."""
        return not self.types or detail_type in self.types


def active() -> list[Subscription]:
    """Every subscription."""
    global _held
    if _held is None or _held[0] < time.monotonic():
        pages = dynamodb().get_paginator("scan").paginate(TableName=settings().subscriptions_table)
        found = [_of(unmarshal(item)) for page in pages for item in page["Items"]]
        _held = (time.monotonic() + _SECONDS, found)
    return _held[1]


def forget() -> None:
    """Drops the cache."""
    global _held
    _held = None


def find(id: str) -> Subscription | None:
    """One subscription, None if it is gone."""
    item = get(settings().subscriptions_table, {"pk": id})
    return _of(item) if item else None


def put(subscription: Subscription) -> None:
    """Adds or changes a subscription; functions that run already see it within a minute."""
    item = {"pk": subscription.id, "url": subscription.url, "types": list(subscription.types)}
    table.put(settings().subscriptions_table, item)


def _of(item: Item) -> Subscription:
    return Subscription(id=item["pk"], url=item["url"], types=item["types"])
