"""The inbound messages: CloudEvents 1.0 in structured JSON, as registered parties publish them.

Other wire formats are turned into these by a declared profile (`intake.profile`); nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from contract import tags as dictionary
from contract.codes import (
    ApplicantType,
    HandlingType,
    Level,
    ObjectType,
    ProjectStatus,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
    SurveyMethod,
    TimeUnit,
)
from contract.identifiers import UNSEEN, ItemCode, ProjectNo, RegionCode, Uscc, check_item_code
from contract.model import Model

_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:.*")
_YEARS = range(1990, 2100)


def _written_as_time(value: Any) -> Any:
    """Text or a datetime: a bare number is no time, whatever it may be taken for."""
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise PydanticCustomError("bad_time", "not RFC 3339 with offset")


def _of_our_age(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise PydanticCustomError("bad_time", "not a year that a service can have been given in")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_as_time, json_schema_input_type=str), AfterValidator(_of_our_age)]
ServiceNumber = Annotated[int, Field(strict=True, ge=1, le=99)]
Round = Annotated[int, Field(strict=True, ge=1, le=2)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
# The name of a window or of a member of staff in the unit's own system: no blanks, so that no sentence gets in.
Code = Annotated[str, StringConstraints(pattern=rf"^[^\s{UNSEEN}]{{1,40}}$")]
# A party's own name of something that becomes part of a key.
Reference = Annotated[str, StringConstraints(pattern=rf"^[^\s#|/{UNSEEN}]{{1,64}}$")]
# As long as the name of a service event with the longest case-file number.
EventRef = Annotated[str, StringConstraints(pattern=r"^e_[A-Za-z0-9_-]{1,300}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{4,22}$")]


class Envelope(Model):
    """The CloudEvents attributes around `data`; extension attributes are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Short
    source: Short
    type: Short
    time: Moment | None = None
    data: dict[str, Any]


class Limit(Model):
    """A length of time, as promised or as the law sets it."""

    value: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    unit: Literal[TimeUnit.HOUR, TimeUnit.DAY, TimeUnit.WORKDAY, TimeUnit.MONTH, TimeUnit.YEAR]


class Person(Model):
    """A natural or legal person as a platform names one. Seen only by intake: the Ledger keeps a keyed pseudonym, the Vault the rest."""

    certificate_type: Short | None = None
    certificate_number: Short | None = None
    name: Short | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        if (self.certificate_type is None) != (self.certificate_number is None):
            missing = "certificate_number" if self.certificate_type else "certificate_type"
            raise PydanticCustomError("missing_field", "a certificate has a type and a number", {"field": missing})
        if not (self.certificate_number or self.phone):
            raise PydanticCustomError("missing_field", "a name alone tells nobody apart", {"field": "certificate_number"})
        return self

    @property
    def identity(self) -> tuple[str, str]:
        """What the pseudonym is made of: type and number of the certificate, or else the telephone."""
        if self.certificate_type and self.certificate_number:
            return (
                self.certificate_type,
                self.certificate_number.strip().upper(),
            )  # the last character of an identity number is written x or X
        return "phone", str(self.phone)


class ServiceEvent(Model):
    """办件服务: the N-th contact inside a case file that can be rated. Facts only; they never change under a rating.

    `accepted_at` is required from ACCEPTED on, `finished_at` for FINISHED (interfaces of Beijing and of a window payload). One that
    finished after its limit should say why (`overrun_reason`, 国办发〔2019〕51号, 二(三)); a missing reason is reported, not refused.
    `materials` are those that were asked for, `visits` how often the applicant had to come: a rating's reasons are checked against them.
    """

    project_no: ProjectNo
    service_number: ServiceNumber
    status: ProjectStatus
    item_code: ItemCode
    item_name: Short | None = None
    guide_version: Code | None = None
    organisation: Uscc
    region_code: RegionCode
    window: Code | None = None
    platform: Code | None = None
    staff_no: Code | None = None
    service_channel: ServiceChannel
    handling_type: HandlingType
    applicant_type: ApplicantType
    service_time: Moment
    accepted_at: Moment | None = None
    finished_at: Moment | None = None
    promised_limit: Limit | None = None
    statutory_limit: Limit | None = None
    overrun_reason: Short | None = None
    materials: Annotated[tuple[Short, ...], Field(max_length=100)] | None = None
    visits: Annotated[int, Field(strict=True, ge=0, le=99)] | None = None
    applicant: Person | None = None
    agent: Person | None = None

    @model_validator(mode="after")
    def _dates_of_the_status(self) -> Self:
        if self.status is not ProjectStatus.PENDING and self.accepted_at is None:
            raise PydanticCustomError("missing_field", "required from ACCEPTED on", {"field": "accepted_at"})
        if self.status is ProjectStatus.FINISHED and self.finished_at is None:
            raise PydanticCustomError("missing_field", "required for FINISHED", {"field": "finished_at"})
        return self


class Import(Model):
    """Where a rating comes from that was given to another system: its name, and the batch."""

    source: Code
    batch: Code


class Opinion(Model):
    """What every rating says, whatever it is about. Without `rater` it is anonymous.

    A rating from paper names the clerk who entered it, an imported one its source and batch (domain handbook, section 10).
    """

    level: Level
    tags: Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")], ...], Field(max_length=20)] = ()
    comment: str | None = None
    provenance: Provenance
    rating_channel: RatingChannel
    occurred_at: Moment
    rater: Person | None = None
    agent: Person | None = None
    entered_by: Code | None = None
    imported_from: Import | None = None

    @field_validator("tags")
    @classmethod
    def _sorted_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(value)))

    @field_validator("comment")
    @classmethod
    def _blank_is_nothing(cls, value: str | None) -> str | None:
        text = (value or "").strip()
        # Control and formatting characters (zero-width ones among them) say nothing to a reader.
        return text if any(unicodedata.category(character)[0] not in "CZ" for character in text) else None

    @model_validator(mode="after")
    def _tags_of_the_level(self) -> Self:
        for code in self.tags:
            tag = dictionary.dictionary().get(code)
            if tag is None:
                raise PydanticCustomError("unknown_tag", "not in the dictionary", {"field": "tags"})
            if not tag.belongs_to(self.level):
                raise PydanticCustomError("tag_of_other_level", "tag of another level", {"field": "tags"})
            if not tag.active:
                raise PydanticCustomError("retired_tag", "retired", {"field": "tags"})
        return self

    @model_validator(mode="after")
    def _reason_of_a_bad_level(self) -> Self:
        if self.level.is_bad and not self.tags and not self.comment:
            raise PydanticCustomError("reason_required", "a bad rating needs a tag or a text", {"field": "tags"})
        return self

    @model_validator(mode="after")
    def _by_nobody_only_if_so(self) -> Self:
        if self.rating_channel is RatingChannel.SYSTEM_DEFAULT and self.provenance is not Provenance.DEFAULT:
            raise PydanticCustomError(
                "unknown_channel", "the system's default is no channel that somebody rates by", {"field": "rating_channel"}
            )
        return self

    @model_validator(mode="after")
    def _who_brought_it(self) -> Self:
        needed = {Provenance.PAPER_ENTERED: "entered_by", Provenance.IMPORTED: "imported_from"}.get(self.provenance)
        if needed and getattr(self, needed) is None:
            raise PydanticCustomError("missing_field", "who brought it is named", {"field": needed})
        return self


class Rating(Opinion):
    """评价 of a service event: 一次一评 (VISIT) or 一事一评 (MATTER). `device` is the terminal of the hall on which it was given."""

    project_no: ProjectNo
    service_number: ServiceNumber
    round: Round
    kind: RatingKind
    device: Code | None = None


class RatedObject(Model):
    """What a rating is about that is bound to no service event. `id` is the item code (ITEM, GUIDE), window, platform or staff number."""

    type: ObjectType
    organisation: Uscc
    region_code: RegionCode
    id: Reference | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.type is not ObjectType.ORGANISATION and self.id is None:
            raise PydanticCustomError("missing_field", "only an organisation is named by itself", {"field": "id"})
        if self.type in {ObjectType.ITEM, ObjectType.GUIDE} and self.id:
            check_item_code(self.id)
        return self


class GeneralRating(Opinion):
    """综合点评 of an institution, window, platform, person, item or guide: bound to no service event, counted in a table of its own.

    `reference` is the party's own name of it: the same one again is the same rating.
    """

    reference: Reference
    object: RatedObject


class Survey(Model):
    """Of which supervisory check a rating is a part, how it was asked, and who asked."""

    id: Reference
    method: SurveyMethod
    conducted_by: Code


class SupervisoryRating(Opinion):
    """监督查评: an answer within a sampled call-back, a survey or a third party's assessment. `sample` is the drawn service event."""

    reference: Reference
    object: RatedObject
    survey: Survey
    sample: EventRef | None = None


MESSAGES: dict[str, type[ServiceEvent | Rating | GeneralRating | SupervisoryRating]] = {
    "service-event.v1": ServiceEvent,
    "rating.v1": Rating,
    "general-rating.v1": GeneralRating,
    "supervisory-rating.v1": SupervisoryRating,
}


Freestanding = GeneralRating | SupervisoryRating
"""Ratings that are bound to no service event."""

Said = ServiceEvent | Rating | Freestanding
"""What channel platforms say."""


def envelope(message: Said, message_id: str, source: str, time: datetime) -> dict[str, Any]:
    """The canonical wire form of a message, ready for `json.dumps`."""
    kind = next(name for name, model in MESSAGES.items() if isinstance(message, model))
    attributes = {"specversion": "1.0", "id": message_id, "source": source, "type": kind, "time": time.isoformat()}
    return {**attributes, "data": message.plain()}
