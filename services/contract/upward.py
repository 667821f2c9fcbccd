"""What the level above is told of a record that stays in intake: the question that notify asks, and the answer. Pure.

A record is named by a `ref`: `R#<rating_id>` a rating, `D#<rating_id>` a default, `E#<event_ref>#<status>` a service event as it was
reported at one status. The models hold what was accepted, word for word; they judge nothing again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from contract.codes import (
    ApplicantType,
    HandlingType,
    Level,
    ProjectStatus,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
    TimeUnit,
)
from contract.identifiers import PartyId
from contract.model import Model

MOST = 100
"""How many records a question may name."""

PersonalField = Literal["name", "phone", "certificate_type", "certificate_number"]
Part = Literal["comment", "event", "names"]
Ref = Annotated[str, StringConstraints(pattern=r"^(?:[RD]#r_[A-Za-z0-9_-]{1,400}|E#e_[A-Za-z0-9_-]{1,400}#[A-Z]{1,20})$")]


class _Quiet(Model):
    """What is at fault is never quoted in an error: it may be of a person, and errors are logged."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Question(_Quiet):
    """Which records, for which level above, and what of them: without `fields` nobody's identity is read.

    `parts` are the text of a rating, the service event that it is of, and the names of organisation, region and item.
    """

    upstream: PartyId
    refs: Annotated[tuple[Ref, ...], Field(min_length=1, max_length=MOST)]
    fields: frozenset[PersonalField] = frozenset()
    parts: frozenset[Part] = frozenset()


class SaidRating(_Quiet):
    """A rating as it was accepted. `comment` is there only if it was asked for."""

    project_no: str
    service_number: int
    round: int
    kind: RatingKind
    level: Level
    tags: tuple[str, ...] = ()
    comment: str | None = None
    provenance: Provenance
    rating_channel: RatingChannel
    occurred_at: datetime


class SaidLimit(Model):
    """A length of time, as promised or as the law sets it."""

    value: int
    unit: TimeUnit


class SaidService(_Quiet):
    """A service event as it was reported at one status. Staff is not in it: what is kept of them leads nowhere."""

    project_no: str
    service_number: int
    status: ProjectStatus
    item_code: str
    item_name: str | None = None
    organisation: str
    region_code: str
    window: str | None = None
    service_channel: ServiceChannel
    handling_type: HandlingType
    applicant_type: ApplicantType
    service_time: datetime
    accepted_at: datetime | None = None
    finished_at: datetime | None = None
    promised_limit: SaidLimit | None = None
    statutory_limit: SaidLimit | None = None


class Known(_Quiet):
    """Of a person the fields that were asked for, as far as they are known."""

    name: str | None = None
    phone: str | None = None
    certificate_type: str | None = None
    certificate_number: str | None = None


class Names(Model):
    """What organisation, region and item are called, as far as Registry knows."""

    organisation: str | None = None
    region: str | None = None
    item: str | None = None


class Revealed(_Quiet):
    """One record: a rating, with its service event if that was asked for, or a service event; whom it is of, if anybody may be told."""

    ref: str
    rating: SaidRating | None = None
    event: SaidService | None = None
    person: Known | None = None
    names: Names = Names()


class Answer(_Quiet):
    """The records that there are, in the order of the question."""

    records: tuple[Revealed, ...]
