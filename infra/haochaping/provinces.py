"""Province files: stack parameters, local rules and registries of one province, and how they get into its stack."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import ConfigDict, field_validator, model_validator

from cloud import registry
from cloud.registry import Grant, Party, Record, Upstream
from cloud.secrets import ensure_signing_secret
from contract.catalogue import Organisation, Region
from contract.codes import Role
from contract.identifiers import PartyId, RegionCode, Uscc
from contract.messages import Code
from contract.model import Model
from intake.profile import available as available_profiles
from notify.upward.profile import available as upstream_profiles
from policy import evaluation
from policy.evaluation import System
from policy.presets import preset, presets
from policy.rules import DatedRules, Rules
from policy.strictness import Laxer, loosened
from scoring.figures.index import check_entries

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVINCES = Path(__file__).resolve().parents[1] / "provinces"
NATION = PROVINCES.with_name("nation.toml")


class LaxerRule(ValueError):
    """A rule is looser than the one above it; the text names the field and both values."""


class Name(Model):
    """The province itself."""

    region: RegionCode
    zh: str
    en: str
    valid_from: date


class PolicyEntry(Rules):
    """The rules of a region from a date on: those of a preset, if it names one, except where it says otherwise."""

    region: RegionCode
    valid_from: date
    preset: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, said: Any) -> Any:
        known = isinstance(said, dict) and said.get("preset") in presets()
        return presets()[said["preset"]].values() | said if known else said

    @field_validator("preset")
    @classmethod
    def _preset_is_there(cls, name: str | None) -> str | None:
        if name is not None:
            preset(name)
        return name

    def rules(self) -> Rules:
        """The rules alone."""
        return Rules(**self.model_dump(exclude={"region", "valid_from", "preset"}))

    def dated(self) -> DatedRules:
        """The rules as they are in force."""
        return DatedRules(region=self.region, valid_from=self.valid_from, rules=self.rules())


class PartyEntry(Model):
    """A registered party, from its own date or the province's."""

    id: PartyId
    role: Role
    name: str
    name_en: str
    profile: str
    regions: tuple[RegionCode, ...]
    organisations: tuple[Uscc, ...] = ()
    sectors: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    valid_from: date | None = None

    @field_validator("profile")
    @classmethod
    def _is_there(cls, profile: str) -> str:
        if profile not in available_profiles():
            raise ValueError(f"没有该报文格式 no such profile: {profile}; 可用 available: {', '.join(available_profiles())}")
        return profile


class GrantEntry(Grant):
    """Roles of a person of a party, or of all its persons (`*`), from a date on or from the province's."""

    party: PartyId
    person: Code | Literal["*"] = "*"
    valid_from: date | None = None


class UpstreamEntry(Upstream):
    """A level above that is reported to, from its own date or the province's."""

    valid_from: date | None = None

    @field_validator("profile")
    @classmethod
    def _is_there(cls, profile: str) -> str:
        if profile not in upstream_profiles():
            raise ValueError(f"没有该上报格式 no such upstream profile: {profile}; 可用 available: {', '.join(upstream_profiles())}")
        return profile


class Province(Model):
    """One province file. Flat keys are stack parameters and are read by `sam deploy`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ProvinceCode: str
    province: Name
    policy: tuple[PolicyEntry, ...]
    regions: dict[RegionCode, tuple[str, str]]
    organisations: dict[Uscc, tuple[RegionCode, str, str]]
    items: dict[str, tuple[str, str]]
    parties: tuple[PartyEntry, ...]
    grants: tuple[GrantEntry, ...] = ()
    upstreams: tuple[UpstreamEntry, ...] = ()
    index: tuple[System, ...] = ()

    def check_rules(self) -> None:
        """Raises LaxerRule with every rule of a city or county that is looser than what stands above it."""
        found = loosened([entry.dated() for entry in self.policy])
        if found:
            raise LaxerRule("\n".join(str(_refused(one.here.region, one.found, one.above.region)) for one in found))

    def check_index(self) -> None:
        """Raises LaxerRule if an index system is looser than what stands above it; UnknownIndicator, UnknownCounter."""
        systems = self.index_systems()
        for system in systems:
            check_entries(system.entries)
            for found in evaluation.laxer(systems, system):
                raise _refused(system.of, found, "the level above")

    def index_systems(self) -> tuple[System, ...]:
        """The index systems of the nation, its sectors, and this province."""
        return (*national_index(), *self.index)

    def records(self) -> Iterator[Record]:
        """Everything that goes into the registry, valid from the province's date unless it says another."""
        for entry in self.policy:
            yield _record("policy", entry.region, entry.valid_from, entry.rules().plain())
        start = self.province.valid_from
        for code, (zh, en) in self.regions.items():
            yield _record("region", code, start, Region(zh=zh, en=en).plain())
        for uscc, (region, zh, en) in self.organisations.items():
            yield _record("organisation", uscc, start, Organisation(region_code=region, zh=zh, en=en).plain())
        for code, (zh, en) in self.items.items():
            yield _record("base_item", code, start, {"zh": zh, "en": en})
        for system in self.index_systems():
            yield _record("index", system.of, system.valid_from, system.model_dump(mode="json", include={"entries"}, exclude_none=True))
        for party in self.parties:
            value = Party(**party.model_dump(exclude={"valid_from"})).plain()
            yield _record("party", party.id, party.valid_from or start, {name: held for name, held in value.items() if name != "id"})
        for grant in self.grants:
            value = grant.model_dump(mode="json", include=set(Grant.model_fields), exclude_none=True)
            yield _record("grant", f"{grant.party}#{grant.person}", grant.valid_from or start, value)
        for upstream in self.upstreams:
            value = upstream.model_dump(mode="json", exclude={"id", "valid_from"}, exclude_none=True)
            yield _record("upstream", upstream.id, upstream.valid_from or start, value)


def _record(kind: str, id: str, valid_from: date, value: dict[str, Any]) -> Record:
    return Record(kind=kind, id=id, valid_from=valid_from, value=value)


def _refused(of: str, found: Laxer, above: str) -> LaxerRule:
    return LaxerRule(f"{of} {found.field}: {found.here!r} 宽于上级 is laxer than {above}: {found.above!r}")


def national_index() -> tuple[System, ...]:
    """The index systems of the nation and its sectors, which every province loads with its own."""
    systems = tomllib.loads(NATION.read_text("utf-8"))["index"]
    return tuple(System.model_validate(system) for system in systems)


def available() -> list[str]:
    """The provinces that there is a file for."""
    return sorted(path.stem for path in PROVINCES.glob("*.toml"))


def read(name: str) -> Province:
    """The province file. Raises FileNotFoundError, ValidationError, LaxerRule, UnknownIndicator, UnknownCounter."""
    province = Province.model_validate(tomllib.loads((PROVINCES / f"{name}.toml").read_text("utf-8")))
    province.check_rules()
    province.check_index()
    return province


class Loaded(NamedTuple):
    """What came of loading: how many records were new or known, and the names of those that are registered otherwise."""

    new: int
    known: int
    differing: list[str]


def load(province: Province) -> Loaded:
    """Puts rules and registries into the connected stack and makes a secret for each party that has none.

    What is registered otherwise under the same date stays as it is and is named. Running functions see the rest within a minute.
    """
    records = list(province.records())
    there = [registry.add(record) for record in records]
    for party in province.parties:
        ensure_signing_secret(f"party/{party.id}")
    pairs = [(record, held) for record, held in zip(records, there, strict=True) if held is not None]
    differing = [f"{record.kind}#{record.id} {record.valid_from}" for record, held in pairs if held != record.value]
    return Loaded(there.count(None), len(pairs) - len(differing), differing)
