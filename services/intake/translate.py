"""A record of a wire format as the canonical message, by a declared profile (`intake.profile`)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from contract.messages import Rating, ServiceEvent
from contract.refusals import Refusal, Refused, from_validation, refusal, refuse
from intake.profile import CODED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from intake.profile import At, Certificate, Profile, Section, Who

_MOST_DIGITS = 9
_TIMES = {"occurred_at", "service_time", "accepted_at", "finished_at"}
_NUMBERS = {"service_number", "limit_value"}
_UNDECLARED = {"level": "unknown_level", "rating_channel": "unknown_channel", "round": "bad_round"}


def translate(profile: Profile, record: dict[str, Any], province_code: str) -> Rating | ServiceEvent:
    """The canonical message of a record. Raises Refused with every reason found, each naming the *wire* field that is at fault.

    `province_code` is the two digits that case-file numbers begin with, where the profile says so.
    """
    section, model = _recognise(profile, record)
    faults: list[Refusal] = []
    canonical = {**section.constants, **dict(_said(profile, section, record, faults))}
    if profile.project_no_rule == "province_prefix" and not canonical.get("project_no", province_code).startswith(province_code):
        faults.append(refusal("bad_project_no", _shown(section.fields["project_no"]), f"{province_code}…"))
    try:
        message = model.model_validate(canonical)
    except ValidationError as error:
        named = {fault.field for fault in faults}
        faults += [reason for reason in _in_wire_words(section, error) if reason.field not in named]
    if faults:
        raise Refused(*dict.fromkeys(faults))
    return message


def raw(record: dict[str, Any], at: At) -> Any:
    """What stands at a place exactly as it was sent, None where nothing does."""
    if isinstance(at, dict):
        return {part: raw(record, source) for part, source in at.items()}
    if isinstance(at, tuple):
        return next((value for one in at if (value := raw(record, one)) not in (None, "")), None)
    here: Any = record
    for step in at.split("."):
        here = here.get(step) if isinstance(here, dict) else None
    return here


def _recognise(profile: Profile, record: dict[str, Any]) -> tuple[Section, type[Rating | ServiceEvent]]:
    models: dict[str, type[Rating | ServiceEvent]] = {"rating": Rating, "event": ServiceEvent}
    for name, section in profile.sections.items():
        if raw(record, section.marker) is not None:
            return section, models[name]
    raise refuse("unknown_type", accepts=" or ".join(section.marker for section in profile.sections.values()))


def _said(profile: Profile, section: Section, record: dict[str, Any], faults: list[Refusal]) -> Iterator[tuple[str, Any]]:
    """Every canonical field that the record says something about; what cannot be read is added to `faults`."""
    readings: list[tuple[str, Callable[[], Any]]] = [
        *((name, lambda name=name, at=at: _value(profile, section, name, at, record)) for name, at in section.fields.items()),
        *((name, lambda who=who: _person(profile, section, who, record)) for name, who in section.persons.items()),
    ]
    for name, read in readings:
        try:
            if (value := read()) is not None:
                yield name, value
        except Refused as refused:
            faults += refused.reasons
    for name, at in section.checked.items():
        try:
            if text := _text(record, at):
                _decode(profile, section, name, at, text)
        except Refused as refused:
            faults += refused.reasons


def _text(record: dict[str, Any], at: str) -> str:
    """What a wire field says, nothing if it is absent. Raises Refused for a list or an object."""
    found = raw(record, at)
    if isinstance(found, (dict, list, bool)):
        raise refuse("malformed_field", at)
    return "" if found is None else str(found).strip()


def _value(profile: Profile, section: Section, name: str, at: At, record: dict[str, Any]) -> Any:
    """One canonical field, None where the wire field is absent or empty."""
    if isinstance(at, tuple):
        return next((value for one in at if (value := _value(profile, section, name, one, record)) is not None), None)
    if isinstance(at, dict):
        parts = {part: _value(profile, section, f"limit_{part}", source, record) for part, source in at.items()}
        return parts if any(value is not None for value in parts.values()) else None
    text = _text(record, at)
    if not text:
        return None
    if name in CODED or name == "limit_unit":
        digit = _decode(profile, section, name, at, text)
        return int(digit) if name == "round" else digit
    if name in _TIMES:
        return _time(profile, at, text)
    if name in _NUMBERS:
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else text
    if name == "tags":
        return [code.strip() for code in text.split(profile.tag_separator) if code.strip()]
    if name == "region_code" and len(text) != profile.region_width:
        raise refuse("bad_region_code", at, f"{profile.region_width} digits")
    return text


def _decode(profile: Profile, section: Section, name: str, at: str, digit: str) -> str:
    declared = profile.codes[name]
    if digit not in declared:
        speaks_of = "rating_channel" if at == section.fields.get("rating_channel") else name
        raise refuse(_UNDECLARED.get(speaks_of, "unknown_code"), at, ", ".join(declared))
    return declared[digit]


def _time(profile: Profile, at: str, text: str) -> datetime:
    try:
        return datetime.strptime(text, profile.time_format).replace(tzinfo=ZoneInfo(profile.time_zone))
    except ValueError:
        raise refuse("bad_time", at, profile.time_format) from None


def _person(profile: Profile, section: Section, who: Who, record: dict[str, Any]) -> dict[str, str] | None:
    """A person who can be told apart; one with a name alone is nobody (anyone may know a name)."""
    said = next((number for one in who.certificates if (number := _certificate(profile, section, one, record))), {})
    if who.phone and (phone := _text(record, who.phone)):
        said["phone"] = phone
    if said and who.name and (name := _text(record, who.name)):
        said["name"] = name
    return said or None


def _certificate(profile: Profile, section: Section, one: Certificate, record: dict[str, Any]) -> dict[str, str]:
    number = _text(record, one.number)
    if not number:
        return {}
    kind = one.type or ""
    if one.type_at and (code := _text(record, one.type_at)):
        kind = _decode(profile, section, "certificate_type", one.type_at, code)
    return {"certificate_number": number} | ({"certificate_type": kind} if kind else {})


def _in_wire_words(section: Section, error: ValidationError) -> list[Refusal]:
    return [reason.model_copy(update={"field": _wire_field(section, reason.field)}) for reason in from_validation(error).reasons]


def _wire_field(section: Section, field: str) -> str:
    name, _, part = field.partition(".")
    for person, who in section.persons.items():
        if name == person:
            return _of_person(who, part)
    at = section.fields.get(name, name)
    return at.get(part, name) if isinstance(at, dict) else _shown(at)


def _of_person(who: Who, part: str) -> str:
    if part == "certificate_type":
        return next((one.type_at for one in who.certificates if one.type_at), part)
    if part == "certificate_number":
        return " or ".join(one.number for one in who.certificates) or part
    return {"name": who.name, "phone": who.phone}.get(part) or part


def _shown(at: At) -> str:
    return at if isinstance(at, str) else next(iter(at))
