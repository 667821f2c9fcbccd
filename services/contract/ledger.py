"""The part of a Ledger entry that may leave intake: what scoring counts, what the raw segments hold, what a case is opened from.

No case-file number, no text, no person: a rating is named by its `rating_id`, staff by an opaque reference (domain handbook, section 18).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, ConfigDict

from contract.codes import (
    ApplicantType,
    HandlingType,
    IdentityMode,
    Level,
    Provenance,
    RatingChannel,
    RatingKind,
    ServiceChannel,
)
from contract.model import Model


class ServiceFacts(Model):
    """Where and by whom the service was given, frozen from the service event."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    region_code: str
    organisation: str
    task_code: str
    handle_item_code: str | None = None
    window: str | None = None
    staff_ref: str | None = None
    service_channel: ServiceChannel
    handling_type: HandlingType
    applicant_type: ApplicantType


class RatingFacts(ServiceFacts):
    """An accepted rating. `day` is the Asia/Shanghai day that it counts for; `day_of` says which of the two times gave it.

    `received_hour` is the hour of receipt, in which the clocks of a case start. The exact times stay in intake: a second, a window and an
    item lead back to an applicant who wished to be anonymous.
    """

    rating_id: str
    kind: RatingKind
    round: Literal[1, 2]
    level: Level
    tags: tuple[str, ...] = ()
    dict_version: str
    provenance: Provenance
    identity_mode: IdentityMode
    rating_channel: RatingChannel
    received_hour: AwareDatetime
    day: date
    day_of: Literal["occurred_at", "received_at"]
    policy_version: str
