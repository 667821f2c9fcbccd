"""The part of a Ledger entry that may leave intake: what scoring counts, what the raw segments hold, what a case is opened from.

No case-file number, no text, no person: a rating is named by its `rating_id`, staff by an opaque reference (domain handbook, section 18).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, ConfigDict

from contract.codes import (
    ApplicantType,
    Flag,
    HandlingType,
    IdentityMode,
    Level,
    ObjectType,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
    SurveyMethod,
)
from contract.model import Model


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
    """A default that a real rating takes back: the level and the day under which it was counted (design, 6.2)."""

    level: Level
    day: date


class RatingFacts(ServiceFacts):
    """An accepted rating. `day` is the Asia/Shanghai day that it counts for; `day_of` says which of the two times gave it.

    `received_hour` is the hour of receipt, in which the clocks of a case start. The exact times stay in intake: a second, a window and an
    item lead back to an applicant who wished to be anonymous. `object_type`, `survey` and `survey_method` are those of ratings that are
    bound to no service event (GENERAL, SUPERVISION).
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
    provenance: Provenance
    identity_mode: IdentityMode
    rating_channel: RatingChannel
    received_hour: AwareDatetime
    day: date
    day_of: Literal["occurred_at", "received_at"]
    takes_back: TakenBack | None = None
    policy_version: str
