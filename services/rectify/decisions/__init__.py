"""`decide(case, order, policy, now) -> facts`: what follows from an order, or the rule that refuses it (design, 6.6). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from contract.codes import CaseAction
from contract.refusals import refuse
from rectify.authority import check
from rectify.decisions import appealing, calling_back, extending, handling, itself, placing
from rectify.decisions.doing import Doing
from rectify.facts import By
from rectify.orders import OpenCase, Ordered, PassStep, Recount, TakeFollowUp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from policy.rules import Policy
    from rectify.case import Case
    from rectify.facts import Fact
    from rectify.orders import Order

_BY_ACTION: dict[CaseAction, Callable[[Doing, Any], list[Fact]]] = {
    CaseAction.ASSIGN: handling.assign,
    CaseAction.CONTACT: handling.contact,
    CaseAction.VERIFY: handling.verify,
    CaseAction.SET_TRACK: handling.set_track,
    CaseAction.ACT: handling.act,
    CaseAction.REPLY: handling.reply,
    CaseAction.STATE: handling.state,
    CaseAction.URGE: handling.urge,
    CaseAction.LINK_PROBLEM: handling.link_problem,
    CaseAction.RECORD_CHANGE: handling.record_change,
    CaseAction.CALL_BACK: calling_back.call_back,
    CaseAction.DECIDE_SUPERVISION: calling_back.decide_supervision,
    CaseAction.ASK_EXTENSION: extending.ask_extension,
    CaseAction.DECIDE_EXTENSION: extending.decide_extension,
    CaseAction.PROPOSE_TRANSFER: placing.propose_transfer,
    CaseAction.ANSWER_TRANSFER: placing.answer_transfer,
    CaseAction.REASSIGN: placing.reassign,
    CaseAction.ADD_SUBTASK: placing.add_subtask,
    CaseAction.CLOSE_SUBTASK: placing.close_subtask,
    CaseAction.FILE_APPEAL: appealing.file_appeal,
    CaseAction.OBJECT: appealing.object_to_appeal,
    CaseAction.DECIDE_APPEAL: appealing.decide_appeal,
    CaseAction.CONTEST: appealing.contest,
    CaseAction.DECIDE_REVIEW: appealing.decide_review,
    CaseAction.REPORT_PRESSURE: appealing.report_pressure,
    CaseAction.REFER_VIOLATION: appealing.refer_violation,
}


class NoCase(Exception):
    """What must concern a case that is there concerns none (yet): the queue keeps it."""


def decide(case: Case | None, order: Order, policy: Policy, now: datetime) -> list[Fact]:
    """The facts that an order leads to; of what the system asks none if it has no effect (any more).

    Raises Refused with the rule that stands in the way of a party's command, and NoCase for a follow-up whose case is not there.
    """
    match order:
        case OpenCase():
            return [] if case else [itself.open_case(order, policy, now)]
        case TakeFollowUp():
            if case is None:
                raise NoCase(order.case_id)
            return itself.take_follow_up(Doing(case, policy, now), order)
        case PassStep():
            return itself.pass_step(Doing(case, policy, now), order) if case else []
        case Recount():
            return itself.recount(Doing(case, policy, now), order) if case else []
        case Ordered():
            return _ordered(case, order, policy, now)
        case _:
            assert_never(order)


def _ordered(case: Case | None, order: Ordered, policy: Policy, now: datetime) -> list[Fact]:
    if case is None:
        raise refuse("unknown_case", "case_id")
    command, acting = order.command, order.acting
    check(case, command, acting, policy)
    by = By(party=acting.party, person=acting.person, role=acting.role, organisation=acting.organisation)
    doing = Doing(case, policy, now, by, command, order.to)
    return _BY_ACTION[command.action](doing, command)
