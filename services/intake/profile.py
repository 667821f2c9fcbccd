"""Profiles: a partner's wire format as declared data, one file of `profiles/` each (domain handbook, section 16).

A profile says where each field is, what each code means and which way the scale of satisfaction runs. One that leaves any of it open
is not loaded; a code that it does not declare is refused. Nothing is guessed from the data.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, model_validator

from contract import refusals, tags
from contract.codes import Level
from contract.messages import Rating, ServiceEvent
from contract.model import Model

CANONICAL = "canonical"

_MOST_DIGITS = 9
_TIMES = {"occurred_at", "service_time", "accepted_at", "finished_at"}
_CODED = {
    "level",
    "rating_channel",
    "provenance",
    "kind",
    "round",
    "status",
    "handling_type",
    "service_channel",
    "applicant_type",
}
_UNDECLARED = {"level": "unknown_level", "round": "bad_round"}
_NUMBERS = {"service_number"}
_LIMITS = {"promised_limit", "statutory_limit"}
_RATING_NEEDS = {"project_no", "service_number", "round", "kind", "level", "provenance", "rating_channel", "occurred_at"}
_EVENT_NEEDS = {
    "project_no",
    "service_number",
    "status",
    "item_code",
    "organisation",
    "region_code",
    "service_channel",
    "handling_type",
    "applicant_type",
    "service_time",
}


class ProfileIncomplete(ValueError):
    """A profile leaves something open; the text names it."""


At = str | tuple[str, ...] | dict[str, str]
"""Where a canonical field is: a wire field; several, of which the first that says something counts; or the wire field of each part."""


class Section(Model):
    """One message of a profile: the wire field that tells it apart, and where each canonical field is.

    `identity` names the wire fields that may say who rates, each with the type of the certificate; the first that says something counts.
    """

    marker: str
    fields: dict[str, At]
    identity: dict[str, str] = Field(default_factory=dict)


class Profile(Model):
    """A declared wire format. Raises ProfileIncomplete (through validation) for a map that is missing or contradicts the direction."""

    id: str
    version: int
    valid_from: date
    satisfaction_direction: Literal["5_is_best", "1_is_best"]
    time_format: str
    time_zone: str
    tag_separator: str
    dict_version: str
    region_width: Literal[6, 12]
    project_no_rule: Literal["province_prefix", "as_sent"]
    codes: dict[str, dict[str, str]]
    rating: Section
    event: Section

    @model_validator(mode="after")
    def _nothing_is_left_open(self) -> Self:
        for name, section, needs in (("rating", self.rating, _RATING_NEEDS), ("event", self.event, _EVENT_NEEDS)):
            for field in sorted(needs - section.fields.keys()):
                raise ProfileIncomplete(f"{self.id}: [{name}.fields] does not say where {field} is")
            for field in sorted(section.fields.keys() & _CODED - self.codes.keys()):
                raise ProfileIncomplete(f"{self.id}: [codes.{field}] is missing")
            if section.fields.keys() & _LIMITS and "limit_unit" not in self.codes:
                raise ProfileIncomplete(f"{self.id}: [codes.limit_unit] is missing")
        best = "5" if self.satisfaction_direction == "5_is_best" else "1"
        if self.codes["level"].get(best) != Level.VERY_SATISFIED:
            raise ProfileIncomplete(f"{self.id}: [codes.level] contradicts satisfaction_direction {self.satisfaction_direction}")
        if self.dict_version != tags.version():
            raise ProfileIncomplete(f"{self.id}: dict_version {self.dict_version} is not in the dictionary")
        return self


@cache
def load(profile_id: str) -> Profile:
    """The profile of this id. Raises FileNotFoundError if there is none, and what `Profile` raises."""
    text = resources.files("intake").joinpath("profiles", f"{profile_id}.toml").read_text("utf-8")
    return Profile.model_validate(tomllib.loads(text))


def translate(profile: Profile, wire: dict[str, Any], province_code: str) -> Rating | ServiceEvent:
    """The canonical message of a wire message. Raises Refused, naming the *wire* field that is at fault.

    `province_code` is the two digits that case-file numbers begin with, where the profile says so.
    """
    section, model = _recognise(profile, wire)
    canonical = {name: value for name, at in section.fields.items() if (value := _value(profile, name, at, wire)) is not None}
    if profile.project_no_rule == "province_prefix" and not canonical.get("project_no", province_code).startswith(province_code):
        raise refusals.refuse("bad_project_no", str(section.fields["project_no"]), f"{province_code}…")
    for at, kind in section.identity.items():
        if "rater" not in canonical and (number := _text(wire, at)):
            canonical["rater"] = {"certificate_type": kind, "certificate_number": number}
    try:
        return model.model_validate(canonical)
    except ValidationError as error:
        raise _in_wire_words(section, error) from None


def _recognise(profile: Profile, wire: dict[str, Any]) -> tuple[Section, type[Rating | ServiceEvent]]:
    if profile.rating.marker in wire:
        return profile.rating, Rating
    if profile.event.marker in wire:
        return profile.event, ServiceEvent
    raise refusals.refuse("unknown_type", accepts=f"{profile.rating.marker} or {profile.event.marker}")


def _text(wire: dict[str, Any], at: str) -> str:
    """What a wire field says, nothing if it is absent. Raises Refused for a list or an object."""
    raw = wire.get(at)
    if isinstance(raw, (dict, list, bool)):
        raise refusals.refuse("malformed_field", at)
    return "" if raw is None else str(raw).strip()


def _value(profile: Profile, name: str, at: At, wire: dict[str, Any]) -> Any:
    """One canonical field, None where the wire field is absent or empty."""
    if isinstance(at, tuple):
        return next((value for one in at if (value := _value(profile, name, one, wire)) is not None), None)
    if isinstance(at, dict):
        parts = {part: _value(profile, f"limit_{part}", source, wire) for part, source in at.items()}
        return parts if any(value is not None for value in parts.values()) else None
    text = _text(wire, at)
    if not text:
        return None
    if name in _CODED or name == "limit_unit":
        return _decode(profile, name, at, text)
    if name in _TIMES:
        return _time(profile, at, text)
    if name in _NUMBERS or name == "limit_value":
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else text
    if name == "tags":
        return [code.strip() for code in text.split(profile.tag_separator) if code.strip()]
    if name == "region_code" and len(text) != profile.region_width:
        raise refusals.refuse("bad_region_code", at, f"{profile.region_width} digits")
    return text


def _decode(profile: Profile, name: str, at: str, digit: str) -> str | int:
    declared = profile.codes[name]
    if digit not in declared:
        same_field_as_channel = at == profile.rating.fields["rating_channel"]
        code = "unknown_channel" if same_field_as_channel else _UNDECLARED.get(name, "unknown_code")
        raise refusals.refuse(code, at, ", ".join(declared))
    return int(declared[digit]) if name == "round" else declared[digit]


def _time(profile: Profile, at: str, text: str) -> datetime:
    try:
        return datetime.strptime(text, profile.time_format).replace(tzinfo=ZoneInfo(profile.time_zone))
    except ValueError:
        raise refusals.refuse("bad_time", at, profile.time_format) from None


def _in_wire_words(section: Section, error: ValidationError) -> refusals.Refused:
    reasons = refusals.from_validation(error).reasons
    return refusals.Refused(*(reason.model_copy(update={"field": _wire_field(section, reason.field)}) for reason in reasons))


def _wire_field(section: Section, field: str) -> str:
    if field.startswith("rater."):
        return " or ".join(section.identity)
    at = section.fields.get(field.split(".")[0], field)
    if isinstance(at, dict):
        return at.get(field.split(".")[-1], field)
    return at if isinstance(at, str) else at[0]
