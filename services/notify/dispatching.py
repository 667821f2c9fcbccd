"""From the bus into the feed and on its way to every subscriber that wants it; what people are to be told of it besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloud import clock, queue
from cloud.settings import settings
from contract.events import InvitationIssued
from contract.zone import day_of
from notify import feed, messages, subscriptions, turns
from notify.delivery import Delivery
from notify.wanting import may_know, wants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from notify.feed import Place
    from notify.subscription import Subscription


def take(shard: int, events: Sequence[dict[str, Any]]) -> None:
    """Events of one shard of the feed, as CloudEvents: each into the feed once, and one message per subscriber.

    Also for what was in the feed already: an earlier try may have stopped before. Subscribers know it by its id.
    """
    messages.ask(events)
    public = [event for event in events if not event["type"].startswith(f"{InvitationIssued.__name__}.")]
    places = feed.append(shard, public)
    hand_on((subscriber, event, places[event["id"]]) for subscriber, event in _wanted(public))


def hand_on(wanted: Iterable[tuple[Subscription, dict[str, Any], Place]]) -> int:
    """Puts each event, which lies in the feed at its place, on its way to its subscriber; how many."""
    plain, ordered = [], []
    for subscriber, event, place in wanted:
        delivery = Delivery(subscription=subscriber.id, event_id=event["id"], event=event, first_at=clock.now(), **place._asdict())
        if turns.applies(subscriber, event):
            turns.mark(delivery, event)
            ordered.append(delivery)
        else:
            plain.append(delivery)
    return send(plain) + send(ordered, turns.SECONDS)


def _wanted(events: Sequence[dict[str, Any]]) -> Iterator[tuple[Subscription, dict[str, Any]]]:
    today = day_of(clock.now())
    for subscriber in subscriptions.active():
        scope = subscriptions.scope_of(subscriber.party, today)
        if scope is None or subscriber.paused:
            continue
        for event in events:
            if wants(subscriber, event) and may_know(scope, event):
                yield subscriber, event


def send(deliveries: Sequence[Delivery], seconds: int = 0) -> int:
    """Puts deliveries into their queue, to be handed over after so many seconds; how many."""
    return queue.send_all(settings().delivery_queue_url, (each.model_dump_json(exclude_none=True) for each in deliveries), seconds)
