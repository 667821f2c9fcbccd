"""The code lists of `codes.json`: named values only, with their Chinese and English labels.

No bare digit of a wire format gets past a profile (`intake.profile`); inside, a level is a name. Sources and their standing
(confirmed, our definition) are given list by list in `codes.json`.
"""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any


@cache
def data() -> dict[str, Any]:
    """`codes.json` as it stands."""
    loaded: dict[str, Any] = json.loads(resources.files("contract").joinpath("codes.json").read_text("utf-8"))
    return loaded


class Code(StrEnum):
    """A value of a code list; the list is named like the class, in snake case."""

    @classmethod
    def list_name(cls) -> str:
        """The key of this list in `codes.json`."""
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("_")

    def _entry(self) -> dict[str, Any]:
        entry: dict[str, Any] = data()["lists"][self.list_name()]["values"][self.value]
        return entry

    @property
    def zh(self) -> str:
        """The Chinese label."""
        return str(self._entry()["zh"])

    @property
    def en(self) -> str:
        """The English label."""
        return str(self._entry()["en"])


class Level(Code):
    """满意度: five named levels, the two lowest are bad ratings (国办发〔2019〕51号)."""

    VERY_SATISFIED = "VERY_SATISFIED"
    SATISFIED = "SATISFIED"
    BASICALLY_SATISFIED = "BASICALLY_SATISFIED"
    DISSATISFIED = "DISSATISFIED"
    VERY_DISSATISFIED = "VERY_DISSATISFIED"

    @property
    def rank(self) -> int:
        """5 for the best level, 1 for the worst; also the first digit of the level's tags."""
        return int(self._entry()["rank"])

    @property
    def is_bad(self) -> bool:
        """True for 不满意 and 非常不满意, which start a rectification case."""
        return bool(self._entry()["bad"])


class RatingKind(Code):
    """The four forms of rating (国办发〔2019〕51号, chapter 三)."""

    VISIT = "VISIT"
    MATTER = "MATTER"
    GENERAL = "GENERAL"
    SUPERVISION = "SUPERVISION"


class Provenance(Code):
    """Who gave the rating. DEFAULT means that nobody did; it is never a good rating."""

    SELF_ONLINE = "SELF_ONLINE"
    SELF_DEVICE = "SELF_DEVICE"
    HOTLINE_CALLBACK = "HOTLINE_CALLBACK"
    PAPER_ENTERED = "PAPER_ENTERED"
    IMPORTED = "IMPORTED"
    DEFAULT = "DEFAULT"


class RatingChannel(Code):
    """评价渠道: through what the rating was given."""

    PC = "PC"
    MOBILE = "MOBILE"
    QR = "QR"
    HALL_TABLET = "HALL_TABLET"
    HALL_TERMINAL = "HALL_TERMINAL"
    PHONE = "PHONE"
    SMS = "SMS"
    PAPER = "PAPER"
    SYSTEM_DEFAULT = "SYSTEM_DEFAULT"


class ServiceChannel(Code):
    """办理渠道: through what the service was given."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"


class HandlingType(Code):
    """即办件, 承诺件, 其他 (GB/T 39046-2020 A.6)."""

    INSTANT = "INSTANT"
    PROMISED = "PROMISED"
    OTHER = "OTHER"


class ApplicantType(Code):
    """申请人类型. LEGAL_PERSON_UNSPECIFIED is what a coarse interface can say."""

    NATURAL_PERSON = "NATURAL_PERSON"
    ENTERPRISE = "ENTERPRISE"
    INSTITUTION = "INSTITUTION"
    SOCIAL_ORGANISATION = "SOCIAL_ORGANISATION"
    UNINCORPORATED_ENTERPRISE = "UNINCORPORATED_ENTERPRISE"
    ADMINISTRATIVE_ORGAN = "ADMINISTRATIVE_ORGAN"
    OTHER_ORGANISATION = "OTHER_ORGANISATION"
    LEGAL_PERSON_UNSPECIFIED = "LEGAL_PERSON_UNSPECIFIED"


class ObjectType(Code):
    """What a rating can be about that is bound to no service event."""

    ITEM = "ITEM"
    GUIDE = "GUIDE"
    ORGANISATION = "ORGANISATION"
    WINDOW = "WINDOW"
    PLATFORM = "PLATFORM"
    STAFF = "STAFF"


class SurveyMethod(Code):
    """How a supervisory check (监督查评) asks."""

    CALLBACK_SAMPLE = "CALLBACK_SAMPLE"
    SURVEY = "SURVEY"
    THIRD_PARTY = "THIRD_PARTY"


class Flag(Code):
    """What a reader should know of an entry. A flag changes nothing that was said; declared rules set it (`intake.flags`)."""

    CLAIMED_BEFORE_SERVICE = "CLAIMED_BEFORE_SERVICE"
    CLAIMED_IN_FUTURE = "CLAIMED_IN_FUTURE"
    CLAIMED_FAR_FROM_RECEIPT = "CLAIMED_FAR_FROM_RECEIPT"
    UNLISTED_ITEM = "UNLISTED_ITEM"
    UNLISTED_ORGANISATION = "UNLISTED_ORGANISATION"
    OVERRUN_UNEXPLAINED = "OVERRUN_UNEXPLAINED"
    OVERRUN = "OVERRUN"
    UNLINKED = "UNLINKED"


class RevealPurpose(Code):
    """What for an identity may be read from the Vault."""

    CONTACT = "CONTACT"
    CALLBACK = "CALLBACK"
    INVITATION = "INVITATION"
    RECTIFICATION = "RECTIFICATION"
    LEGAL = "LEGAL"
    NOTICE = "NOTICE"
    UPWARD_REPORT = "UPWARD_REPORT"


class Delay(Code):
    """How long after the service a rating was given, coarsely: an exact time leads back to an applicant."""

    BEFORE = "BEFORE"
    SECONDS_10 = "SECONDS_10"
    SECONDS_30 = "SECONDS_30"
    MINUTE_1 = "MINUTE_1"
    MINUTES_2 = "MINUTES_2"
    MINUTES_3 = "MINUTES_3"
    MINUTES_5 = "MINUTES_5"
    MINUTES_10 = "MINUTES_10"
    MINUTES_30 = "MINUTES_30"
    HOUR_1 = "HOUR_1"
    HOURS_3 = "HOURS_3"
    HOURS_12 = "HOURS_12"
    DAY_1 = "DAY_1"
    DAYS_3 = "DAYS_3"
    DAYS_7 = "DAYS_7"
    LATER = "LATER"


class TagCheck(Code):
    """What the recorded facts say of a reason that a rating gives (domain handbook, section 9). It never decides alone."""

    CONFIRMED = "CONFIRMED"
    NOT_CONFIRMED = "NOT_CONFIRMED"


class ExclusionReason(Code):
    """Why a rating does not count (误评, 恶意差评). It stays visible, and its rater goes free."""

    MISTAKE = "MISTAKE"
    MALICIOUS = "MALICIOUS"


class Aspect(Code):
    """The six aspects that an evaluation covers (国办发〔2019〕51号, 二(四))."""

    ITEM_MANAGEMENT = "ITEM_MANAGEMENT"
    PROCESS = "PROCESS"
    SERVICE_RULES = "SERVICE_RULES"
    SERVICE_QUALITY = "SERVICE_QUALITY"
    RECTIFICATION = "RECTIFICATION"
    SUPERVISION = "SUPERVISION"


class Signal(Code):
    """What ratings that nobody meant are known by (domain handbook, section 20). A signal asks for a look; it takes nothing away."""

    SAME_TAGS = "SAME_TAGS"
    CONSTANT_DELAY = "CONSTANT_DELAY"
    WITHIN_SECONDS = "WITHIN_SECONDS"
    BURST = "BURST"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    PC_IN_A_HALL = "PC_IN_A_HALL"
    CLAIMED_LONG_BEFORE = "CLAIMED_LONG_BEFORE"
    NO_BAD_RATING = "NO_BAD_RATING"
    UNKNOWN_WINDOW = "UNKNOWN_WINDOW"


class CaseMeasure(Code):
    """What a step of a rectification case adds to the scores, on the day on which it happened or fell due.

    What "fell due" counts a deadline that has run out or was met; the measures of call-backs are of real-name ratings, as the 100 % of
    国办发〔2019〕51号, 四(一) are.
    """

    OPENED = "OPENED"
    CONTACT_DUE = "CONTACT_DUE"
    CONTACTED_IN_TIME = "CONTACTED_IN_TIME"
    REPLIED = "REPLIED"
    REPLY_DUE = "REPLY_DUE"
    REPLIED_IN_TIME = "REPLIED_IN_TIME"
    TO_RECTIFY = "TO_RECTIFY"
    RECTIFIED = "RECTIFIED"
    RECTIFY_DUE = "RECTIFY_DUE"
    RECTIFIED_IN_TIME = "RECTIFIED_IN_TIME"
    RECTIFIED_WITHIN_EXTENSION = "RECTIFIED_WITHIN_EXTENSION"
    CALLBACK_DUE = "CALLBACK_DUE"
    CALLED_BACK = "CALLED_BACK"
    UNREACHED = "UNREACHED"
    REACHED_AFTER_RECTIFYING = "REACHED_AFTER_RECTIFYING"
    CONFIRMED_BY_RATER = "CONFIRMED_BY_RATER"
    SATISFIED_AT_CALLBACK = "SATISFIED_AT_CALLBACK"
    REOPENED = "REOPENED"
    OVERDUE = "OVERDUE"
    APPEAL_FILED = "APPEAL_FILED"
    APPEAL_DECIDED = "APPEAL_DECIDED"
    APPEAL_GRANTED = "APPEAL_GRANTED"


class ProjectStatus(Code):
    """办件状态; it only moves forward."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    FINISHED = "FINISHED"


class TimeUnit(Code):
    """Units of limits: HOUR and DAY are natural, WORKDAY is a statutory working day, WORKHOUR an hour in which offices are open on one."""

    HOUR = "HOUR"
    WORKHOUR = "WORKHOUR"
    DAY = "DAY"
    WORKDAY = "WORKDAY"
    MONTH = "MONTH"
    YEAR = "YEAR"


class IdentityMode(Code):
    """实名 or 匿名: whether the system knows who rated."""

    REAL_NAME = "REAL_NAME"
    ANONYMOUS = "ANONYMOUS"


class Role(Code):
    """What a registered party is."""

    CHANNEL = "CHANNEL"
    UNIT = "UNIT"
    SUPERVISOR = "SUPERVISOR"
    CONSUMER = "CONSUMER"


class CaseState(Code):
    """Where a rectification case stands (domain handbook, 17.1).

    What happened to it beside that (overdue, extended, transferred) is no state.
    """

    RECEIVED = "RECEIVED"
    ASSIGNED = "ASSIGNED"
    CONTACTED = "CONTACTED"
    VERIFIED = "VERIFIED"
    RECTIFYING = "RECTIFYING"
    EXPLAINING = "EXPLAINING"
    APPEALED = "APPEALED"
    UNDER_REVIEW = "UNDER_REVIEW"
    REPLIED = "REPLIED"
    CALLBACK = "CALLBACK"
    REOPENED = "REOPENED"
    SUPERVISED = "SUPERVISED"
    CLOSED = "CLOSED"
    CLOSED_UNCONFIRMED = "CLOSED_UNCONFIRMED"
    EXCLUDED = "EXCLUDED"


class Clock(Code):
    """The deadlines that run on a case (domain handbook, 17.2). Each starts from its fact and ends with one."""

    FIRST_CONTACT = "first_contact"
    VERIFY = "verify"
    RECTIFY = "rectify"
    REPLY = "reply"
    CALLBACK = "callback"
    RECTIFY_AGAIN = "rectify_again"
    APPEAL = "appeal"
    REVIEW = "review"
    SUPERVISE = "supervise"


class ActorRole(Code):
    """In which role a person acts on a case (domain handbook, 17.4)."""

    COORDINATOR = "COORDINATOR"
    RECTIFIER = "RECTIFIER"
    STAFF = "STAFF"
    CALLBACK_DESK = "CALLBACK_DESK"
    SUPERVISOR = "SUPERVISOR"
    REVIEWER = "REVIEWER"
    RATER = "RATER"


class CaseAction(Code):
    """What can be done with a case."""

    ASSIGN = "ASSIGN"
    CONTACT = "CONTACT"
    VERIFY = "VERIFY"
    SET_TRACK = "SET_TRACK"
    ACT = "ACT"
    REPLY = "REPLY"
    CALL_BACK = "CALL_BACK"
    ASK_EXTENSION = "ASK_EXTENSION"
    DECIDE_EXTENSION = "DECIDE_EXTENSION"
    PROPOSE_TRANSFER = "PROPOSE_TRANSFER"
    ANSWER_TRANSFER = "ANSWER_TRANSFER"
    REASSIGN = "REASSIGN"
    ADD_SUBTASK = "ADD_SUBTASK"
    CLOSE_SUBTASK = "CLOSE_SUBTASK"
    STATE = "STATE"
    LINK_PROBLEM = "LINK_PROBLEM"
    RECORD_CHANGE = "RECORD_CHANGE"
    FILE_APPEAL = "FILE_APPEAL"
    OBJECT = "OBJECT"
    DECIDE_APPEAL = "DECIDE_APPEAL"
    CONTEST = "CONTEST"
    DECIDE_REVIEW = "DECIDE_REVIEW"
    REPORT_PRESSURE = "REPORT_PRESSURE"
    DECIDE_SUPERVISION = "DECIDE_SUPERVISION"
    URGE = "URGE"
    REFER_VIOLATION = "REFER_VIOLATION"


class CaseFact(Code):
    """What can happen to a case; the facts of its history are named so."""

    Opened = "Opened"
    Assigned = "Assigned"
    ContactTried = "ContactTried"
    Contacted = "Contacted"
    Verified = "Verified"
    TrackSet = "TrackSet"
    ActionTaken = "ActionTaken"
    Replied = "Replied"
    CallbackTried = "CallbackTried"
    CalledBack = "CalledBack"
    Closed = "Closed"
    Reopened = "Reopened"
    Supervised = "Supervised"
    SupervisionDecided = "SupervisionDecided"
    Urged = "Urged"
    ExtensionAsked = "ExtensionAsked"
    ExtensionGranted = "ExtensionGranted"
    ExtensionRefused = "ExtensionRefused"
    TransferProposed = "TransferProposed"
    TransferRefused = "TransferRefused"
    Transferred = "Transferred"
    SubtaskAdded = "SubtaskAdded"
    SubtaskClosed = "SubtaskClosed"
    StatementAdded = "StatementAdded"
    ProblemLinked = "ProblemLinked"
    ChangeRecorded = "ChangeRecorded"
    AppealFiled = "AppealFiled"
    Objected = "Objected"
    AppealRefused = "AppealRefused"
    RatingExcluded = "RatingExcluded"
    Contested = "Contested"
    ReviewRefused = "ReviewRefused"
    ReviewGranted = "ReviewGranted"
    FollowUpReceived = "FollowUpReceived"
    PressureReported = "PressureReported"
    ViolationReferred = "ViolationReferred"
    BecameOverdue = "BecameOverdue"
    Escalated = "Escalated"
    InterviewCalled = "InterviewCalled"
    DueMoved = "DueMoved"


class ContactOutcome(Code):
    """What came of the first contact. An anonymous rater is not contacted."""

    REACHED = "REACHED"
    UNREACHED = "UNREACHED"
    ANONYMOUS = "ANONYMOUS"


class Finding(Code):
    """What the verification found (国办发〔2019〕51号, 四(一))."""

    SIMPLE = "SIMPLE"
    COMPLEX = "COMPLEX"
    NO_LEGAL_BASIS = "NO_LEGAL_BASIS"
    SUSPECTED_MISTAKE = "SUSPECTED_MISTAKE"
    SUSPECTED_MALICIOUS = "SUSPECTED_MALICIOUS"


class Track(Code):
    """How a case is put right: at once (立行立改), by a date (限期整改), or by an explanation."""

    SIMPLE = "SIMPLE"
    COMPLEX = "COMPLEX"
    EXPLAIN = "EXPLAIN"


class ActionKind(Code):
    """The kind of action taken: a case cannot be closed on a text alone."""

    CORRECTED = "CORRECTED"
    REDONE = "REDONE"
    APOLOGISED = "APOLOGISED"
    REFUNDED = "REFUNDED"
    TRAINED = "TRAINED"
    DISCIPLINED = "DISCIPLINED"
    RULE_CHANGED = "RULE_CHANGED"
    REPAIRED = "REPAIRED"
    OTHER = "OTHER"


class Cause(Code):
    """What brought about the bad rating."""

    GUIDE = "GUIDE"
    PROCESS = "PROCESS"
    STAFF = "STAFF"
    SYSTEM = "SYSTEM"
    FACILITY = "FACILITY"
    POLICY = "POLICY"
    OTHER = "OTHER"


class Verdict(Code):
    """What the rater says at the call-back. Whoever is not reached has said nothing, and is never counted as satisfied."""

    CONFIRMED = "CONFIRMED"
    DISSATISFIED = "DISSATISFIED"
    UNREACHED = "UNREACHED"


class Closure(Code):
    """How a case ended, said as it was: there is no bare "closed"."""

    RECTIFIED = "RECTIFIED"
    EXPLAINED = "EXPLAINED"
    EXCLUDED = "EXCLUDED"
    UNREACHED = "UNREACHED"


class ContestReason(Code):
    """Why a rater contests a result."""

    NOT_PUT_RIGHT = "NOT_PUT_RIGHT"
    NOT_TRUE = "NOT_TRUE"
    NO_MISTAKE = "NO_MISTAKE"
    PRESSURED = "PRESSURED"
    OTHER = "OTHER"


class Violation(Code):
    """What of a unit or its staff is referred to those who pursue it. There is nothing of the kind for raters."""

    PRESSURE = "PRESSURE"
    RETALIATION = "RETALIATION"
    LEAK = "LEAK"
    FALSE_RECORD = "FALSE_RECORD"
    REFUSAL = "REFUSAL"
    OTHER = "OTHER"


class EscalationLevel(Code):
    """Whom a step of the ladder addresses (催办, 超期预警, 督办)."""

    PERSON = "PERSON"
    UNIT_HEAD = "UNIT_HEAD"
    SUPERVISOR = "SUPERVISOR"
    LEVEL_ABOVE = "LEVEL_ABOVE"


class Severity(Code):
    """How much a result event asks of whoever reads it, from the least; a subscriber may want only what comes from some severity on."""

    INFO = "INFO"
    NOTICE = "NOTICE"
    WARNING = "WARNING"
    URGENT = "URGENT"

    @property
    def rank(self) -> int:
        """0 for the least."""
        return list(Severity).index(self)


class SubscriptionKind(Code):
    """How a subscriber is told."""

    WEBHOOK = "WEBHOOK"
    QUEUE = "QUEUE"
    EVENT_BUS = "EVENT_BUS"


class DeliveryState(Code):
    """Where the delivery of an event to a subscriber stands."""

    DELIVERED = "DELIVERED"
    WAITING = "WAITING"
    SET_ASIDE = "SET_ASIDE"


class MessageTemplate(Code):
    """What a person is told."""

    INVITATION = "INVITATION"
    REPLY = "REPLY"
    APPEAL = "APPEAL"
    RESULT = "RESULT"
    REMINDER = "REMINDER"
    ESCALATION = "ESCALATION"


class Language(Code):
    """In which language a person is told."""

    ZH_CN = "zh-CN"
    EN = "en"


class AddressKind(Code):
    """Whom the pseudonymous address of a message names."""

    RATER = "RATER"
    APPLICANT = "APPLICANT"
    ORGANISATION = "ORGANISATION"
    REGION = "REGION"


class ReportOutcome(Code):
    """What the level above said to a record, or why it was not sent."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    REFUSED = "REFUSED"
    INCOMPLETE = "INCOMPLETE"
    WAITING = "WAITING"


ALL: tuple[type[Code], ...] = (
    Level,
    RatingKind,
    Provenance,
    RatingChannel,
    ServiceChannel,
    HandlingType,
    ApplicantType,
    ProjectStatus,
    TimeUnit,
    IdentityMode,
    ObjectType,
    SurveyMethod,
    Flag,
    RevealPurpose,
    Delay,
    TagCheck,
    ExclusionReason,
    Aspect,
    Signal,
    CaseMeasure,
    Role,
    CaseState,
    Clock,
    ActorRole,
    CaseAction,
    CaseFact,
    ContactOutcome,
    Finding,
    Track,
    ActionKind,
    Cause,
    Verdict,
    Closure,
    ContestReason,
    Violation,
    EscalationLevel,
    Severity,
    SubscriptionKind,
    DeliveryState,
    MessageTemplate,
    Language,
    AddressKind,
    ReportOutcome,
)
