"""One event to one subscriber: handed over, or noted for another try; and what that says of how the subscriber does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cloud import clock
from contract.codes import DeliveryState
from contract.zone import day_of
from notify import calling, deliveries, dispatching, feed, retrying, subscriptions, turns
from notify.delivery import Delivery
from notify.feed import Place
from notify.retrying import CLOSED
from notify.turns import Turn
from notify.wanting import may_know, narrowed

if TYPE_CHECKING:
    from notify.delivery import Answer
    from notify.subscription import Subscription

logger = Logger(service="notify")
metrics = Metrics(namespace="Haochaping", service="notify")

Outcome = Literal["delivered", "waiting", "dropped"]

# One whose turn has not come is sent on by whoever is before it; this is for when that one is lost.
_TURN = timedelta(minutes=1)


def deliver(delivery: Delivery) -> Outcome:
    """Hands the event over, unless the subscriber is down or the event's turn has not come."""
    subscriber = subscriptions.find(delivery.subscription)
    scope = subscriptions.scope_of(subscriber.party, day_of(clock.now())) if subscriber else None
    if subscriber is None or scope is None:
        logger.info("subscription is gone", subscription=delivery.subscription)
        return "dropped"
    event = delivery.event or feed.at(Place(delivery.shard, delivery.position))
    has_turn = turns.applies(subscriber, event)
    if not may_know(scope, event):
        # Its scope is smaller than when the event was put on its way.
        logger.info("out of scope by now", subscription=subscriber.id, event_id=event["id"])
        deliveries.drop(delivery)
        if has_turn:
            pass_on(subscriber.id, event)
        return "dropped"
    if subscriber.paused or (subscriber.circuit.is_open and not delivery.probe):
        deliveries.wait(delivery, clock.now())
        return "waiting"
    match _turn_of(subscriber, delivery, event) if has_turn else Turn.NOW:
        case Turn.LATER:
            deliveries.wait(delivery, clock.now() + _TURN)
            return "waiting"
        case Turn.DONE:
            return "dropped"
    answer = calling.hand_over(subscriber, narrowed(event, scope.role))
    if not answer.taken:
        return _not_taken(subscriber, delivery, answer)
    deliveries.delivered(delivery, answer)
    if subscriber.circuit != CLOSED:
        _is_up(subscriber)
    if has_turn:
        pass_on(subscriber.id, event)
    return "delivered"


def _turn_of(subscriber: Subscription, delivery: Delivery, event: dict[str, Any]) -> Turn:
    """Whose turn it is. An event without a mark was taken or given up; or it was on its way before its subscriber wanted an order."""
    turn = turns.turn_of(subscriber.id, event)
    if turn is not Turn.DONE:
        return turn
    row = deliveries.find(subscriber.id, delivery.event_id)
    if row and row.state is not DeliveryState.WAITING:
        return Turn.DONE
    turns.mark(delivery, event)
    return turns.turn_of(subscriber.id, event)


def _not_taken(subscriber: Subscription, delivery: Delivery, answer: Answer) -> Outcome:
    now = clock.now()
    # What a probe was sent of is due as soon as the subscriber is up; while it is down, only a probe takes anything.
    again = now if delivery.probe else retrying.next_try(delivery.event_id, delivery.tries + 1, now)
    logger.info("not taken", subscription=subscriber.id, event_id=delivery.event_id, answer=answer.text, tries=delivery.tries + 1)
    deliveries.wait(delivery, again, answer)
    after = retrying.after_failure(subscriber.circuit, now)
    if subscriptions.set_circuit(subscriber.id, subscriber.circuit, after) and after.is_open and not subscriber.circuit.is_open:
        logger.warning("a subscriber is down", subscription=subscriber.id, since=str(after.failing_since))
        metrics.add_metric(name="CircuitsOpened", unit=MetricUnit.Count, value=1)
    return "waiting"


def _is_up(subscriber: Subscription) -> None:
    if subscriptions.set_circuit(subscriber.id, subscriber.circuit, CLOSED) and subscriber.circuit.is_open:
        logger.info("a subscriber is up again", subscription=subscriber.id)


def pass_on(subscription: str, event: dict[str, Any]) -> None:
    """The event was taken or given up: whatever waits behind it in its case has its turn."""
    following = turns.done(subscription, event)
    if following:
        id, place = turns.event_of(following), Place(following["shard"], following["position"])
        row = deliveries.find(subscription, id)
        # The time of one that only waited for its turn begins now.
        first = Delivery(subscription=subscription, event_id=id, **place._asdict(), first_at=clock.now())
        dispatching.send([deliveries.again(row) if row and row.tries else first])
