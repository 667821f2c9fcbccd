"""A canonical message in the wire form of a party: the reverse of the party's declared profile."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from contract.messages import Rating, ServiceEvent, envelope
from contract.zone import SHANGHAI
from intake.profile import CANONICAL, Profile, load

if TYPE_CHECKING:
    from contract.messages import Said


def encode(said: Said, profile_id: str, message_id: str, source: str) -> dict[str, Any]:
    """The message as a party with this profile sends it."""
    if profile_id == CANONICAL:
        return envelope(said, message_id, source, datetime.now(SHANGHAI))
    return to_wire(load(profile_id), said)


def to_wire(profile: Profile, message: Rating | ServiceEvent) -> dict[str, Any]:
    """The wire fields of a message; what the profile does not name is not sent."""
    section = profile.rating if isinstance(message, Rating) else profile.event
    wire: dict[str, Any] = {section.marker: ""}
    if isinstance(message, Rating) and message.rater:
        wire |= {at: message.rater.certificate_number for at, kind in section.identity.items() if kind == message.rater.certificate_type}
    for name, at in section.fields.items():
        value = _canonical_value(message, name)
        if value is None:
            continue
        if isinstance(at, dict):
            wire |= {at["value"]: str(value.value), at["unit"]: _digit(profile, "limit_unit", value.unit)}
        elif not wire.get(first := at if isinstance(at, str) else at[0]):
            wire[first] = _wire_value(profile, name, value)
    return wire


def _canonical_value(message: Rating | ServiceEvent, name: str) -> Any:
    # Kind and provenance follow from the channel in the wire formats that we know, so the channel speaks for them.
    return getattr(message, "rating_channel" if name in {"kind", "provenance"} else name)


def _wire_value(profile: Profile, name: str, value: Any) -> str:
    name = "rating_channel" if name in {"kind", "provenance"} else name
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(profile.time_zone)).strftime(profile.time_format)
    if isinstance(value, Enum) or name == "round":
        return _digit(profile, name, value)
    if isinstance(value, tuple):
        return profile.tag_separator.join(value)
    return str(value)[: profile.region_width] if name == "region_code" else str(value)


def _digit(profile: Profile, name: str, value: Any) -> str:
    return next(digit for digit, meaning in profile.codes[name].items() if meaning == str(value))
