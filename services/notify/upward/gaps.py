"""What an upstream profile must say: every value of a list, the direction of the scale, and what else differs between places. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract import tags
from contract.codes import (
    ApplicantType,
    Closure,
    HandlingType,
    Level,
    ProjectStatus,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
    TimeUnit,
)
from contract.upward import Known, Names, SaidRating, SaidService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from notify.upward.profile import Envelope, Section, UpstreamProfile

CASE_RESULTS = (*Closure, "COUNTS_NOT", "COUNTS_AGAIN")
"""What became of a bad rating: how its case ended, or that the rating does not count, or does again."""

LISTS: dict[str, tuple[str, ...]] = {
    "level": tuple(Level),
    "kind": tuple(RatingKind),
    "provenance": tuple(Provenance),
    "rating_channel": tuple(RatingChannel),
    "status": tuple(ProjectStatus),
    "service_channel": tuple(ServiceChannel),
    "handling_type": tuple(HandlingType),
    "applicant_type": tuple(ApplicantType),
    "unit": tuple(TimeUnit),
    "round": ("1", "2"),
    "result": CASE_RESULTS,
}
"""The values for which a map of that name must say something each; nothing (empty) where the level above has no word for one."""

_LIMIT = {f"{limit}.{part}" for limit in ("promised_limit", "statutory_limit") for part in ("value", "unit")}
_OF = {
    "rating": set(SaidRating.model_fields),
    "event": set(SaidService.model_fields) - {"promised_limit", "statutory_limit"} | _LIMIT | {"task_code"},
    "person": set(Known.model_fields),
    "names": set(Names.model_fields),
    "case": {"case_id", "rating_id", "result", "happened_at"},
}
_MAY_USE = {
    "rating": {"rating", "event", "person", "names"},
    "event": {"event", "person", "names"},
    "case": {"case", "rating", "event", "names"},
}
# Beside the maps, what differs between places (handbook, table 16.1) and so is declared by whoever uses the field.
_DECLARED_FOR = {
    "level": ("satisfaction_direction",),
    "tags": ("tag_separator", "dict_version"),
    "region_code": ("region_width",),
    "project_no": ("project_no_rule",),
}


def gaps(profile: UpstreamProfile) -> Iterator[str]:
    """What the profile leaves open, or where it contradicts itself, one text each."""
    if not (profile.rating or profile.event):
        yield "neither [rating] nor [event] is declared"
    for name, section in profile.sections.items():
        yield from _fields(name, section)
        yield from _personal(name, section)
        yield from _maps(profile, name, section)
    yield from _direction(profile)
    yield from _envelope(profile.envelope)
    if profile.dict_version not in {None, tags.version()}:
        yield f"dict_version {profile.dict_version} is not in the dictionary"


def _fields(name: str, section: Section) -> Iterator[str]:
    for field, source in section.sources.items():
        if source.part not in _MAY_USE[name] or source.field not in _OF[source.part]:
            yield f"[{name}.fields] {field}: there is no {source.part}.{source.field}"
    for field in (field for field in section.constants if field in section.fields):
        yield f"[{name}.constants] {field} is a field as well"
    for field in (field for field in section.mandatory if field not in section.fields.keys() | section.constants.keys()):
        yield f"[{name}] mandatory: {field} is filled with nothing"


def _personal(name: str, section: Section) -> Iterator[str]:
    personal = {field for field, source in section.sources.items() if source.part == "person"}
    for field in sorted(personal - set(section.mandatory)):
        yield f"[{name}.fields] {field} is of a person and not mandatory: it is not asked for"
    for field in sorted(section.anonymous.keys() - personal):
        yield f"[{name}.anonymous] {field} is of no person"


def _maps(profile: UpstreamProfile, name: str, section: Section) -> Iterator[str]:
    for field, source in section.sources.items():
        for declaration in _DECLARED_FOR.get(source.field, ()):
            if getattr(profile, declaration) is None:
                yield f"{declaration} is not declared, though [{name}.fields] has {field}"
        leaf = source.field.rpartition(".")[2]
        if leaf in LISTS or source.by != leaf or leaf == "certificate_type":
            held = profile.codes.get(source.by)
            if held is None:
                yield f"[codes.{source.by}] is missing, though [{name}.fields] has {field}"
            elif missing := [value for value in LISTS.get(leaf, ()) if value not in held]:
                yield f"[codes.{source.by}] says nothing of {', '.join(missing)}"
            elif strange := sorted(held.keys() - set(LISTS.get(leaf, held))):
                yield f"[codes.{source.by}] {', '.join(strange)} is not in the list {leaf}"


def _direction(profile: UpstreamProfile) -> Iterator[str]:
    if profile.rating is None:
        return
    if not any(source.field == "level" for source in profile.rating.sources.values()):
        yield "[rating.fields] does not say where the level is"
    best_first = profile.satisfaction_direction == "1_is_best"
    declared = {level.value: str(6 - level.rank if best_first else level.rank) for level in Level}
    if profile.codes.get("level", declared) != declared:
        yield f"[codes.level] contradicts satisfaction_direction {profile.satisfaction_direction}"


def _envelope(envelope: Envelope) -> Iterator[str]:
    needed = {"national": ("time_format", "cipher"), "soap": ("operation", "cipher"), "json": ()}[envelope.style]
    for name in (name for name in needed if getattr(envelope, name) is None):
        yield f"[envelope] {name} is not declared, though its style is {envelope.style}"
    if (envelope.cipher is None) != (envelope.key is None):
        yield "[envelope] cipher and key belong together"
    if envelope.key and envelope.key not in envelope.secrets:
        yield f"[envelope] secrets lack {envelope.key}"
