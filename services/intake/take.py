"""What is done with a canonical message: the writes, in the order that lets any of them be repeated (design, 6.1 to 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.messages import Rating, ServiceEvent
from intake.freestanding import take_freestanding
from intake.reporting import take_event
from intake.settling import take_rating

if TYPE_CHECKING:
    from contract.arrival import Arrival
    from contract.messages import Said
    from intake.admission import Outcome
    from intake.sealing import Keys


def take(message: Said, arrival: Arrival, keys: Keys) -> Outcome:
    """What became of the message, once that is durable. Raises Refused."""
    if isinstance(message, ServiceEvent):
        return take_event(message, arrival, keys)
    if isinstance(message, Rating):
        return take_rating(message, arrival, keys)
    return take_freestanding(message, arrival, keys)
