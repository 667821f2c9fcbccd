"""申诉复核: by the rated side against the rating, by the rater against the result (domain handbook, 17.5).

Whoever decides has no part in the case. A granted appeal takes the rating out of the score and leaves it visible; it never touches the
rater: nothing here could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import CaseState, Clock, ContestReason
from contract.refusals import refuse
from policy.deadlines import ends_by
from rectify.case import FINAL
from rectify.clocks import PAUSABLE, going_on, paused
from rectify.facts import (
    AppealFiled,
    AppealRefused,
    Contested,
    Objected,
    PressureReported,
    RatingExcluded,
    ReviewGranted,
    ReviewRefused,
    ViolationReferred,
)

if TYPE_CHECKING:
    from contract.commands import Contest, DecideAppeal, DecideReview, FileAppeal, Object, ReferViolation, ReportPressure
    from rectify.clocks import Deadline
    from rectify.decisions.doing import Doing
    from rectify.facts import Fact

_FROM = frozenset({CaseState.VERIFIED, CaseState.RECTIFYING, CaseState.EXPLAINING})


def file_appeal(doing: Doing, order: FileAppeal) -> list[Fact]:
    """The rated side appeals, in time, with evidence. The clocks of the unit stand still only where the policy says so."""
    doing.needs_state(_FROM)
    case, terms = doing.case, doing.policy.appeal
    # After a review the rater has had the last word.
    if case.excluded or case.contested or case.appeals >= terms.max_rounds:
        raise refuse("appeal_used_up", "case_id", str(terms.max_rounds))
    if terms.window and case.verified_at:
        until = ends_by(doing.policy, case.verified_at, terms.window, case.region).at
        if doing.now >= until:
            raise refuse("appeal_too_late", "case_id", until.isoformat())
    still: dict[Clock, Deadline] = {}
    if terms.pauses_rectify:
        # What has run out stays so: an appeal makes nobody punctual.
        in_time = {clock: held for clock, held in case.running.items() if clock in PAUSABLE and not held.is_late(doing.now)}
        still = {clock: paused(held, doing.now) for clock, held in in_time.items()}
    return [doing.fact(AppealFiled, reason=order.reason, starts=still | doing.starts(Clock.APPEAL, terms.decide))]


def object_to_appeal(doing: Doing, _: Object) -> list[Fact]:
    """The rater objects."""
    doing.needs_state({CaseState.APPEALED})
    return [doing.fact(Objected)]


def decide_appeal(doing: Doing, order: DecideAppeal) -> list[Fact]:
    """Granted, the rating is excluded and the case ends; refused, it goes on from where it was."""
    doing.needs_state({CaseState.APPEALED})
    case = doing.case
    if order.granted:
        return [doing.fact(RatingExcluded, reason=case.appeal_reason, turn=case.turn + 1, stops=doing.stops_all())]
    on = {clock: going_on(held, doing.now, doing.policy, case.region) for clock, held in case.clocks.items() if held.paused_at}
    return [doing.fact(AppealRefused, starts=on, stops=doing.stops(Clock.APPEAL))]


def contest(doing: Doing, order: Contest) -> list[Fact]:
    """The rater contests an exclusion or a closing: once, in time."""
    doing.needs_state(FINAL)
    case = doing.case
    if case.contested:
        raise refuse("contest_used_up", "case_id")
    until = ends_by(doing.policy, case.closed_at or doing.now, doing.policy.contest_window, case.region).at
    if doing.now >= until:
        raise refuse("contest_too_late", "case_id", until.isoformat())
    starts = doing.starts(Clock.REVIEW, doing.policy.appeal.decide)
    if order.reason is ContestReason.PRESSURED:
        # It goes past the unit, every word of it: the unit hears that the result is contested, and no more.
        return [doing.bare(Contested, reason=ContestReason.OTHER, starts=starts), doing.fact(PressureReported)]
    return [doing.fact(Contested, reason=order.reason, starts=starts)]


def decide_review(doing: Doing, order: DecideReview) -> list[Fact]:
    """Overturned, it is put right again, and a rating that was excluded counts again; else the result stands, finally."""
    doing.needs_state({CaseState.UNDER_REVIEW})
    stops = doing.stops(Clock.REVIEW)
    if not order.overturned:
        return [doing.fact(ReviewRefused, stops=stops)]
    excluded = doing.case.excluded
    turned = {"turn": doing.case.turn + 1, "reason": excluded} if excluded else {}
    return [doing.fact(ReviewGranted, **turned, stops=stops, starts=doing.again())]


def report_pressure(doing: Doing, _: ReportPressure) -> list[Fact]:
    """It goes past the unit to its supervisor."""
    return [doing.fact(PressureReported)]


def refer_violation(doing: Doing, order: ReferViolation) -> list[Fact]:
    """A proven violation of the unit or its staff."""
    return [doing.fact(ViolationReferred, violation=order.violation, against=order.against)]
