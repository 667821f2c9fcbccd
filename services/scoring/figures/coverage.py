"""The coverage of a region or an organisation, read from the register and the scores; what it is stands in `scoring.figures.covered`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cloud import registry
from cloud.settings import settings
from scoring import scores
from scoring.figures.covered import Counted, Coverage, Covered, Registered, coverage, covered
from scoring.nodes import Node, region_kind

if TYPE_CHECKING:
    from datetime import date

    from scoring.period import Period


def coverage_of(region_or_org: str, period: Period, on: date) -> Coverage:
    """The coverage of a region (12 digits, with everything below it) or an organisation (USCC) over a period, as registered on a day.

    Reads for each organisation: two queries of its counts and one for each platform; of the register, three for its lists and one for each
    thing that they name. A region adds one query of its counts, and of the register two for each region in it. Organisations are read on
    the threads of the stack and kept as what is missing only; still, a whole province is work for a scheduled function.
    """
    if len(region_or_org) == 18:
        return coverage(region_or_org, period.name, on, [_covered(region_or_org, period, on)])
    organisations = sorted(
        {uscc for region in registry.regions_from(region_or_org, on) for uscc in registry.members("organisation", f"region#{region}", on)}
    )
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        found = pool.map(lambda uscc: _covered(uscc, period, on), organisations)
        return coverage(region_or_org, period.name, on, found, scores.counts(Node(region_kind(region_or_org), region_or_org), period))


def registered_of(uscc: str, on: date) -> Registered:
    """What the register holds of an organisation (USCC) on a day: three lists, and a query for each thing that they name."""
    owner = f"organisation#{uscc}"
    return Registered(registry.members("item", owner, on), windows_of(uscc, on), registry.members("platform", owner, on))


def windows_of(uscc: str, on: date) -> list[str]:
    """The names of the windows that an organisation has registered on a day."""
    return [id.partition("#")[2] for id in registry.members("window", f"organisation#{uscc}", on)]


def _covered(uscc: str, period: Period, on: date) -> Covered:
    registered = registered_of(uscc, on)
    counted = Counted(
        items=scores.parts(f"organisation#{uscc}", period),
        desks=scores.parts(f"desks#{uscc}", period),
        platforms={code: scores.counts(Node("platform", code), period) for code in registered.platforms},
    )
    return covered(uscc, registered, counted)
