"""Once a minute, subscriber by subscriber: what is due is tried again, who is down is probed, what was tried for long enough is given up,
and replays go on. Each subscriber gets so many messages a minute, so that the backlog of one delays nobody.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from cloud import clock
from cloud.queue import NotSent
from contract.codes import DeliveryState
from notify import deliveries, delivering, dispatching, feed, messages, replaying, retrying, subscriptions, turns
from notify.feed import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from notify.deliveries import Row
    from notify.subscription import Subscription

logger = Logger(service="notify")
metrics = Metrics(namespace="Haochaping", service="notify")

A_MINUTE = 2_000
"""How many events a subscriber is sent at most by one sweep."""

# A try that nothing comes of, not even a note that it failed, is made again after this.
_LOST_AFTER = timedelta(minutes=15)
_TOGETHER = 50


def sweep(is_time: Callable[[], bool] = lambda: True) -> dict[str, int]:
    """Sends what has come due; how many were sent, set aside and replayed, and how many messages to people were asked for.

    What fails for one subscriber is alarmed and left for the next sweep. Each sweep begins with another one, so that those who come last
    when time is short are first some other time.
    """
    now, total = clock.now(), Counter({"sent": 0, "set_aside": 0, "replayed": 0, "messages": 0})
    for subscriber in _in_turn(subscriptions.every(), now):
        if not is_time():
            break
        try:
            total.update(_swept(subscriber, now, is_time))
        except (ClientError, BotoCoreError, NotSent, KeyError, ValueError) as error:
            logger.error("not swept", subscription=subscriber.id, error=type(error).__name__)
            metrics.add_metric(name="SubscribersNotSwept", unit=MetricUnit.Count, value=1)
    if total["set_aside"]:
        metrics.add_metric(name="DeliveriesSetAside", unit=MetricUnit.Count, value=total["set_aside"])
    total["messages"] += messages.ask_held(now, is_time)
    return dict(total)


def _in_turn(subscribers: list[Subscription], now: datetime) -> list[Subscription]:
    first = int(now.timestamp()) // 60 % len(subscribers) if subscribers else 0
    return subscribers[first:] + subscribers[:first]


def _swept(subscriber: Subscription, now: datetime, is_time: Callable[[], bool]) -> dict[str, int]:
    """What was done for a subscriber. One that is paused is told nothing, and nothing of it is given up meanwhile."""
    if subscriber.paused:
        return {}
    done = _due_for(subscriber, now, is_time)
    if subscriber.circuit.is_open:
        done["sent"] += _probe(subscriber, now)
    elif subscriber.replay:
        done["replayed"] = replaying.go_on(subscriber, A_MINUTE)
    return done


def _due_for(subscriber: Subscription, now: datetime, is_time: Callable[[], bool]) -> dict[str, int]:
    """What has come due for a subscriber, the oldest first: tried again, unless it is down; given up, if it was tried for long enough."""
    done = {"set_aside": 0, "sent": 0}
    due = islice(deliveries.due(subscriber.id, now), A_MINUTE)
    while is_time() and (rows := list(islice(due, _TOGETHER))):
        again = []
        for row in rows:
            # What has waited for its turn behind another was never tried.
            if retrying.is_given_up(row.first_at, now) and (row.tries or subscriber.circuit.is_open):
                done["set_aside"] += _give_up(subscriber, row)
            elif not subscriber.circuit.is_open and deliveries.take(row, now + _LOST_AFTER):
                again.append(deliveries.again(row))
        done["sent"] += dispatching.send(again)
    return done


def _give_up(subscriber: Subscription, row: Row) -> int:
    if not deliveries.set_aside(row):
        return 0
    logger.warning("set aside", subscription=subscriber.id, event_id=row.event_id, answer=row.answer, tries=row.tries)
    if subscriber.in_order and turns.applies(subscriber, event := feed.at(Place(row.shard, row.position))):
        delivering.pass_on(subscriber.id, event)
    return 1


def _probe(subscriber: Subscription, now: datetime) -> int:
    """Sends one event to a subscriber that is down, to see whether it is up again."""
    if subscriber.circuit.probe_at and now < subscriber.circuit.probe_at:
        return 0
    for row in deliveries.listed(subscriber.id, DeliveryState.WAITING):
        if deliveries.take(row, now + _LOST_AFTER):
            return dispatching.send([deliveries.again(row, probe=True)])
    return 0
