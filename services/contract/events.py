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

from contract.codes import (
    CaseFact,
    CaseState,
    Clock,
    Closure,
    ContactOutcome,
    ContestReason,
    EscalationLevel,
    ExclusionReason,
    Finding,
    RatingChannel,
    Verdict,
    Violation,
)
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
    """A rating of one of the two bad levels was stored for the first time.

    `receipt_sha256` is the SHA-256 of its receipt, by which a rater proves to be the one; `follows` the first rating of a follow-up
    (round 2).
    """

    service = "intake"
    rating: RatingFacts
    receipt_sha256: str | None = None
    follows: str | None = None


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


class CaseEvent(Event):
    """What every event of a case says: whose it is now (`organisation` USCC, None while no unit is known), where it stands, what is due."""

    service = "rectify"
    case_id: str
    rating_id: str
    organisation: str | None = None
    region_code: str
    state: CaseState
    due: dict[Clock, AwareDatetime] = Field(default_factory=dict)
    provisional: tuple[Clock, ...] = ()


class CaseReplied(Event):
    """The rater of a bad rating has an answer: from now on a follow-up rating may be given.

    `public_reply` is the answer to an anonymous rating, screened, for the channel to show; any other answer its rater finds by the receipt.
    """

    service = "rectify"
    case_id: str
    rating_id: str
    organisation: str | None = None
    region_code: str | None = None
    state: CaseState | None = None
    due: dict[Clock, AwareDatetime] = Field(default_factory=dict)
    public_reply: str | None = None


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


class CaseProgressed(CaseEvent):
    """Something happened to the case that has no event of its own; `fact` says what."""

    fact: CaseFact


class CaseContacted(CaseEvent):
    """The rater was reached, or not in all tries, or is anonymous."""

    outcome: ContactOutcome


class CaseVerified(CaseEvent):
    """The unit has checked the facts."""

    finding: Finding


class CaseTransferred(CaseEvent):
    """The case belongs to another unit now; its deadlines run on. `organisation` is the new one."""

    before: str | None = None


class CaseExtended(CaseEvent):
    """A later date was granted; the first one stays visible."""

    clock: Clock
    first_due_at: AwareDatetime
    due_at: AwareDatetime


class CaseEscalated(CaseEvent):
    """A step of the ladder (催办, 超期预警, 督办): somebody is to be told. `to` is an organisation (USCC) or a region."""

    clock: Clock
    due_at: AwareDatetime
    level: EscalationLevel
    to: str


class CaseCalledBack(CaseEvent):
    """The independent call-back is over. Whoever was not reached has confirmed nothing."""

    verdict: Verdict


class CaseReopened(CaseEvent):
    """The rater is dissatisfied: it is to be put right again, for the `times`-th time."""

    times: int


class CaseClosed(CaseEvent):
    """The case has ended, as `closure` says; `confirmed` only if the rater said so."""

    closure: Closure
    confirmed: bool


class AppealFiled(CaseEvent):
    """The rated side appeals: the rater is to be told, and may object."""

    reason: ExclusionReason


class AppealRefused(CaseEvent):
    """The rating stands, and the case goes on."""


class ResultContested(CaseEvent):
    """The rater contests the result: the unit is to be told, and may state its view."""

    reason: ContestReason


class ReviewDecided(CaseEvent):
    """What the rater contested is decided."""

    overturned: bool


class CaseDueMoved(CaseEvent):
    """The calendar is known better: an open deadline moved. `before` is the old date."""

    clock: Clock
    before: AwareDatetime
    due_at: AwareDatetime
    calendar: str


class InterviewCalled(CaseEvent):
    """约谈: the unit was late so often in a month (`2026-11`) that its head is called to a talk; once a month."""

    month: str
    cases: int


class PressureReported(CaseEvent):
    """The rater was pressured. For the supervisor alone: it goes neither into the feed nor to subscribers."""


class ViolationReferred(CaseEvent):
    """A proven violation of the unit or its staff. For the supervisor alone, like a report of pressure."""

    violation: Violation
    against: Literal["UNIT", "STAFF"]


class CommandAccepted(Event):
    """A command that came by the queue was carried out."""

    service = "rectify"
    party: str
    command_id: str
    case_id: str
    state: CaseState


class CommandRefused(Event):
    """A command that came by the queue was refused; `codes` are the refusals of the contract. It is kept for the operator."""

    service = "rectify"
    party: str
    command_id: str | None = None
    case_id: str | None = None
    codes: tuple[str, ...]


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
        CaseContacted,
        CaseVerified,
        CaseTransferred,
        CaseExtended,
        CaseOverdue,
        CaseEscalated,
        CaseReplied,
        CaseCalledBack,
        CaseReopened,
        CaseClosed,
        CaseProgressed,
        CaseDueMoved,
        AppealFiled,
        AppealRefused,
        ResultContested,
        ReviewDecided,
        InterviewCalled,
        PressureReported,
        ViolationReferred,
        CommandAccepted,
        CommandRefused,
        AppealGranted,
        AppealOverturned,
        ResultsPublished,
        ScoresDiffered,
    )
}


CONFIDENTIAL = (PressureReported, ViolationReferred)
"""What goes past the unit: the bus hands it to the supervisor's queue alone (`template.yaml`, SupervisorNotices)."""


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
