"""Profiles: a partner's wire format as declared data, one file of `profiles/` each (domain handbook, section 16).

A profile says where each field is, what each code means and which way the scale of satisfaction runs. One that leaves any of it open
is not loaded; a code that it does not declare is refused. Nothing is guessed from the data, no profile inherits from another, and what
every message must say itself (level, round, service number) cannot be declared once for all. How far a claimed time may lie from the
receipt is a rule of the place, not of the format: it is policy, and no profile can set it.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from contract import tags
from contract.cipher import Suite
from contract.codes import (
    ApplicantType,
    Code,
    HandlingType,
    Level,
    ProjectStatus,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
    TimeUnit,
)
from contract.messages import Rating, ServiceEvent
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

CANONICAL = "canonical"

LISTS: dict[str, type[Code]] = {
    "level": Level,
    "rating_channel": RatingChannel,
    "provenance": Provenance,
    "kind": RatingKind,
    "status": ProjectStatus,
    "handling_type": HandlingType,
    "service_channel": ServiceChannel,
    "applicant_type": ApplicantType,
    "limit_unit": TimeUnit,
}
CODED = {*LISTS, "round"} - {"limit_unit"}
LIMITS = {"promised_limit", "statutory_limit"}

_MODELS: dict[str, type[Rating | ServiceEvent]] = {"rating": Rating, "event": ServiceEvent}
_CONSTANTS = {"kind", "provenance", "rating_channel", "service_channel", "handling_type", "applicant_type"}
# Beside the code maps, what differs between places (handbook, table 16.1) and so is declared by whoever uses the field.
_DECLARED_FOR = {
    "level": ("satisfaction_direction",),
    "tags": ("tag_separator", "dict_version"),
    "region_code": ("region_width",),
    "project_no": ("project_no_rule",),
}
# Who brought a rating is named (handbook, section 10).
_BROUGHT_BY = {Provenance.PAPER_ENTERED: "entered_by", Provenance.IMPORTED: "imported_from"}


class ProfileIncomplete(ValueError):
    """A profile leaves something open; the text names it."""


At = str | tuple[str, ...] | dict[str, str]
"""Where a canonical field is: a dotted path; several, of which the first that says something counts; or the path of each part."""


class Certificate(Model):
    """Where the number of a certificate is. Its type is declared, or stands in a field of its own with `[codes.certificate_type]`."""

    number: str
    type: str | None = None
    type_at: str | None = None


class Who(Model):
    """Where a person is described. Of several certificates the first that says something counts; a name alone stays anonymous."""

    name: str | None = None
    phone: str | None = None
    certificates: tuple[Certificate, ...] = ()


class Section(Model):
    """One message of a profile: the wire field that tells it apart, and where each canonical field is.

    `constants` are what every such message means without saying it; `checked` are fields that the canonical message does not carry but
    whose code must be one of the declared.
    """

    marker: str
    fields: dict[str, At]
    constants: dict[str, str] = Field(default_factory=dict)
    checked: dict[str, str] = Field(default_factory=dict)
    persons: dict[Literal["rater", "agent", "applicant"], Who] = Field(default_factory=dict)


class Profile(Model):
    """A declared wire format. Raises ProfileIncomplete (through validation) for what is left open or contradicts itself, naming it.

    `unwrap` is the path to the record within the envelope, `[]` after a name stands for a list of one; with `may_be_bare` a message
    without the envelope is the record itself. `unconfirmed` names what the place must confirm before a party is registered with it.
    """

    id: str
    version: int
    valid_from: date
    unconfirmed: tuple[str, ...] = ()
    time_format: str
    time_zone: str
    satisfaction_direction: Literal["5_is_best", "1_is_best"] | None = None
    tag_separator: str | None = None
    dict_version: str | None = None
    region_width: Literal[6, 12] | None = None
    project_no_rule: Literal["province_prefix", "as_sent"] | None = None
    unwrap: str = ""
    may_be_bare: bool = False
    ciphers: tuple[Suite, ...] = ()
    codes: dict[str, dict[str, str]]
    rating: Section | None = None
    event: Section | None = None

    @property
    def sections(self) -> dict[str, Section]:
        """The messages that the format has, by name."""
        return {name: section for name, section in (("rating", self.rating), ("event", self.event)) if section}

    @model_validator(mode="after")
    def _nothing_is_left_open(self) -> Self:
        for gap in _gaps(self):
            raise ProfileIncomplete(f"{self.id}: {gap}")
        return self


def _gaps(profile: Profile) -> Iterator[str]:
    if not profile.sections:
        yield "neither [rating] nor [event] is declared"
    for name, section in profile.sections.items():
        yield from _fields(name, section)
        yield from _constants(name, section)
        yield from _maps(profile, section)
        yield from _differences(profile, name, section)
        yield from _who_brought_it(profile, name, section)
    yield from _codes(profile)
    yield from _direction(profile)
    if len({suite.key_digits for suite in profile.ciphers}) < len(profile.ciphers):
        yield "two ciphers take keys of the same length"


def _fields(name: str, section: Section) -> Iterator[str]:
    model = _MODELS[name].model_fields
    said = section.fields.keys() | section.constants.keys()
    for field in sorted(said - model.keys() | section.persons.keys() - model.keys()):
        yield f"[{name}.fields] {field} is no field of the message"
    for field in sorted(field for field, info in model.items() if info.is_required() and field not in said):
        yield f"[{name}.fields] does not say where {field} is"


def _constants(name: str, section: Section) -> Iterator[str]:
    for field, value in section.constants.items():
        if field not in _CONSTANTS:
            yield f"[{name}.constants] {field} must be said by every message"
        elif value not in set(LISTS[field]):
            yield f"[{name}.constants] {field} is not in its list"
        elif field in section.fields:
            yield f"[{name}.constants] {field} is a field as well"


def _maps(profile: Profile, section: Section) -> Iterator[str]:
    used = section.fields.keys() & CODED | section.checked.keys()
    if section.fields.keys() & LIMITS:
        used |= {"limit_unit"}
    for field, who in section.persons.items():
        for certificate in who.certificates:
            if certificate.type_at:
                used |= {"certificate_type"}
            if (certificate.type is None) == (certificate.type_at is None):
                yield f"persons.{field}: {certificate.number} needs a type, or a field that says it"
    for code in sorted(used - profile.codes.keys()):
        yield f"[codes.{code}] is missing"


def _differences(profile: Profile, name: str, section: Section) -> Iterator[str]:
    for field, declarations in _DECLARED_FOR.items():
        for declaration in declarations:
            if field in section.fields and getattr(profile, declaration) is None:
                yield f"{declaration} is not declared, though [{name}.fields] has {field}"


def _who_brought_it(profile: Profile, name: str, section: Section) -> Iterator[str]:
    said = {section.constants.get("provenance"), *(profile.codes.get("provenance", {}).values() if "provenance" in section.fields else ())}
    for provenance, field in _BROUGHT_BY.items():
        if provenance in said and field not in section.fields:
            yield f"[{name}.fields] does not say where {field} is"


def _codes(profile: Profile) -> Iterator[str]:
    for code in sorted(profile.codes.keys() & LISTS.keys()):
        for digit, value in profile.codes[code].items():
            if value not in set(LISTS[code]):
                yield f"[codes.{code}] {digit} is not in the list of that name"
    if profile.dict_version not in {None, tags.version()}:
        yield f"dict_version {profile.dict_version} is not in the dictionary"


def _direction(profile: Profile) -> Iterator[str]:
    if profile.rating is None:
        return
    best_first = profile.satisfaction_direction == "1_is_best"
    declared = {str(6 - level.rank if best_first else level.rank): level.value for level in Level}
    if profile.codes["level"] != declared:
        yield f"[codes.level] contradicts satisfaction_direction {profile.satisfaction_direction}"


@cache
def available() -> tuple[str, ...]:
    """The ids of all profiles, the canonical one first."""
    files = (path.name for path in resources.files("intake").joinpath("profiles").iterdir())
    return (CANONICAL, *sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def has_ciphers(profile_id: str) -> bool:
    """Whether messages in this format may be encrypted."""
    return profile_id != CANONICAL and profile_id in available() and bool(load(profile_id).ciphers)


@cache
def load(profile_id: str) -> Profile:
    """The profile of this id. Raises FileNotFoundError if there is none, and what `Profile` raises."""
    text = resources.files("intake").joinpath("profiles", f"{profile_id}.toml").read_text("utf-8")
    return Profile.model_validate(tomllib.loads(text))
