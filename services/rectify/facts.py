"""The facts of a case, one class each: what its history is made of. Never changed, only added to.

Every fact says when it was known here (`at`), who brought it about (`by`, None for the system), and which clocks it starts, moves or stops.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from contract.codes import (
    ActionKind,
    ActorRole,
    CaseState,
    Cause,
    Clock,
    Closure,
    ContactOutcome,
    ContestReason,
    EscalationLevel,
    ExclusionReason,
    Finding,
    Track,
    Verdict,
    Violation,
)
from contract.ledger import RatingFacts
from contract.model import Model
from rectify.clocks import Deadline
from rectify.orders import Routing


class By(Model):
    """Who brought a fact about."""

    party: str
    person: str
    role: ActorRole
    organisation: str | None = None


class Happened(Model):
    """What every fact says. `said_at` is when the acting person says to have done it, `text` and `evidence` what they gave with it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime
    by: By | None = None
    said_at: AwareDatetime | None = None
    text: str | None = None
    evidence: tuple[str, ...] = ()
    starts: dict[Clock, Deadline] = Field(default_factory=dict)
    stops: tuple[Clock, ...] = ()


class Opened(Happened):
    """The case exists; its clocks run from the hour of receipt of the rating, or of admission if it was parked."""

    fact: Literal["Opened"] = "Opened"
    case_id: str
    rating: RatingFacts
    routing: Routing
    receipt_sha256: str | None = None
    policy_version: str
    calendar: str


class Assigned(Happened):
    """A person of the unit is in charge."""

    fact: Literal["Assigned"] = "Assigned"
    person: str


class ContactTried(Happened):
    """The rater was not reached."""

    fact: Literal["ContactTried"] = "ContactTried"


class Contacted(Happened):
    """The rater was reached, or the tries are used up, or the rating is anonymous."""

    fact: Literal["Contacted"] = "Contacted"
    outcome: ContactOutcome


class Verified(Happened):
    """The facts were checked."""

    fact: Literal["Verified"] = "Verified"
    finding: Finding


class TrackSet(Happened):
    """How it is put right."""

    fact: Literal["TrackSet"] = "TrackSet"
    track: Track
    planned_day: date | None = None


class ActionTaken(Happened):
    """Something was done, with evidence."""

    fact: Literal["ActionTaken"] = "ActionTaken"
    action_kind: ActionKind
    cause: Cause
    change: str | None = None


class Replied(Happened):
    """The rater has an answer; that of an anonymous rating is public, screened."""

    fact: Literal["Replied"] = "Replied"
    legal_basis: str | None = None
    public_reply: str | None = None


class CallbackTried(Happened):
    """Nobody was reached at the call-back."""

    fact: Literal["CallbackTried"] = "CallbackTried"


class CalledBack(Happened):
    """The call-back is over: what the rater said, or that nobody was reached in all tries."""

    fact: Literal["CalledBack"] = "CalledBack"
    verdict: Verdict


class Closed(Happened):
    """The case is closed. `confirmed`: the rater said that it was put right."""

    fact: Literal["Closed"] = "Closed"
    state: Literal[CaseState.CLOSED, CaseState.CLOSED_UNCONFIRMED]
    closure: Closure
    confirmed: bool


class Reopened(Happened):
    """The rater is dissatisfied: it is to be put right again."""

    fact: Literal["Reopened"] = "Reopened"
    times: int


class Supervised(Happened):
    """Repeated dissatisfaction: the supervisor decides."""

    fact: Literal["Supervised"] = "Supervised"


class SupervisionDecided(Happened):
    """The supervisor decided: put right once more, or closed."""

    fact: Literal["SupervisionDecided"] = "SupervisionDecided"
    rectify: bool


class Urged(Happened):
    """The supervisor urged the unit."""

    fact: Literal["Urged"] = "Urged"


class ExtensionAsked(Happened):
    """The unit asks for a later date."""

    fact: Literal["ExtensionAsked"] = "ExtensionAsked"
    clock: Clock
    value: int


class ExtensionGranted(Happened):
    """The date is later now; the first one stays visible."""

    fact: Literal["ExtensionGranted"] = "ExtensionGranted"
    clock: Clock
    first_due_at: AwareDatetime
    due_at: AwareDatetime


class ExtensionRefused(Happened):
    """The date stays."""

    fact: Literal["ExtensionRefused"] = "ExtensionRefused"
    clock: Clock


class TransferProposed(Happened):
    """Another unit is asked to take the case over."""

    fact: Literal["TransferProposed"] = "TransferProposed"
    to: Routing


class TransferRefused(Happened):
    """It does not."""

    fact: Literal["TransferRefused"] = "TransferRefused"


class Transferred(Happened):
    """The case belongs to another unit; its clocks run on."""

    fact: Literal["Transferred"] = "Transferred"
    to: Routing
    before: str | None = None


class SubtaskAdded(Happened):
    """A co-handling unit has a part in it."""

    fact: Literal["SubtaskAdded"] = "SubtaskAdded"
    subtask: int
    organisation: str


class SubtaskClosed(Happened):
    """The part is done, or withdrawn."""

    fact: Literal["SubtaskClosed"] = "SubtaskClosed"
    subtask: int
    organisation: str
    done: bool


class StatementAdded(Happened):
    """Somebody explained, or gave further evidence."""

    fact: Literal["StatementAdded"] = "StatementAdded"


class ProblemLinked(Happened):
    """The case has the cause of a problem record."""

    fact: Literal["ProblemLinked"] = "ProblemLinked"
    problem: str


class ChangeRecorded(Happened):
    """Something was changed for good."""

    fact: Literal["ChangeRecorded"] = "ChangeRecorded"
    problem: str


class AppealFiled(Happened):
    """The rated side says that the rating was a mistake or in bad faith."""

    fact: Literal["AppealFiled"] = "AppealFiled"
    reason: ExclusionReason


class Objected(Happened):
    """The rater objects to the appeal."""

    fact: Literal["Objected"] = "Objected"


class AppealRefused(Happened):
    """The rating stands; the case goes on from where it was."""

    fact: Literal["AppealRefused"] = "AppealRefused"


class RatingExcluded(Happened):
    """The appeal was granted: the rating no longer counts, and stays visible. `turn` is odd."""

    fact: Literal["RatingExcluded"] = "RatingExcluded"
    reason: ExclusionReason
    turn: int


class Contested(Happened):
    """The rater contests the result."""

    fact: Literal["Contested"] = "Contested"
    reason: ContestReason


class ReviewRefused(Happened):
    """The result stands, finally."""

    fact: Literal["ReviewRefused"] = "ReviewRefused"


class ReviewGranted(Happened):
    """The result is overturned: it is put right again, and an excluded rating counts again (`turn` is even then)."""

    fact: Literal["ReviewGranted"] = "ReviewGranted"
    turn: int | None = None
    reason: ExclusionReason | None = None


class FollowUpReceived(Happened):
    """The rater rated again after the reply, and badly."""

    fact: Literal["FollowUpReceived"] = "FollowUpReceived"
    rating: RatingFacts


class PressureReported(Happened):
    """The rater was pressured. Never shown to the unit."""

    fact: Literal["PressureReported"] = "PressureReported"


class ViolationReferred(Happened):
    """A proven violation goes to those who pursue it. Never shown to the unit."""

    fact: Literal["ViolationReferred"] = "ViolationReferred"
    violation: Violation
    against: Literal["UNIT", "STAFF"]


class BecameOverdue(Happened):
    """A clock ran out."""

    fact: Literal["BecameOverdue"] = "BecameOverdue"
    clock: Clock
    due_at: AwareDatetime


class Escalated(Happened):
    """A step of the ladder: somebody is told."""

    fact: Literal["Escalated"] = "Escalated"
    clock: Clock
    due_at: AwareDatetime
    level: EscalationLevel
    to: str


class InterviewCalled(Happened):
    """约谈: the unit was late so often in a month (`2026-11`) that its head is called to a talk."""

    fact: Literal["InterviewCalled"] = "InterviewCalled"
    month: str
    cases: int


class DueMoved(Happened):
    """The calendar is known better: an open deadline moved."""

    fact: Literal["DueMoved"] = "DueMoved"
    clock: Clock
    before: AwareDatetime
    due_at: AwareDatetime
    calendar: str


Fact = (
    Opened
    | Assigned
    | ContactTried
    | Contacted
    | Verified
    | TrackSet
    | ActionTaken
    | Replied
    | CallbackTried
    | CalledBack
    | Closed
    | Reopened
    | Supervised
    | SupervisionDecided
    | Urged
    | ExtensionAsked
    | ExtensionGranted
    | ExtensionRefused
    | TransferProposed
    | TransferRefused
    | Transferred
    | SubtaskAdded
    | SubtaskClosed
    | StatementAdded
    | ProblemLinked
    | ChangeRecorded
    | AppealFiled
    | Objected
    | AppealRefused
    | RatingExcluded
    | Contested
    | ReviewRefused
    | ReviewGranted
    | FollowUpReceived
    | PressureReported
    | ViolationReferred
    | BecameOverdue
    | Escalated
    | InterviewCalled
    | DueMoved
)

AnyFact = Annotated[Fact, Field(discriminator="fact")]

# What goes past the unit: neither in its view, nor in the feed, nor to its subscriptions.
CONFIDENTIAL = (PressureReported, ViolationReferred)
