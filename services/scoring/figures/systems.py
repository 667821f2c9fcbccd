"""Index systems as they are registered (`index`, by level), and an organisation's index by the one in force for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import registry
from policy.evaluation import in_force, levels_of
from scoring import scores
from scoring.figures.index import score_of
from scoring.nodes import Node

if TYPE_CHECKING:
    from datetime import date

    from policy.evaluation import Evaluation
    from policy.rules import Policy
    from scoring.figures.index import IndexScore
    from scoring.period import Period


def system(region: str, sector: str | None, on: date) -> Evaluation:
    """The index system in force for a region (12 digits) and a sector (None for none) on a day (Asia/Shanghai).

    Reads: one query for each of at most five levels, held for a minute where there is one.
    """
    registered = [record for level in levels_of(region, sector) for record in registry.records("index", level)]
    dated = [{"of": record.id, "valid_from": record.valid_from, **record.value} for record in registered]
    return in_force(dated, region, sector, on)


def index_of(uscc: str, period: Period, policy: Policy, on: date) -> IndexScore | None:
    """The index of an organisation over a period, by the system of its region and sector on a day; None if it is not registered.

    Reads: one query for its counts, and those for its registration and its system.
    """
    registered = registry.find("organisation", uscc, on)
    if registered is None:
        return None
    held = system(registered["region_code"], registered.get("sector"), on)
    return score_of(scores.counts(Node("organisation", uscc), period), held, policy)
