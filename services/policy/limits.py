"""Whether one length of time is ever longer than another: a promise than the law's limit, a rule than the one above it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import count
from typing import TYPE_CHECKING

from contract.codes import TimeUnit
from contract.identifiers import NATION
from contract.zone import SHANGHAI
from policy.calendar import is_working_day, last_day
from policy.deadlines import ends

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.calendar import Length
    from policy.rules import OpeningHours, TimeLimit

_FIRST_COMPARED = 2020
_NOON, _DAY = 12, 24
_WHOLE_DAYS = frozenset({TimeUnit.DAY, TimeUnit.WORKDAY})
_INSTANT = timedelta(microseconds=1)


def longer(here: Length, there: Length) -> bool:
    """True if the one ever ends later than the other, whichever published day, at noon, both start on.

    Lengths in one unit compare by value. Raises ValueError for working hours.
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


def ends_later(here: TimeLimit, there: TimeLimit, hours: OpeningHours) -> bool:
    """True if the one limit of a case ever ends later than the other, whichever instant of the published days both run from.

    Rest days and nights are among them, so start rules count; a `start` that is not set is FROM_FACT. `hours` are those of the place, and
    the same for both.
    """
    if _kind(here) == _kind(there):
        return here.value > there.value
    return _ever_ends_later(here, there, hours)


def _kind(limit: TimeLimit) -> tuple[str, ...]:
    """What limits of different value have in common: of one kind, the greater always ends later."""
    return (limit.unit,) if limit.unit is TimeUnit.WORKHOUR else (limit.unit, limit.start or "FROM_FACT")


@lru_cache(4096)
def _ever_ends_later(here: TimeLimit, there: TimeLimit, hours: OpeningHours) -> bool:
    return any(
        ends(fact, here, "FROM_FACT", hours, NATION).at > ends(fact, there, "FROM_FACT", hours, NATION).at
        for fact in _facts(here, there, hours)
    )


def _facts(here: TimeLimit, there: TimeLimit, hours: OpeningHours) -> Iterator[datetime]:
    """Instants enough to know of all: from one to the next the one end only gains on the other, or only falls behind."""
    if all(limit.unit in _WHOLE_DAYS and limit.start != "FROM_OFFICE_HOURS" for limit in (here, there)):
        times = [timedelta(hours=_NOON)]
    else:
        # An end stands still or goes on with the clock. It leaps as a day begins and as offices open or close, hence the instant before;
        # and that of working hours when a day no longer holds them, after which it goes on with the clock until offices close.
        whole = {0, hours.opens, hours.closes % _DAY}
        times = sorted({timedelta(hours=hour) for hour in whole} | {timedelta(hours=hour or _DAY) - _INSTANT for hour in whole})
    for day in _starts():
        midnight = datetime.combine(date.fromordinal(day), time.min, SHANGHAI)
        yield from (midnight + at for at in times)
