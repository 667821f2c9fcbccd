"""A rectification case as its history makes it: `evolve(case, fact) -> case` (design, 6.6; domain handbook, 17.1). Pure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime

from contract.codes import (
    CaseState,
    Clock,
    Closure,
    ContactOutcome,
    EscalationLevel,
    ExclusionReason,
    Finding,
    IdentityMode,
    Track,
    Verdict,
)
from contract.ledger import RatingFacts
from contract.model import Model
from contract.zone import day_of
from rectify.clocks import Deadline, due_by
from rectify.facts import (
    CONFIDENTIAL,
    ActionTaken,
    AppealFiled,
    AppealRefused,
    Assigned,
    BecameOverdue,
    By,
    CallbackTried,
    CalledBack,
    Closed,
    Contacted,
    ContactTried,
    Contested,
    DueMoved,
    Escalated,
    ExtensionAsked,
    ExtensionGranted,
    ExtensionRefused,
    Opened,
    PressureReported,
    ProblemLinked,
    RatingExcluded,
    Reopened,
    Replied,
    ReviewGranted,
    ReviewRefused,
    SubtaskAdded,
    SubtaskClosed,
    Supervised,
    SupervisionDecided,
    TrackSet,
    TransferProposed,
    Transferred,
    TransferRefused,
    Verified,
)
from rectify.orders import Routing

if TYPE_CHECKING:
    from datetime import datetime

    from rectify.clocks import Due
    from rectify.facts import Fact

# In which the unit works on the case.
WORKING = frozenset(
    {
        CaseState.RECEIVED,
        CaseState.ASSIGNED,
        CaseState.CONTACTED,
        CaseState.VERIFIED,
        CaseState.RECTIFYING,
        CaseState.EXPLAINING,
        CaseState.REOPENED,
    }
)
FINAL = frozenset({CaseState.CLOSED, CaseState.CLOSED_UNCONFIRMED, CaseState.EXCLUDED})


class Subtask(Model):
    """The part of a co-handling unit; `is_done` once that unit has said so."""

    subtask: int
    organisation: str
    is_open: bool = True
    is_done: bool = False


class Asked(Model):
    """An extension that was asked for and is not decided."""

    by: By
    clock: Clock
    value: int


class Case(Model):
    """A case. `version` is the number of its facts, `told` how many of them are told to more than the supervisor.

    `routing` is where it belongs now, `units` every unit that it ever belonged to, the unit of the service first. `came_from` is the
    state to which it returns from an appeal or a review. `acted` and `replied` are of this round: a reopening begins another one;
    `answered` and `rectified` say whether the rater ever had an answer, and ever confirmed that it was put right.
    """

    case_id: str
    version: int
    told: int = 1
    state: CaseState
    rating: RatingFacts
    receipt_sha256: str | None = None
    routing: Routing
    units: tuple[str, ...] = ()
    person: str | None = None
    clocks: dict[Clock, Deadline]
    policy_version: str
    calendar: str
    opened_at: AwareDatetime
    contact_tries: tuple[date, ...] = ()
    contact: ContactOutcome | None = None
    finding: Finding | None = None
    verified_at: AwareDatetime | None = None
    track: Track | None = None
    planned_day: date | None = None
    acted: bool = False
    replied: bool = False
    answered: bool = False
    callback_tries: tuple[date, ...] = ()
    verdict: Verdict | None = None
    rectified: bool = False
    reopened: int = 0
    supervised: int = 0
    asked: Asked | None = None
    extensions: int = 0
    transfer: Routing | None = None
    transfers: int = 0
    subtasks: tuple[Subtask, ...] = ()
    problems: tuple[str, ...] = ()
    came_from: CaseState | None = None
    appeals: int = 0
    appeal_reason: ExclusionReason | None = None
    appeal_decided_by: By | None = None
    excluded: ExclusionReason | None = None
    turn: int = 0
    contested: bool = False
    closure: Closure | None = None
    confirmed: bool = False
    closed_at: AwareDatetime | None = None
    pressured: bool = False

    @property
    def unit(self) -> str | None:
        """The unit in charge; None if nobody knows one, and the managing body of the region takes its place."""
        return self.routing.unit

    @property
    def region(self) -> str:
        """The region of the service, 12 digits."""
        return self.rating.region_code

    @property
    def is_real_name(self) -> bool:
        """Whether the system knows who rated."""
        return self.rating.identity_mode is IdentityMode.REAL_NAME

    @property
    def is_final(self) -> bool:
        """Whether the case has ended; a rater may still contest it."""
        return self.state in FINAL

    @property
    def is_overdue(self) -> bool:
        """Whether a running clock has run out."""
        return any(deadline.overdue and deadline.is_running for deadline in self.clocks.values())

    @property
    def involved(self) -> frozenset[str]:
        """Every unit that has, or had, a part in it: none of them decides about it."""
        rated = [self.rating.organisation] if self.rating.organisation else []
        # Whoever is named for a part has none before doing it: a unit could name whoever is to decide about it.
        return frozenset((*self.units, *rated, *(subtask.organisation for subtask in self.subtasks if subtask.is_done)))

    @property
    def next_at(self) -> datetime | None:
        """When the sweep has to look at it next, None if nothing runs."""
        return min((one.at for deadline in self.clocks.values() for one in deadline.coming), default=None)

    @property
    def next_due(self) -> datetime | None:
        """The earliest deadline that runs, None if none does."""
        return min((deadline.due_at for deadline in self.clocks.values() if deadline.is_running), default=None)

    @property
    def running(self) -> dict[Clock, Deadline]:
        """The clocks that run."""
        return {clock: deadline for clock, deadline in self.clocks.items() if deadline.is_running}

    def due(self, now: datetime) -> list[Due]:
        """What of its clocks has come."""
        return due_by(self.clocks, now)


def evolve(case: Case | None, fact: Fact) -> Case:
    """The case after a fact. Raises ValueError if a fact other than Opened comes first."""
    if isinstance(fact, Opened):
        return _opened(fact)
    if case is None:
        raise ValueError(f"{fact.fact} cannot be the first fact of a case")
    clocks = {**case.clocks, **fact.starts}
    for clock in fact.stops:
        clocks[clock] = clocks[clock].model_copy(update={"stopped_at": fact.at, "paused_at": None, "steps": ()})
    return case.model_copy(
        update={"version": case.version + 1, "told": case.told + (not isinstance(fact, CONFIDENTIAL)), "clocks": clocks}
        | _changes(case.model_copy(update={"clocks": clocks}), fact)
    )


def _opened(fact: Opened) -> Case:
    return Case(
        case_id=fact.case_id,
        version=1,
        state=CaseState.RECEIVED,
        rating=fact.rating,
        receipt_sha256=fact.receipt_sha256,
        routing=fact.routing,
        units=(fact.routing.unit,) if fact.routing.unit else (),
        clocks=fact.starts,
        policy_version=fact.policy_version,
        calendar=fact.calendar,
        opened_at=fact.at,
    )


def _changes(case: Case, fact: Fact) -> dict[str, Any]:
    """What a fact changes beside the clocks that it starts and stops. What is said for the record alone changes nothing."""
    match fact:
        case Assigned():
            state = CaseState.ASSIGNED if case.state is CaseState.RECEIVED else case.state
            return {"state": state, "person": fact.person, "units": _units(case, fact.by)}
        case ContactTried():
            return {"contact_tries": (*case.contact_tries, day_of(fact.at))}
        case Contacted():
            return {"state": CaseState.CONTACTED, "contact": fact.outcome}
        case Verified():
            return {"state": CaseState.VERIFIED, "finding": fact.finding, "verified_at": fact.at}
        case TrackSet():
            state = CaseState.EXPLAINING if fact.track is Track.EXPLAIN else CaseState.RECTIFYING
            return {"state": state, "track": fact.track, "planned_day": fact.planned_day}
        case ActionTaken():
            return {"acted": True}
        case Replied():
            return {"state": CaseState.REPLIED, "replied": True, "answered": True, "asked": None, "transfer": None, "callback_tries": ()}
        case CallbackTried():
            return {"state": CaseState.CALLBACK, "callback_tries": (*case.callback_tries, day_of(fact.at))}
        case CalledBack():
            rectified = fact.verdict is Verdict.CONFIRMED and case.track is not Track.EXPLAIN
            return {"state": CaseState.CALLBACK, "verdict": fact.verdict, "rectified": case.rectified or rectified}
        case Closed():
            return {"state": fact.state, "closure": fact.closure, "confirmed": fact.confirmed, "closed_at": fact.at}
        case Reopened():
            return _again(CaseState.REOPENED) | {"reopened": fact.times}
        case Supervised():
            return {"state": CaseState.SUPERVISED, "closure": None, "confirmed": False, "closed_at": None}
        case SupervisionDecided():
            once_more = {"track": _to_rectify(case), "supervised": case.supervised + 1}
            return _again(CaseState.RECTIFYING) | once_more if fact.rectify else {}
        case ExtensionAsked():
            return {"asked": Asked(by=fact.by, clock=fact.clock, value=fact.value)} if fact.by else {}
        case ExtensionGranted():
            return {"asked": None, "extensions": case.extensions + 1}
        case ExtensionRefused():
            return {"asked": None}
        case TransferProposed():
            return {"transfer": fact.to}
        case TransferRefused():
            return {"transfer": None}
        case Transferred():
            return _transferred(case, fact.to)
        case SubtaskAdded():
            return {"subtasks": (*case.subtasks, Subtask(subtask=fact.subtask, organisation=fact.organisation))}
        case SubtaskClosed():
            closed = {"is_open": False, "is_done": fact.done}
            return {"subtasks": tuple(s.model_copy(update=closed) if s.subtask == fact.subtask else s for s in case.subtasks)}
        case ProblemLinked():
            return {"problems": (*case.problems, fact.problem)}
        case AppealFiled():
            began = {"came_from": case.state, "appeals": case.appeals + 1, "appeal_reason": fact.reason}
            return {"state": CaseState.APPEALED} | began
        case AppealRefused():
            return {"state": case.came_from, "came_from": None, "appeal_reason": None, "appeal_decided_by": fact.by}
        case RatingExcluded():
            ended = {
                "transfer": None,
                "closure": Closure.EXCLUDED,
                "closed_at": fact.at,
                "came_from": None,
                "appeal_reason": None,
                "asked": None,
            }
            return {"state": CaseState.EXCLUDED, "excluded": fact.reason, "turn": fact.turn, "appeal_decided_by": fact.by} | ended
        case Contested():
            return {"state": CaseState.UNDER_REVIEW, "came_from": case.state, "contested": True}
        case ReviewRefused():
            return {"state": case.came_from, "came_from": None}
        case ReviewGranted():
            return _again(CaseState.RECTIFYING) | {
                "came_from": None,
                "excluded": None,
                "turn": fact.turn or case.turn,
                "track": _to_rectify(case),
            }
        case PressureReported():
            return {"pressured": True}
        case DueMoved():
            return {"calendar": fact.calendar}
        case BecameOverdue():
            late = case.clocks[fact.clock].model_copy(update={"overdue": True, "counted": True})
            return {"clocks": case.clocks | {fact.clock: late}}
        case Escalated():
            return {"clocks": case.clocks | {fact.clock: _stepped(case.clocks[fact.clock], fact.level)}}
        case _:
            return {}


def _units(case: Case, by: By | None) -> tuple[str, ...]:
    """Where no unit is known, the body that puts somebody in charge takes its place: it decides nothing about the case either."""
    body = by.organisation if by and case.unit is None else None
    return case.units if body is None or body in case.units else (*case.units, body)


def _again(state: CaseState) -> dict[str, Any]:
    """What a further round begins with: whatever was done before, it did not do."""
    return {"state": state, "acted": False, "replied": False, "closure": None, "confirmed": False, "closed_at": None, "callback_tries": ()}


def _to_rectify(case: Case) -> Track:
    """An explanation that did not satisfy is no reason to explain once more."""
    return Track.COMPLEX if case.track is Track.COMPLEX else Track.SIMPLE


def _transferred(case: Case, to: Routing) -> dict[str, Any]:
    state = CaseState.RECEIVED if case.state is CaseState.ASSIGNED else case.state
    units = case.units if to.unit is None or to.unit in case.units else (*case.units, to.unit)
    return {"routing": to, "units": units, "person": None, "state": state, "transfer": None, "transfers": case.transfers + 1}


def _stepped(deadline: Deadline, level: EscalationLevel) -> Deadline:
    return deadline.model_copy(update={"steps": tuple(step for step in deadline.steps if step.level is not level)})
