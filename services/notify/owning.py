"""What the owner of a subscription does with it, by the door or by the operator's hand: adds, changes, tests, rotates, replays, removes.

Each raises Refused with the codes of the contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cloud import clock, secrets
from contract.events import SubscriptionTested, cloud_event, event_id
from contract.identifiers import lies_within
from contract.refusals import refuse
from contract.zone import day_of
from notify import calling, deliveries, replaying, subscriptions
from notify.subscription import Subscription

if TYPE_CHECKING:
    from notify.cursor import Cursor
    from notify.delivery import Answer
    from notify.subscription import Asked, Replay, Scope

_TRIES = 3
REVIVED = 1_000
"""How many events that were set aside are put back on their way at once."""


class Added(NamedTuple):
    """A new subscription, and the secret that its deliveries are signed with: it is told this once."""

    subscription: Subscription
    secret: str


class Tested(NamedTuple):
    """What the subscriber answered to a test, and the event that it was sent."""

    event_id: str
    answer: Answer


def scope_of(party: str) -> Scope:
    """The scope of a party today. Raises Refused (`unknown_party`)."""
    scope = subscriptions.scope_of(party, day_of(clock.now()))
    if scope is None:
        raise refuse("unknown_party", "party")
    return scope


def owned(id: str, party: str | None = None) -> Subscription:
    """A subscription of the party, or of anybody. Raises Refused (`unknown_subscription`)."""
    found = subscriptions.find(id)
    if found is None or party not in (None, found.party):
        raise refuse("unknown_subscription", "id")
    return found


def add(asked: Asked, scope: Scope) -> Added:
    """Adds a subscription. Raises Refused (`out_of_scope`, `subscription_exists`).

    An id is used once: what waits for an earlier subscriber of this name, and what is told of it, is none of another's business.
    """
    _check_within(asked, scope)
    if deliveries.page(asked.id, None, "", 1)[0]:
        raise refuse("subscription_exists", "id")
    secret = _begin(asked, scope.party)
    if secret is None:
        raise refuse("subscription_exists", "id")
    return Added(Subscription(**dict(asked), party=scope.party), secret)


def _begin(asked: Asked, party: str) -> str | None:
    # The row decides whose the id is, so that it comes first: nobody renews the secret of another's subscription.
    if subscriptions.add(asked, party):
        return secrets.renew_signing_secret(_owner(asked.id))
    held = subscriptions.find(asked.id)
    # The same again, after a crash between the two.
    return secrets.ensure_signing_secret(_owner(asked.id)) if held and (held.party, held.asked) == (party, asked) else None


def change(asked: Asked, scope: Scope) -> Subscription:
    """Changes what a subscription of the party asks for. Raises Refused (`out_of_scope`, `unknown_subscription`)."""
    _check_within(asked, scope)
    if not subscriptions.change(asked, scope.party):
        raise refuse("unknown_subscription", "id")
    return owned(asked.id)


def _check_within(asked: Asked, scope: Scope) -> None:
    if not all(lies_within(region, scope.regions) for region in asked.regions):
        raise refuse("out_of_scope", "regions", "regions within the scope of the party, or none for all of it")
    if scope.organisations and not set(asked.organisations) <= set(scope.organisations):
        raise refuse("out_of_scope", "organisations", "organisations within the scope of the party, or none for all of it")


def remove(subscriber: Subscription) -> None:
    """Takes a subscription out, then its secret: without its subscription it opens nothing."""
    subscriptions.remove(subscriber.id)
    secrets.remove_signing_secret(_owner(subscriber.id))


def test(subscriber: Subscription) -> Tested:
    """Sends a SubscriptionTested to the subscriber at once, whatever it asked for; nothing is tried again, and nothing noted."""
    now = clock.now()
    told = SubscriptionTested(
        event_id=event_id("SubscriptionTested", subscriber.id, now.isoformat()), happened_at=now, subscription=subscriber.id
    )
    event = cloud_event(type(told).__name__, told.source(), told.plain())
    return Tested(told.event_id, calling.hand_over(subscriber, event))


def rotate(subscriber: Subscription) -> str:
    """A new secret, told this once. Deliveries are signed with it and the one before, until `finish` or the next rotation."""
    return secrets.rotate_signing_secret(_owner(subscriber.id))


def finish(subscriber: Subscription) -> None:
    """Ends a rotation: deliveries are signed with the new secret alone, within a minute."""
    secrets.finish_rotation(_owner(subscriber.id))


def replay(id: str, cursor: Cursor, party: str | None = None) -> Replay:
    """Sends the subscriber once more what the feed holds from the cursor to its end. Raises Refused (`throttled`: others are at it)."""
    for _ in range(_TRIES):
        begun = replaying.begin(owned(id, party), cursor)
        if begun:
            return begun
    raise refuse("throttled")


def stop(id: str, party: str | None = None) -> None:
    """Ends a replay where it is. Raises Refused (`throttled`: it moves on faster than it could be stopped)."""
    for _ in range(_TRIES):
        subscriber = owned(id, party)
        if subscriber.replay is None:
            return
        replaying.stop(subscriber)
    if owned(id, party).replay:
        raise refuse("throttled")


def revive(subscriber: Subscription) -> int:
    """Lets the first events that were set aside be tried again; how many, REVIVED at most."""
    return replaying.revive(subscriber, REVIVED)


def _owner(id: str) -> str:
    return f"subscription/{id}"
