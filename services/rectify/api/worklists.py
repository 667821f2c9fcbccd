"""Work lists: a unit's by due date or time of closing, a supervisor's by region, out of the indexes of Cases.

| list | order |
|---|---|
| open cases of a unit, its parts in others' cases among them | by the next deadline |
| closed cases of a unit | by the time of closing |
| open cases of a region | the overdue ones first; region by region, by the next deadline |
| reports of pressure in a region | region by region, by the time of the report |

An index is some moments behind the cases. A case that moves while somebody pages (it becomes overdue, gets another deadline, is closed) may
come twice, or not at all: whoever must miss none begins anew. No other case is disturbed by that, and a cursor keeps its place.

A request reads `MOST_READS` pages of an index at most, and then answers what it has found with a cursor, however little that is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from cloud import due
from contract.codes import CaseState, Role
from contract.identifiers import RegionCode, Uscc
from contract.messages import Moment
from contract.model import Model
from contract.refusals import refuse
from rectify import cases
from rectify.api import cursors, views
from rectify.api.access import Sight, sight
from rectify.api.cursors import Place
from rectify.api.models import WorkList
from rectify.case import FINAL
from rectify.summaries import Summary, summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cloud.table import Item
    from rectify.api.access import Reader
    from rectify.api.models import Row
    from rectify.cases import Page

MOST_READS = 10
_READ = 100
# Of a 12-digit code: province, city, county, township.
_LEVELS = (2, 4, 6, 9)


class Asked(Model):
    """What a work list is asked for; without `unit` or `region` the only one of the party."""

    unit: Uscc | None = None
    region: RegionCode | None = None
    state: CaseState | None = None
    closed: bool | None = None
    overdue: bool = False
    pressure: bool = False
    due_before: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: str | None = None

    @model_validator(mode="after")
    def _some_case_can_meet_it(self) -> Self:
        if self.state and self.closed not in (None, self.state in FINAL):
            raise PydanticCustomError("malformed_field", "a state of open cases, or of closed ones", {"field": "state"})
        if self.is_closed and (self.overdue or self.due_before):
            raise PydanticCustomError("malformed_field", "nothing is due of a closed case", {"field": "closed"})
        return self

    @property
    def is_closed(self) -> bool:
        """Whether closed cases are asked for."""
        return self.state in FINAL if self.closed is None else self.closed

    def takes(self, held: Summary) -> bool:
        """Whether a case is one of those asked for."""
        return (
            self.state in (None, held.state)
            and self.closed in (None, held.state in FINAL)
            and (not self.overdue or bool(held.overdue))
            and (self.due_before is None or any(at < self.due_before for at in held.due.values()))
        )


class _Stretch(NamedTuple):
    """A part of an index: the function that reads it, what it is of, what its keys (`by`) begin with, and which is the last that counts."""

    read: Callable[[str, str, int, list[str] | None], Page]
    by: str
    of: str
    prefix: str
    last: str = "~"

    def key(self, item: Item) -> list[str]:
        """After which the list goes on."""
        return [item[self.by], item["pk"], item["sk"]]


class _List(NamedTuple):
    """Stretches one after the other, and the row of an item, None if it is not on this list."""

    stretches: tuple[_Stretch, ...]
    row: Callable[[Item], Row | None]


def page_of(asked: Asked, reader: Reader, now: datetime) -> WorkList:
    """A page of the list. Raises Refused (`out_of_scope`, `not_your_case`, `missing_field`, `bad_cursor`)."""
    listed = _for_unit(asked, reader, now) if reader.role is Role.UNIT else _for_supervisor(asked, reader, now)
    name = f"{reader.party}/{asked.model_dump_json(exclude={'limit', 'cursor'})}"
    place = Place() if asked.cursor is None else cursors.opened(asked.cursor, name)
    rows, rest = _read(listed, asked.limit, place)
    return WorkList(cases=tuple(rows), cursor=cursors.seal(rest, name) if rest else None)


def _read(listed: _List, limit: int, place: Place) -> tuple[list[Row], Place | None]:
    """The next rows, `limit` at most, and where it goes on; None at the end of the list."""
    rows: list[Row] = []
    for size in (limit, *[_READ] * (MOST_READS - 1)):
        stretch = listed.stretches[place.stretch]
        page = stretch.read(stretch.of, stretch.prefix, size, place.after)
        for item in page.items:
            if item[stretch.by] > stretch.last:
                return rows, None
            if row := listed.row(item):
                rows.append(row)
            if len(rows) == limit:
                return rows, Place(place.stretch, stretch.key(item))
        if page.cursor:
            place = Place(place.stretch, page.cursor)
        elif place.stretch + 1 < len(listed.stretches):
            place = Place(place.stretch + 1)
        else:
            return rows, None
    return rows, place


# ---------------------------------------------------------------- which list


def _for_unit(asked: Asked, reader: Reader, now: datetime) -> _List:
    for beyond in ("pressure", "region"):
        if getattr(asked, beyond):
            raise refuse("out_of_scope", beyond)
    unit = asked.unit or _only(reader.organisations, "unit")
    if unit not in reader.organisations:
        raise refuse("not_your_case", "unit")
    return _List((_of_unit(unit, asked, now),), lambda item: _row(item, asked, reader))


def _for_supervisor(asked: Asked, reader: Reader, now: datetime) -> _List:
    if asked.unit and not asked.pressure:
        prefix = _digits(asked.region) if asked.region else ""
        return _List((_of_unit(asked.unit, asked, now),), lambda item: _row(item, asked, reader, prefix))
    region = asked.region or _only(reader.regions, "region")
    if not reader.reaches(region):
        raise refuse("out_of_scope", "region")
    if asked.pressure:
        return _List((_watched("PRESSURE", region),), lambda item: _report(item, asked, reader))
    if asked.is_closed:
        raise refuse("missing_field", "unit")  # closed cases stand on the lists of units alone
    watched = ("OVERDUE",) if asked.overdue else ("OVERDUE", "OPEN")
    return _List(tuple(_watched(watch, region) for watch in watched), lambda item: _row(item, asked, reader))


def _of_unit(unit: str, asked: Asked, now: datetime) -> _Stretch:
    if asked.is_closed:
        return _Stretch(cases.of_unit, "unit_at", unit, "CLOSED#")
    ends = [moment for moment in (asked.due_before, now if asked.overdue else None) if moment]
    return _Stretch(cases.of_unit, "unit_at", unit, "OPEN#", f"OPEN#{due.stamp(min(ends))}" if ends else "~")


def _watched(watch: str, region: str) -> _Stretch:
    return _Stretch(cases.watched, "watch_at", watch, _digits(region))


def _digits(region: str) -> str:
    """The digits that a region shares with everything in it."""
    return next((region[:level] for level in _LEVELS if not region[level:].strip("0")), region)


def _only(known: tuple[str, ...], field: str) -> str:
    if len(known) != 1:
        raise refuse("missing_field", field)
    return known[0]


# ---------------------------------------------------------------- what is on it


def _row(item: Item, asked: Asked, reader: Reader, region: str = "") -> Row | None:
    held = Summary.model_validate_json(item["summary"])
    is_seen = reader.role is Role.UNIT or (reader.supervises(held.region_code, held.unit) and held.region_code.startswith(region))
    if not (is_seen and asked.takes(held)):
        return None
    return views.row(held, reader, part=int(item["sk"][2:]) if item["sk"].startswith("T#") else None)


def _report(item: Item, asked: Asked, reader: Reader) -> Row | None:
    """A report of pressure, to those who see the case whole."""
    case = cases.find(item["pk"])
    if case is None or sight(reader, case) is not Sight.WHOLE or asked.unit not in (None, case.unit):
        return None
    held = summary(case)
    return views.row(held, reader, pressure_reported_at=json.loads(item["summary"])["at"]) if asked.takes(held) else None
