"""A canonical message in the wire form of a party: the reverse of the party's declared profile."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from contract.messages import Person, Rating, ServiceEvent, envelope
from contract.zone import SHANGHAI
from intake.profile import CANONICAL, LIMITS, Profile, load

if TYPE_CHECKING:
    from contract.messages import Said
    from intake.profile import Certificate, Section, Who


class CannotSay(ValueError):
    """The format of this profile has no such message, or no word for something in it."""


def encode(said: Said, profile_id: str, message_id: str, source: str) -> dict[str, Any]:
    """The message as a party with this profile sends it, unencrypted. Raises CannotSay."""
    if profile_id == CANONICAL:
        return envelope(said, message_id, source, datetime.now(SHANGHAI))
    profile = load(profile_id)
    return to_wire(profile, said) if profile.may_be_bare else _wrapped(profile, to_wire(profile, said))


def to_wire(profile: Profile, message: Said) -> dict[str, Any]:
    """The record of a message, without the envelope; what the profile does not name is not sent. Raises CannotSay."""
    if not isinstance(message, (Rating, ServiceEvent)):
        raise CannotSay(f"{profile.id}: {type(message).__name__}")
    section = profile.rating if isinstance(message, Rating) else profile.event
    if section is None:
        raise CannotSay(f"{profile.id}: {type(message).__name__}")
    for name, constant in section.constants.items():
        if getattr(message, name) != constant:
            raise CannotSay(f"{profile.id}: {name} is always {constant}")
    record: dict[str, Any] = {}
    _put(record, section.marker, "")
    for name, who in section.persons.items():
        if person := getattr(message, name):
            _put_person(profile, record, who, person)
    for name, at in section.fields.items():
        if (value := _canonical_value(section, message, name)) is not None:
            _put_value(profile, record, section, name, at, value)
    return record


def _wrapped(profile: Profile, record: dict[str, Any]) -> dict[str, Any]:
    whole: Any = record
    for step in reversed(profile.unwrap.split(".") if profile.unwrap else []):
        whole = {step.removesuffix("[]"): [whole] if step.endswith("[]") else whole}
    return dict(whole)


def _canonical_value(section: Section, message: Rating | ServiceEvent, name: str) -> Any:
    return getattr(message, _speaker(section, name))


def _speaker(section: Section, name: str) -> str:
    # Where kind and provenance follow from the channel, the channel speaks for them.
    return "rating_channel" if section.fields.get(name) == section.fields.get("rating_channel") else name


def _put_value(profile: Profile, record: dict[str, Any], section: Section, name: str, at: Any, value: Any) -> None:
    if name in LIMITS:
        _put(record, at["value"], str(value.value))
        return _put(record, at["unit"], _digit(profile, "limit_unit", value.unit))
    if isinstance(at, dict):
        for part, place in at.items():
            _put(record, place, getattr(value, part))
        return None
    return _put(record, at if isinstance(at, str) else at[0], _wire_value(profile, _speaker(section, name), value))


def _wire_value(profile: Profile, name: str, value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(profile.time_zone)).strftime(profile.time_format)
    if isinstance(value, Enum) or name == "round":
        return _digit(profile, name, value)
    if isinstance(value, tuple):
        return str(profile.tag_separator).join(value)
    return str(value)[: profile.region_width] if name == "region_code" else str(value)


def _digit(profile: Profile, name: str, value: Any) -> str:
    for digit, meaning in profile.codes[name].items():
        if meaning == str(value):
            return digit
    raise CannotSay(f"{profile.id}: no code for {name} {value}")


def _put_person(profile: Profile, record: dict[str, Any], who: Who, person: Person) -> None:
    for place, value in ((who.name, person.name), (who.phone, person.phone)):
        if place and value:
            _put(record, place, value)
    for certificate in who.certificates:
        if person.certificate_type and _fits(profile, certificate, person.certificate_type):
            _put(record, certificate.number, person.certificate_number)
            if certificate.type_at:
                _put(record, certificate.type_at, _digit(profile, "certificate_type", person.certificate_type))
            return


def _fits(profile: Profile, certificate: Certificate, kind: str) -> bool:
    return kind in profile.codes["certificate_type"].values() if certificate.type_at else kind == certificate.type


def _put(record: dict[str, Any], path: str, value: Any) -> None:
    """Puts a value at a dotted path, unless it stands there already."""
    *steps, last = path.split(".")
    for step in steps:
        record = record.setdefault(step, {})
    if not record.get(last):
        record[last] = value
