"""A record in the words of a level above, by its profile. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from contract.identifiers import task_code
from contract.model import Model

if TYPE_CHECKING:
    from contract.upward import Part, PersonalField, Revealed
    from notify.upward.profile import Section, Source, UpstreamProfile


class CaseResult(Model):
    """What became of a bad rating: `result` is how its case ended, or that the rating does not count (COUNTS_NOT), or does again."""

    case_id: str
    rating_id: str
    result: str
    happened_at: datetime


class Incomplete(Exception):
    """The record cannot be said there: `missing:<field>`, `no_code:<field>` (there is no word for the value there) or `project_no`."""


class Wanted(NamedTuple):
    """What has to be asked of intake for a kind of record."""

    fields: frozenset[PersonalField]
    parts: frozenset[Part]


def wanted(section: Section) -> Wanted:
    """The personal fields that this kind of record must have, and the parts that it uses."""
    sources = section.sources.values()
    used = {source.part for source in sources} & {"event", "names"}
    if any(source.part == "case" for source in sources):
        used |= {"event"}  # which says whether the item is self-built
    if any(source.field == "comment" for source in sources):
        used |= {"comment"}
    fields: Any = frozenset(source.field for source in sources if source.part == "person")
    parts: Any = frozenset(used | ({"event"} if "names" in used else set()))
    return Wanted(fields, parts)


def encode(
    profile: UpstreamProfile, section: Section, record: Revealed, province_code: str, case: CaseResult | None = None
) -> dict[str, str]:
    """The fields of a record as text; what is not known is left out. Raises Incomplete.

    `province_code` is the two digits that case-file numbers begin with, where the profile says so.
    """
    said = dict(section.constants)
    for name, source in section.sources.items():
        value = _value(source, record, case)
        if value is None and source.part == "person" and record.person is None:
            text = section.anonymous.get(name, "")
        else:
            text = _text(profile, source, value)
        if source.field == "project_no" and profile.project_no_rule == "province_prefix" and not text.startswith(province_code):
            raise Incomplete("project_no")
        if text:
            said[name] = text
        elif value is not None and name in section.mandatory:
            raise Incomplete(f"no_code:{name}")
    for name in section.mandatory:
        if not said.get(name):
            raise Incomplete(f"missing:{name}")
    return _without_bare_lengths(section, said)


def _without_bare_lengths(section: Section, said: dict[str, str]) -> dict[str, str]:
    """A length whose unit has no word there is left out: a bare number would be read as days."""
    places = {source.field: name for name, source in section.sources.items()}
    units = {place: places.get(field.removesuffix("value") + "unit", "") for field, place in places.items() if field.endswith(".value")}
    return {name: text for name, text in said.items() if name not in units or units[name] in said}


def _value(source: Source, record: Revealed, case: CaseResult | None) -> Any:
    held: Any = case if source.part == "case" else getattr(record, source.part)
    if source.field == "task_code":
        return task_code(held.item_code) if held else None
    for step in source.field.split("."):
        held = getattr(held, step, None)
    return held


def _text(profile: UpstreamProfile, source: Source, value: Any) -> str:
    if value is None or value == ():
        return ""
    codes = profile.codes.get(source.by)
    if codes is not None:
        return codes.get(str(value), "")
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(profile.time_zone)).strftime(profile.time_format)
    if isinstance(value, tuple):
        return str(profile.tag_separator).join(value)
    return str(value)[: profile.region_width] if source.field == "region_code" else str(value)
