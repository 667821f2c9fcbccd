"""How long after its service a rating was given: coarsely, so as to lead nobody back to an applicant (domain handbook, 20). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import Delay, data

if TYPE_CHECKING:
    from datetime import datetime


def delay(occurred_at: datetime, served_at: datetime) -> Delay:
    """The bucket of the time between the end of the service and the rating as claimed."""
    seconds = (occurred_at - served_at).total_seconds()
    bounds = data()["lists"]["delay"]["values"]
    return next((held for held in Delay if "seconds" in bounds[held] and seconds < bounds[held]["seconds"]), Delay.LATER)
