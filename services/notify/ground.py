"""On what notify acts: the rules of a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import registry
from contract.zone import day_of
from policy.rules import in_force

if TYPE_CHECKING:
    from datetime import datetime

    from policy.rules import Policy


def policy_of(region_code: str, at: datetime) -> Policy:
    """The rules in force in a region (12 digits) at an instant, as Registry held them at most a minute ago."""
    return in_force(registry.rules(region_code), region_code, day_of(at))
