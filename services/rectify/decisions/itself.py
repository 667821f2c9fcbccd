"""What the system asks of a case: opening, a follow-up, a clock that runs out, a calendar that is known better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codes import CaseState, Clock, EscalationLevel
from policy import calendar
from rectify.case import FINAL
from rectify.clocks import OF_THE_UNIT, begin, recounted
from rectify.decisions.calling_back import again_or_supervised
from rectify.facts import BecameOverdue, DueMoved, Escalated, FollowUpReceived, InterviewCalled, Opened, Reopened

if TYPE_CHECKING:
    from datetime import datetime

    from policy.rules import Policy, TimeLimit
    from rectify.case import Case
    from rectify.clocks import Deadline
    from rectify.decisions.doing import Doing
    from rectify.facts import Fact
    from rectify.orders import OpenCase, PassStep, Recount, TakeFollowUp


def open_case(order: OpenCase, policy: Policy, now: datetime) -> Opened:
    """The case of a bad rating. Until the facts are checked it counts as simple (立行立改), the stricter of the two tracks.

    Its clocks run from the receipt of the rating; of one that was parked, from its admission.
    """
    rating = order.rating
    limits: dict[Clock, TimeLimit | None] = {
        Clock.FIRST_CONTACT: policy.first_contact,
        Clock.VERIFY: policy.verify,
        Clock.RECTIFY: policy.rectify_simple if policy.rectify_from == "RECEIVED" else None,
        Clock.REPLY: policy.reply,
    }
    begun = {clock: begin(rating.clocks_from, limit, policy, rating.region_code) for clock, limit in limits.items()}
    return Opened(
        at=now,
        case_id=order.case_id,
        rating=rating,
        routing=order.routing,
        receipt_sha256=order.receipt_sha256,
        starts={clock: deadline for clock, deadline in begun.items() if deadline},
        policy_version=policy.version,
        calendar=calendar.version(),
    )


def take_follow_up(doing: Doing, order: TakeFollowUp) -> list[Fact]:
    """A bad rating of round 2 reopens what was replied to; while it is being put right again anyway it is kept beside."""
    received = FollowUpReceived(at=doing.now, rating=order.rating)
    if doing.case.replied and doing.case.state in {CaseState.REPLIED, CaseState.CALLBACK, *FINAL}:
        return [received, *again_or_supervised(doing)]
    if doing.case.answered and doing.case.state is CaseState.EXCLUDED:
        # The first rating stays excluded; this one is not. Nothing of this round is done, so that it is put right before anybody closes it.
        return [received, doing.bare(Reopened, times=doing.case.reopened + 1, starts=doing.again())]
    return [received]


def pass_step(doing: Doing, order: PassStep) -> list[Fact]:
    """A clock ran out, or a step of its ladder has come; nothing if the clock has stopped or moved, or if it was told."""
    deadline = doing.case.clocks.get(order.clock)
    if deadline is None or not deadline.is_running or deadline.due_at != order.due_at:
        return []
    if order.level is None:
        return _run_out(doing, order, deadline)
    if not any(step.level is order.level and step.at <= doing.now for step in deadline.steps):
        return []
    to = _addressee(doing.case, order.clock, order.level)
    return [Escalated(at=doing.now, clock=order.clock, due_at=deadline.due_at, level=order.level, to=to)]


def _run_out(doing: Doing, order: PassStep, deadline: Deadline) -> list[Fact]:
    if deadline.overdue or doing.now < deadline.due_at:
        return []
    late: Fact = BecameOverdue(at=doing.now, clock=order.clock, due_at=deadline.due_at)
    return [late, *_talk(doing, order)]


def _talk(doing: Doing, order: PassStep) -> list[Fact]:
    """约谈: once a month, when so many of the unit's cases were late in it."""
    needed, month = doing.policy.interview_after, order.late
    if needed is None or month is None or month.called or order.clock not in OF_THE_UNIT:
        return []
    cases = len(month.cases | {doing.case.case_id})
    return [InterviewCalled(at=doing.now, month=month.month, cases=cases)] if cases >= needed else []


def _addressee(case: Case, clock: Clock, level: EscalationLevel) -> str:
    """Who is told: an organisation or, where nobody has registered its managing body, a region.

    What the unit has to do climbs from the unit; what the call-back desk, a reviewer or the supervisor has to do, from the supervisor.
    """
    above = case.routing.above or (case.region,)
    unit = case.unit if clock in OF_THE_UNIT else None
    height = list(EscalationLevel).index(level) - (1 if unit else 0)
    if unit and height <= 0:
        return unit
    return above[min(max(height - 1, 0), len(above) - 1)]


def recount(doing: Doing, order: Recount) -> list[Fact]:
    """Open deadlines by the calendar as it is known now, each that moved with its old date. A case that has ended stays as judged."""
    case = doing.case
    again = {clock: recounted(held, doing.policy, case.region) for clock, held in case.clocks.items() if held.stopped_at is None}
    return [
        DueMoved(
            at=doing.now, clock=clock, before=case.clocks[clock].due_at, due_at=held.due_at, calendar=order.calendar, starts={clock: held}
        )
        for clock, held in again.items()
        if held is not case.clocks[clock]
    ]
