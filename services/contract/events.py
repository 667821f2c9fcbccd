"""Result events: what external systems consume. Past tense, frozen, versioned, changed only by adding.

On the bus an event is the `detail`, its class name the `detail-type` and `haochaping.<service>` the source. The `event_id` is derived
from the entry that caused the event, so that a consumer who sees it twice knows it. In the feed and in a webhook the same event
travels as a CloudEvent (`cloud_event`).
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from contract.codes import Clock, ExclusionReason, RatingChannel
from contract.ledger import RatingFacts
from contract.model import Model


class Event(Model):
    """What every result event carries. `happened_at` is when it happened; of what happens to a rating, only the hour."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    service: ClassVar[str]

    version: Literal[1] = 1
    event_id: str
    happened_at: AwareDatetime

    @classmethod
    def source(cls) -> str:
        """The `source` of the event on the bus."""
        return f"haochaping.{cls.service}"


class BadRatingAccepted(Event):
    """A rating of one of the two bad levels was stored for the first time."""

    service = "intake"
    rating: RatingFacts


class MessagesRefused(Event):
    """Messages of one party were refused and are kept in quarantine; told at most once per party and relayed batch."""

    service = "intake"
    party: str
    count: int
    codes: dict[str, int]


class ServiceOverran(Event):
    """A service was finished after its limit. `reason` is the unit's public explanation, screened; None if it gave none."""

    service = "intake"
    event_ref: str
    region_code: str
    organisation: str
    task_code: str
    limit: Literal["promised", "statutory"]
    due_day: date
    finished_day: date
    reason: str | None = None


class InvitationIssued(Event):
    """A finished service has no rating, and its applicant may be asked for one, through `channel`, until `expires_at`.

    Whoever has the token can rate: it goes to the queue of the platform that sends invitations, and neither into the feed nor to
    subscribers.
    """

    service = "intake"
    event_ref: str
    region_code: str
    organisation: str
    task_code: str
    channel: RatingChannel
    token: str
    expires_at: AwareDatetime


class CallbackSampleDrawn(Event):
    """Service events of a day were drawn for a supervisory call-back; the same seed draws the same ones again."""

    service = "intake"
    survey: str
    region_code: str
    of_day: date
    seed: str
    population: int
    drawn: int


class CaseReplied(Event):
    """The rater of a bad rating has an answer: from now on a follow-up rating may be given."""

    service = "rectify"
    case_id: str
    rating_id: str


Turn = Annotated[int, Field(ge=1, le=99)]


class AppealGranted(Event):
    """An appeal was granted: the rating no longer counts, and stays visible as excluded. `turn` is odd: 1 for the first exclusion."""

    service = "rectify"
    case_id: str
    rating: RatingFacts
    reason: ExclusionReason
    turn: Turn = 1


class AppealOverturned(Event):
    """The rater's objection was upheld: the rating counts again. `turn` is even: 2 takes back the first exclusion, with its `reason`."""

    service = "rectify"
    case_id: str
    rating: RatingFacts
    reason: ExclusionReason | None = None
    turn: Turn = 2


class CaseOpened(Event):
    """A bad rating has its rectification case; `due` holds the deadlines that run (exclusive instants)."""

    service = "rectify"
    case_id: str
    rating: RatingFacts
    due: dict[Clock, AwareDatetime]
    provisional: tuple[Clock, ...] = ()
    policy_version: str


class CaseOverdue(Event):
    """A deadline of the case passed without the fact that would have stopped its clock."""

    service = "rectify"
    case_id: str
    rating_id: str
    organisation: str | None = None
    region_code: str
    clock: Clock
    due_at: AwareDatetime


class ResultsPublished(Event):
    """The results of a period were published, or published anew: `revision` 2 and up, beside the first. `files` never change.

    `period` is `2026-11`, `2026-Q4` or `2026`; a file is a key in the bucket of results, by its media type.
    `sha256` is of the JSON file.
    """

    service = "scoring"
    region_code: str
    period: str
    revision: Annotated[int, Field(ge=1)]
    files: dict[str, str]
    sha256: str
    policy_version: str
    code_version: str


class ScoresDiffered(Event):
    """A recount found counts of a day that are not those of its entries; `corrected` says whether they were set right."""

    service = "scoring"
    recount: str
    of_day: date
    differences: int
    corrected: bool


EVENTS: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        BadRatingAccepted,
        MessagesRefused,
        ServiceOverran,
        InvitationIssued,
        CallbackSampleDrawn,
        CaseOpened,
        CaseOverdue,
        CaseReplied,
        AppealGranted,
        AppealOverturned,
        ResultsPublished,
        ScoresDiffered,
    )
}


def event_id(*cause: str) -> str:
    """The id of the event that this entry causes: the same for every telling."""
    return "ev_" + hashlib.sha256("\x1f".join(cause).encode()).hexdigest()[:32]


def cloud_event(detail_type: str, source: str, detail: dict[str, Any]) -> dict[str, Any]:
    """A result event as the feed and the webhooks carry it. `detail` is the event as it came from the bus."""
    happened_at = datetime.fromisoformat(detail["happened_at"])
    return {
        "specversion": "1.0",
        "id": detail["event_id"],
        "source": source,
        "type": f"{detail_type}.v{detail['version']}",
        "time": happened_at.isoformat(),
        "datacontenttype": "application/json",
        "data": detail,
    }
