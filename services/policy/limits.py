"""Whether one length of time is ever longer than another: a promise than the law's limit, a rule than the one above it."""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from itertools import count
from typing import TYPE_CHECKING

from contract.codes import TimeUnit
from contract.identifiers import NATION
from policy.calendar import is_working_day, last_day

if TYPE_CHECKING:
    from policy.calendar import Length

_FIRST_COMPARED = 2020
_NOON, _DAY = 12, 24


def longer(here: Length, there: Length) -> bool:
    """True if the one ever ends later than the other, whichever published day, at noon, both start on.

    Lengths in one unit compare by value.
    """
    if here.unit is there.unit:
        return here.value > there.value
    return _ever_later(here, there)


@lru_cache(4096)
def _ever_later(here: Length, there: Length) -> bool:
    return any(one > other for one, other in zip(_ends(here), _ends(there), strict=True))


@lru_cache(512)
def _ends(limit: Length) -> tuple[int, ...]:
    """The end, in hours, for a start on each published day of the nation."""
    if limit.unit is TimeUnit.HOUR:
        return tuple(day * _DAY + _NOON + limit.value for day in _starts())
    return tuple((last_day(date.fromordinal(day), limit, NATION).date.toordinal() + 1) * _DAY for day in _starts())


@cache
def _starts() -> range:
    """Every day of the announced years, as ordinals."""
    beyond = next(year for year in count(_FIRST_COMPARED) if not is_working_day(date(year, 12, 31), NATION)[1])
    return range(date(_FIRST_COMPARED, 1, 1).toordinal(), date(beyond, 1, 1).toordinal())
