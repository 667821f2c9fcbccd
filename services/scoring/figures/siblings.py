"""Siblings: those whose figures may stand side by side, with their counts over a period."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from cloud import registry
from cloud.settings import settings
from contract.identifiers import NATION, task_code
from scoring import scores
from scoring.figures.covered import is_window
from scoring.nodes import NO_ITEM, Node, region_kind, regions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from scoring.figures.indicators import Counts
    from scoring.period import Period


class NoSiblings(ValueError):
    """There are no siblings of this kind."""


def siblings(kind: str, of: str, period: Period, on: date) -> dict[str, Counts]:
    """The siblings by id, as registered on a day (Asia/Shanghai), with their counters over a period. Raises NoSiblings.

    | kind | of | ids | reads of Scores |
    |---|---|---|---|
    | `organisation` | region, 12 digits: those registered right under it | credit codes | one query each |
    | `region` | region, 12 digits: those right below it | region codes | one query each |
    | `item` | organisation: its items that were rated or served | task codes | one query |
    | `window` | organisation: its windows that were rated or served | names | one query |
    | `staff` | organisation: those who served | references | one query |
    | `base` | base item, 12 characters: the same item everywhere | task codes | for each a key per day of the period, by the hundred |

    What is registered comes with one query of the register for the list and one for each that it names, held for a minute. Reads of many
    siblings run on the threads of the stack.
    """
    read = _READ.get(kind)
    if read is None:
        raise NoSiblings(f"没有该类可比对象 no siblings of this kind: {kind}; 可用 available: {', '.join(_READ)}")
    return read(of, period, on)


def _organisations(region: str, period: Period, on: date) -> dict[str, Counts]:
    return _each(registry.members("organisation", f"region#{region}", on), partial(Node, "organisation"), period)


def _regions(region: str, period: Period, on: date) -> dict[str, Counts]:
    below = registry.members("region", f"region#{region}", on)
    return _each([code for code in below if _lies_right_below(code, region)], lambda code: Node(region_kind(code), code), period)


def _lies_right_below(code: str, region: str) -> bool:
    return [NATION, *regions_of(code)][-2] == region


def _items(organisation: str, period: Period, _: date) -> dict[str, Counts]:
    found = scores.parts(f"organisation#{organisation}", period)
    return {code: counts for code, counts in found.items() if code != NO_ITEM}


def _windows(organisation: str, period: Period, _: date) -> dict[str, Counts]:
    found = scores.parts(f"desks#{organisation}", period)
    return {name: counts for name, counts in found.items() if is_window(name, counts)}


def _staff(organisation: str, period: Period, _: date) -> dict[str, Counts]:
    return dict(scores.staff(organisation, period))


def _base(base_code: str, period: Period, on: date) -> dict[str, Counts]:
    codes = {task_code(id) for id in registry.members("item", f"base#{base_code}", on)}
    return _each(sorted(codes), lambda code: Node.of(f"item#{code}"), period)


def _each(ids: Iterable[str], node: Callable[[str], Node], period: Period) -> dict[str, Counts]:
    named = list(ids)
    with ThreadPoolExecutor(settings().flush_threads) as pool:
        return dict(zip(named, pool.map(lambda id: scores.counts(node(id), period), named), strict=True))


_READ: dict[str, Callable[[str, Period, date], dict[str, Counts]]] = {
    "organisation": _organisations,
    "region": _regions,
    "item": _items,
    "window": _windows,
    "staff": _staff,
    "base": _base,
}
