"""Result events: what external systems consume. Past tense, frozen, versioned, changed only by adding.

On the bus an event is the `detail`, its class name the `detail-type` and `haochaping.<service>` the source. The `event_id` is derived
from the entry that caused the event, so that a consumer who sees it twice knows it. In the feed and in a webhook the same event
travels as a CloudEvent (`cloud_event`).
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from contract.codes import (
    AddressKind,
    CaseFact,
    CaseState,
    Clock,
    Closure,
    ContactOutcome,
    ContestReason,
    EscalationLevel,
    ExclusionReason,
    Finding,
    IdentityMode,
    Language,
    Level,
    MessageTemplate,
    RatingChannel,
    RevealPurpose,
    Severity,
    Verdict,
    Violation,
)
from contract.ledger import RatingFacts
from contract.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping


class Event(Model):
    """What every result event carries. `happened_at` is when it happened; of what happens to a rating, only the hour."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    service: ClassVar[str]
    severity: ClassVar[Severity] = Severity.INFO

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
    severity = Severity.NOTICE
    rating: RatingFacts
    receipt_sha256: str | None = None
    follows: str | None = None


class MessagesRefused(Event):
    """Messages of one party were refused and are kept in quarantine; told at most once per party and relayed batch."""

    service = "intake"
    severity = Severity.NOTICE
    party: str
    count: int
    codes: dict[str, int]


class ServiceOverran(Event):
    """A service was finished after its limit. `reason` is the unit's public explanation, screened; None if it gave none."""

    service = "intake"
    severity = Severity.NOTICE
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


class OfCase(Event):
    """What is told of a case. `order` is the how-manieth it is of all that is told of its case: 1, 2, 3 …"""

    service = "rectify"
    order: Annotated[int, Field(ge=1)] | None = None


class CaseEvent(OfCase):
    """What every event of a case says: whose it is now (`organisation` USCC, None while no unit is known), where it stands, what is due."""

    case_id: str
    rating_id: str
    organisation: str | None = None
    region_code: str
    state: CaseState
    due: dict[Clock, AwareDatetime] = Field(default_factory=dict)
    provisional: tuple[Clock, ...] = ()


class CaseReplied(OfCase):
    """The rater of a bad rating has an answer: from now on a follow-up rating may be given.

    `public_reply` is the answer to an anonymous rating, screened, for the channel to show; any other answer its rater finds by the receipt.
    """

    severity = Severity.NOTICE
    case_id: str
    rating_id: str
    organisation: str | None = None
    region_code: str | None = None
    state: CaseState | None = None
    due: dict[Clock, AwareDatetime] = Field(default_factory=dict)
    public_reply: str | None = None


Turn = Annotated[int, Field(ge=1, le=99)]


class AppealGranted(OfCase):
    """An appeal was granted: the rating no longer counts, and stays visible as excluded. `turn` is odd: 1 for the first exclusion."""

    severity = Severity.NOTICE
    case_id: str
    rating: RatingFacts
    reason: ExclusionReason
    turn: Turn = 1


class AppealOverturned(OfCase):
    """The rater's objection was upheld: the rating counts again. `turn` is even: 2 takes back the first exclusion, with its `reason`."""

    severity = Severity.NOTICE
    case_id: str
    rating: RatingFacts
    reason: ExclusionReason | None = None
    turn: Turn = 2


class CaseOpened(OfCase):
    """A bad rating has its rectification case; `due` holds the deadlines that run (exclusive instants)."""

    severity = Severity.NOTICE
    case_id: str
    rating: RatingFacts
    due: dict[Clock, AwareDatetime]
    provisional: tuple[Clock, ...] = ()
    policy_version: str


class CaseOverdue(OfCase):
    """A deadline of the case passed without the fact that would have stopped its clock."""

    severity = Severity.WARNING
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

    severity = Severity.WARNING
    clock: Clock
    due_at: AwareDatetime
    level: EscalationLevel
    to: str


class CaseCalledBack(CaseEvent):
    """The independent call-back is over. Whoever was not reached has confirmed nothing."""

    verdict: Verdict


class CaseReopened(CaseEvent):
    """The rater is dissatisfied: it is to be put right again, for the `times`-th time."""

    severity = Severity.WARNING
    times: int


class CaseClosed(CaseEvent):
    """The case has ended, as `closure` says; `confirmed` only if the rater said so."""

    closure: Closure
    confirmed: bool
    identity_mode: IdentityMode | None = None


class AppealFiled(CaseEvent):
    """The rated side appeals: the rater is to be told, and may object."""

    severity = Severity.NOTICE
    reason: ExclusionReason
    identity_mode: IdentityMode | None = None


class AppealRefused(CaseEvent):
    """The rating stands, and the case goes on."""


class ResultContested(CaseEvent):
    """The rater contests the result: the unit is to be told, and may state its view."""

    severity = Severity.NOTICE
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

    severity = Severity.URGENT
    month: str
    cases: int


class PressureReported(CaseEvent):
    """The rater was pressured. For the supervisor alone: it goes neither into the feed nor to subscribers."""

    severity = Severity.URGENT


class ViolationReferred(CaseEvent):
    """A proven violation of the unit or its staff. For the supervisor alone, like a report of pressure."""

    severity = Severity.URGENT
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
    severity = Severity.NOTICE
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
    severity = Severity.WARNING
    recount: str
    of_day: date
    differences: int
    corrected: bool


class LedgerSegmentSealed(Event):
    """Some of the Ledger's entries (services, ratings, exclusions) lie sealed in one file, for whoever takes ratings in bulk.

    `number` counts the segments of the stack without a gap; `ledger_day` is the day that the segment closes with, `of_day` the counting
    day of its entries (both Asia/Shanghai; a straggler is sealed with a later day than its own). `key` names the file; `first` and `last`
    are lane and sequence number of its ends. `root` is the Merkle root over its lines (RFC 6962, section 2.1, SHA-256), `sha256` of the
    file as it lies there, `bytes` its size.
    """

    service = "notify"
    number: Annotated[int, Field(ge=1)]
    ledger_day: date
    of_day: date
    key: str
    bytes: int
    entries: int
    ratings: int
    first: str
    last: str
    sha256: str
    root: str


class LedgerDayClosed(Event):
    """A day of the Ledger is closed: nothing is sealed with it any more. Keep `sha256`: it proves what was there, to anybody, for ever.

    `root` is the Merkle root over the roots of the day's segments in the order of their numbers; `previous` the `sha256` of the day
    closed before (of none: 64 zeros), so that a day which was altered later contradicts every day after it.
    """

    service = "notify"
    ledger_day: date
    segments: int
    entries: int
    ratings: int
    root: str
    previous: str
    sha256: str


class SubscriptionTested(Event):
    """Sent to one subscriber when somebody asks for a test; neither into the feed nor to others."""

    service = "notify"
    subscription: str


class MessageRequested(Event):
    """A person is to be told something: for the platform that sends messages alone, neither in the feed nor to subscribers.

    `address` names no number: with `purpose` (and `token`, where there is one) `POST /identities` resolves it. `template` and `language`
    say which text; the rest is what the text may need. An invitation is good until `expires_at`.
    """

    service = "notify"
    template: MessageTemplate
    language: Language
    to: AddressKind
    address: str
    purpose: RevealPurpose | None = None
    region_code: str
    organisation: str | None = None
    case_id: str | None = None
    channel: RatingChannel | None = None
    token: str | None = None
    clock: Clock | None = None
    level: EscalationLevel | None = None
    due_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None


class LevelReported(Model):
    """Of the ratings of one level: how many were sealed and are to be reported, and what became of them above."""

    reportable: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    incomplete: int = 0
    waiting: int = 0
    missing: int = 0


class UpwardReportReconciled(Event):
    """What was reported of a day to the level above: sent = accepted + refused, per level of satisfaction; `difference` is what is not.

    `services` are the service events; `not_reported` counts what is not meant to be (self-built items, defaults).
    """

    service = "notify"
    severity = Severity.NOTICE
    upstream: str
    ledger_day: date
    levels: dict[Level, LevelReported]
    services: LevelReported
    not_reported: int
    difference: int


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
        LedgerSegmentSealed,
        LedgerDayClosed,
        SubscriptionTested,
        MessageRequested,
        UpwardReportReconciled,
    )
}


CONFIDENTIAL = (PressureReported, ViolationReferred)
"""What goes past the unit: the bus hands it to the supervisor's queue alone (`template.yaml`, SupervisorNotices)."""

TO_ONE = (*CONFIDENTIAL, InvitationIssued, MessageRequested, SubscriptionTested)
"""What one receiver alone is told: neither in the feed nor to subscribers (`template.yaml`, ResultEvents)."""

_URGENT_LEVELS = {EscalationLevel.SUPERVISOR, EscalationLevel.LEVEL_ABOVE}


def severity_of(name: str, detail: Mapping[str, Any]) -> Severity:
    """How much an event (its name, and the `detail` as it came from the bus) asks of its reader.

    It is that of its kind, but a step of the ladder that comes before a supervisor is URGENT, a worst rating and a difference a WARNING.
    """
    if name == "CaseEscalated" and detail.get("level") in _URGENT_LEVELS:
        return Severity.URGENT
    if name == "BadRatingAccepted" and detail["rating"]["level"] == Level.VERY_DISSATISFIED:
        return Severity.WARNING
    if name == "UpwardReportReconciled" and detail.get("difference"):
        return Severity.WARNING
    return EVENTS[name].severity


def event_id(*cause: str) -> str:
    """The id of the event that this entry causes: the same for every telling."""
    return "ev_" + hashlib.sha256("\x1f".join(cause).encode()).hexdigest()[:32]


def cloud_event(detail_type: str, source: str, detail: dict[str, Any]) -> dict[str, Any]:
    """A result event as the feed and the webhooks carry it. `detail` is the event as it came from the bus.

    `severity` is an extension attribute of the CloudEvent.
    """
    happened_at = datetime.fromisoformat(detail["happened_at"])
    return {
        "specversion": "1.0",
        "id": detail["event_id"],
        "source": source,
        "type": f"{detail_type}.v{detail['version']}",
        "time": happened_at.isoformat(),
        "datacontenttype": "application/json",
        "severity": severity_of(detail_type, detail),
        "data": detail,
    }
