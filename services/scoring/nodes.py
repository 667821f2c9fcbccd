"""The nodes that a rating counts for, and the names of their counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.identifiers import city_of, county_of, province_of

if TYPE_CHECKING:
    from contract.ledger import RatingFacts

KINDS = ("province", "city", "county", "organisation", "item", "staff", "channel")


def nodes_of(rating: RatingFacts) -> list[str]:
    """`kind#id` of every node above a rating: regions (12 digits), organisation (USCC), item (31 characters), staff, rating channel."""
    ids = {
        "province": province_of(rating.region_code),
        "city": city_of(rating.region_code),
        "county": county_of(rating.region_code),
        "organisation": rating.organisation,
        "item": rating.task_code,
        "staff": rating.staff_ref,
        "channel": rating.rating_channel.value,
    }
    return [f"{kind}#{ids[kind]}" for kind in KINDS if ids[kind]]


def counter_of(rating: RatingFacts) -> str:
    """The counter of a rating on each of its nodes: `<kind>.<round>.<provenance>.<level>`: nothing is mixed by accident."""
    return f"{rating.kind}.{rating.round}.{rating.provenance}.{rating.level}"
