"""Upstream profiles: the format of a level above as declared data, one file of `upstreams/` each (domain handbook, section 16). Pure.

A profile says which field is filled with what, what each code is there, which way the scale of satisfaction runs, how an envelope is made
and how an answer is read. One that leaves any of it open is not loaded; what no public text settles is declared and named in `unconfirmed`.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from contract.cipher import Suite
from contract.model import Model
from contract.upward import MOST
from notify.upward.gaps import gaps

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Path = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Texts = tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...]


class UpstreamIncomplete(ValueError):
    """A profile leaves something open, or contradicts itself; the text names it."""


class Source(NamedTuple):
    """With what a field is filled: `part.field`, as in `rating.level`; `by` names the map of its codes, by default the field itself."""

    part: str
    field: str
    by: str

    @classmethod
    def of(cls, text: str) -> Self:
        """`rating.level`, or `event.status|service_name` where another map says its codes."""
        place, _, by = text.partition("|")
        part, _, field = place.partition(".")
        return cls(part, field, by or field.rpartition(".")[2])


class Section(Model):
    """One kind of record: the path that takes it, its fields (each with its source), what every such record says alike.

    `mandatory` are the fields without which a record is not sent. A personal field is asked for only if it is one of these. `anonymous`
    is what the personal fields say of somebody who is not known; without it such a record lacks what is mandatory.
    """

    path: str = ""
    fields: dict[str, str] = Field(min_length=1)
    constants: dict[str, str] = Field(default_factory=dict)
    mandatory: tuple[str, ...] = ()
    anonymous: dict[str, str] = Field(default_factory=dict)

    @property
    def sources(self) -> dict[str, Source]:
        """The source of each field."""
        return {name: Source.of(text) for name, text in self.fields.items()}


class Envelope(Model):
    """How records travel: `style` names the making (`notify.upward.envelopes`), `records_as` the list of the records, `time_format` is of
    its own time, where it has one.

    `secrets` are what must be held for the upstream in Secrets Manager; of the cipher `key` names which of them is the key.
    """

    style: Literal["national", "json", "soap"]
    records_as: str
    time_format: str | None = None
    token_path: str | None = None
    operation: str | None = None
    cipher: Suite | None = None
    key: str | None = None
    secrets: tuple[str, ...] = ()


class Batch(Model):
    """How much goes into one call: records, and bytes of its body."""

    records: int = Field(ge=1, le=MOST)
    bytes: int = Field(ge=1_000, le=5_000_000)


class Answers(Model):
    """How an answer is read: `success_at` is the path of the value that says whether it went well, `text_at` of what went wrong.

    With `records_at` each record has an answer of its own, in the order in which they were sent; where there are none, the answer is one
    for all. The rest are parts of texts: `duplicates` are there already and so delivered, `no_event` is told of a rating before its service
    event, `faults` of what is wrong with us and not with a record, `errors` when something fails there, with a record or with everything;
    `refusals` are the others, by the names that we give them.
    """

    success_at: Path
    success: Texts = Field(min_length=1)
    text_at: Path
    records_at: Path | None = None
    record_success_at: Path | None = None
    record_text_at: Path | None = None
    duplicates: Texts = Field(min_length=1)
    no_event: Texts
    faults: Texts
    errors: Texts
    refusals: dict[Name, Texts] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _records_are_read_alike(self) -> Self:
        if self.records_at and not (self.record_success_at and self.record_text_at):
            raise UpstreamIncomplete("[answers] records_at needs record_success_at and record_text_at")
        return self


class UpstreamProfile(Model):
    """A declared format of a level above. Raises UpstreamIncomplete (through validation), naming what is left open."""

    id: Name
    version: int
    valid_from: date
    unconfirmed: tuple[str, ...]
    satisfaction_direction: Literal["5_is_best", "1_is_best"] | None = None
    time_format: str
    time_zone: str
    tag_separator: str | None = None
    dict_version: str | None = None
    region_width: Literal[6, 12] | None = None
    project_no_rule: Literal["province_prefix", "as_sent"] | None = None
    reports_defaults: bool
    envelope: Envelope
    batch: Batch
    answers: Answers
    codes: dict[str, dict[str, str]]
    rating: Section | None = None
    event: Section | None = None
    case: Section | None = None

    @property
    def sections(self) -> dict[str, Section]:
        """The kinds of records that are reported, service events first: a rating before its event may be refused."""
        return {name: held for name, held in (("event", self.event), ("rating", self.rating), ("case", self.case)) if held}

    @model_validator(mode="after")
    def _nothing_is_left_open(self) -> Self:
        for gap in gaps(self):
            raise UpstreamIncomplete(f"{self.id}: {gap}")
        return self


@cache
def available() -> tuple[str, ...]:
    """The ids of all profiles."""
    files = (path.name for path in resources.files("notify.upward").joinpath("upstreams").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


@cache
def load(profile_id: str) -> UpstreamProfile:
    """The profile of this id. Raises FileNotFoundError if there is none, and what `UpstreamProfile` raises."""
    return parse(resources.files("notify.upward").joinpath("upstreams", f"{profile_id}.toml").read_text("utf-8"))


def parse(text: str) -> UpstreamProfile:
    """The profile that a TOML text declares. Raises TOMLDecodeError, ValidationError and what `UpstreamProfile` raises."""
    return UpstreamProfile.model_validate(tomllib.loads(text))
