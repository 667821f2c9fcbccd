"""What a decision stands on and Registry knows: the policy, where a case belongs, and who acts with which role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import registry
from contract.identifiers import ancestry
from contract.zone import day_of
from policy.rules import Policy, in_force
from rectify.orders import Acting, Routing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from cloud.registry import Party
    from contract.commands import Actor
    from contract.ledger import RatingFacts

# A vertical line is some steps high, and a register may hold a circle.
_MOST_ABOVE = 6


# What refuses a command of a case that is not there.
NO_POLICY = Policy(version="none")


def policy_of(rating: RatingFacts) -> Policy:
    """The policy of the rating's region on the day it was received; a clock is never judged by later rules."""
    return in_force(registry.rules(rating.region_code), rating.region_code, day_of(rating.received_hour))


def routing_of(unit: str | None, region: str, on: date) -> Routing:
    """Where a case of a unit belongs on a day; one without a known unit goes to the managing body of its region."""
    held = registry.find("organisation", unit, on) if unit else None
    if unit and held and held.get("line") == "VERTICAL":
        return Routing(unit=unit, above=tuple(_parents(held, on)))
    bodies = [body for body in _managing(held.get("region_code", region) if held else region, on) if body != unit]
    if unit:
        return Routing(unit=unit, above=tuple(bodies))
    known = bodies[0] if bodies and bodies[0] != region else None
    return Routing(unit=known, above=tuple(bodies[1:] if known else bodies))


def transfer_to(unit: str, region: str, on: date) -> Routing | None:
    """Where a case would go; None if no such unit is registered."""
    return routing_of(unit, region, on) if registry.find("organisation", unit, on) else None


def _managing(region: str, on: date) -> Iterator[str]:
    """The managing bodies of a region and of those above it, nearest first: the region's own code where none is registered."""
    for code in reversed(ancestry(region)[1:]):
        yield (registry.find("region", code, on) or {}).get("managing_org") or code


def _parents(organisation: dict[str, str], on: date) -> Iterator[str]:
    for _ in range(_MOST_ABOVE):
        parent = organisation.get("parent")
        if parent is None:
            return
        yield parent
        organisation = registry.find("organisation", parent, on) or {}


def acting(party: Party, actor: Actor, on: date) -> Acting:
    """Who acts: the party with its scope, and the person with the roles that the operator granted."""
    grant = registry.grant(party.id, actor.person_ref, on)
    own = party.organisations[0] if len(party.organisations) == 1 else None
    return Acting(
        party=party.id,
        party_role=party.role,
        regions=party.regions,
        organisations=party.organisations,
        person=actor.person_ref,
        role=actor.role,
        roles=grant.roles if grant else (),
        organisation=(grant.organisation if grant else None) or own,
    )
