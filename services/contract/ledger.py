"""The part of a Ledger entry that may leave intake: what scoring counts, what the raw segments hold, what a case is opened from.

No case-file number, no text, no person: a rating is named by its `rating_id`, staff by an opaque reference (domain handbook, section 18).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from contract.codes import (
    ApplicantType,
    CaseMeasure,
    Delay,
    ExclusionReason,
    Flag,
    HandlingType,
    IdentityMode,
    Level,
    ObjectType,
    ProjectStatus,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
    SurveyMethod,
    TagCheck,
)
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping


class ServiceFacts(Model):
    """Where and by whom the service was given, frozen from the service event.

    A rating that is bound to no service event knows only what it is about; one that was accepted without its event (UNLINKED) only the
    region. `flags` are what a reader should know of the entry.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    region_code: str
    organisation: str | None = None
    task_code: str | None = None
    handle_item_code: str | None = None
    guide_version: str | None = None
    window: str | None = None
    platform: str | None = None
    staff_ref: str | None = None
    service_channel: ServiceChannel | None = None
    handling_type: HandlingType | None = None
    applicant_type: ApplicantType | None = None
    flags: tuple[Flag, ...] = ()


class TakenBack(Model):
    """A default that a real rating takes back: as what, where, and under which day and channel it was counted (design, 6.2).

    Window, platform, staff and service channel may be others at another status of the same service.
    """

    kind: RatingKind
    level: Level
    rating_channel: RatingChannel
    day: date
    window: str | None = None
    platform: str | None = None
    staff_ref: str | None = None
    service_channel: ServiceChannel | None = None


class RatingFacts(ServiceFacts):
    """An accepted rating. `day` is the Asia/Shanghai day that it counts for; `day_of` says which of the two times gave it.

    `received_hour` is the hour of receipt, in which the clocks of a case start; a rating that waited for its service event was admitted
    later (`admitted_hour`), and its clocks start then. The exact times stay in intake: a second, a window and an
    item lead back to an applicant who wished to be anonymous. `object_type`, `survey` and `survey_method` are those of ratings that are
    bound to no service event (GENERAL, SUPERVISION). `checked` says of the tags that facts can speak to what the facts say.
    """

    rating_id: str
    kind: RatingKind
    round: Literal[1, 2] = 1
    object_type: ObjectType | None = None
    survey: str | None = None
    survey_method: SurveyMethod | None = None
    level: Level
    tags: tuple[str, ...] = ()
    dict_version: str
    checked: dict[str, TagCheck] | None = None
    provenance: Provenance
    identity_mode: IdentityMode
    rating_channel: RatingChannel
    received_hour: AwareDatetime
    admitted_hour: AwareDatetime | None = None
    day: date
    day_of: Literal["occurred_at", "received_at"]
    takes_back: TakenBack | None = None
    policy_version: str

    @property
    def clocks_from(self) -> datetime:
        """The hour in which the clocks of its case start: that of receipt, or of admission if it had been parked."""
        return self.admitted_hour or self.received_hour


class CountedRating(RatingFacts):
    """A rating as scoring counts it and a raw segment holds it. What it adds to the facts of a rating goes neither into events nor out.

    `delay` is how long after its service it was given, `hour` (0 to 23, Asia/Shanghai) when, `device` on which terminal. `service_day` is
    the day under which its service was counted as finished, None if it was rated before that.
    """

    delay: Delay | None = None
    hour: Annotated[int, Field(ge=0, le=23)] | None = None
    device: str | None = None
    service_day: date | None = None

    @property
    def days(self) -> frozenset[date]:
        """The days whose counts it moves."""
        return frozenset(filter(None, (self.day, self.service_day, self.takes_back.day if self.takes_back else None)))


class CountedTurn(RatingFacts):
    """A rating that is excluded (an odd turn) or counts again (an even one), with its dimensions and its day (design, 6.5)."""

    turn: int
    reason: ExclusionReason | None = None
    decided_day: date

    @property
    def days(self) -> frozenset[date]:
        """The days whose counts it moves."""
        return frozenset((self.day, self.decided_day))


class CountedService(ServiceFacts):
    """A service event as it was reported at one status. `rated` is the provenance of a first rating that was there before it."""

    status: ProjectStatus
    day: date
    rated: Provenance | None = None

    @property
    def days(self) -> frozenset[date]:
        """The days whose counts it moves."""
        return frozenset((self.day,))


class CaseStep(Model):
    """What a step of a case adds to the scores of its rating's nodes. `day` is the Asia/Shanghai day of the step."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rating: RatingFacts
    measures: tuple[CaseMeasure, ...] = ()
    day: date

    @property
    def days(self) -> frozenset[date]:
        """The days whose counts it moves."""
        return frozenset((self.day,))


Counted = CountedRating | CountedTurn | CountedService | CaseStep
"""What scoring counts."""

_COUNTED: dict[str, type[Counted]] = {
    "R": CountedRating,
    "D": CountedRating,
    "X": CountedTurn,
    "E": CountedService,
    "H": CaseStep,
}


def counted(sk: str, entry: Mapping[str, Any]) -> Counted | None:
    """The entry with this sort key as scoring counts it, None if nothing of it is counted. Raises ValidationError if it is no entry."""
    model = _COUNTED.get(sk.partition("#")[0])
    return model.model_validate(entry) if model else None
