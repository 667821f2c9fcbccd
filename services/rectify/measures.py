"""What each fact of a case adds to the scores (`contract.codes.CaseMeasure`; domain handbook, section 11). Pure.

What "fell due" is counted once for each clock: when it ran out, or when it was met. Contacts and call-backs are counted of real-name
ratings. That a rating was answered, needs rectification or is rectified counts once, however many rounds its case takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import CaseMeasure, Clock, ContactOutcome, Track, Verdict
from contract.ledger import CaseStep
from contract.zone import day_of, last_day_before
from rectify.facts import (
    AppealFiled,
    AppealRefused,
    BecameOverdue,
    CalledBack,
    Contacted,
    Opened,
    RatingExcluded,
    Reopened,
    Replied,
    ReviewGranted,
    SupervisionDecided,
    TrackSet,
)

if TYPE_CHECKING:
    from datetime import datetime

    from rectify.case import Case
    from rectify.facts import Fact

M = CaseMeasure


def step_of(before: Case | None, fact: Fact) -> CaseStep:
    """What a fact of a case (as it was before) adds; a clock that ran out, on its last day."""
    if isinstance(fact, Opened):
        return CaseStep(rating=fact.rating, measures=(M.OPENED,), day=day_of(fact.at))
    if before is None:
        raise ValueError(f"{fact.fact} cannot be the first fact of a case")
    if isinstance(fact, BecameOverdue):
        measures = (M.OVERDUE, *_fell_due(before, fact.clock))
        return CaseStep(rating=before.rating, measures=measures, day=last_day_before(fact.due_at))
    return CaseStep(rating=before.rating, measures=tuple(_measures(before, fact)), day=day_of(fact.at))


def _measures(case: Case, fact: Fact) -> list[CaseMeasure]:
    match fact:
        case Contacted():
            in_time = fact.outcome is not ContactOutcome.ANONYMOUS and _in_time(case, Clock.FIRST_CONTACT, fact.at)
            return [*_fell_due(case, Clock.FIRST_CONTACT), *([M.CONTACTED_IN_TIME] if in_time else [])]
        case TrackSet():
            return _to_rectify(case) if fact.track is not Track.EXPLAIN else []
        case SupervisionDecided():
            return _to_rectify(case) if fact.rectify else []
        case ReviewGranted():
            return _to_rectify(case)
        case Replied():
            return _replied(case, fact.at)
        case CalledBack():
            # Where the policy sets no date for it, a call-back falls due as it is made.
            due = _fell_due(case, Clock.CALLBACK) if Clock.CALLBACK in case.clocks else [M.CALLBACK_DUE]
            return [*due, *_called_back(case, fact.verdict)]
        case Reopened():
            return [M.REOPENED]
        case AppealFiled():
            return [M.APPEAL_FILED]
        case AppealRefused():
            return [M.APPEAL_DECIDED]
        case RatingExcluded():
            return [M.APPEAL_DECIDED, M.APPEAL_GRANTED]
        case _:
            return []


def _to_rectify(case: Case) -> list[CaseMeasure]:
    # What was only to be explained may have to be put right in the end.
    return [M.TO_RECTIFY] if case.track in {None, Track.EXPLAIN} else []


def _replied(case: Case, at: datetime) -> list[CaseMeasure]:
    if case.answered:
        return []  # the answer of a further round is no second answer
    measures = [M.REPLIED, *_fell_due(case, Clock.RECTIFY), *_fell_due(case, Clock.REPLY)]
    if _in_time(case, _reply_clock(case), at):
        measures.append(M.REPLIED_IN_TIME)
    deadline = case.running.get(Clock.RECTIFY)
    if deadline and case.track is not Track.EXPLAIN:
        if at < deadline.kept_first and not deadline.counted:
            measures.append(M.RECTIFIED_IN_TIME)
        elif deadline.extensions and not deadline.is_late(at):
            measures.append(M.RECTIFIED_WITHIN_EXTENSION)
    return measures


def _called_back(case: Case, verdict: Verdict) -> list[CaseMeasure]:
    if verdict is Verdict.UNREACHED:
        return [M.UNREACHED]
    rectified = case.track is not Track.EXPLAIN
    reached = [M.CALLED_BACK, *([M.REACHED_AFTER_RECTIFYING] if rectified else [])]
    if verdict is Verdict.DISSATISFIED:
        return reached
    first = [M.RECTIFIED] if rectified and not case.rectified else []
    return [*reached, M.CONFIRMED_BY_RATER, *first, *([M.SATISFIED_AT_CALLBACK] if rectified else [])]


def _fell_due(case: Case, clock: Clock) -> list[CaseMeasure]:
    # One that has stopped was counted as it was met; what an exclusion stopped falls due no more.
    deadline = case.running.get(clock)
    if deadline is None or deadline.counted:
        return []
    match clock:
        case Clock.FIRST_CONTACT:
            return [M.CONTACT_DUE] if case.is_real_name else []
        case Clock.RECTIFY:
            # Where the policy sets no date for the answer, it falls due with what it answers for.
            rectify = [M.RECTIFY_DUE] if case.track is not Track.EXPLAIN else []
            return rectify + ([M.REPLY_DUE] if _reply_clock(case) is Clock.RECTIFY else [])
        case Clock.REPLY:
            return [M.REPLY_DUE]
        case Clock.CALLBACK:
            return [M.CALLBACK_DUE] if case.is_real_name else []
        case _:
            return []


def _reply_clock(case: Case) -> Clock:
    return Clock.REPLY if Clock.REPLY in case.clocks else Clock.RECTIFY


def _in_time(case: Case, clock: Clock, at: datetime) -> bool:
    deadline = case.running.get(clock)
    return deadline is not None and not deadline.counted and not deadline.is_late(at)
