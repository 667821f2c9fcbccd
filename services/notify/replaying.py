"""Replays: one subscriber is sent once more what the feed holds from a cursor on, a portion a minute, beside what is new."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from cloud import clock
from contract.codes import DeliveryState
from contract.zone import day_of
from notify import deliveries, dispatching, feed, subscriptions, turns
from notify.cursor import SHARDS, Cursor
from notify.feed import Place
from notify.subscription import Replay
from notify.wanting import may_know, wants

if TYPE_CHECKING:
    from notify.deliveries import Row
    from notify.subscription import Subscription

_LOOKED_AT = 5
"""How many events are looked at, at most, for each that may be sent: most may be none of the subscriber's."""


def begin(subscriber: Subscription, cursor: Cursor) -> Replay | None:
    """Everything from this cursor to where the feed stands now is to be sent once more; None if another replay was begun meanwhile."""
    replay = Replay(cursor=str(cursor), until=str(feed.end()))
    return replay if subscriptions.set_replay(subscriber.id, subscriber.replay, replay) else None


def stop(subscriber: Subscription) -> None:
    """Ends the replay where it is."""
    subscriptions.set_replay(subscriber.id, subscriber.replay, None)


def revive(subscriber: Subscription, most: int | None = None) -> int:
    """Lets what was set aside be tried again, the earliest first: all of it, or so many events; how many."""
    aside = list(islice(deliveries.listed(subscriber.id, DeliveryState.SET_ASIDE), most))
    return sum(_revived(subscriber, row) for row in aside)


def _revived(subscriber: Subscription, row: Row) -> bool:
    if subscriber.in_order:
        event = feed.at(Place(row.shard, row.position))
        if turns.applies(subscriber, event):
            turns.mark(deliveries.again(row), event)
    return deliveries.revive(row)


def go_on(subscriber: Subscription, most: int) -> int:
    """Sends the next portion and notes how far it came; how many events. One that is killed in between sends a portion twice."""
    replay, scope = subscriber.replay, subscriptions.scope_of(subscriber.party, day_of(clock.now()))
    if replay is None or scope is None:
        return 0
    cursor, until = Cursor.of(replay.cursor), Cursor.of(replay.until)
    sent, looked_at = 0, 0
    for shard in range(SHARDS):
        while (left := until.positions[shard] - cursor.positions[shard]) > 0 and sent < most and looked_at < _LOOKED_AT * most:
            after = cursor.positions[shard]
            events = feed.read(shard, after, min(left, most - sent))
            if not events:
                break
            sent += dispatching.hand_on(
                (subscriber, event, Place(shard, position))
                for position, event in enumerate(events, start=after + 1)
                if wants(subscriber, event) and may_know(scope, event)
            )
            looked_at += len(events)
            cursor = cursor.at(shard, after + len(events))
    is_done = all(here >= end for here, end in zip(cursor.positions, until.positions, strict=True))
    subscriptions.set_replay(subscriber.id, replay, None if is_done else Replay(cursor=str(cursor), until=replay.until))
    return sent
